"""The people of a drill who are written to: they read what was sent to them and press its buttons.

They know nothing else: what the sandbox has recorded is what reaches them. How they decide is drawn in `desk.world`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from desk.drill_agents import Agents
from desk.drill_schedule import Schedule
from desk.world import Press, World
from engine.answering import standing
from engine.buttons import ANSWER, APPROVE, DEBRIEF, HANDOVER
from engine.effects import Button, Direct, Revise
from engine.incident import NotAllowed
from engine.people import Person
from integrations.sandbox import Recorded, messages

if TYPE_CHECKING:
    from desk.desk import Desk

GRAIN = timedelta(seconds=30)
"""Buttons are pressed on full half minutes, so that answers close together are one advance, as they would be."""


class Mailboxes:
    """Everybody's chat messages, as they stand on their screens."""

    def __init__(
        self, desk: "Desk", ref: str, world: World, schedule: Schedule, agents: Agents, people: Iterable[Person],
        folder: Path,
    ):  # fmt: skip
        self.desk, self.ref, self.world, self.schedule, self.agents = desk, ref, world, schedule, agents
        self.folder, self.chat = folder, desk.crew.house.chat
        self.by_key = {person.key: person for person in people}
        self.buttons: dict[str, tuple[Button, ...]] = {}
        """Receipt of a message → the buttons that it has now."""
        self.owner: dict[str, Direct] = {}
        self.said_too_late = 0
        """Buttons pressed when the desk would not have it any more."""
        self._read_to = 0

    def read(self) -> None:
        """Let people see what was sent since; they decide when they will press what."""
        recorded, self._read_to = messages(self.folder, self.chat, self._read_to)
        for one in sorted(recorded, key=lambda one: one.key):
            if isinstance(one.message, Direct):
                self._written_to(one, one.message)
            elif isinstance(one.message, Revise) and one.base and one.base.id in self.owner:
                self._changed(one.base.id, one.message)

    def _written_to(self, one: Recorded, message: Direct) -> None:
        person = self.by_key.get(message.person)
        if person is None:
            return
        if one.key.endswith(("/released", "/eased")):
            self.agents.forget(person.key)
        id, now = one.receipt.id, self.desk.clock.now()
        self.buttons[id], self.owner[id] = message.buttons, message
        invitation = _value(message.buttons, ANSWER).rpartition("|")[0]
        if invitation:
            rate = self.desk.crew.house.answer_rate.get(self.chat, 0.25)
            self._will(id, person, self.world.volunteer(person, invitation, now, rate))
        elif _value(message.buttons, APPROVE):
            self._will(id, person, self.world.approver(person, one.key, now))
        elif _value(message.buttons, HANDOVER):
            self._will(id, person, self.world.hands_over(one.key))
        elif _value(message.buttons, DEBRIEF):
            self._will(id, person, self.world.debriefs(one.key))

    def _changed(self, id: str, message: Revise) -> None:
        """A message looks different now: somebody has a place, or no longer; or there is nothing left to press."""
        person = self.by_key[self.owner[id].person]
        was_asked_to_come = bool(_value(self.owner[id].buttons, ANSWER))
        self.buttons[id] = message.buttons
        invitation = _value(message.buttons, ANSWER).rpartition("|")[0]
        if invitation and not _has(message.buttons, ANSWER, "yes"):
            self._comes(id, person, invitation)
        elif was_asked_to_come:
            self.agents.forget(person.key)

    def _comes(self, id: str, person: Person, invitation: str) -> None:
        """Look up the hours that the message gives in words, and be there, unless it is the waiting list."""
        snapshot = self.desk.snapshot(self.ref)
        there = next((one for one in snapshot.invitations if one.key == invitation), None)
        callout = next((one for one in snapshot.callouts if there and one.key == there.callout), None)
        if not there or not callout or standing(there) != "accepted":
            return
        now = self.desk.clock.now()
        at = self.world.arrives(invitation, now, callout.starts_at)
        if at < callout.ends_at:
            self.agents.expect(person, at, callout.ends_at, volunteer=True)
        self._will(id, person, self.world.backs_out(invitation, callout.starts_at - now))

    def _will(self, id: str, person: Person, press: Press | None) -> None:
        if press is None:
            return
        at = rounded_up(self.desk.clock.now() + press.after, self.world.begins_at)
        self.schedule.at(at, f"press/{person.key}/{id}/{press.choice}", lambda: self._press(id, press))

    def _press(self, id: str, press: Press) -> None:
        """Press the button, if it is still there."""
        message = self.owner[id]
        for button in self.buttons[id]:
            alone = button.action in (APPROVE, HANDOVER) and press.choice == button.action
            if alone or (button.action in (ANSWER, DEBRIEF) and button.value.endswith(f"|{press.choice}")):
                try:
                    self.desk.press(button.action, button.value, message.address)
                except NotAllowed:
                    self.said_too_late += 1
                return


def _value(buttons: Iterable[Button], action: str) -> str:
    return next((button.value for button in buttons if button.action == action), "")


def _has(buttons: Iterable[Button], action: str, choice: str) -> bool:
    return any(button.action == action and button.value.endswith(f"|{choice}") for button in buttons)


def rounded_up(instant: datetime, begins_at: datetime) -> datetime:
    """The next full GRAIN, counted from the beginning."""
    return begins_at + -(-(instant - begins_at) // GRAIN) * GRAIN
