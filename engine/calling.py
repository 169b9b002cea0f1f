"""How a call-out goes on: from wave to wave, until it is full or nobody is left to ask.

Whom: `engine.choice`. How many at once: `engine.waves`. What an answer does: `engine.answering`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine import languages
from engine.answering import accepted_in, confirm_waiting
from engine.assignment import Candidate, assign
from engine.callout import Answer, CallOut, ask, ask_key, revise, told
from engine.change import Change
from engine.choice import Cap, Choice, choose, room_left, sift
from engine.effects import EffectState
from engine.people import Person
from engine.snapshot import Snapshot
from engine.steps import Done, Outcome, Wait
from engine.timeline import Entry
from engine.waves import likelihood, rate, size, still_to_come

USUAL_RATE = 0.25
"""Share that answers, where the house says nothing about its chat. Source: docs/call-out.md."""


@dataclass(frozen=True)
class Terms:
    """What the step asks of the call-out beyond its record."""

    caps: Mapping[str, Cap]
    """Department → how many of it at most."""
    respond_within: timedelta
    waves: int


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
        unsent = {e.key for e in snapshot.effects if e.state in (EffectState.FAILED, EffectState.CANCELLED)}
        mine = [i for i in snapshot.invitations if i.callout == callout.key and not i.released_at]
        self.open = [i for i in mine if i.answer is Answer.NONE and ask_key(i.key) not in unsent]
        self.declined = sum(1 for i in mine if i.answer in (Answer.NO, Answer.LATER))
        self.said_yes = sum(1 for i in mine if i.answer is Answer.YES)
        known = {person.key: person for person in snapshot.people}
        self.silent = [_Silent(known[i.person], snapshot.now - i.asked_at) for i in self.open if i.person in known]
        prior = snapshot.house.answer_rate.get(snapshot.house.chat, USUAL_RATE)
        self.share = rate(prior, self.said_yes, self.declined, (one.waited for one in self.silent))

    def outcome(self) -> Outcome:
        """Close it when full, wait while answers may come, ask the next wave, or say that it falls short."""
        self._keep_places_that_can_be_filled()
        self.callout, confirmed = confirm_waiting(self.snapshot, self.callout)
        self.change += confirmed
        callout, now = self.callout, self.snapshot.now
        if callout.accepted >= callout.quota:
            return self._full()
        if self.silent and callout.respond_by and callout.respond_by > now:
            return self._wait()
        if now >= callout.ends_at:
            return self._short("the hours are over")
        if callout.waves >= self.terms.waves:
            return self._short(f"all {callout.waves} waves have been asked")
        return self._wave()

    def _keep_places_that_can_be_filled(self) -> None:
        """Lower a language's minimum to what those who come, are asked or can be asked could still meet."""
        wanted = self.callout.languages
        if not wanted:
            return
        coming = [Candidate(p.languages, "") for p in accepted_in(self.snapshot, self.callout)]
        hoped = [Candidate(s.person.languages, "") for s in self.silent if still_to_come(self.share, s.waited) > 0]
        able = [Candidate(p.languages, p.department) for p in sift(self.snapshot, self.callout)[0]]
        room = room_left(self.snapshot, self.terms.caps)
        can = Counter(assign([*coming, *hoped, *able], wanted, room).values())
        self.callout = self.callout.model_copy(update={"languages": {name: can[name] for name in wanted if can[name]}})
        for code, count in wanted.items():
            if can[code] < count:
                who = f"Only {can[code]} of the {count} wanted who speak {languages.name(code)}"
                facts = {"language": code, "can": can[code], "wanted": count}
                self._note(
                    "CallOutShort", f"{who} can be called; others may come", f"short/{code}/{can[code]}", **facts
                )

    def _wave(self) -> Outcome:
        callout, now = self.callout, self.snapshot.now
        seats = self._seats()
        rest = callout.quota - callout.accepted - sum(self._missing().values())
        chances = [still_to_come(self.share, one.waited) for one in self.silent]
        wanted = callout.quota - callout.accepted
        count = max(sum(seats.values()), size(wanted, self.share, chances) if rest or not seats else 0)
        again = {"respond_by": now + self.terms.respond_within}
        if not count:
            self.callout = callout.model_copy(update=again)
            return self._wait()
        choice = choose(self.snapshot, callout, self.terms.caps, count, seats)
        if not choice.chosen:
            return self._short(f"everybody who may be called has been asked ({_left_out(choice)})")
        self.callout = callout = callout.model_copy(update={**again, "waves": callout.waves + 1})
        invitations, effects = ask(self.snapshot, callout, choice.chosen, callout.waves)
        called = tuple(person.model_copy(update={"last_called_at": now}) for person in choice.chosen)
        self.change += Change(records=(*invitations, *called), effects=effects)
        self._announce(choice, likelihood(wanted, [*chances, *[self.share] * len(choice.chosen)]))
        return self._wait()

    def _missing(self) -> dict[str, int]:
        """Places kept for languages and not taken yet."""
        coming = [Candidate(p.languages, "") for p in accepted_in(self.snapshot, self.callout)]
        taken = Counter(assign(coming, self.callout.languages, {}).values())
        return {name: count - taken[name] for name, count in self.callout.languages.items()}

    def _seats(self) -> dict[str, int]:
        """How many to ask for each language."""
        seats = {}
        for name, missing in self._missing().items():
            chances = [still_to_come(self.share, s.waited) for s in self.silent if name in s.person.languages]
            seats[name] = size(missing, self.share, chances)
        return {name: count for name, count in seats.items() if count}

    def _announce(self, choice: Choice, chance: float) -> None:
        callout, asked = self.callout, len(choice.chosen)
        by_language = ", ".join(f"{count} of them {languages.name(code)}" for code, count in callout.languages.items())
        hours = f"{callout.starts_at:%d %b %H:%M} to {callout.ends_at:%d %b %H:%M} UTC"
        if callout.waves == 1:
            wanted = f"{callout.quota} wanted{f' ({by_language})' if by_language else ''}, {hours}"
            self._note("CallOutStarted", f"{wanted}. Not asked: {_left_out(choice)}", "started", **choice.counted())
        text = f"Wave {callout.waves}: {asked} asked; {chance:.0%} likely to be enough"
        facts = {"asked": asked, "chance": round(chance, 3), "rate": round(self.share, 3), "can_be_asked": choice.spare}
        self._note("CallOutWaveAsked", text, f"wave-{callout.waves}", **facts)

    def _full(self) -> Outcome:
        callout = self._close("full")
        known = {person.key: person for person in self.snapshot.people}
        messages = tuple(
            revise(
                self.snapshot,
                callout,
                i,
                told(self.snapshot, callout, known[i.person], "call_out_full", {"over": False}),
            )
            for i in self.open
            if i.person in known
        )
        self.change += Change(effects=messages)
        text = f"{callout.accepted} of {callout.quota} come: enough"
        self._note("CallOutFilled", text, f"filled-{callout.version}", accepted=callout.accepted)
        return Done(reason=text, **self._written())

    def _short(self, why: str) -> Outcome:
        callout = self._close(why)
        text = f"{callout.accepted} of {callout.quota} come, and {why}"
        facts = {"accepted": callout.accepted, "quota": callout.quota}
        self._note("CallOutShort", text, f"short-{callout.version}", **facts)
        return Done(reason=text, **self._written())

    def _close(self, why: str) -> CallOut:
        self.callout = self.callout.model_copy(update={"closed_at": self.snapshot.now, "closed_because": why})
        return self.callout

    def _wait(self) -> Outcome:
        until = self.callout.respond_by
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
        return {"records": records, "effects": self.change.effects, "entries": self.change.entries}


def _left_out(choice: Choice) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in choice.counted().items()) or "nobody"
