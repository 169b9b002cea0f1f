"""What people type instead of pressing a button: what is plain is understood, everything else is asked again."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.callout import Answer
from engine.plain_words import LONGEST, Understood, understand

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NIGHT = datetime(2026, 11, 24, 5, 10, 42, tzinfo=AMSTERDAM)
"""A Tuesday."""


def read(text: str, now: datetime = NIGHT, *languages: str) -> str:
    """The answer and, for later, day and time where the person lives: `later 24 07:00`."""
    understood = understand(text, now, *([languages] if languages else []))
    if understood is None:
        return "-"
    return (
        f"{understood.answer} {understood.at.astimezone(now.tzinfo):%d %H:%M}" if understood.at else understood.answer
    )


YES = """yes / Yes! / YES / yes please / yep, thanks / sure / ok / OK. / okay / of course / Absolutely! / no problem
I can / I can come / yes I can / I'll be there / I will come / can do / count me in / on my way / I'm in
I’m coming / y / J / ja / ja hoor / Ja, prima! / ja graag / is goed / komt goed / geen probleem / ik kom
ik kan / ik kan komen / ja ik kan vandaag / natuurlijk / zeker / onderweg / akkoord / sí / Sí. / Sí, puedo
sí puedo / si / si claro / si, voy / claro / claro que sí / vale / de acuerdo / puedo ir / cuenta conmigo
sin problema / no hay problema / sim / claro que sim / posso / posso ir / vou / ja, ich komme / gerne
kein Problem / klar / oui / d'accord / bien sûr / j'arrive / je peux venir / pas de problème / 👍 / 👍🏽
👍 thanks / ✅ / :+1: / :+1::skin-tone-3: / :thumbsup: / yes 🙏 / good morning, yes / “yes” / yes, yes
yes today / unfortunately yes / (yes)"""

NO = """no / No! / nope / no thanks / no, thank you / no sorry / Sorry, no. / not this time / not today / I can't
I can’t come / I cant / I cannot / I can not / cant make it / sorry can't today / unfortunately not
I'm afraid not / I am not available / of course not / rather not / n / nee / nee hoor / nee sorry
nee, helaas / helaas niet / kan niet / ik kan niet / ik kan helaas niet / ik kan vandaag niet
vandaag kan ik niet / lukt me niet / dat lukt niet / liever niet / zeker niet / deze keer niet / no puedo
no puedo ir / hoy no puedo / lo siento, no puedo / esta vez no / no gracias / imposible / não / não posso
desta vez não / nein / nein danke / kann heute nicht / Tut mir leid, ich kann nicht / leider nicht / non
non merci / désolé, je ne peux pas / je peux pas venir / 👎 / :-1: / ❌ / 🙅‍♀️ / no, no"""

LATER = {
    # spans
    "in 2 hours": "24 07:10",
    "In two hours.": "24 07:10",
    "in an hour": "24 06:10",
    "in half an hour": "24 05:40",
    "in an hour and a half": "24 06:40",
    "in 1.5 hours": "24 06:40",
    "in 2 and a half hours": "24 07:40",
    "in about 2 hrs": "24 07:10",
    "in 2h30": "24 07:40",
    "in 2 hours and 15 minutes": "24 07:25",
    "in 45 min": "24 05:55",
    "2 hours from now": "24 07:10",
    "be there in 20 min": "24 05:30",
    "yes, in 2 hours": "24 07:10",
    "over 2 uur": "24 07:10",
    "ja over een uurtje": "24 06:10",
    "over een half uur": "24 05:40",
    "over een halfuur": "24 05:40",
    "over anderhalf uur": "24 06:40",
    "over twee en een half uur": "24 07:40",
    "over 1,5 uur": "24 06:40",
    "over een kwartier": "24 05:25",
    "over drie kwartier": "24 05:55",
    "en 2 horas": "24 07:10",
    "en una hora": "24 06:10",
    "en media hora": "24 05:40",
    "dentro de una hora y media": "24 06:40",
    "en dos horas y media": "24 07:40",
    "em meia hora": "24 05:40",
    "daqui a 2 horas": "24 07:10",
    "in einer Stunde": "24 06:10",
    "in anderthalb Stunden": "24 06:40",
    "dans 2 heures": "24 07:10",
    "dans une demi-heure": "24 05:40",
    "dans une heure et demie": "24 06:40",
    # times of the day: the next one
    "at 7": "24 07:00",
    "at seven": "24 07:00",
    "at 7 o'clock": "24 07:00",
    "at 5": "24 17:00",
    "at 05:00": "25 05:00",
    "at 12": "24 12:00",
    "7pm": "24 19:00",
    "7 p.m.": "24 19:00",
    "at 7.30 am": "24 07:30",
    "12 am": "25 00:00",
    "12 pm": "24 12:00",
    "19:30": "24 19:30",
    "19h30": "24 19:30",
    "at 19.30": "24 19:30",
    "0:30": "25 00:30",
    "at half past six": "24 06:30",
    "half seven": "24 07:30",
    "quarter to seven": "24 06:45",
    "at noon": "24 12:00",
    "at midnight": "25 00:00",
    "around 7": "24 07:00",
    "after 7": "24 07:00",
    "from 7": "24 07:00",
    "I can come at 9": "24 09:00",
    "I can only come at 9": "24 09:00",
    "I'll be there at 7": "24 07:00",
    "can do 7pm": "24 19:00",
    "yes but only at 7": "24 07:00",
    "yes, but not before 7": "24 07:00",
    "not before 7": "24 07:00",
    "not until 7": "24 07:00",
    "can't before 8": "24 08:00",
    "I can't come before 8": "24 08:00",
    "sorry, can't before 8": "24 08:00",
    "👍 at 7": "24 07:00",
    "om 6 uur": "24 06:00",
    "om 6": "24 06:00",
    "om half zeven": "24 06:30",
    "om half 7": "24 06:30",
    "half zeven": "24 06:30",
    "kwart over zes": "24 06:15",
    "kwart voor zeven": "24 06:45",
    "tien over zes": "24 06:10",
    "vijf voor half zeven": "24 06:25",
    "om 7u30": "24 07:30",
    "vanaf 7 uur": "24 07:00",
    "ik kan pas om 8 uur": "24 08:00",
    "ik kan pas om 8 komen": "24 08:00",
    "ja maar pas om 7 uur": "24 07:00",
    "niet voor 8 uur": "24 08:00",
    "ik kan niet voor 8 uur komen": "24 08:00",
    "a las 7": "24 07:00",
    "a las siete": "24 07:00",
    "a la una": "24 13:00",
    "a las 7 y media": "24 07:30",
    "a las siete y cuarto": "24 07:15",
    "a las 8 menos cuarto": "24 07:45",
    "sí, pero a las 7": "24 07:00",
    "sí puedo a las 8": "24 08:00",
    "no antes de las 7": "24 07:00",
    "no puedo antes de las 8": "24 08:00",
    "a partir de las 9": "24 09:00",
    "às 7": "24 07:00",
    "às 7 e meia": "24 07:30",
    "sim, mas só às 8": "24 08:00",
    "a partir das 9": "24 09:00",
    "um 7 Uhr": "24 07:00",
    "7 Uhr": "24 07:00",
    "um 7 Uhr 30": "24 07:30",
    "halb sieben": "24 06:30",
    "ab 9": "24 09:00",
    "ja, aber erst um 8": "24 08:00",
    "ich kann nicht vor 8": "24 08:00",
    "à 7h": "24 07:00",
    "à 7h30": "24 07:30",
    "à sept heures et demie": "24 07:30",
    "à 8 heures moins le quart": "24 07:45",
    "oui, mais pas avant 8h": "24 08:00",
    # parts of the day, and tomorrow
    "tonight at 8": "24 20:00",
    "at 7 this evening": "24 19:00",
    "vanavond 8 uur": "24 20:00",
    "om 7 uur 's avonds": "24 19:00",
    "a las 8 de la mañana": "24 08:00",
    "a las 8 de la tarde": "24 20:00",
    "tomorrow at 8": "25 08:00",
    "at 8 tomorrow": "25 08:00",
    "tomorrow evening at 8": "25 20:00",
    "tomorrow at 15:00": "25 15:00",
    "tomorrow at 06:00": "25 06:00",
    "morgen om 8": "25 08:00",
    "morgen 8 uur": "25 08:00",
    "morgenochtend om 6 uur": "25 06:00",
    "mañana a las 8": "25 08:00",
    "mañana por la mañana a las 8": "25 08:00",
    "amanhã às 8": "25 08:00",
    "morgen früh um 6": "25 06:00",
    "demain matin à 6h": "25 06:00",
}

ASKED_WHEN = """later / I can come later / yes, later / yes but later / a bit later / iets later / kan later / más tarde
mais tarde / später / plus tard / tomorrow / yes, tomorrow / mañana / morgen / tomorrow at 3 / tonight"""

NOT_UNDERSTOOD = """? / yes? / can I bring someone? / ¿a qué hora? / at 7? / maybe / perhaps / misschien / quizás
vielleicht / no idea / no sé / no lo sé / don't know / ik weet het niet / weet niet zeker / not sure
not now / yes and no / yes no / ja nee / no yes / jein / tja / nou ja / yes if my boss agrees
ja als mijn baas het goed vindt / si puedo, voy / si puedo / sí si mi jefe quiere
yes but my car broke down / yes, but / I think so / I could come / I'd love to, but / could be / thanks
hello / good morning / sorry / helaas / graag gedaan / 🤔 / 🤷 / 👍👎 / :thinking_face:
yes :thinking_face: / no, at 7 / nee, pas om 8 / no puedo a las 8 / can't at 7 / tomorrow I can't
morgen kan ik niet / not tomorrow / until 7 / before 7 / hasta las 7 / tot 7 uur / for 2 hours
only 2 hours / from 9 to 5 / at 7 or 8 / between 7 and 9 / from 10 to 7 / at 7, at 8 / in 2 hours at 7
an hour later / 7 / 20 / 2 hours / 2 horas / 7 uur / in 20 / half 7 / 2h30 / in 2 uur / at 25 / 25:00
19 pm / 13 am / at 7:75 / at 19:00 this morning / in 3 days / in 30 hours / in 0 minutes / on Monday at 8
yes Jan / I am ill / stop / never / I'm at 7 Main Street / not before / at / om / over / a las
yes at 7 if needed / no way to get there before 9 / call me / +31 6 12345678 / who is this / yes of no
Yes, I can't"""


def each(table: str) -> list[str]:
    return [text.strip() for line in table.splitlines() for text in line.split(" / ")]


@pytest.mark.parametrize("text", each(YES))
def test_a_plain_yes(text: str):
    assert read(text) == "yes"


@pytest.mark.parametrize("text", each(NO))
def test_a_plain_no(text: str):
    assert read(text) == "no"


@pytest.mark.parametrize(("text", "when"), LATER.items())
def test_a_time_is_the_next_such_time(text: str, when: str):
    assert read(text) == f"later {when}"


@pytest.mark.parametrize("text", each(ASKED_WHEN))
def test_later_without_a_clear_time_is_asked_when(text: str):
    assert read(text) == "later"


@pytest.mark.parametrize("text", each(NOT_UNDERSTOOD))
def test_in_doubt_nothing_is_understood(text: str):
    assert read(text) == "-"


def test_a_long_text_is_more_than_an_answer():
    assert read("") == read("  \n") == "-"
    assert read("yes " * (LONGEST // 4)) == "yes"
    assert read("yes " * (LONGEST // 4 + 1)) == "-"


def test_what_two_languages_read_differently_is_not_understood_unless_one_is_known():
    assert read("half 7") == "-"
    assert read("half 7", NIGHT, "nl") == "later 24 06:30"
    assert read("half 7", NIGHT, "en", "es") == "later 24 07:30"
    assert read("half 7", NIGHT, "en", "nl") == "-"
    assert read("yes", NIGHT, "xx") == "-"


def test_the_answer_is_aware_utc_and_whole_minutes():
    understood = understand("in 2 hours", NIGHT)
    assert understood == Understood(answer=Answer.LATER, at=datetime(2026, 11, 24, 6, 10, tzinfo=UTC), from_now=True)


@pytest.mark.parametrize(
    ("now", "text", "when"),
    [
        ("2026-11-24 08:00", "at 7", "24 19:00"),
        ("2026-11-24 07:00", "at 7", "24 19:00"),
        ("2026-11-24 20:00", "at 7", "25 07:00"),
        ("2026-11-24 20:00", "19:30", "25 19:30"),
        ("2026-11-24 23:50", "in half an hour", "25 00:20"),
        ("2026-12-31 23:00", "tomorrow at 8", "01 08:00"),
        ("2026-11-24 01:30", "tomorrow at 8", None),
        ("2026-11-24 20:00", "today at 7", None),
    ],
)
def test_what_time_it_is_counts(now: str, text: str, when: str | None):
    at = datetime.fromisoformat(now).replace(tzinfo=AMSTERDAM)
    assert read(text, at) == (f"later {when}" if when else "later")


@pytest.mark.parametrize(
    ("now", "text", "utc"),
    [
        ("2026-03-29 00:30", "in 2 hours", "2026-03-29T01:30Z"),  # 00:30 + 2 h is 03:30 on the wall
        ("2026-03-29 00:30", "at 02:30", "2026-03-29T01:30Z"),  # the hour is left out: an hour later by the new time
        ("2026-03-28 20:00", "tomorrow at 8", "2026-03-29T06:00Z"),
        ("2026-10-25 01:00", "at 02:30", "2026-10-25T00:30Z"),  # it comes twice: the first
        ("2026-10-25 02:45", "at 02:30", "2026-10-25T01:30Z"),  # the first has passed: the second
        ("2026-10-25 01:00", "in 3 hours", "2026-10-25T02:00Z"),
        ("2026-10-24 20:00", "tomorrow at 8", "2026-10-25T07:00Z"),
    ],
)
def test_summer_time_begins_and_ends(now: str, text: str, utc: str):
    understood = understand(text, datetime.fromisoformat(now).replace(tzinfo=AMSTERDAM))
    assert understood is not None
    assert understood.at == datetime.fromisoformat(utc)
