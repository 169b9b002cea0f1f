"""What a review says of those who were called in: how many, how long, and what they answered afterwards. No names."""

from collections import Counter
from datetime import datetime, timedelta

from engine.callout import Invitation
from engine.debrief import DIFFERENT, PREPARED, QUESTIONS, SCALE
from engine.hours import Hours, hours
from engine.record import Value
from engine.snapshot import Snapshot


class Volunteers(Value):
    """Everybody who had a place in a call-out and worked, extra shifts of the social team too."""

    worked: int = 0
    """People."""
    hours: float = 0.0
    """Together, elapsed."""
    ended: int = 0
    """Slots of one person whose hours are over."""
    handed_over: int = 0
    """Of these, how many left a note, or said that nothing was open."""
    answered: int = 0
    """Of these, how many answered at least one question of the debrief."""
    ratings: dict[str, int] = {}
    """How well prepared and looked after, `1` (badly) to `5` → how many."""
    remarks: tuple[str, ...] = ()
    """What should be different, in their words, in alphabetical order: the order tells nobody's name."""

    @property
    def rating(self) -> float | None:
        """Mean of the ratings; None without any."""
        count = sum(self.ratings.values())
        return sum(int(number) * many for number, many in self.ratings.items()) / count if count else None


def volunteers(snapshot: Snapshot, until: datetime) -> Volunteers:
    """Gather it for hours worked until `until`. Answers that came after it count too."""
    slots = {callout.key: callout for callout in snapshot.callouts}
    worked: list[tuple[Invitation, Hours]] = []
    for one in snapshot.invitations:
        if one.callout in slots and (found := hours(slots[one.callout], one, until)):
            worked.append((one, found))
    ended = [one for one, _ in worked if one.thanked_at]
    debriefs = [one.debrief for one in ended]
    rated = Counter(debrief[PREPARED] for debrief in debriefs if PREPARED in debrief)
    said = (debrief[DIFFERENT] for debrief in debriefs if DIFFERENT in debrief)
    return Volunteers(
        worked=len({one.person for one, _ in worked}),
        hours=round(sum((found.worked for _, found in worked), timedelta()) / timedelta(hours=1), 2),
        ended=len(ended),
        handed_over=sum(bool(one.handover) for one in ended),
        answered=sum(any(question in debrief for question in QUESTIONS) for debrief in debriefs),
        ratings={number: rated[number] for number in SCALE if rated[number]},
        remarks=tuple(sorted(said, key=str.casefold)),
    )
