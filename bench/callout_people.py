"""People for the measurements of call-outs: shifts, leave, skills and languages as an airline has them, by a seed."""

from datetime import datetime, timedelta
from random import Random

from engine.people import Person, Shift

DEPARTMENTS = ("customer_care", "ticketing", "ground_staff", "cabin_crew", "operations_control", "e_commerce")
PATTERNS = ("Mon-Fri 09:00-17:00", "Mon-Thu 06:00-14:00", "Wed-Sun 14:00-22:00", "Tue-Sat 22:00-06:00", "")
SKILLS = ("rebooking", "check_in", "ticketing", "care", "baggage")
ZONES = ("Europe/Amsterdam", "Europe/Amsterdam", "Europe/London", "America/New_York")


def crowd(count: int, at: datetime, seed: int = 1) -> list[Person]:
    """So many people, of whom about a third could come at this instant; and two dozen of the social team."""
    chance = Random(seed)
    return [_someone(chance, number, at) for number in range(count)] + [_social(number) for number in range(24)]


def _someone(chance: Random, number: int, at: datetime) -> Person:
    skills = tuple(chance.sample(SKILLS, chance.choice((1, 1, 2, 3))))
    languages = ("en", *chance.sample(("nl", "es", "fr", "de", "pt"), chance.choice((0, 1, 1, 2))))
    away = at + timedelta(days=chance.randint(-20, 60))
    leave = (Shift(start=away, end=away + timedelta(days=14)),) if chance.random() < 0.4 else ()
    return Person(
        key=f"p{number:05}",
        name=f"P{number:05} Tester",
        department=chance.choice(DEPARTMENTS),
        languages=languages,
        skills=skills,
        levels={skill: chance.choice((1, 2, 3)) for skill in skills},
        time_zone=chance.choice(ZONES),
        chat=f"U{number:06}",
        shift_pattern=chance.choice(PATTERNS),
        leave=leave,
        last_called_at=at - timedelta(days=chance.randint(1, 300)) if chance.random() < 0.5 else None,
    )


def _social(number: int) -> Person:
    name = f"s{number:02}"
    pattern = ("Mon-Sun 00:00-08:00", "Mon-Sun 08:00-16:00", "Mon-Sun 16:00-24:00")[number % 3]
    return Person(
        key=name,
        name=f"{name.title()} Social",
        department="communications",
        team="social",
        languages=("en", "nl", "es"),
        time_zone="Europe/Amsterdam",
        chat=f"US{number:05}",
        shift_pattern=pattern,
        roles=("duty_manager", "comms_lead") if number == 0 else (),
    )
