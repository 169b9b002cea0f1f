"""How the call-out of one slot goes on: from lane to lane and wave to wave, until it is full or nobody is left to ask.

Whom: `engine.choice`. How many at once: `engine.waves`. What an answer does: `engine.answering`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.answering import accepted_in, confirm_waiting
from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, Invitation, ask, ask_on, asked_by, revise, told
from engine.change import Change
from engine.choice import Choice, Reason, Rules, choose, room_left, sift
from engine.delivery import in_trouble
from engine.effects import EffectState
from engine.folding import fold
from engine.lanes import lanes_of
from engine.need import in_words
from engine.pace import ANSWERED_WITHIN
from engine.paging import escalate
from engine.people import Person
from engine.qualification import held, holds, spoken
from engine.rates import belief_for
from engine.snapshot import Snapshot
from engine.steps import Done, Outcome, Wait
from engine.timeline import Entry
from engine.waves import Forecast, forecast, learn, size

LOOK = timedelta(minutes=1)
"""How often it is looked whether a question arrived, while another lane could be tried."""
NAMED = 20
"""So many people are named in one entry of the timeline."""


@dataclass(frozen=True)
class Terms:
    """What the step asks of the call-out beyond its record."""

    rules: Rules
    respond_within: timedelta
    waves: int


@dataclass(frozen=True)
class Preview:
    """What the next wave would be."""

    count: int
    """How many it takes."""
    choice: Choice
    forecast: Forecast
    """Of who comes, were they asked now."""
    share: float
    """Of people who say yes, as far as is known."""


@dataclass(frozen=True)
class _Silent:
    """Somebody asked who has not answered."""

    person: Person
    waited: timedelta


class Course:
    """One run of an open call-out; gathers what is to be written."""

    def __init__(self, snapshot: Snapshot, callout: CallOut, terms: Terms):
        self.terms, self.snapshot, self.before, self.callout = terms, snapshot, callout, callout
        self.change = Change()
        self._effects = {effect.key: effect for effect in snapshot.effects}
        self._known = {person.key: person for person in snapshot.people}
        mine = [i for i in snapshot.invitations if i.callout == callout.key and not i.released_at]
        self.mine = mine
        self.open = [i for i in mine if i.answer is Answer.NONE]
        self._silence()
        lane, house = snapshot.house.lanes[0], snapshot.house
        hour = Person(key="", name="", department="", time_zone=house.time_zone).local(snapshot.now).hour
        before = belief_for(lane, hour, house.answer_rate, snapshot.answer_history)
        took = [i.answered_at - i.asked_at for i in mine if i.answer is Answer.YES and i.answered_at]
        no = sum(1 for i in mine if i.answer in (Answer.NO, Answer.LATER))
        self.belief = learn(before, len(took), no, (one.waited for one in self.silent), took)

    def outcome(self) -> Outcome:
        """Close it when full, wait while answers may come, ask the next wave, or say that it falls short."""
        now, opens_at = self.snapshot.now, self.callout.opens_at
        waits = opens_at is not None and now < opens_at
        if not waits:  # who is asked for an earlier slot now may be free by then
            self._keep_places_that_can_be_filled()
        self._confirm()
        callout = self.callout
        if callout.accepted >= callout.quota:
            return self._full()
        if now >= callout.ends_at:
            return self._short("the hours are over")
        if waits:
            return self._wait(opens_at)
        look_at = self._next_lanes()
        if self.silent and callout.respond_by and callout.respond_by > now:
            return self._wait(min(callout.respond_by, look_at or callout.respond_by))
        if callout.waves and not any(i.answered_at for i in self.mine):
            self._escalate("nobody has answered")
        if callout.waves - callout.waves_before >= self.terms.waves:
            return self._short(f"all {callout.waves} waves have been asked")
        return self._wave()

    # ------------------------------------------------------------ lanes

    def _silence(self) -> None:
        """Who is silent, and whom there is nothing to wait for: no lane brought the question to them."""
        self.silent = [
            _Silent(self._known[i.person], self.snapshot.now - i.asked_at)
            for i in self.open
            if i.person in self._known and not (self._refused(i) and not self._lanes_left(i))
        ]

    def _refused(self, invitation: Invitation) -> bool:
        """Whether no lane that was tried has brought the question there."""
        tried = (self._effects.get(asked_by(invitation, lane)) for lane in invitation.lanes or ("",))
        return all(one is not None and one.state in (EffectState.FAILED, EffectState.CANCELLED) for one in tried)

    def _lanes_left(self, invitation: Invitation) -> tuple[str, ...]:
        person = self._known.get(invitation.person)
        if person is None or self.snapshot.pages.get(person.key, 0) >= self.snapshot.house.pages:
            return ()
        return tuple(lane for lane in lanes_of(person, self.snapshot.house) if lane not in invitation.lanes)

    def _next_lanes(self) -> datetime | None:
        """Ask the silent on their next lane where the last has failed or had its time; returns when to look again."""
        now, look_at = self.snapshot.now, []
        for invitation in self.open:
            left = self._lanes_left(invitation)
            if not left:
                continue
            last = self._effects.get(asked_by(invitation, invitation.lanes[-1]))
            due_at = (last.queued_at if last else invitation.asked_at) + self.snapshot.house.lane_after
            stuck = last and (
                last.state in (EffectState.FAILED, EffectState.CANCELLED) or in_trouble(last, self._effects.get)
            )
            if stuck or due_at <= now:
                self._ask_on(invitation, left[0], "refused" if stuck else "silent")
                look_at += [now + LOOK] if left[1:] else []
            else:
                look_at.append(due_at if last and last.state.settled else min(due_at, now + LOOK))
        return min(look_at, default=None)

    def _ask_on(self, invitation: Invitation, lane: str, why: str) -> None:
        person = self._known[invitation.person]
        asked = invitation.model_copy(update={"lanes": (*invitation.lanes, lane)})
        effect = ask_on(self.snapshot, self.callout, asked, person, lane)
        self.change += Change(records=(asked,), effects=(effect,))
        before = invitation.lanes[-1]
        facts = {"lane": lane, "before": before, "why": why}
        text = f"{person.key} is asked by {lane} too: {before} " + ("did not reach them" if why == "refused" else why)
        self._note("ResponderAskedAgain", text, f"lane/{person.key}/{lane}", **facts)

    # ------------------------------------------------------------ the next wave

    def preview(self) -> Preview:
        """Say what the next wave would be, writing nothing."""
        self._keep_places_that_can_be_filled()
        seats, count = self._sizes()
        choice = choose(self.snapshot, self.callout, self.terms.rules, count, seats)
        return Preview(count, choice, self._forecast(len(choice.chosen)), self.belief.mean)

    def _wave(self) -> Outcome:
        now = self.snapshot.now
        seats, count = self._sizes()
        again = {"respond_by": now + self.terms.respond_within}
        if not count:
            self.callout = self.callout.model_copy(update=again)
            return self._wait(self.callout.respond_by)
        choice = self._choose(count, seats)
        if not choice.chosen:
            self._unreachable(choice)
            return self._short(f"everybody who may be called has been asked ({_left_out(choice)})")
        self.callout = callout = self.callout.model_copy(update={**again, "waves": self.callout.waves + 1})
        invitations, effects = ask(self.snapshot, callout, choice.chosen, callout.waves)
        called = tuple(person.model_copy(update={"last_called_at": now}) for person in choice.chosen)
        self.change += Change(records=(*invitations, *called), effects=effects)
        self._announce(choice)
        further = any(len(lanes_of(person, self.snapshot.house)) > 1 for person in choice.chosen)
        return self._wait(min(callout.respond_by or now, now + LOOK) if further else callout.respond_by)

    def _choose(self, count: int, seats: dict[str, int]) -> Choice:
        """Choose; when the departments whose turn it is have nobody left, the turn goes to the next."""
        while True:
            choice = choose(self.snapshot, self.callout, self.terms.rules, count, seats)
            waiting = any(reason is Reason.TURN for reason in choice.left_out.values())
            if choice.chosen or not waiting:
                return choice
            self._escalate("nobody of the department is left to ask", least=2)

    def _sizes(self) -> tuple[dict[str, int], int]:
        """How many to ask for each qualification, and how many in all."""
        callout, left = self.callout, self._time_left()
        missing, waited = self._missing(), [one.waited for one in self.silent]
        seats = {}
        for text, count in missing.items():
            hoped = [one.waited for one in self.silent if holds(one.person, text)]
            seats[text] = self._size(count, hoped, left)
        seats = {text: count for text, count in seats.items() if count}
        rest = callout.quota - callout.accepted - sum(missing.values())
        whole = self._size(callout.quota - callout.accepted, waited, left) if rest or not seats else 0
        return seats, max(sum(seats.values()), whole)

    def _size(self, wanted: int, pending: list[timedelta], left: timedelta) -> int:
        waves_left = max(1, self.terms.waves - (self.callout.waves - self.callout.waves_before))
        return size(wanted, self.belief, pending, left, waves_left=waves_left, every=self.terms.respond_within)

    def _time_left(self) -> timedelta:
        """Until the work begins; for a replacement during the work, one wave."""
        return max(self.callout.starts_at - self.snapshot.now, self.terms.respond_within)

    def _forecast(self, fresh: int) -> Forecast:
        callout = self.callout
        waited = [one.waited for one in self.silent]
        return forecast(self.belief, callout.accepted, fresh, waited, callout.quota, self._time_left())

    def _missing(self) -> dict[str, int]:
        """Places kept for qualifications and not taken yet."""
        coming = [Candidate(held(p, self.callout.minima), "") for p in accepted_in(self.snapshot, self.callout)]
        taken = Counter(assign(coming, self.callout.minima, {}).values())
        return {text: count - taken[text] for text, count in self.callout.minima.items()}

    def _keep_places_that_can_be_filled(self) -> None:
        """Lower a qualification's minimum to what those who come, are asked or can be asked could still meet."""
        wanted = self.callout.minima
        if not wanted:
            return
        coming = [Candidate(held(p, wanted), "") for p in accepted_in(self.snapshot, self.callout)]
        hoped = [Candidate(held(s.person, wanted), "") for s in self.silent if self._may_answer(s)]
        everybody = Rules(caps=self.terms.rules.caps)
        able = [Candidate(held(p, wanted), p.department) for p in sift(self.snapshot, self.callout, everybody)[0]]
        room = room_left(self.snapshot, self.terms.rules.caps)
        can = Counter(assign([*coming, *hoped, *able], wanted, room).values())
        self.callout = self.callout.model_copy(update={"minima": {text: can[text] for text in wanted if can[text]}})
        for text, count in wanted.items():
            if can[text] < count:
                who = f"Only {can[text]} of the {count} wanted with {spoken(text)}"
                facts = {"qualification": text, "can": can[text], "wanted": count}
                key = f"short/{text}/{can[text]}"
                self._note("CallOutShort", f"{who} can be called; others may come", key, **facts)

    @staticmethod
    def _may_answer(one: _Silent) -> bool:
        return one.waited < ANSWERED_WITHIN

    # ------------------------------------------------------------ who waits, and what is said

    def _confirm(self, later: bool = False) -> None:
        self.callout, confirmed = confirm_waiting(self.snapshot, self.callout, later=later)
        self.snapshot = fold(self.snapshot, confirmed)
        self.change += confirmed

    def _escalate(self, why: str, least: int = 0) -> None:
        stage = max(self.callout.stage + 1, least)
        self.callout = self.callout.model_copy(update={"stage": stage})
        self.change += escalate(self.snapshot, self.callout, min(stage, 2), why)

    def _announce(self, choice: Choice) -> None:
        callout, asked = self.callout, len(choice.chosen)
        hours = f"{callout.starts_at:%d %b %H:%M} to {callout.ends_at:%d %b %H:%M} UTC"
        if callout.waves == 1:
            wanted = in_words(callout.quota, callout.minima, f"{callout.starts_at:%H:%M} UTC")
            self._note(
                "CallOutStarted", f"{wanted}; {hours}. Not asked: {_left_out(choice)}", "started", **choice.counted()
            )
            self._unreachable(choice)
        seen = self._forecast(asked)
        further = callout.waves - callout.waves_before < self.terms.waves
        text = (
            f"Wave {callout.waves}: {asked} asked; with them {seen.low} to {seen.high} of {callout.quota} are likely "
        )
        text += f"to come, {seen.chance:.0%} likely to be enough" + (" without a further wave" if further else "")
        facts = {
            "asked": asked,
            "chance": round(seen.chance, 3),
            "expected": round(seen.mean, 1),
            "low": seen.low,
            "high": seen.high,
            "rate": round(self.belief.mean, 3),
            "can_be_asked": choice.spare,
        }
        self._note("CallOutWaveAsked", text, f"wave-{callout.waves}", **facts)

    def _unreachable(self, choice: Choice) -> None:
        people = [key for key, reason in choice.left_out.items() if reason is Reason.UNREACHABLE]
        if people:
            named = ", ".join(people[:NAMED]) + (f" and {len(people) - NAMED} more" if len(people) > NAMED else "")
            text = f"{len(people)} who could help can't be reached on any lane: {named}"
            self._note("RespondersUnreachable", text, "unreachable", people=people)

    def _full(self) -> Outcome:
        callout = self._close("full")
        known = self._known
        messages = tuple(
            effect
            for i in self.open
            if i.person in known
            for effect in revise(
                self.snapshot,
                callout,
                i,
                told(self.snapshot, callout, known[i.person], "call_out_full", {"over": False}),
            )
        )
        self.change += Change(effects=messages, forget=self._unsent())
        text = f"{callout.accepted} of {callout.quota} come: enough"
        self._note("CallOutFilled", text, f"filled-{callout.version}", accepted=callout.accepted)
        return Done(reason=text, **self._written())

    def _unsent(self) -> tuple[str, ...]:
        """Questions that have not gone out, on a lane that is down, and would wake people for nothing now."""
        asked = (self._effects.get(asked_by(i, lane)) for i in self.open for lane in i.lanes)
        return tuple(one.key for one in asked if one and one.state is EffectState.QUEUED and not one.uncertain)

    def _short(self, why: str) -> Outcome:
        self._confirm(later=True)
        if self.callout.accepted >= self.callout.quota:
            return self._full()
        callout = self._close(why)
        text = f"{callout.accepted} of {callout.quota} come, and {why}"
        facts = {"accepted": callout.accepted, "quota": callout.quota}
        self._note("CallOutShort", text, f"short-{callout.version}", **facts)
        self.change += escalate(self.snapshot, callout, 3, text)
        return Done(reason=text, **self._written())

    def _close(self, why: str) -> CallOut:
        self.callout = self.callout.model_copy(update={"closed_at": self.snapshot.now, "closed_because": why})
        return self.callout

    def _wait(self, until: datetime | None) -> Outcome:
        return Wait(until, f"answers: {self.callout.accepted} of {self.callout.quota}", **self._written())

    def _note(self, kind: str, text: str, key: str, **facts: object) -> None:
        entry = Entry(
            incident=self.callout.incident,
            at=self.snapshot.now,
            kind=kind,
            text=text,
            step=self.callout.step,
            facts=facts,
            key=f"{self.callout.key}/{key}",
        )
        self.change += Change(entries=(entry,))

    def _written(self) -> dict[str, Any]:
        changed = self.callout.version == 0 or self.callout != self.before
        records = (*((self.callout,) if changed else ()), *self.change.records)
        return {
            "records": records,
            "effects": self.change.effects,
            "entries": self.change.entries,
            "forget": self.change.forget,
        }


def _left_out(choice: Choice) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in choice.counted().items()) or "nobody"
