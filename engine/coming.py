"""A call-out counted: who comes, who doesn't, who is silent, and how many are to be expected. Decides nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from engine.answering import comes, standing
from engine.calling import Course, Terms
from engine.callout import Answer, CallOut, Invitation, asked_by
from engine.effects import Effect, EffectState
from engine.record import Value
from engine.snapshot import Snapshot
from engine.waves import Forecast, forecast

SETTLED_BADLY = (EffectState.FAILED, EffectState.CANCELLED)


class Tally(Value):
    """How those who were asked stand; everybody is counted once, in `asked` and in one of the others."""

    asked: int = 0
    yes: int = 0
    """Have a place, and come."""
    waiting: int = 0
    """Said yes when there were enough."""
    later: int = 0
    no: int = 0
    silent: int = 0
    unreachable: int = 0
    """Silent, and no lane brought the question there."""
    released: int = 0


class LaneTally(Value):
    """How one lane did."""

    lane: str
    """`link` is the page, `desk` the duty desk on the phone."""
    asked: int = 0
    yes: int = 0
    later: int = 0
    no: int = 0


def tally(invitations: Iterable[Invitation], missed: Callable[[Invitation], bool]) -> Tally:
    """Count invitations; `missed` tells of which the question arrived nowhere."""
    counts = Counter(how(one, missed) for one in invitations)
    return Tally(asked=counts.total(), **counts)


def how(invitation: Invitation, missed: Callable[[Invitation], bool]) -> str:
    """Name the field of Tally that an invitation counts in."""
    if invitation.released_at:
        return "released"
    if invitation.answer is Answer.YES:
        return "yes" if comes(invitation) else "waiting"
    if invitation.answer is not Answer.NONE:
        return standing(invitation).replace("declined", "no")
    return "unreachable" if missed(invitation) else "silent"


def missing(effects: Iterable[Effect]) -> Callable[[Invitation], bool]:
    """Make the test of whether the question arrived nowhere: every lane that was tried has refused it."""
    refused = {effect.key for effect in effects if effect.state in SETTLED_BADLY}

    def missed(invitation: Invitation) -> bool:
        return all(asked_by(invitation, lane) in refused for lane in invitation.lanes or ("",))

    return missed


def by_lane(invitations: Sequence[Invitation], order: Sequence[str]) -> list[LaneTally]:
    """Count by lane: on how many people it was tried, and who answered on it; lanes in `order`, then the others."""
    asked = Counter(lane for one in invitations for lane in one.lanes)
    answers = Counter((one.answered_on, one.answer) for one in invitations if one.answered_at)
    names = {*asked, *(lane for lane, _ in answers)}
    known = [lane for lane in order if lane in names]
    return [
        LaneTally(
            lane=lane,
            asked=asked[lane],
            yes=answers[lane, Answer.YES],
            later=answers[lane, Answer.LATER],
            no=answers[lane, Answer.NO],
        )
        for lane in [*known, *sorted(names.difference(known))]
    ]


def expected(snapshot: Snapshot, callout: CallOut, terms: Terms) -> Forecast:
    """How many will come of those who are asked already. The snapshot must hold everybody."""
    course = Course(snapshot, callout, terms)
    left = max(callout.starts_at - snapshot.now, terms.respond_within)
    return forecast(course.belief, callout.accepted, 0, [one.waited for one in course.silent], callout.quota, left)
