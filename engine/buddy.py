"""The buddy: somebody of the social team who looks after a volunteer. Chosen here; told by `engine.welcome`."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from zlib import crc32

from engine.callout import CallOut, Invitation
from engine.choice import STANDING_TEAM
from engine.hours import has_place
from engine.lanes import lanes_of
from engine.people import Person, spans_between
from engine.snapshot import Snapshot
from engine.triage import rights

Span = tuple[datetime, datetime]


def choose(snapshot: Snapshot, callout: CallOut, invitation: Invitation, person: Person) -> Person | None:
    """Choose who looks after a volunteer; None when nobody can. The snapshot must hold the social team.

    Of those on duty in the volunteer's hours, in reach, with a language in common: who is there at the beginning,
    then who has the fewest to look after in these hours, then who may sign them off, then who is there longest; then
    a lot, the same each time.
    """
    if person.team == STANDING_TEAM:
        return None
    begin, end = invitation.begins_at or callout.starts_at, callout.ends_at
    extra, load = _extra_shifts(snapshot), _load(snapshot, callout, invitation)
    ranked = []
    for one in snapshot.people:
        common = set(one.languages) & set(person.languages)
        if not one.active or one.team != STANDING_TEAM or not common or not lanes_of(one, snapshot.house):
            continue
        spans = [*spans_between(one, begin, end), *extra.get(one.key, ())]
        there = _overlap(spans, begin, end)
        if there > timedelta():
            late = not any(start <= begin < over for start, over in spans)
            lot = crc32(f"{invitation.key}/{one.key}".encode())
            ranked.append(((late, load[one.key], not signs_off(one), -there, lot, one.key), one))
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def signs_off(person: Person) -> bool:
    """Tell whether somebody may sign others off for the public feed: they answer it themselves, in the social team."""
    return person.team == STANDING_TEAM and "public" in rights(person, called_in=False)


def lead(snapshot: Snapshot, callout: CallOut) -> Person | None:
    """Who leads the social team in these hours: on duty in them, else whoever holds the role."""
    holders = snapshot.holders("social_lead")
    on_duty = (one for one in holders if spans_between(one, callout.starts_at, callout.ends_at))
    return next(on_duty, next(iter(holders), None))


def _load(snapshot: Snapshot, callout: CallOut, invitation: Invitation) -> Counter[str]:
    """How many each looks after in hours that touch these."""
    touching = {
        one.key for one in snapshot.callouts if one.starts_at < callout.ends_at and one.ends_at > callout.starts_at
    }
    return Counter(
        i.buddy
        for i in snapshot.invitations
        if i.callout in touching and i.key != invitation.key and has_place(i) and not i.released_at
    )


def _extra_shifts(snapshot: Snapshot) -> dict[str, list[Span]]:
    """The extra shifts that people have taken in this incident."""
    slots = {one.key: (one.starts_at, one.ends_at) for one in snapshot.callouts}
    taken: dict[str, list[Span]] = {}
    for one in snapshot.invitations:
        if one.callout in slots and has_place(one) and not one.released_at:
            taken.setdefault(one.person, []).append(slots[one.callout])
    return taken


def _overlap(spans: Iterable[Span], begin: datetime, end: datetime) -> timedelta:
    shares = (min(over, end) - max(start, begin) for start, over in spans if start < end and over > begin)
    return sum(shares, timedelta())
