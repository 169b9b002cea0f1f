"""Speaking to the public beside the playbook: draft, correct, withdraw, look, and how it stands everywhere now."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from engine import by_hand, public, watch
from engine.approval import words
from engine.change import Change
from engine.effects import Amend, Effect, EffectState, Post, Withdraw
from engine.incident import NotAllowed, number_of
from engine.snapshot import Snapshot
from engine.statements import Statement, approve_edited, edit
from state.rows import table

if TYPE_CHECKING:
    from desk.desk import Desk


def draft(
    desk: "Desk", ref: str, message: str, by: str, channels: Collection[str] = (), languages: Collection[str] = ()
) -> Statement:
    """Draft a message for an incident; those who approve are asked. Raises NotAllowed."""
    return _started(
        desk, ref, lambda snapshot: by_hand.draft(snapshot, message, by, channels=channels, languages=languages)
    )


def correct(
    desk: "Desk",
    ref: str,
    words: Mapping[str, str],
    by: str,
    roles: Collection[str],
    what_changed: str = "",
    anyway: str = "",
) -> Statement:
    """Put other words everywhere in place of what the public sees now: language → text. Raises NotAllowed."""
    return _started(desk, ref, lambda snapshot: by_hand.correct(snapshot, words, by, roles, what_changed, anyway))


def _started(desk: "Desk", ref: str, begin: Callable[[Snapshot], tuple[Change, Statement]]) -> Statement:
    """Have a statement by hand begun, and read it as it was written."""
    made: list[Statement] = []

    def decide(snapshot: Snapshot) -> Change:
        change, statement = begin(snapshot)
        made[:] = [statement]
        return change

    desk._command(ref, decide)
    return desk.statement(made[0].key)


def decide(
    desk: "Desk",
    name: str,
    texts: Mapping[tuple[str, str], str],
    seen: str,
    by: str,
    roles: tuple[str, ...],
    *,
    publish: bool,
    anyway: str = "",
) -> Statement:
    """Take a form that shows a draft's texts: the words that were changed there are put in, and approved if wished.

    `seen`: which words the form was made from (`engine.approval.words`). Raises NotAllowed where somebody else has
    changed them since, and what edit and approve raise; then nothing is changed.
    """

    def taken(snapshot: Snapshot, there: Statement) -> Change:
        if words(there) != seen:
            raise NotAllowed(f"{there.ref} was edited after you were shown it; read the new text and decide then.")
        old = {(text.channel, text.language): text.whole for text in there.texts}
        changed = {place: text for place, text in texts.items() if plain(text) != plain(old.get(place, ""))}
        edited = edit(snapshot, there, changed, by, snapshot.now, anyway) if changed else Change()
        if not publish:
            return edited
        return approve_edited(snapshot, there, edited, by, roles, snapshot.now)

    return desk._statement(name, taken)


def plain(text: str) -> str:
    """A text without what a browser's form makes of its line ends."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))


def withdraw(desk: "Desk", name: str, by: str, roles: Collection[str], reason: str) -> Statement:
    """Take a statement away from the public; on the record it stays. Raises NotAllowed."""

    def decide(snapshot: Snapshot) -> Change:
        there = desk.statement(name)
        effects = posted(desk, there)
        return by_hand.withdraw(snapshot, there, effects, by, roles, reason, amended(desk, effects))

    desk._command(f"INC-{desk.statement(name).incident}", decide)
    return desk.statement(name)


def posted(desk: "Desk", statement: Statement) -> list[Effect]:
    """What posted a statement, and what took it away again, in the order in which that was queued."""
    mine = table(Effect).c.key.startswith(f"{statement.key}/", autoescape=True)
    found = desk.store.all(Effect, mine, incident=statement.incident, order="queued_at")
    return [one for one in found if isinstance(one.message, Post | Amend | Withdraw)]


def amended(desk: "Desk", posts: Collection[Effect]) -> frozenset[str]:
    """Keys of those posts in whose place a correction has put its words, or is about to."""
    built = desk.store.all(Effect, table(Effect).c.needs.in_([one.key for one in posts]))
    never = (EffectState.FAILED, EffectState.CANCELLED)
    return frozenset(
        one.needs for one in built if isinstance(one.message, Amend) and one.needs and one.state not in never
    )


def look(desk: "Desk", ref: str) -> None:
    """Look at once at all that stands; what is found shows in `live` when the channels have answered."""
    desk._command(ref, watch.look_now)


def live(desk: "Desk", ref: str) -> tuple[public.Seen, ...]:
    """What the public sees now, on each channel in each language."""
    return public.public(desk.snapshot(ref))


def sandboxed(desk: "Desk") -> frozenset[str]:
    """The channels on which nothing leaves the house."""
    return frozenset(name for name, channel in desk.crew.channels.items() if channel.sandbox)


def statements(desk: "Desk", ref: str) -> list[Statement]:
    """All statements of an incident, oldest first."""
    number = number_of(ref)
    desk.store.incident(number)
    return desk.store.all(Statement, incident=number, order="drafted_at")
