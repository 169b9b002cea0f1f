"""Succession: who is called after whom when nobody answers, and who can't be called. Calling is in `engine.pages`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from engine.callout import CallOut
from engine.lanes import lanes_of
from engine.people import Person

if TYPE_CHECKING:  # snapshots hold pages
    from engine.pages import Page
    from engine.snapshot import Snapshot

LEAD = "department_lead"
DUTY = "duty_manager"
OF_A_KIND = 2
"""So many deputies and leads are called before the next kind: the duty manager must be reached in the first hour."""

Place = tuple[Person, str]
"""Somebody, and the role in which they are called (empty: for their own sake)."""


def succession(snapshot: "Snapshot", page: "Page") -> Iterator[Place]:
    """The whole order of a page, from whom it asks for to the last duty manager; nobody twice.

    The person; the deputies of their roles; who leads their department and is on duty, or else the next department of
    the page; the duty managers. Of each kind those on duty come first.
    """
    person = next((one for one in snapshot.people if one.key == page.person), None)
    seen: set[str] = set()
    for one, role in _all(snapshot, page, person):
        if one.key not in seen:
            seen.add(one.key)
            yield one, role


def _all(snapshot: "Snapshot", page: "Page", person: Person | None) -> Iterator[Place]:
    if person:
        yield person, page.role
        yield from _deputies(snapshot, person)
        yield from _leads(snapshot, page, person)
    yield from managers(snapshot)


def _deputies(snapshot: "Snapshot", person: Person) -> list[Place]:
    found: dict[str, Place] = {}
    for role in person.roles:
        deputies = at_hand(snapshot, f"deputy_{role}")
        for one in _of(deputies, person.department) if role == LEAD else deputies:
            found.setdefault(one.key, (one, f"deputy_{role}"))
    others = [place for place in found.values() if place[0].key != person.key]
    return sorted(others, key=lambda place: not place[0].on_duty(snapshot.now))[:OF_A_KIND]


def _leads(snapshot: "Snapshot", page: "Page", person: Person) -> Iterator[Place]:
    others = [one for one in at_hand(snapshot, LEAD) if one.key != person.key]
    own = [one for one in _of(others, person.department) if one.on_duty(snapshot.now)]
    if not own:
        elsewhere = (_of(others, name) for name in page.departments if name != person.department)
        own = next((found for found in elsewhere if found), [])
    yield from ((one, LEAD) for one in own[:OF_A_KIND])


def managers(snapshot: "Snapshot") -> Iterator[Place]:
    """The duty managers, on duty first, but for those on leave."""
    yield from ((one, DUTY) for one in at_hand(snapshot, DUTY))


def at_hand(snapshot: "Snapshot", role: str) -> list[Person]:
    """Who holds a role and is not on leave, those on duty first."""
    now = snapshot.now
    return [one for one in snapshot.holders(role) if not any(away.start <= now < away.end for away in one.leave)]


def _of(people: Iterable[Person], department: str) -> list[Person]:
    return [one for one in people if one.department == department]


def for_callout(snapshot: "Snapshot", callout: CallOut, stage: int) -> Iterator[Place]:
    """Whom to call when a call-out is not answered (1), when its next department is asked (2), and when short (3).

    Each goes on with the next stage's: the last are the duty managers.
    """
    if stage <= 1:
        for department in asked(snapshot, callout):
            for role in (f"deputy_{LEAD}", LEAD):
                yield from ((one, role) for one in _of(at_hand(snapshot, role), department))
        for role in ("deputy_social_lead", "social_lead"):
            yield from ((one, role) for one in at_hand(snapshot, role)[:OF_A_KIND])
    if stage == 2:
        for department in first_departments(snapshot, callout)[callout.stage - 1 : callout.stage]:
            yield from ((one, LEAD) for one in _of(at_hand(snapshot, LEAD), department))
    yield from managers(snapshot)


def asked(snapshot: "Snapshot", callout: CallOut) -> list[str]:
    """The departments that the last wave asked, most people first."""
    known = {person.key: person.department for person in snapshot.people}
    mine = [i for i in snapshot.invitations if i.callout == callout.key and i.person in known]
    last = max((i.wave for i in mine), default=0)
    counts: dict[str, int] = {}
    for one in mine:
        if one.wave == last:
            counts[known[one.person]] = counts.get(known[one.person], 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def first_departments(snapshot: "Snapshot", callout: CallOut) -> tuple[str, ...]:
    """The departments that the step asks in order, one more at each stage (`engine.choice.Rules`)."""
    key = callout.step.partition("#")[0]
    found = next((step.with_.get("first") for step in snapshot.playbook.steps if step.key == key), None)
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def vacant(snapshot: "Snapshot", callout: CallOut, stage: int, places: Iterable[Place]) -> str:
    """Say which role nobody holds, so that the next stage's person is called; empty when somebody holds it."""
    if stage >= 3 or any(role in (LEAD, f"deputy_{LEAD}") for _, role in places):
        return ""
    first = first_departments(snapshot, callout)[callout.stage - 1 : callout.stage]
    departments = asked(snapshot, callout) if stage <= 1 else list(first)
    names = " or ".join(name.replace("_", " ") for name in departments)
    return f"nobody at hand leads {names}" if names else "no department is left to ask"


def title(person: Person, role: str) -> str:
    """Say as what somebody is called: `duty manager`, `department lead of cabin crew`."""
    department = person.department.replace("_", " ")
    if role.endswith(LEAD):
        return f"{role.replace('_', ' ')} of {department}"
    return (role or next(iter(person.roles), person.department)).replace("_", " ")


def hindrance(snapshot: "Snapshot", person: Person, calls: Mapping[str, int]) -> str:
    """Why somebody can't be called; empty when they can. `calls`: person key → calls in the last 24 hours."""
    if not lanes_of(person, snapshot.house):
        return "can't be reached on any lane"
    count = calls.get(person.key, 0)
    if count >= snapshot.house.pages:
        return f"was called {'once' if count == 1 else f'{count} times'} in 24 hours, the most that is allowed"
    return ""


def next_of(
    snapshot: "Snapshot", places: Iterable[Place], taken: Collection[str], calls: Mapping[str, int]
) -> tuple[Place | None, dict[str, str]]:
    """The first who can be called and was not yet, and who is passed over before them: key → name and why."""
    passed: dict[str, str] = {}
    for person, role in places:
        if person.key in taken or person.key in passed:
            continue
        why = hindrance(snapshot, person, calls)
        if not why:
            return (person, role), passed
        passed[person.key] = f"{person.name} {why}"
    return None, passed
