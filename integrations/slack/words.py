"""What Slack's forms and commands say. Messages about incidents are templates, not here."""

from collections.abc import Iterable, Sequence

HELP = (
    "*/irrops declare* opens the form; */irrops declare ash-cloud* with that playbook chosen.\n"
    "*/irrops status* says what is running, what is late, what waits, and how the call-outs stand.\n"
    "*/irrops approve* shows what waits for your approval, word for word, to approve or to edit; */irrops approve "
    "ST-3* approves it at once.\n"
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

STATEMENT_TITLE = "Read and decide"
STATEMENT_SEND = "Send"
STATEMENT_LOADING = "The texts are coming …"
TOO_SLOW_TO_READ = "Slack gave us three seconds to open the form and they went by. Please press “Read and edit” again."
LANGUAGE = "Language"
DECISION = "What is to happen with all these texts, in every language?"
DECISIONS = {
    "approve": "Approve these words: they go out",
    "keep": "Keep these words and ask again",
    "reject": "Reject it: nothing is published",
}
REASON = "To reject it, say why"
ANYWAY = "Only if the check stops words that must stand: why"
TOO_MUCH_TYPED = (
    "*There is no room to keep what you typed in more languages.* Choose “Keep these words and ask again” and send; "
    "then open the form anew for the next language."
)
EDITED_MEANWHILE = (
    "*Somebody else has edited it since you opened this form.* Copy what you typed, close it, and press “Read and "
    "edit” again."
)
EMOJI_NAME = "Slack writes an emoji as a name here, and so it would be published: take {name} out, or use the console."
DECIDING_STILL = (
    "This takes longer than Slack waits. It goes on, and a message tells you how it ended; to send again does no harm."
)
MORE_ADVICE = "… and more; the console has all of it."


def declared(ref: str) -> str:
    """Say that it worked."""
    return f"{ref} is declared; the response has started. The Home tab shows how it goes."


def more_in_home(count: int) -> str:
    """Say that the Home tab has no room for all."""
    return f"… and {count} more; /irrops status shows all that runs, /irrops approve what waits for your approval."


def more_to_approve(count: int) -> str:
    """Say that more waits than one command may show."""
    return f"{count} more wait for you: decide these, then use /irrops approve again."


def text_label(language: str, channels: Sequence[str], posts: int) -> str:
    """Say in which language and where a text is shown: `English: status page, bluesky (spain)`."""
    thread = f", a thread of {posts} posts" if posts > 1 else ""
    return f"{language}: {', '.join(map(channel, channels))}{thread}"


def channel(name: str) -> str:
    """Say a channel, and whose account where it has several."""
    kind, _, account = name.replace("_", " ").partition("@")
    return f"{kind} ({account})" if account else kind


def lengths(sizes: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Say how much of each channel's limit is used: `x: 251 of 280 weighted, then 120 of 280 weighted`."""
    return "; ".join(f"{channel(name)}: {', then '.join(used)}" for name, used in sizes)


def advice(findings: Iterable[str]) -> list[str]:
    """What could be better, a line each."""
    return [f"Advice: {each}" for each in findings]


def stopped(findings: Iterable[str]) -> str:
    """What must not be published so."""
    return "\n".join(f"*The check stops this:* {each}" for each in findings)


def thread(parts: Sequence[str]) -> str:
    """Show a thread post by post."""
    return "\n\n".join(f"*Post {number} of {len(parts)}*\n{part}" for number, part in enumerate(parts, 1))


def too_long_here(where: str) -> str:
    """Say where a text can be edited that Slack has no room for."""
    return f"_Too long to edit in Slack; edit it here: {where}_"


def more_texts(count: int, where: str) -> str:
    """Say that the form has no room for all."""
    return f"_… and {count} more {'texts' if count > 1 else 'text'}, which Slack has no room for: {where}_"


def in_language(language: str, mistake: str) -> str:
    """Say a mistake in a text that the form doesn't show just now."""
    return f"{language}: {mistake}"
