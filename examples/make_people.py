"""Writes examples/people.csv: an invented organisation of 300 people, the same at every run.

Run `python examples/make_people.py` from the checkout. Every name is put together by lot from common first names and
surnames of fifteen origins, twenty people each, as many women as men; nobody is meant. E-mail addresses are at
example.org (RFC 2606) and telephone numbers from the range that Ofcom keeps for drama (+44 7700 900000 to 900999).
"""

import csv
import random
import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

SEED = 20100414
COLUMNS = (
    *("key", "name", "department", "team", "roles", "languages", "skills", "answers", "time_zone"),
    *("chat", "email", "phone", "lanes", "shifts", "leave", "active"),
)

ORIGINS = {
    "nl": (
        "Anouk Femke Lotte Marloes Sanne Bram Daan Joris Sietse Wouter",
        "Bakker|de Wit|Hoekstra|Kuipers|van den Berg|Verhoeven",
    ),
    "es": (
        "Carmen Inés Lucía Nuria Rocío Álvaro Diego Javier Marcos Sergio",
        "Castillo|Herrero|Iglesias|Molina|Ortega|Vidal",
    ),
    "de": (
        "Anja Greta Heike Jana Svenja Florian Jens Lukas Moritz Uwe",
        "Brandt|Fischer|Krüger|Lehmann|Vogt|Winter",
    ),
    "fr": (
        "Chloé Élodie Manon Océane Sylvie Antoine Bastien Hugo Mathieu Rémi",
        "Bernard|Dubois|Fontaine|Lambert|Marchand|Perrin",
    ),
    "pt": (
        "Beatriz Catarina Joana Leonor Sofia Duarte Gonçalo Rui Tiago Vasco",
        "Almeida|Carvalho|Fonseca|Moreira|Pinto|Teixeira",
    ),
    "it": (
        "Chiara Elisa Francesca Giulia Martina Davide Giorgio Luca Matteo Paolo",
        "Conti|Ferrari|Gallo|Marino|Ricci|Villa",
    ),
    "pl": (
        "Agnieszka Dorota Ewa Kinga Magda Bartosz Jakub Marek Paweł Tomasz",
        "Kowalczyk|Lis|Mazur|Nowicka|Sikora|Zając",
    ),
    "tr": (
        "Ayşe Burcu Elif Zeynep Selin Can Emre Kerem Mehmet Ozan",
        "Aydın|Çelik|Demir|Kaya|Öztürk|Yıldız",
    ),
    "ar": (
        "Amal Fatima Hanan Nadia Salma Bilal Hicham Karim Omar Youssef",
        "Amrani|Bennani|El Idrissi|Haddad|Mansouri|Tahiri",
    ),
    "hi": (
        "Anjali Kavita Meera Priya Sunita Anil Dev Rajesh Ravi Vikram",
        "Jagmohan|Kumar|Mehta|Ramdin|Sharma|Soekhoe",
    ),
    "id": (
        "Ayu Dewi Indah Ratna Sri Adi Bayu Eko Hendra Wayan",
        "Hartono|Kusuma|Pattiasina|Santoso|Sapulette|Wijaya",
    ),
    "zh": (
        "Fang Hui Jing Mei Xiu Bo Hao Jun Wei Yong",
        "Chen|Huang|Lin|Liu|Wang|Zhou",
    ),
    "yo": (
        "Abeni Folake Ngozi Temi Yewande Ade Chidi Femi Kofi Tunde",
        "Adeyemi|Balogun|Mensah|Okafor|Osei|Owusu",
    ),
    "en": (
        "Alice Fiona Hannah Megan Ruth Callum Gareth Ian Oliver Simon",
        "Baxter|Clarke|Hughes|Morgan|Reid|Whitfield",
    ),
    "cw": (
        "Daisy Gisette Luisa Marilyn Swinda Angelo Elvis Gino Jurick Ruthsel",
        "Cijntje|Isenia|Leito|Martina|Pieters|Rosaria",
    ),
}
"""Language or island → ten first names, five of women and five of men, and surnames."""

DEPARTMENTS = {
    "communications": 24,
    "e_commerce": 45,
    "customer_care": 60,
    "ticketing": 40,
    "marketing": 25,
    "operations_control": 30,
    "cabin_crew": 40,
    "ground_staff": 36,
}
SKILLS = {
    "communications": ("", "care", ""),
    "e_commerce": ("rebooking", "check_in", "ticketing;check_in"),
    "customer_care": ("rebooking;care", "care", "rebooking;check_in;care", "baggage;care"),
    "ticketing": ("ticketing;rebooking", "ticketing", "ticketing;rebooking;check_in"),
    "marketing": ("", "care", ""),
    "operations_control": ("rebooking", "", "check_in"),
    "cabin_crew": ("care", "care;baggage", "care;check_in"),
    "ground_staff": ("check_in;baggage", "check_in", "check_in;care", "baggage"),
}
ANSWERS = {"communications": ("", "public"), "customer_care": ("private",), "ticketing": ("private", "")}
SHIFTS = {
    "communications": ("Mon-Fri 09:00-17:30", "Mon-Fri 08:00-16:30"),
    "e_commerce": ("Mon-Fri 09:00-17:30", "Mon-Thu 08:30-17:30"),
    "customer_care": (
        "Mon-Fri 07:00-15:00",
        "Tue-Sat 15:00-23:00",
        "Thu-Mon 07:00-15:00",
        "Sun-Wed 15:00-23:00",
        "Fri-Mon 23:00-07:00",
        "Tue-Thu 23:00-07:00",
    ),
    "ticketing": ("Mon-Fri 08:00-16:00", "Tue-Sat 14:00-22:00", "Thu-Sun 08:00-16:00"),
    "marketing": ("Mon-Fri 09:00-17:30", "Mon-Wed 09:00-17:30; Thu 09:00-13:00"),
    "operations_control": (
        "Mon-Wed 07:00-19:00",
        "Thu-Sat 07:00-19:00",
        "Mon-Wed 19:00-07:00",
        "Thu-Sat 19:00-07:00",
        "Sun,Wed 07:00-19:00",
        "Sun,Thu 19:00-07:00",
    ),
    "cabin_crew": ("Mon,Tue,Fri 06:00-16:00", "Wed,Thu,Sun 10:00-20:00", "Fri,Sat 14:00-00:00; Mon 06:00-14:00"),
    "ground_staff": ("Mon-Fri 05:00-13:00", "Tue-Sat 13:00-21:00", "Thu-Mon 05:00-13:00", "Sat-Wed 13:00-21:00"),
}
ALL_HOURS = (
    "Mon-Fri 06:00-14:00",
    "Mon-Fri 14:00-22:00",
    "Mon-Fri 22:00-06:00",
    "Sat,Sun 06:00-18:00",
    "Sat,Sun 18:00-06:00",
)
"""Five people's shifts that leave no hour of the week open."""

ROLES = {
    "duty_manager": "operations_control",
    "comms_lead": "communications",
    "deputy_comms_lead": "communications",
}
SOCIAL_SETS = (("nl", "en"), ("es", "en"), ("nl", "de", "en"), ("fr", "pt", "en"))
"""What each set of five on the social team speaks at least; the first are its leads."""
SOCIAL_DAYS = (
    ("Mon-Fri 09:00-17:00", "Europe/Amsterdam", ("nl", "en")),
    ("Tue-Sat 12:00-20:00", "Europe/Amsterdam", ("nl", "en")),
    ("Mon-Fri 10:00-18:00", "Europe/Madrid", ("es", "pt", "en")),
    ("Wed-Sun 12:00-20:00", "Europe/Madrid", ("es", "en")),
    ("Mon-Fri 14:00-22:00", "America/Curacao", ("es", "nl", "en")),
    ("Thu-Mon 16:00-00:00", "America/Curacao", ("nl", "es", "en")),
)
ZONES = {"es": "Europe/Madrid", "pt": "Europe/Lisbon", "en": "Europe/London", "cw": "America/Curacao"}


@dataclass
class Line:
    """One person, as the file has them."""

    name: str
    origin: str
    key: str = ""
    department: str = ""
    team: str = ""
    roles: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    skills: str = ""
    answers: str = ""
    time_zone: str = "Europe/Amsterdam"
    lanes: str = ""
    shifts: str = ""
    leave: str = ""
    active: str = "yes"


def organisation() -> list[list[str]]:
    """Make up the lines of the file, without its first."""
    lot = random.Random(SEED)  # noqa: S311 - the same organisation at every run is the point
    people = _names(lot)
    start = 0
    for department, count in DEPARTMENTS.items():
        _staff(lot, department, people[start : start + count])
        start += count
    _roles(people)
    _social_team([one for one in people if one.department == "e_commerce"])
    ordinary = [one for one in people if not one.roles and not one.team]
    absent = lot.sample(ordinary, 20)
    for one in absent[:12]:
        one.leave = lot.choice(("2026-12-21/2027-01-03", "2027-02-15/2027-02-26", "2027-07-12/2027-07-30"))
    for one in absent[12:15]:
        one.active = "no"
    unreachable = {one.key for one in lot.sample(ordinary, 9)}
    numbers = lot.sample(range(1000), len(people))
    _leads(one for one in ordinary if one.active == "yes" and not one.leave and one.key not in unreachable)
    for index, one in enumerate(ordinary):
        one.skills = _levelled(one.skills, index)
        one.lanes = "sms;slack" if index % 9 == 0 else "email;slack;sms" if index % 13 == 0 else ""
    return [
        _cells(one, "" if one.key in unreachable else f"U0{1001 + index}", number)
        for index, (one, number) in enumerate(zip(people, numbers, strict=True))
    ]


def _names(lot: random.Random) -> list[Line]:
    people = []
    for origin, (first_names, surnames) in ORIGINS.items():
        last = surnames.split("|")
        for first in first_names.split():
            people += [Line(f"{first} {surname}", origin) for surname in lot.sample(last, 2)]
    lot.shuffle(people)
    for one in people:
        plain = unicodedata.normalize("NFKD", one.name.replace("ł", "l").replace("ı", "i")).encode("ascii", "ignore")
        one.key = re.sub(r"[^a-z]+", ".", plain.decode().lower())
    return people


def _staff(lot: random.Random, department: str, people: list[Line]) -> None:
    for index, one in enumerate(people):
        one.department = department
        one.skills = SKILLS[department][index % len(SKILLS[department])]
        one.answers = ANSWERS.get(department, ("",))[index % len(ANSWERS.get(department, ("",)))]
        one.shifts = SHIFTS[department][index % len(SHIFTS[department])]
        one.languages = _spoken(lot, one.origin)
        if lot.random() < 0.4:
            one.time_zone = ZONES.get(one.origin, one.time_zone)


def _spoken(lot: random.Random, origin: str) -> list[str]:
    """Languages, the preferred first: the one of the origin, English, mostly Dutch, sometimes one more."""
    spoken = {"en": ["en"], "cw": ["nl", "es", "en"]}.get(origin, [origin, "en"])
    if "nl" not in spoken and lot.random() < 0.7:
        spoken = [spoken[0], "nl", *spoken[1:]]
    if lot.random() < 0.3:
        spoken = [*spoken, lot.choice([code for code in ("de", "es", "fr", "pt", "it") if code not in spoken])]
    return spoken


def _roles(people: list[Line]) -> None:
    for role, department in ROLES.items():
        free = [one for one in people if one.department == department and not one.roles]
        for one, shifts in zip(free, ALL_HOURS, strict=False):
            one.roles, one.shifts, one.time_zone = [role], shifts, "Europe/Amsterdam"
            one.answers = "private;public" if department == "communications" else one.answers


def _social_team(people: list[Line]) -> None:
    places = [(shifts, "Europe/Amsterdam", spoken) for spoken in SOCIAL_SETS for shifts in ALL_HOURS]
    for index, (one, (shifts, zone, spoken)) in enumerate(zip(people, [*places, *SOCIAL_DAYS], strict=False)):
        one.team, one.shifts, one.time_zone = "social", shifts, zone
        one.languages += [code for code in spoken if code not in one.languages]
        one.roles = ["social_lead"] if index < len(ALL_HOURS) else []
        one.skills = one.skills or "care"
        one.answers = "private" if index % 6 == 5 else "private;public"


def _leads(ordinary: Iterable[Line]) -> None:
    """In each department the first two whose turn it is lead it, and stand in for one another."""
    by_department: dict[str, list[Line]] = {}
    for one in ordinary:
        by_department.setdefault(one.department, []).append(one)
    for people in by_department.values():
        for one, role in zip(people, ("department_lead", "deputy_department_lead"), strict=False):
            one.roles = [role]


def _levelled(skills: str, index: int) -> str:
    """Every third does their first skill daily, every ninth teaches it."""
    first, *others = skills.split(";")
    level = 3 if index % 9 == 4 else 2 if index % 3 == 1 else 1
    return ";".join([f"{first}:{level}" if first and level > 1 else first, *others])


def _cells(one: Line, chat: str, number: int) -> list[str]:
    texts = (
        *(one.key, one.name, one.department, one.team, ";".join(one.roles), ";".join(one.languages), one.skills),
        *(one.answers, one.time_zone, chat, f"{one.key}@example.org", f"+44 7700 {900000 + number}"),
        *(one.lanes, one.shifts, one.leave, one.active),
    )
    return list(texts)


def write(file: TextIO) -> None:
    """Write the whole file."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(organisation())


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("people.csv")
    with target.open("w", encoding="utf-8", newline="") as opened:
        write(opened)
