"""Speaking to the public beside the playbook: draft, correct, withdraw, look, and how it stands everywhere now."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from engine import by_hand, public, watch
from engine.change import Change
from engine.effects import Effect
from engine.incident import number_of
from engine.snapshot import Snapshot
from engine.statements import Statement

if TYPE_CHECKING:
    from desk.desk import Desk


def draft(
    desk: "Desk", ref: str, message: str, by: str, channels: Collection[str] = (), languages: Collection[str] = ()
) -> Statement:
    """Draft a message for an incident; those who approve are asked. Raises NotAllowed."""
    made: list[Statement] = []

    def decide(snapshot: Snapshot) -> Change:
        change, statement = by_hand.draft(snapshot, message, by, channels=channels, languages=languages)
        made[:] = [statement]
        return change

    desk._command(ref, decide)
    return desk.statement(made[0].key)


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
    made: list[Statement] = []

    def decide(snapshot: Snapshot) -> Change:
        change, statement = by_hand.correct(snapshot, words, by, roles, what_changed, anyway)
        made[:] = [statement]
        return change

    desk._command(ref, decide)
    return desk.statement(made[0].key)


def withdraw(desk: "Desk", name: str, by: str, roles: Collection[str], reason: str) -> Statement:
    """Take a statement away from the public; on the record it stays. Raises NotAllowed."""

    def decide(snapshot: Snapshot) -> Change:
        there = desk.statement(name)
        return by_hand.withdraw(snapshot, there, posted(desk, there), by, roles, reason)

    desk._command(f"INC-{desk.statement(name).incident}", decide)
    return desk.statement(name)


def posted(desk: "Desk", statement: Statement) -> list[Effect]:
    """All effects of a statement: its posts, in the order in which they were queued."""
    return desk.store.all(Effect, incident=statement.incident, step=statement.step, order="queued_at")


def look(desk: "Desk", ref: str) -> None:
    """Look at once at all that stands; what is found shows in `live` when the channels have answered."""
    desk._command(ref, watch.look_now)


def live(desk: "Desk", ref: str) -> tuple[public.Seen, ...]:
    """What the public sees now, on each channel in each language."""
    return public.public(desk.snapshot(ref))


def statements(desk: "Desk", ref: str) -> list[Statement]:
    """All statements of an incident, oldest first."""
    number = number_of(ref)
    desk.store.incident(number)
    return desk.store.all(Statement, incident=number, order="drafted_at")
