"""What Slack's forms and commands say. Messages about incidents are templates, not here."""

HELP = (
    "*/irrops declare* opens the form; */irrops declare ash-cloud* with that playbook chosen.\n"
    "*/irrops status* says what is running, what is late and what waits for you.\n"
    "The app's Home tab shows the same, with the buttons."
)
NO_PLAYBOOKS = "There are no playbooks yet; add one to the folder playbooks/."
TOO_SLOW = "Slack gave us three seconds to open the form and they went by. Please try again."
FAILED = "That did not work, and it is our fault. Nothing may have changed; look at /irrops status, then try again."
FORM_CHANGING = "The form was still changing to this playbook. Please look at it again, then send it."

FORM_TITLE = "Declare an incident"
FORM_SEND = "Declare"
FORM_CANCEL = "Cancel"
FORM_CLOSE = "Close"
PLAYBOOK = "Playbook"
SEVERITY = "Severity"
SEVERITY_HINT = "In doubt take the worse."
STATIONS_EXAMPLE = "AMS, RTM"
YES, NO = "Yes", "No"
DECLARING = "Declaring … In a moment the Home tab shows it."

HOME_TITLE = "What runs, and what waits for you"
HOME_EMPTY = "Nothing is running. /irrops declare starts a response."

REQUIRED = "This must be filled in."


def declared(ref: str) -> str:
    """Say that it worked."""
    return f"{ref} is declared; the response has started. The Home tab shows how it goes."
