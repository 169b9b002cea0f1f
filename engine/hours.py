"""Hours: how long somebody who was called has worked. Elapsed time, so a night in which the clocks change is right.

The file for the personnel department is written in `desk.hours_csv`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.callout import Answer, CallOut, Invitation
from engine.duration import spoken

NONE = timedelta()


@dataclass(frozen=True)
class Hours:
    """The stretch that somebody works, or worked last, in a slot."""

    begin: datetime
    end: datetime
    before: timedelta
    """Worked in stretches before this one, which they broke off."""

    @property
    def worked(self) -> timedelta:
        return self.before + _span(self.begin, self.end)


def has_place(invitation: Invitation) -> bool:
    """Tell whether somebody has a place, or had one until they were released."""
    return invitation.answer is Answer.YES and not invitation.too_late


def spared(invitation: Invitation) -> bool:
    """Tell whether somebody with a place was released before they began."""
    released_at, begins_at = invitation.released_at, invitation.begins_at
    return released_at is not None and (begins_at is None or released_at <= begins_at)


def has_begun(invitation: Invitation, now: datetime) -> bool:
    """Tell whether somebody works by now, or did."""
    return invitation.begins_at is not None and invitation.begins_at <= now and not spared(invitation)


def hours(callout: CallOut, invitation: Invitation, now: datetime) -> Hours | None:
    """Work out somebody's hours until now; None for who never had a place, or whose hours have not begun.

    From the later of the slot's beginning, their answer (or when a place came free for them) and the time from
    which they can come; to the earlier of the slot's end, their release and their “I can't come after all”.
    """
    begin = invitation.begins_at
    if begin is None and has_place(invitation):  # accepted before beginnings were written down
        begin = _begins(callout, invitation, invitation.answered_at or callout.starts_at)
    if begin is None:
        return None
    ends = (now, callout.ends_at, invitation.released_at, invitation.left_at)
    found = Hours(begin, min(at for at in ends if at), timedelta(seconds=invitation.worked_s))
    return found if found.worked > NONE else None


def placed(callout: CallOut, said: Invitation, now: datetime) -> Invitation:
    """Note from when somebody is counted on; a stretch that they broke off before is kept."""
    worked_s = said.worked_s
    if said.begins_at and said.left_at:
        worked_s += round(_span(said.begins_at, said.left_at).total_seconds())
    begins_at = _begins(callout, said, now)
    return said.model_copy(update={"begins_at": begins_at, "left_at": None, "worked_s": worked_s})


def left(before: Invitation, said: Invitation, now: datetime) -> Invitation:
    """Note that somebody who had a place gives it back with what they said."""
    if not has_place(before):
        return said
    return said.model_copy(update={"left_at": now})


def in_words(callout: CallOut, invitation: Invitation, now: datetime) -> dict[str, object]:
    """Give a message `began_at`, `released_at` and `worked` (`4 h 30 min`; empty for who has not begun)."""
    found = hours(callout, invitation, now)
    if found is None:
        return {"began_at": callout.starts_at, "released_at": now, "worked": ""}
    return {"began_at": found.begin, "released_at": found.end, "worked": spoken(found.worked)}


def _begins(callout: CallOut, invitation: Invitation, placed_at: datetime) -> datetime:
    return max(callout.starts_at, placed_at, invitation.comes_at or callout.starts_at)


def _span(begin: datetime, end: datetime) -> timedelta:
    return max(NONE, end - begin)
