"""The form by which a draft is read, edited and decided in chat: what is in it, and what comes of it.

How it is laid out is the integration's, what may be decided `engine.statements`'.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from desk.previewing import Preview
from desk.speaking import plain
from desk.statement_view import previews
from engine.approval import DRAFTER, read_button, words
from engine.change import Change
from engine.fitting import alike
from engine.incident import NotAllowed
from engine.people import Person
from engine.ports import Decision, FormMistakes, FormText, Reply, StatementForm
from engine.snapshot import Snapshot
from engine.statements import Statement, StatementStatus, approve_edited, edit, name_of, reject
from engine.wording import MARKS

if TYPE_CHECKING:
    from desk.desk import Desk

Place = tuple[str, str]
"""Channel and language."""


# ---------------------------------------------------------------- what is in it


def form(desk: "Desk", name: str, language: str, person: Person) -> StatementForm:
    """Lay out a draft's texts in one language. Raises NotAllowed for whom it is not, and when it is decided.

    Nobody without the role is shown anything: the words are not out yet.
    """
    there = desk.statement(read_button(name)[0])
    snapshot = desk.snapshot(f"INC-{there.incident}")
    _may_decide(snapshot, there, person)
    languages = sorted({text.language for text in there.texts}, key=lambda one: (one != "en", one))
    language = language if language in languages else languages[0]
    incident = snapshot.incident
    drill = "[DRILL] " if incident.drill else ""
    what = f"{there.message.replace('_', ' ')}, {incident.ref} {incident.severity} {incident.title}"
    by = "" if there.drafted_by == DRAFTER else f", in the words of {name_of(snapshot, there.drafted_by)}"
    shown = [one for one in previews(snapshot, there) if one.language == language]
    return StatementForm(
        statement=there.ref,
        heading=f"{drill}*{there.ref}* {what}{by}",
        language=language,
        languages=tuple(languages),
        texts=tuple(_text(same) for same in alike(shown)),
        seen=words(there),
        elsewhere=_elsewhere(snapshot, there),
    )


def _may_decide(snapshot: Snapshot, there: Statement, person: Person) -> None:
    """Raise what a decision of this person would; nothing is kept of it."""
    reject(snapshot, there, person.key, person.roles, snapshot.now)


def _text(same: list[Preview]) -> FormText:
    findings = list(dict.fromkeys((one.level, one.text) for each in same for one in each.findings))
    return FormText(
        name=f"{same[0].channel}|{same[0].language}",
        language=same[0].language,
        channels=tuple(one.channel for one in same),
        parts=same[0].parts,
        lengths=tuple((one.channel, one.lengths) for one in same),
        stops=tuple(text for level, text in findings if level == "stop"),
        advice=tuple(text for level, text in findings if level != "stop"),
    )


def _elsewhere(snapshot: Snapshot, there: Statement) -> str:
    base = snapshot.house.public_url.rstrip("/")
    return f"{base}/console/statements/{there.ref}" if base else f"irrops statement edit {there.ref}"


# ---------------------------------------------------------------- what comes of it


def decide(desk: "Desk", given: Decision, person: Person) -> Reply:
    """Put in the words that were changed and approve or keep them, or reject the draft: all of it or nothing.

    The same form sent again changes nothing. Raises FormMistakes.
    """
    if given.do not in (Decision.APPROVE, Decision.KEEP, Decision.REJECT):
        raise FormMistakes({"do": "Choose what is to happen with these words."})
    try:
        there = desk._statement(given.statement, lambda snapshot, one: _decided(snapshot, one, given, person))
    except NotAllowed as refusal:
        there = desk.statement(given.statement)
        if not _was_done(there, given, person):
            raise refusal if isinstance(refusal, FormMistakes) else FormMistakes({"do": str(refusal)}) from None
    return _told(there, given, person)


def _was_done(there: Statement, given: Decision, person: Person) -> bool:
    """Tell whether this person's same form was taken before."""
    if given.do == Decision.REJECT:
        return there.status is StatementStatus.REJECTED and there.rejected_because == given.reason
    old = _texts(there)
    if any(_plain(text) != old.get(_place(name)) for name, text in given.texts.items()):
        return False
    if given.do == Decision.APPROVE:
        return there.approved_at is not None and there.approved_by == person.key
    return there.drafted_by == person.key and given.seen != words(there)


def _decided(snapshot: Snapshot, there: Statement, given: Decision, person: Person) -> Change:
    """Decide on the words that were seen. Raises NotAllowed, FormMistakes."""
    now = snapshot.now
    _may_decide(snapshot, there, person)
    if given.seen != words(there):
        raise NotAllowed(
            f"{there.ref} was edited by {name_of(snapshot, there.drafted_by)} after you opened this form. "
            "Copy what you typed, close it, and press “Read and edit” again."
        )
    if given.do == Decision.REJECT:
        if not given.reason:
            raise FormMistakes({"reason": "Say why you reject it; it stays on the record."})
        return reject(snapshot, there, person.key, person.roles, now, given.reason)
    change = _edited(snapshot, there, given, person)
    if given.do == Decision.APPROVE:
        return approve_edited(snapshot, there, change, person.key, person.roles, now)
    if change == Change():
        raise NotAllowed("You have changed nothing; change a text, or approve or reject it as it stands.")
    return change


def _edited(snapshot: Snapshot, there: Statement, given: Decision, person: Person) -> Change:
    """Put in what was changed. Raises FormMistakes, with all that is wrong and where."""
    old, alike = _texts(there), _places(there)
    new: dict[Place, str] = {}
    mistakes = {}
    for name, text in given.texts.items():
        if _plain(text) == old.get(_place(name)):
            continue
        mine = dict.fromkeys(alike.get(_place(name), [_place(name)]), text)
        try:
            edit(snapshot, there, mine, person.key, snapshot.now, given.anyway)
        except NotAllowed as refusal:
            mistakes[name] = str(refusal)
        new |= mine
    if mistakes:
        raise FormMistakes(mistakes)
    return edit(snapshot, there, new, person.key, snapshot.now, given.anyway) if new else Change()


def _texts(there: Statement) -> dict[Place, str]:
    return {(text.channel, text.language): _plain(text.whole) for text in there.texts}


def _places(there: Statement) -> Mapping[Place, list[Place]]:
    """The first place that shows a text → all that do."""
    places = [[(one.channel, one.language) for one in same] for same in alike(there.texts)]
    return {same[0]: same for same in places}


def _place(name: str) -> Place:
    channel, _, language = name.rpartition("|")
    return channel, language


def _plain(text: str) -> str:
    """A text without what a form makes of its line ends, and without the mark of a drill, which stands by itself."""
    text = plain(text)
    mark = next((mark.strip() for mark in MARKS.values() if text.startswith(mark.strip())), "")
    return text.removeprefix(mark).strip()


def _told(there: Statement, given: Decision, person: Person) -> Reply:
    if given.do == Decision.REJECT:
        return Reply(text=f"{there.ref} is rejected.", revise=f"{there.ref} was rejected by {person.name}.")
    if given.do == Decision.APPROVE:
        how = "approved, with other words," if given.seen != words(there) else "approved"
        said = f"{there.ref} is approved. It goes out now."
        return Reply(text=said, revise=f"{there.ref} was {how} by {person.name}.")
    return Reply(
        text=f"Your words are kept in {there.ref}; those who approve are asked anew.",
        revise=f"{there.ref} was edited by {person.name}; the request with the new words follows.",
    )
