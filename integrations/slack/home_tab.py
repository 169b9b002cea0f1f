"""The Home tab: laid out within Slack's limits, what waits for the person first. What stands in it is the door's."""

from collections.abc import Sequence
from typing import Any

from engine.ports import HomeItem, Reply
from integrations.slack import blocks, words


def layout(items: Sequence[HomeItem], reply: Reply | None = None) -> dict[str, Any]:
    """Lay out the tab; `reply` answers a press in it, with its buttons, above all else.

    An item that has no room any more is left out with all that follow, and the last line says how many.
    """
    laid_out: list[Any] = []
    if reply:
        laid_out += [*blocks.sections(reply.text), *blocks.row(reply.buttons, blocks.REPLY)]
    laid_out += blocks.sections(f"*{words.HOME_TITLE}*" if items else words.HOME_EMPTY)
    for number, item in enumerate(items):
        own = [*blocks.sections(item.text), *blocks.row(item.buttons)]
        if len(laid_out) + len(own) >= blocks.VIEW_BLOCK_LIMIT:
            laid_out += blocks.sections(words.more_in_home(len(items) - number))
            break
        laid_out += own
    return {"type": "home", "blocks": blocks.written(laid_out[: blocks.VIEW_BLOCK_LIMIT])}
