"""A post of X as people read it: links as they were written, letters as they were. Nothing here asks X anything."""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

_LINK = re.compile(r"https?://t\.co/\w+")
_SCHEME = re.compile(r"https?://(?=\S)", re.IGNORECASE)
_LAST_SLASH = re.compile(r"/(?=[\s.,;:!?)\]]|$)")


def read(post: dict[str, Any]) -> str:
    """Give the text of a post object with its links unfolded.

    X replaces every link by one of t.co (`entities.urls` has what it stands for), writes `&`, `<` and `>` as HTML
    entities, keeps a text over 280 in `note_tweet`, and ends a quoting post with a link to what it quotes:
    https://docs.x.com/x-api/fundamentals/data-dictionary.
    """
    whole = post.get("note_tweet") or post
    links = {link.get("url"): link.get("expanded_url") or "" for link in whole.get("entities", {}).get("urls", [])}
    plain = str(whole["text"]).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    quoted = [f"/status/{other['id']}" for other in referred(post) if other.get("type") == "quoted"]

    def unfold(match: re.Match[str]) -> str:
        link = links.get(match.group()) or match.group()
        return "" if any(link.endswith(end) for end in quoted) else link

    return _LINK.sub(unfold, plain).strip()


def referred(post: dict[str, Any]) -> list[dict[str, Any]]:
    """The posts that this one answers or quotes: objects with `type` and `id`."""
    return post.get("referenced_tweets") or []


def same(one: str, other: str) -> bool:
    """Whether two texts say the same to a reader.

    X makes a link of a bare address and puts `http://` before it, and writes letters in Unicode's form C; blanks,
    percent signs in links and a slash at a link's end are nobody's edit.
    """
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    bare = _LAST_SLASH.sub("", _SCHEME.sub("", unquote(text)))
    return " ".join(unicodedata.normalize("NFC", bare).split())
