"""The regulator pack: gathers everything that was said for an incident, to be read years later.

What the document holds is in `engine.pack_document`; files, signature and verification are the desk's. Nothing here
names a customer, an address, or anybody of the staff but those who wrote, decided or withdrew a statement.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.effects import Amend, Effect, EffectState, Post, Withdraw
from engine.incident import Incident
from engine.pack_document import (
    About,
    Before,
    Decision,
    Document,
    Edited,
    Line,
    Moment,
    Part,
    Publication,
    Removal,
    Said,
    Stated,
    TakenBack,
    Who,
    digest,
)
from engine.people import Person
from engine.statements import Statement, StatementStatus, Wordings
from engine.timeline import Entry
from engine.timing import part_of, posted

_ABOUT = re.compile(r"(Statement|Appro|Post[A-Z]|UpdateOverdue|PromiseReminded|PromiseEscalated)")
"""How the kinds of timeline entries about statements begin: StatementEdited, ApprovalEscalated, PostGone …

`PromiseAtRisk` is about answers to customers."""
_PUBLIC = ("post", "amend", "withdraw")
_PRIVATE = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+\.\w+|\b[UW]0[A-Z0-9]{6,}\b|\+\d[\d ()-]{6,}\d")
"""E-mail addresses, Slack's ids of people, phone numbers: errors of channels may quote them."""


def build(
    incident: Incident,
    statements: Sequence[Statement],
    effects: Sequence[Effect],
    entries: Sequence[Entry],
    people: Iterable[Person],
    *,
    now: datetime,
    zone: str,
    organisation: str,
) -> tuple[Document, tuple[Line, ...]]:
    """Gather what was said, and the timeline about it, oldest first. `zone` is the IANA name of the local time."""
    writer = _Writer(statements, effects, entries, people, ZoneInfo(zone))
    about = About(
        ref=incident.ref,
        uid=incident.uid,
        title=incident.title,
        playbook=incident.playbook,
        severity=incident.severity,
        status=incident.status,
        live=incident.status.live,
        drill=incident.drill,
        declared=writer.moment(incident.declared_at),
        organisation=organisation,
        time_zone=zone,
    )
    stated = tuple(writer.stated(one) for one in writer.statements)
    return Document(as_of=writer.moment(now), incident=about, statements=stated), writer.lines()


class _Writer:
    """Writes the records of one incident for readers outside."""

    def __init__(
        self,
        statements: Sequence[Statement],
        effects: Sequence[Effect],
        entries: Sequence[Entry],
        people: Iterable[Person],
        zone: ZoneInfo,
    ):
        self.statements = sorted(statements, key=lambda one: (one.drafted_at, one.id or 0))
        self._refs = {one.key: one.ref for one in self.statements}
        self._steps = {one.step: one for one in self.statements if one.step}
        self._effects: dict[str, list[Effect]] = {}  # by statement: a long incident has thousands
        for one in effects:
            if one.message.kind in _PUBLIC:
                self._effects.setdefault(self._owner(one.key), []).append(one)
        keys = [one.key for mine in self._effects.values() for one in mine]
        self._names = {key.partition("/")[2]: key for key in keys}
        self._keys = frozenset(keys)
        self._entries = sorted(entries, key=lambda one: one.at)
        self._people = {one.key: one for one in people}
        self._sandboxed = {str(one.facts.get("effect", "")) for one in self._entries if _in_sandbox(one)}
        self._zone = zone
        self._bystanders = self._others()

    def _others(self) -> re.Pattern[str]:
        """The names of those who neither wrote nor decided anything: they were asked, reminded, or not reached."""
        parties = {key for one in self.statements for key in (one.drafted_by, one.approved_by, one.withdrawn_by)}
        parties |= {entry.actor for entry in self._entries if self._tells(entry)}
        named = {one.name for key, one in self._people.items() if key in parties}
        others = sorted({one.name for one in self._people.values()} - named - {""})
        return re.compile(rf"\b({'|'.join(map(re.escape, others))})\b") if others else re.compile(r"(?!)")

    def _plain(self, text: str) -> str:
        """Leave out what people can be reached by, and who had no part in it."""
        return _PRIVATE.sub("(left out)", self._bystanders.sub("a colleague", text))

    def moment(self, at: datetime) -> Moment:
        return Moment(utc=at, local=at.astimezone(self._zone))

    def _maybe(self, at: datetime | None) -> Moment | None:
        return self.moment(at) if at else None

    def _acted(self, statement: Statement, kind: str, key: str, asked: Sequence[str] = ()) -> Who:
        """A person in the role in which they did it, as the timeline has it."""
        role = next((str(entry.facts.get("role", "")) for entry in self._of(statement, kind)), "")
        who = self._who(key, asked)
        return who.model_copy(update={"role": role}) if role else who

    def _who(self, key: str, asked: Sequence[str] = ()) -> Who:
        """A person with the roles in which they were asked, else all that they hold."""
        person = self._people.get(key)
        name, _, _ = key.partition("@")
        if person is None:
            return Who(key=name, name=name)
        roles = [role for role in asked if role in person.roles] or person.roles
        return Who(key=name, name=person.name, role=", ".join(roles))

    def stated(self, one: Statement) -> Stated:
        withdrawn = one.withdrawn_at and TakenBack(
            at=self.moment(one.withdrawn_at),
            by=self._acted(one, "StatementWithdrawn", one.withdrawn_by),
            because=self._plain(one.withdrawn_because),
        )
        return Stated(
            ref=one.ref,
            key=one.key,
            message=one.message,
            status=one.status,
            drafted=self.moment(one.drafted_at),
            drafted_by=self._who(self._first_author(one)),
            edits=tuple(
                Edited(
                    at=self.moment(entry.at),
                    by=self._who(entry.actor),
                    what=self._plain(entry.text),
                    before=tuple(Before.model_validate(old) for old in entry.facts.get("before", ())),
                )
                for entry in self._of(one, "StatementEdited")
            ),
            asked=one.asked,
            asked_at=self._maybe(one.asked_at),
            four_eyes=one.four_eyes,
            decision=self._decision(one),
            live=self._maybe(one.live_at),
            next_update=self._maybe(one.next_update_at),
            corrects=self._refs.get(one.corrects, one.corrects),
            corrected_by=tuple(later.ref for later in self.statements if later.corrects == one.key),
            withdrawn=withdrawn or None,
            texts=tuple(self._said(one, text) for text in one.texts),
        )

    def _first_author(self, one: Statement) -> str:
        """Who drafted it: whoever edits a draft takes the drafter's place in the statement."""
        return next((entry.actor for entry in self._of(one, "StatementDrafted")), one.drafted_by)

    def _of(self, statement: Statement, kind: str) -> list[Entry]:
        return [one for one in self._entries if one.kind == kind and self._about(one) == statement.ref]

    def _about(self, entry: Entry) -> str:
        """Reference of the statement that an entry is about; empty where it is about none, or many."""
        by_step = self._steps.get(entry.step)
        return self._refs.get(self._owner(self._effect(entry))) or (by_step.ref if by_step else "")

    def _owner(self, key: str) -> str:
        """Key of the statement that an effect belongs to: what its own key begins with; empty for others."""
        parts = key.split("/")
        heads = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
        return next((head for head in heads if head in self._refs), "")

    def _effect(self, entry: Entry) -> str:
        """Key of the effect that an entry is about. What a person decided of one names it first."""
        if entry.kind == "EffectDecided":
            return self._names.get(entry.text.partition(" ")[0], "")
        return str(entry.facts.get("effect", ""))

    def _decision(self, one: Statement) -> Decision:
        if one.status is StatementStatus.REJECTED:
            entry = next(iter(self._of(one, "StatementRejected")), None)
            by = self._acted(one, entry.kind, entry.actor, one.asked) if entry else None
            at = self.moment(entry.at) if entry else None
            return Decision(how="rejected", at=at, by=by, because=self._plain(one.rejected_because))
        if not one.approved_at:
            return Decision(how="none")
        at = self.moment(one.approved_at)
        if one.approved_by == "preapproved":
            return Decision(how="preapproved", at=at)
        if one.approved_by == "playbook":
            return Decision(how="playbook", at=at)
        return Decision(how="person", at=at, by=self._acted(one, "StatementApproved", one.approved_by, one.asked))

    def _said(self, one: Statement, text: Wordings) -> Said:
        mine = posted(one, text, self._effects.get(one.key, ()))
        publications = tuple(self._publication(effect) for effect in mine if not isinstance(effect.message, Withdraw))
        return Said(
            channel=text.channel,
            language=text.language,
            parts=tuple(Part(text=words, sha256=digest(words)) for words in text.parts),
            publications=publications,
            removals=tuple(
                Removal(
                    reason=self._plain(effect.message.reason),
                    state=effect.state,
                    at=self._maybe(effect.sent_at),
                    error=self._plain(effect.error),
                )
                for effect in mine
                if isinstance(effect.message, Withdraw)
            ),
            not_delivered=_not_delivered(one, text, publications),
        )

    def _publication(self, effect: Effect) -> Publication:
        message = effect.message
        post = message.post if isinstance(message, Amend) else message
        assert isinstance(post, Post)
        return Publication(
            part=part_of(effect),
            how="amend" if isinstance(message, Amend) else "post",
            title=post.title,
            text=post.text,
            sha256=digest(post.text),
            state=effect.state,
            sandbox=effect.key in self._sandboxed,
            sent=self._maybe(effect.sent_at),
            attempts=effect.attempts,
            url=effect.receipt.url if effect.receipt else "",
            receipt=effect.receipt.id if effect.receipt else "",
            error=self._plain(effect.error),
        )

    def lines(self) -> tuple[Line, ...]:
        mine = [one for one in self._entries if self._tells(one)]
        return tuple(
            Line(
                at=self.moment(one.at),
                kind=one.kind,
                text=self._plain(one.text),
                actor=self._who(one.actor).name,
                statement=self._about(one),
            )
            for one in mine
        )

    def _tells(self, entry: Entry) -> bool:
        """Whether an entry is about statements. Messages to single people, such as requests to approve, are not."""
        if entry.kind.startswith("Effect"):
            return self._effect(entry) in self._keys
        return bool(_ABOUT.match(entry.kind))


def _in_sandbox(entry: Entry) -> bool:
    """Whether an effect was recorded instead of sent, by what `engine.delivery.entries` wrote at that time."""
    return entry.kind == "EffectSent" and entry.text.partition(": ")[0].endswith(" (sandbox)")


def _not_delivered(statement: Statement, text: Wordings, publications: Sequence[Publication]) -> str:
    missing = [one for one in publications if one.state is not EffectState.SENT]
    if missing:
        why = missing[0].error
        return f"{missing[0].state}: {why}" if why else str(missing[0].state)
    if any(one.sandbox for one in publications):
        return "sent in the sandbox: nothing left the house"
    if len(publications) < len(text.parts):
        return f"never sent: the statement is {statement.status}"
    return ""
