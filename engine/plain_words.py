"""Reading an answer that somebody typed: yes, no, or later and from when. In doubt nothing is understood.

Every word of a text must be known and all of them must agree: one word too many, or a question, and it is not
understood, since a wrong yes costs more than a second question. The words are in `engine.plain_phrases`, those
times in `engine.plain_grammar`; which instant a time means is in `engine.plain_time`.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from engine.callout import Answer
from engine.plain_grammar import LANGUAGES, Language
from engine.plain_phrases import FILLERS, LATER, NAMED_SIGNS, NO, SIGNS, YES
from engine.plain_time import Clock, Day, clock, resolve
from engine.record import Instant, Value

LONGEST = 200
"""Characters; whoever writes more says more than an answer."""
FARTHEST = timedelta(hours=24)


class Understood(Value):
    """What somebody meant."""

    answer: Answer
    at: Instant | None = None
    """With LATER: from when; None when that is still to be asked."""
    from_now: bool = False
    """It was said as a span from now, as `in 2 hours`."""


Meaning = Answer | Clock | timedelta | Day | None
"""One thing said; None for what says nothing, such as a greeting."""
Reading = tuple[re.Pattern[str], Callable[[re.Match[str]], Meaning]]


def understand(text: str, now_local: datetime, languages: Collection[str] = tuple(LANGUAGES)) -> Understood | None:
    """Read an answer as its writer meant it. None: not understood.

    `now_local` is aware, in the time zone where the writer lives: a time means the next such time there. `languages`
    are those they may have written in; where two of them read the text differently it is not understood.
    """
    if len(text) > LONGEST:
        return None
    parts = list(_parts(text))
    found = {_understand_in(language, parts, now_local) for language in languages if language in LANGUAGES}
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def _understand_in(language: str, parts: list[str], now: datetime) -> Understood | None:
    try:
        return _sum_up(list(_read(parts, language)), now)
    except ValueError:
        return None


# ---------------------------------------------------------------- the text


def _parts(text: str) -> Iterator[str]:
    """Fold a text to plain words, and cut it at its punctuation."""
    text = re.sub(r":skin-tone-\d:", "", text.casefold())
    text = re.sub(r":([+\w-]+):", lambda sign: f" {NAMED_SIGNS.get(sign[1], sign[0])} ", text)
    text = "".join(f" {SIGNS[sign]} " if sign in SIGNS else sign for sign in text)
    text = re.sub(r"\bs[íì](?!\w)", "yes", re.sub(r"[\u200d\u2640\u2642\U0001f3fb-\U0001f3ff]", "", text))
    text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    text = re.sub(r"['’‘ʼ`´]", "", text.replace("\ufe0f", ""))
    text = re.sub(r"(?<=[\d ])([ap])\.? ?m\b\.?", r"\1m", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    for part in re.split(r"[,;!\n…–—]|(?:^|\s)-+\s|\.(?!\d)|(?<!\d)\.|:(?!\d)", text):
        if words := " ".join(re.sub(r"[\"“”()]", " ", part).split()):
            yield words


# ---------------------------------------------------------------- the words


def _read(parts: Iterable[str], language: str) -> Iterator[Meaning]:
    """Read every word, the longest thing that can be read first. Raises ValueError for what is not known."""
    for part in parts:
        at = 0
        while at < len(part):
            matches = [(match, mean) for form, mean in _readings(language) if (match := form.match(part, at))]
            if not matches:
                raise ValueError(part)
            match, mean = max(matches, key=lambda pair: pair[0].end())
            yield mean(match)
            at = match.end() + 1


@lru_cache(maxsize=len(LANGUAGES))
def _readings(language: str) -> tuple[Reading, ...]:
    """All that can be said, with what it means."""
    known = LANGUAGES[language]
    plain = ((YES, Answer.YES), (NO, Answer.NO), (LATER, Answer.LATER), (FILLERS, None))
    said: list[tuple[str, Meaning]] = [(text, meaning) for texts, meaning in plain for text in texts]
    said += [(text, Day(*day)) for text, day in known.days.items()]
    return (*(_meaning(text, meaning) for text, meaning in said), *_clocks(known), *_spans(known))


def _meaning(text: str, meaning: Meaning) -> Reading:
    return _reading(text, lambda _: meaning)


def _reading(text: str, mean: Callable[[re.Match[str]], Meaning]) -> Reading:
    return re.compile(rf"(?:{text})(?= |$)"), mean


def _clocks(language: Language) -> Iterator[Reading]:
    """Times of the day."""
    number = rf"\d{{1,2}}|{'|'.join(sorted(language.numbers, key=len, reverse=True))}"
    hour, minutes = f"(?P<h>{number})", f"(?P<n>{number})"
    before, maybe = f"(?:{language.at}) ", f"(?:(?:{language.at}) )?"

    def reading(text: str, add: int = 0, sign: int = 0, sure: bool = True) -> Reading:
        form = text.replace("{h}", hour).replace("{n}", minutes)
        return _reading(form, lambda match: clock(match, language.numbers, add=add, sign=sign, sure=sure))

    yield reading(rf"{maybe}(?P<h>\d{{1,2}})[:.](?P<m>\d\d)(?: ?(?P<half>am|pm)| ?(?:uur|uhr|hrs|h|horas|heures))?")
    yield reading(rf"{before}(?P<h>\d{{1,2}}) ?[hu] ?(?P<m>\d\d)")
    yield reading(r"(?P<h>1[3-9]|2[0-3])[hu](?P<m>\d\d)")
    yield reading(rf"{maybe}(?P<h>\d{{1,2}}) ?(?P<half>am|pm)")
    yield reading(f"{before}{{h}}(?: ?(?:{language.o_clock or language.perhaps_o_clock or 'h'}))?")
    for text, add, sign in language.clocks:
        yield reading(f"{maybe}(?:{text})", add, sign)
    for text, add, sign in language.clocks_after_at:
        yield reading(f"{before}(?:{text})", add, sign)
    if language.o_clock:
        yield reading(f"{{h}} ?(?:{language.o_clock})")
    if language.perhaps_o_clock:
        yield reading(f"{{h}} ?(?:{language.perhaps_o_clock})", sure=False)
    for text, fixed in language.fixed.items():
        yield _meaning(f"{maybe}(?:{text})", Clock(fixed, 0, exact=True))


def _spans(language: Language) -> Iterator[Reading]:
    """Spans of time from now."""
    number = rf"(?P<n>\d{{1,3}}(?:\.\d)?|{'|'.join(language.numbers)})"
    hours, minutes, half = f" ?(?:{language.hours})", f" ?(?:{language.minutes})", f" ?{language.half}"
    more = r"(?: (?:and|en|y|e|und|et))? (?P<m>\d{1,2})"

    def reading(text: str, per: int, extra: int = 0) -> Iterator[Reading]:
        def mean(match: re.Match[str]) -> timedelta:
            given = match.groupdict()
            count = language.numbers.get(given.get("n") or "0") or float(given.get("n") or 0)
            return timedelta(minutes=count * per + extra + int(given.get("m") or 0))

        yield _reading(f"(?:{language.inside}) (?:{text})", mean)
        if language.after_span:
            yield _reading(f"(?:{text}) {language.after_span}", mean)

    for text, fixed in language.spans.items():
        yield from reading(text, 0, fixed)
    yield from reading(number + hours, 60)
    yield from reading(number + minutes, 1)
    yield from reading(f"{number}(?:{hours}{half}|{half}{hours})", 60, 30)
    yield from reading(f"{number}{hours}{more}(?:{minutes})?", 60)
    yield from reading(r"(?P<n>\d)h(?P<m>\d\d)", 60)


# ---------------------------------------------------------------- all together


def _sum_up(said: list[Meaning], now: datetime) -> Understood | None:
    """Put together what was said; None when it does not agree, or is no answer."""
    answers = {one for one in said if isinstance(one, Answer)}
    spans = [one for one in said if isinstance(one, timedelta)]
    clocks = [one for one in said if isinstance(one, Clock)]
    days = [one for one in said if isinstance(one, Day) and one != Day(0, "")]
    if Answer.NO in answers:
        return None if answers != {Answer.NO} or spans or clocks or days else Understood(answer=Answer.NO)
    if len(spans) + len(clocks) > 1:
        return None
    if spans:
        soon = timedelta() < spans[0] <= FARTHEST and not days
        at = (now.astimezone(UTC) + spans[0]).replace(second=0, microsecond=0)
        return Understood(answer=Answer.LATER, at=at, from_now=True) if soon else None
    if clocks or days:
        return _at(clocks, [one for one in said if isinstance(one, Day)], now)
    if Answer.LATER in answers:
        return Understood(answer=Answer.LATER)
    return Understood(answer=Answer.YES) if answers else None


def _at(clocks: list[Clock], days: list[Day], now: datetime) -> Understood | None:
    """Later: at this time of this day. A day without a clear time leaves the time to be asked."""
    named = {one.day for one in days if one.day is not None}
    periods = {one.period for one in days if one.period}
    if len(named) > 1 or len(periods) > 1:
        return None
    day, period = next(iter(named), None), next(iter(periods), "")
    if not clocks:
        return Understood(answer=Answer.LATER)
    if not clocks[0].sure and day is None and not period:
        return None
    return Understood(answer=Answer.LATER, at=resolve(clocks[0], day, period, now))
