"""How much goes on one page, so that each stays under 30 kB: what is shown in full, and where a list goes on."""

from collections.abc import Sequence

from integrations.statuspage.disruptions import Disruption, Statement
from integrations.statuspage.markup import paragraphs

HALF = 6_000
"""Bytes of messages on half a page. An earlier page has two halves, the first page the two or three newest."""
IN_FULL = 12_000
"""Bytes of texts on the index; what does not fit is listed by title, but never the first one."""
AROUND = 450
"""Bytes of HTML around a message: headings, times, attributes."""


def weight(statement: Statement) -> int:
    """Bytes that a statement takes on a page, in its longest language, with its earlier wordings.

    A withdrawn one counts as before, so that pages stay divided as they were.
    """
    return max(
        sum(AROUND + len(paragraphs(text).encode()) for text in (one.post.text, *(was.text for was in one.earlier)))
        for one in statement.said
    )


def pages_of(disruption: Disruption) -> list[tuple[Statement, ...]]:
    """Divide a disruption's messages into pages, oldest page first; the last is its first page. Newest rights aside.

    Filled from the oldest, so that a page once full stays as it is.
    """
    told = [statement for statement in reversed(disruption.statements) if statement not in disruption.rights]
    halves = _halves(told)
    pairs = max(0, (len(halves) - 2) // 2)
    pages = [halves[2 * number] + halves[2 * number + 1] for number in range(pairs)]
    pages.append([statement for half in halves[2 * pairs :] for statement in half])
    return [tuple(reversed(page)) for page in pages]


def first_changed(disruption: Disruption, statement: str) -> int:
    """Number of the first page that may change, counted from 0, when this statement is new or reads otherwise.

    Pages are filled from the oldest, so that those before its own stay, but for one link to the next.
    """
    pages = pages_of(disruption)
    own = next((number for number, page in enumerate(pages) if statement in [one.key for one in page]), 0)
    return max(0, own - 2)


def _halves(told: Sequence[Statement]) -> list[list[Statement]]:
    halves: list[list[Statement]] = []
    room = 0
    for statement in told:
        heavy = weight(statement)
        if heavy > room:
            halves.append([])
            room = HALF
        halves[-1].append(statement)
        room -= heavy
    return halves


def in_full(current: Sequence[Disruption], most: int) -> int:
    """How many of these the index can show with their text, at most `most`."""
    used = 0
    for number, disruption in enumerate(current[:most]):
        used += weight(disruption.latest)
        if number and used > IN_FULL:
            return number
    return min(len(current), most)
