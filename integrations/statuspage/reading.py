"""Reads a page as the public does: which words stand in the place of a statement."""

from html.parser import HTMLParser

import httpx

from engine.effects import CHANGED, GONE, SAME
from engine.ports import Refused
from integrations.statuspage.markup import clean

_EMPTY = ("br", "meta", "link")


class _Place(HTMLParser):
    """Gathers the text of the element with an id."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.text: str | None = None
        self._name, self._depth = name, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth:
            self.text = (self.text or "") + ("\n" if tag == "p" else "")
            self._depth += tag not in _EMPTY
        elif ("id", self._name) in attrs and self.text is None:
            self.text, self._depth = "", 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in _EMPTY:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.text = (self.text or "") + data


def words_at(html: str, place: str) -> str | None:
    """The text of the element with this id; None when there is no such element."""
    reader = _Place(place)
    reader.feed(html)
    reader.close()
    return None if reader.text is None else reader.text.strip()


def compare(html: str | None, place: str, text: str) -> tuple[str, str]:
    """Tell SAME, CHANGED or GONE, and what stands there. Blanks and line ends don't count."""
    found = None if html is None else words_at(html, place)
    if found is None:
        return GONE, ""
    return (SAME if found.split() == clean(text).split() else CHANGED), found


def fetch(url: str, timeout_s: float) -> str | None:
    """Ask the web for a page; None when it is not there. Raises Refused when it can't be told."""
    try:
        answer = httpx.get(url, timeout=timeout_s, follow_redirects=True)
    except httpx.HTTPError as error:
        raise Refused(f"The public status page does not answer at {url}: {error}", permanent=False) from None
    if answer.status_code in (404, 410):
        return None
    if not answer.is_success:
        raise Refused(f"The public status page answers {answer.status_code} at {url}.", permanent=False)
    return answer.content.decode("utf-8", errors="replace")
