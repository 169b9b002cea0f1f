"""Texts and buttons as Block Kit, checked before they are sent, and marked so that they can be found again."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.effects import Button
from engine.ports import Refused
from integrations.slack.settings import LIMIT

SECTION_LIMIT = LIMIT.count
"""Characters in a section's text."""
BLOCK_LIMIT = 50
"""Blocks in a message: https://docs.slack.dev/reference/block-kit/blocks."""
VIEW_BLOCK_LIMIT = 100
"""Blocks in a form or the Home tab, by the same page."""
FALLBACK_LIMIT = 3000
EVENT_TYPE = "irrops_effect"

REPLY = "irrops-reply"
"""The block_id of the buttons under an answer of ours: what is answered next takes its place."""

BUTTON = re.compile(r"(?P<action>[a-z_]+):\d+")
"""The action_id of our buttons: what `engine.buttons` calls the action, and its place in the row."""

_TOKEN = re.compile(
    r"<(?:https?://|mailto:)[^<>\s|]+(?:\|[^<>\n]+)?>"  # a link
    r"|<@[UW][A-Z0-9]+>|<#[CG][A-Z0-9]+(?:\|[^<>\n]*)?>"  # a person, a channel
    r"|<!date\^\d+\^[^<>\n]+\|[^<>\n]+>"
    r"|(?<![<|\w])https?://[^\s<>|]+[^\s<>|.,;:!?)\]'\"]"  # a bare address
)
_BARE_LINK = re.compile(r"<((?:https?://|mailto:)[^<>\s|]+)>")
_EMOJI = re.compile(r"(?<!\d):[a-z+-][a-z0-9_+'-]*:")
_READ = re.compile(r"\w|(?<=\d)[^\w\s](?=\d)")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")


def mrkdwn(text: str) -> str:
    """Escape a text for Slack, so that nothing in it calls a whole channel.

    Links, people, channels and dates written Slack's way stay; `<!channel>` and its like become plain text, since
    facts and alerts come from outside. Bare addresses become links, for `verbatim` switches Slack's own parsing off.
    """
    parts, end = [], 0
    for match in _TOKEN.finditer(text):
        parts.append(_escape(text[end : match.start()]))
        found = match.group()
        parts.append(found if found.startswith("<") else f"<{_escape(found)}>")
        end = match.end()
    return "".join([*parts, _escape(text[end:])])


def _escape(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def pieces(text: str, limit: int = SECTION_LIMIT) -> Iterator[str]:
    """Cut an escaped text into parts of at most `limit` characters, at a paragraph, line or word where there is one."""
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    yield rest


def _cut(text: str, limit: int) -> int:
    """Find where to cut. A link is not cut open, nor is an entity such as `&amp;`."""
    for mark in ("\n\n", "\n", " "):
        cut = text.rfind(mark, limit // 2, limit)
        if cut > 0 and not _inside(text, cut):
            return cut
    opened = text.rfind("<", 0, limit)
    if opened > 0 and _inside(text, limit):
        return opened
    entity = text.rfind("&", max(0, limit - 4), limit)
    return entity if entity > 0 and ";" not in text[entity:limit] else limit


def _inside(text: str, at: int) -> bool:
    return text.rfind("<", 0, at) > text.rfind(">", 0, at)


def sections(text: str, mark: str = "") -> list[Any]:
    """Lay out a text as section blocks; the first carries `mark` as its block_id."""
    from slack_sdk.models.blocks import MarkdownTextObject, SectionBlock

    return [
        SectionBlock(
            text=MarkdownTextObject(text=piece or " ", verbatim=True), block_id=mark if mark and not index else None
        )
        for index, piece in enumerate(pieces(mrkdwn(text)))
    ]


def row(buttons: Sequence[Button], block_id: str | None = None) -> list[Any]:
    """Lay out buttons as one actions block; nothing when there are none."""
    from slack_sdk.models.blocks import ActionsBlock, ButtonElement

    if not buttons:
        return []
    elements = [
        ButtonElement(
            text=button.label,
            action_id=f"{button.action}:{index}",
            value=button.value or None,
            style=button.style or None,
        )
        for index, button in enumerate(buttons)
    ]
    return [ActionsBlock(elements=elements, block_id=block_id)]


def message(
    text: str, buttons: Sequence[Button] = (), mark: str = "", row_id: str | None = None
) -> list[dict[str, Any]]:
    """Lay out a message. Raises Refused, for good, when Slack would refuse it."""
    laid_out = written([*sections(text, mark), *row(buttons, row_id)])
    if len(laid_out) > BLOCK_LIMIT:
        raise Refused(
            f"The message needs {len(laid_out)} blocks; Slack takes {BLOCK_LIMIT}. Shorten it.", permanent=True
        )
    return laid_out


def written(blocks: Sequence[Any]) -> list[dict[str, Any]]:
    """Check blocks by the SDK's models and write them as JSON takes them. Raises Refused, for good."""
    from slack_sdk.errors import SlackObjectFormationError

    try:
        return [block.to_dict() for block in blocks]
    except SlackObjectFormationError as error:
        raise Refused(f"Slack would refuse the message's layout: {error}", permanent=True) from error


def fallback(text: str) -> str:
    """Shorten a text for the notification, where blocks aren't shown."""
    return next(pieces(mrkdwn(text), FALLBACK_LIMIT))


def plain(found: dict[str, Any]) -> str:
    """Read the text of a message that Slack gives back, as it was before `mrkdwn`."""
    parts = [
        str((block.get("text") or {}).get("text") or "")
        for block in found.get("blocks") or ()
        if block.get("type") == "section"
    ]
    text = _BARE_LINK.sub(r"\1", "\n".join(parts) or str(found.get("text") or ""))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def same(seen: str, ours: str) -> bool:
    """Tell whether a text read back is the one that was sent.

    Slack may give an emoji back by its name, as :volcano:, and we cut long texts in pieces: what counts are letters,
    digits, and the marks between digits, by which a time or a sum is read.
    """
    return _READ.findall(_EMOJI.sub("", seen)) == _READ.findall(_EMOJI.sub("", ours))


def digest(key: str) -> str:
    """Shorten an effect key to 40 characters that always come out the same."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def block_mark(key: str) -> str:
    """Write the block_id that carries an effect key; Slack allows 255 characters."""
    return f"irrops-{digest(key)}"


def purpose_mark(key: str) -> str:
    """Write what a room's purpose carries of its effect key; Slack allows a purpose 250 characters."""
    return f"[irrops {digest(key)[:24]}]"


def metadata(key: str) -> dict[str, Any]:
    """Write the message metadata that carries an effect key."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def carries(found: dict[str, Any], key: str) -> bool:
    """Tell whether a message read from Slack is the one with this effect key."""
    data = found.get("metadata") or {}
    if data.get("event_type") == EVENT_TYPE and (data.get("event_payload") or {}).get("key") == key:
        return True
    return any(block.get("block_id") == block_mark(key) for block in found.get("blocks") or ())
