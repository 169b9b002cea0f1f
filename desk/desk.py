"""The desk: every command that a person, an alert or a drill may give. Load, decide, write; the work is done later.

The doors (CLI, HTTP, chat, drill) call this and nothing else.
"""

import contextlib
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from desk import chat_commands, home, pressed, said, statement_form
from desk.answers import Answers
from desk.library import Library
from engine import commands
from engine.answering import answer as decide_answer
from engine.answering import comes
from engine.callout import Answer, CallOut, Invitation
from engine.change import Change
from engine.correlation import Proposal
from engine.effects import Effect, EffectState
from engine.incident import Incident, NotAllowed, Severity, Unknown, number_of
from engine.people import Person
from engine.playbook import Playbook
from engine.ports import Decision, HomeItem, Reply, StatementForm
from engine.snapshot import Snapshot
from engine.statements import Statement, approve, edit, reject
from engine.timeline import Entry
from engine.triage import Queue
from flows.crew import Crew
from state import snapshots, wakes
from state.conversations import StoredConversations
from state.rows import table
from state.store import WITHOUT, Stale

MOST = 2**31 - 1
"""No number of ours is larger; a database refuses larger ones in words of its own."""
TRIES = 20
"""Times a command is decided anew when another one came first."""


class Desk:
    """What may be commanded. All raise NotAllowed with one sentence."""

    def __init__(
        self,
        crew: Crew,
        library: Library,
        *,
        uid: Callable[[], str] = lambda: uuid.uuid4().hex[:12],
        woken: Callable[[], None] = lambda: None,
    ):
        self.crew, self.library, self.uid, self.woken = crew, library, uid, woken
        self.store, self.clock = crew.store, crew.clock
        self.conversations = StoredConversations(crew.store)
        self.word_lists = crew.word_lists
        self.answers = Answers(self)
        self._turn = threading.Lock()

    # ------------------------------------------------------------ incidents

    def declare(
        self,
        playbook: str,
        *,
        facts: Mapping[str, Any],
        by: str,
        severity: str | None = None,
        key: str | None = None,
        drill: bool = False,
    ) -> Incident:
        """Declare an incident. The same `key` again returns the same incident. Raises FactsError, PlaybookError."""
        book, text = self.library.get(playbook)
        now = self.clock.now()
        incident, follow = commands.declare(
            book,
            text,
            severity=severity_of(severity) if severity else None,
            facts=dict(facts),
            by=by,
            uid=self.uid(),
            now=now,
            drill=drill,
            key=key,
        )
        there = self.store.declare(incident, follow, now)
        if there.playbook != playbook:
            raise NotAllowed(f"The key {key!r} was used for {there.ref} ({there.playbook}) before; use a new one.")
        self.woken()
        return there

    def change_severity(self, ref: str, severity: str, by: str) -> Incident:
        wanted = severity_of(severity)
        return self._command(ref, lambda snapshot: commands.change_severity(snapshot, wanted, by))

    def change_facts(self, ref: str, facts: Mapping[str, Any], by: str) -> Incident:
        return self._command(ref, lambda snapshot: commands.change_facts(snapshot, dict(facts), by))

    def monitor(self, ref: str, by: str) -> Incident:
        return self._command(ref, lambda snapshot: commands.monitor(snapshot, by))

    def resolve(self, ref: str, by: str) -> Incident:
        return self._command(ref, lambda snapshot: commands.resolve(snapshot, by))

    def stand_down(self, ref: str, by: str, reason: str) -> Incident:
        return self._command(ref, lambda snapshot: commands.stand_down(snapshot, by, reason))

    def close_review(self, ref: str, by: str) -> Incident:
        return self._command(ref, lambda snapshot: commands.reviewed(snapshot, by))

    def snapshot(self, ref: str) -> Snapshot:
        """What can be known of an incident now."""
        return snapshots.look(self.store, number_of(ref), self.clock.now(), self.crew.house).snapshot

    def incidents(self, *, live: bool = False) -> list[Incident]:
        where = [table(Incident).c.status.in_(snapshots.LIVE)] if live else []
        return self.store.all(Incident, *where)

    def timeline(self, ref: str) -> list[Entry]:
        """Oldest first; entries of one instant in the order in which they were written."""
        return sorted(self.store.all(Entry, incident=number_of(ref)), key=lambda entry: entry.at)

    def person(self, key: str) -> Person | None:
        return self.store.first(Person, key=key, active=True)

    def everybody(self) -> list[Person]:
        """The active people."""
        return self.store.all(Person, active=True)

    def incident_queue(self, number: int) -> Queue | None:
        return self.store.first(Queue, incident=number)

    # ------------------------------------------------------------ statements

    def approve(self, statement: str, by: str, roles: tuple[str, ...], seen: str | None = None) -> Statement:
        """Approve a statement, given as ST-3 or by its key, as somebody with these roles who was shown `seen`."""
        return self._statement(
            statement, lambda snapshot, there: approve(snapshot, there, by, roles, self.clock.now(), seen)
        )

    def reject(self, statement: str, by: str, roles: tuple[str, ...], reason: str) -> Statement:
        """Reject a statement; nothing of it is published."""
        return self._statement(
            statement, lambda snapshot, there: reject(snapshot, there, by, roles, self.clock.now(), reason)
        )

    def edit(self, statement: str, words: Mapping[tuple[str, str], str], by: str, anyway: str = "") -> Statement:
        """Put other words into a draft: (channel, language) → the text. `anyway`: why they stand against the lint."""
        return self._statement(
            statement, lambda snapshot, there: edit(snapshot, there, words, by, self.clock.now(), anyway)
        )

    def statement(self, name: str) -> Statement:
        digits = name.upper().removeprefix("ST-")
        numbered = digits.isdecimal() and int(digits) <= MOST
        found = self.store.first(Statement, **({"id": int(digits)} if numbered else {"key": name}))
        if not found:
            raise Unknown(f"There is no statement {name}; `irrops incident show` lists those of an incident.")
        return found

    def _statement(self, name: str, decide: Callable[[Snapshot, Statement], Change]) -> Statement:
        def with_statement(snapshot: Snapshot) -> Change:
            return decide(snapshot, self.statement(name))

        there = self.statement(name)
        self._command(f"INC-{there.incident}", with_statement)
        return self.statement(name)

    # ------------------------------------------------------------ call-outs

    def answer(
        self,
        invitation: str,
        answer: Answer,
        person: Person,
        *,
        comes_at: datetime | None = None,
        quiet: timedelta | None = None,
        on: str = "",
    ) -> Reply:
        """A responder's answer, given on a lane (`engine.answering.answer`). Twice the same is one answer."""
        there = self.store.first(Invitation, key=invitation)
        if not there:
            raise NotAllowed("This question is not known here any more.")

        def decide(snapshot: Snapshot) -> tuple[Change, Reply]:
            return decide_answer(
                snapshot, invitation, answer, person, snapshot.now, comes_at=comes_at, quiet=quiet, on=on
            )

        return self.answers.take(there.incident, person.key, decide)

    def called_in(self, incident: int, person: str) -> bool:
        """Whether somebody works for an incident because they accepted a call-out whose hours are not over."""
        mine = [one for one in self.store.all(Invitation, incident=incident, person=person) if comes(one)]
        slots = [self.store.first(CallOut, key=one.callout) for one in mine]
        return any(slot.ends_at > self.clock.now() for slot in slots if slot)

    # ------------------------------------------------------------ effects that nobody can find out about

    def effects(self, ref: str) -> list[Effect]:
        return self.store.all(Effect, incident=number_of(ref), order="queued_at")

    def decide_effect(self, key: str, *, happened: bool, by: str) -> Effect:
        """Say of an effect whose outcome is unknown, or that failed, that it happened, or that it is to be sent."""
        there = self.store.first(Effect, key=key)
        if not there or there.incident is None:
            raise Unknown(f"There is no effect {key}; `irrops effect list INC-n` shows them.")
        if there.state not in (EffectState.UNKNOWN, EffectState.FAILED):
            raise NotAllowed(f"{key} is {there.state}; only an unknown or failed effect is decided by a person.")
        now = self.clock.now()
        update = {"state": EffectState.SENT, "sent_at": now} if happened else {"state": EffectState.QUEUED}
        anew = {"not_before": now, "queued_at": now, "attempts": 0, "uncertain": False, "doubtful": 0, "error": ""}
        more = {} if happened else anew
        after = there.model_copy(update={**update, **more})
        revived = [] if happened else self._revived(key, now)
        text = f"{key.split('/', 1)[1]} {'was seen to have happened' if happened else 'is to be sent again'}, said {by}"
        entry = Entry(incident=there.incident, at=now, kind="EffectDecided", text=text, actor=by, step=there.step)
        self.apply(Change(records=(after, *revived), entries=(entry,)), there.incident)
        return after

    def _revived(self, key: str, now: datetime) -> list[Effect]:
        """What was cancelled because this effect failed, queued again; of texts that replace each other the newest."""
        cancelled = self.store.all(Effect, needs=key, state=EffectState.CANCELLED, order="queued_at")
        newest = {one.replaces or one.key: one for one in cancelled if one.error.startswith(WITHOUT)}
        again = {"state": EffectState.QUEUED, "not_before": now, "queued_at": now, "error": ""}
        return [one.model_copy(update=again) for one in newest.values()]

    # ------------------------------------------------------------ alerts

    def dismiss(self, proposal: int, by: str) -> Proposal:
        """Say that a proposal is no incident."""
        there = self._proposal(proposal)
        if there.status == "dismissed":
            return there
        self._open(there)
        decided = {"status": "dismissed", "decided_at": self.clock.now(), "decided_by": by}
        self.store.apply(Change(records=(there.model_copy(update=decided),)))
        return self._proposal(proposal)

    def accept(self, proposal: int, by: str, facts: Mapping[str, Any] | None = None) -> Incident:
        """Declare what an alert proposed. Raises FactsError when facts are still missing."""
        there = self._proposal(proposal)
        if there.status == "accepted" and there.incident:
            return self.store.incident(there.incident)
        self._open(there)
        incident = self.declare(
            there.playbook,
            facts={**there.facts, **(facts or {})},
            by=by,
            severity=there.severity,
            key=f"proposal:{there.id}:{there.group}",
        )
        decided = {"status": "accepted", "decided_at": self.clock.now(), "decided_by": by, "incident": incident.number}
        with contextlib.suppress(Stale):  # another click accepted it; the key has made it the same incident
            self.store.apply(Change(records=(there.model_copy(update=decided),)))
        return incident

    def _proposal(self, number: int) -> Proposal:
        there = self.store.first(Proposal, id=number) if number <= MOST else None
        if not there:
            raise Unknown(f"There is no proposal {number}; `irrops alert proposals` shows them.")
        return there

    @staticmethod
    def _open(there: Proposal) -> None:
        if there.status != "open":
            raise NotAllowed(f"Proposal {there.id} was {there.status} by {there.decided_by}.")

    # ------------------------------------------------------------ chat (engine.ports.Door)

    def press(self, action: str, value: str, chat_user: str) -> Reply:
        """A button was pressed in chat."""
        return pressed.press(self, action, value, chat_user)

    def said(self, chat_user: str, text: str, written_at: datetime | None = None) -> Reply:
        """Somebody wrote in their own words."""
        return said.said(self, chat_user, text, written_at)

    def person_in_chat(self, chat_user: str) -> Person:
        """Raises NotAllowed for somebody who is not in the people file."""
        person = self.store.first(Person, chat=chat_user, active=True)
        if not person:
            raise NotAllowed("You are not in the people file of irrops; ask your duty manager to add you.")
        return person

    def playbooks(self) -> list[Playbook]:
        return self.library.all()[0]

    def declare_from_chat(
        self, playbook: str, severity: str, facts: Mapping[str, str], chat_user: str, key: str
    ) -> str:
        person = self.person_in_chat(chat_user)
        if "duty_manager" not in person.roles:
            raise NotAllowed("Only a duty manager declares an incident; call the one on duty.")
        return self.declare(playbook, facts=facts, by=person.key, severity=severity or None, key=key).ref

    def status_for_chat(self) -> str:
        """What is live, late and waiting, in a few lines."""
        return chat_commands.status(self)

    def home(self, chat_user: str) -> list[HomeItem]:
        """What waits for this person, and what runs."""
        return home.items(self, self.person_in_chat(chat_user))

    def approvals(self, chat_user: str) -> list[HomeItem]:
        return chat_commands.approvals(self, self.person_in_chat(chat_user))

    def approve_in_chat(self, statement: str, chat_user: str) -> str:
        return chat_commands.approve(self, statement, self.person_in_chat(chat_user))

    def statement_form(self, statement: str, language: str, chat_user: str) -> StatementForm:
        return statement_form.form(self, statement, language, self.person_in_chat(chat_user))

    def decide_in_chat(self, decision: Decision, chat_user: str) -> Reply:
        return statement_form.decide(self, decision, self.person_in_chat(chat_user))

    def page_in_chat(self, text: str, chat_user: str) -> Reply:
        return chat_commands.page(self, self.person_in_chat(chat_user), text)

    # ------------------------------------------------------------ the one way in

    def _command(self, ref: str, decide: Callable[[Snapshot], Change]) -> Incident:
        """Load, decide, write; decide anew when another command came first.

        Threads of one process take turns, so that forty answers at once are forty decisions, not hundreds; what keeps
        the records right is their versions.
        """
        number = number_of(ref)
        for _ in range(TRIES):
            try:
                with self._turn:
                    self.apply(decide(self.snapshot(ref)), number)
                return self.store.incident(number)
            except Stale:
                continue
        raise NotAllowed(f"{ref} changes too fast just now; try again.")

    def apply(self, change: Change, number: int) -> None:
        """Write a change of an incident and have it looked at. Raises Stale."""
        if change == Change():
            return
        self.store.apply(change, wake=(number, self.clock.now()))
        self.woken()

    def wake(self, number: int = wakes.DESK, at: datetime | None = None) -> None:
        """Ask for a look at an incident, or the desk."""
        wakes.ask(self.store, number, at or self.clock.now())
        self.woken()


def severity_of(text: str) -> Severity:
    """Read a severity. Raises NotAllowed."""
    try:
        return Severity(text.strip().upper())
    except ValueError:
        raise NotAllowed(f"{text!r} is no severity; use SEV1 (worst), SEV2, SEV3 or SEV4.") from None
