"""The agents of a drill: who is at the desk, and how they work through the queue as real ones do. No chance of its own.

How long they take is drawn in `desk.world`; which conversation is next, is the queue's own decision.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from desk.drill_schedule import Schedule
from desk.world import World
from engine.choice import STANDING_TEAM
from engine.people import Person, spans_between
from engine.triage import SILENT_AFTER, Conversation, Incoming, answer, claim, receive, solve

if TYPE_CHECKING:
    from desk.desk import Desk

RENEW = SILENT_AFTER * 2 / 3
"""An agent who works at a case for long says so before it goes back to the queue."""


@dataclass
class Agent:
    """Somebody at the desk."""

    person: Person
    rights: tuple[str, ...]
    until: datetime
    volunteer: bool
    held: set[int] = field(default_factory=set)
    """Ids of the conversations they work at."""


class Agents:
    """The people at the desk and the passengers before it."""

    def __init__(self, desk: "Desk", number: int, world: World, schedule: Schedule, people: Iterable[Person]):
        self.desk, self.number, self.world, self.schedule = desk, number, world, schedule
        self.house = desk.crew.house
        self.there: dict[str, Agent] = {}
        self.came: Counter[datetime] = Counter()
        """Minute → messages written in it."""
        self.answered: Counter[datetime] = Counter()
        """Minute → customers who had their answer in it."""
        self.turned_away = 0
        """Messages that came when the queue was not open any more."""
        self._team = [person for person in people if person.team == STANDING_TEAM]
        self._waiting: list[Incoming] = []

    # ------------------------------------------------------------ who is there

    def follow_shifts(self, begin: datetime, end: datetime) -> None:
        """Let the team come and go with its shifts."""
        for person in self._team:
            for start, over in spans_between(person, begin, end):
                self.expect(person, max(start, begin), over, volunteer=False)

    def expect(self, person: Person, at: datetime, until: datetime, *, volunteer: bool) -> None:
        """Somebody will sit down at `at`."""
        kind = "called" if volunteer else "shift"
        name = f"arrive/{kind}/{person.key}/{until.isoformat()}"
        self.schedule.at(at, name, lambda: self._arrive(person, until, volunteer))

    def forget(self, person: str) -> None:
        """Somebody who was called is not coming, or is sent home: they finish what they hold."""
        self.schedule.drop(f"arrive/called/{person}/")
        agent = self.there.get(person)
        if agent and agent.volunteer:
            agent.until = self.desk.clock.now()
            self._leave(agent)

    def _arrive(self, person: Person, until: datetime, volunteer: bool) -> None:
        # Whoever is new answers private messages, as the briefing tells them; the public feed needs the right.
        rights = person.answers or (("private",) if volunteer else ())
        agent = self.there.setdefault(person.key, Agent(person, rights, until, volunteer))
        agent.until = max(agent.until, until)
        self.schedule.at(until, f"leave/{person.key}/{until.isoformat()}", lambda: self._leave(agent))
        self._take(agent)

    def _over(self, agent: Agent) -> bool:
        return agent.until <= self.desk.clock.now()

    def _leave(self, agent: Agent) -> None:
        """Go home, when the time has come and nothing is in hand."""
        if self._over(agent) and not agent.held and self.there.get(agent.person.key) is agent:
            del self.there[agent.person.key]

    @property
    def working(self) -> int:
        return len(self.there)

    @property
    def volunteers(self) -> int:
        return sum(agent.volunteer for agent in self.there.values())

    # ------------------------------------------------------------ the queue

    def bring(self, messages: list[Incoming]) -> None:
        """Passengers write. What they write waits until the queue is open."""
        self.came.update(_minute(one.received_at or self.desk.clock.now()) for one in messages)
        self._waiting += messages
        queue = self.desk.incident_queue(self.number)
        if queue is None:
            return
        if queue.closed_at:
            self.turned_away += len(self._waiting)
        elif self._waiting:
            now = self.desk.clock.now()
            self.desk.conversations.add([receive(queue, one, now, self.desk.word_lists) for one in self._waiting])
        self._waiting = []
        self._wake_the_idle()

    def _wake_the_idle(self) -> None:
        nothing: set[tuple[frozenset[str], frozenset[str]]] = set()
        for agent in [self.there[key] for key in sorted(self.there)]:
            kind = (frozenset(agent.person.languages), frozenset(agent.rights))
            busy = len(agent.held) >= self.house.concurrency or self._over(agent)
            if not busy and kind not in nothing and not self._take(agent):
                nothing.add(kind)

    def _take(self, agent: Agent) -> bool:
        """Fill the agent's hands. False when nothing was there for them."""
        while len(agent.held) < self.house.concurrency:
            if not agent.rights or self._over(agent):
                self._leave(agent)
                return False
            now, person = self.desk.clock.now(), agent.person
            several = self.house.concurrency > 1
            found = self.desk.conversations.next_for(
                self.number, person.languages, agent.rights, person.key, now, another=several
            )
            if found is None or found.id is None:
                return False
            agent.held.add(found.id)
            ends_at = now + self.world.handling(found.key, person.key, self.house.handling_s)
            self._go_on(agent, found, ends_at)
        return True

    def _go_on(self, agent: Agent, held: Conversation, ends_at: datetime) -> None:
        """Work at a conversation until the end, renewing the claim on the way."""
        renew_at = self.desk.clock.now() + RENEW
        if ends_at <= renew_at:
            self.schedule.at(ends_at, f"answer/{held.key}", lambda: self._answer(agent, held))
            return

        def renew() -> None:
            claimed = claim(held, agent.person.key, self.desk.clock.now())
            self._go_on(agent, self.desk.conversations.put(claimed), ends_at)

        self.schedule.at(renew_at, f"renew/{held.key}", renew)

    def _answer(self, agent: Agent, held: Conversation) -> None:
        key, now = agent.person.key, self.desk.clock.now()
        wait = self.world.solved_after(held.key)
        if wait > timedelta():
            answered = self.desk.conversations.put(answer(held, key, now))
            self.schedule.at(now + wait, f"solve/{held.key}", lambda: self._solve(answered, key))
        else:
            self.desk.conversations.put(solve(held, key, now))
        self.answered[_minute(now)] += 1
        agent.held.discard(held.id or 0)
        self._take(agent)

    def _solve(self, answered: Conversation, agent: str) -> None:
        self.desk.conversations.put(solve(answered, agent, self.desk.clock.now()))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
