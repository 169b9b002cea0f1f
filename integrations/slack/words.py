"""What Slack's forms and commands say. Messages about incidents are templates, not here."""

HELP = (
    "*/irrops declare* opens the form; */irrops declare ash-cloud* with that playbook chosen.\n"
    "*/irrops status* says what is running, what is late, what waits, and how the call-outs stand.\n"
    "*/irrops approve* shows what waits for your approval, word for word; */irrops approve ST-3* approves it at once.\n"
    "*/irrops page NAME why* calls somebody by name, on all their lanes; */irrops page NAME INC-3 why* for that "
    "incident.\n"
    "*/irrops help* shows this.\n"
    "The app's Home tab shows what waits for you and what runs, with the buttons. When you are asked to help, press a "
    "button or write to the app in plain words: “yes”, “in 2 hours”, “at 7”, “no”."
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

HOME_TITLE = "What waits for you, and what runs"
HOME_EMPTY = "Nothing is running. /irrops declare starts a response."

REQUIRED = "This must be filled in."


def declared(ref: str) -> str:
    """Say that it worked."""
    return f"{ref} is declared; the response has started. The Home tab shows how it goes."


def more_in_home(count: int) -> str:
    """Say that the Home tab has no room for all."""
    return f"… and {count} more; /irrops status shows all that runs, /irrops approve what waits for your approval."


def more_to_approve(count: int) -> str:
    """Say that more waits than one command may show."""
    return f"{count} more wait for you: decide these, then use /irrops approve again."
