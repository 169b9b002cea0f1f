"""Mastodon's HTML and our text: the one made plain, and whether both say the same."""

import re
import unicodedata
from html.parser import HTMLParser

_MENTION = re.compile(r"(?<![\w/@])@(\w+)@[\w.-]*\w")


def plain(html: str) -> str:
    """Make a post's `content` plain text. Links stand whole in it: what the page hides of them is text all the same."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()


def same(one: str, other: str) -> bool:
    """Tell whether two texts are the same to a reader.

    A server folds blank lines and strips the ends, and shows a mention without its server.
    """
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return " ".join(_MENTION.sub(r"@\1", unicodedata.normalize("NFC", text)).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
