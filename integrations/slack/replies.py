"""Answers to presses, commands and messages: how each is shown to the person, and to nobody else.

The first answer stands below what it answers; when a button under it is pressed, the next takes its place.
"""

from typing import Any

from engine.ports import Reply
from integrations.slack import blocks


def privately(respond: Any, reply: Reply) -> None:
    """Show an answer to the person alone."""
    respond(response_type="ephemeral", replace_original=False, **_laid_out(reply))


def in_place(respond: Any, reply: Reply) -> None:
    """Show an answer where the one before it stood, in a message that only this person sees."""
    respond(replace_original=True, **_laid_out(reply))


def revise(respond: Any, text: str) -> None:
    """Change the message that carried the button, for all who see it; its buttons go."""
    respond(replace_original=True, text=blocks.fallback(text), blocks=blocks.message(text))


def directly(client: Any, channel: str, thread: str | None, reply: Reply) -> None:
    """Write an answer into the conversation with the person, in the thread where they wrote."""
    more = {"thread_ts": thread} if thread else {}
    client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, **more, **_laid_out(reply))


def is_answer(body: dict[str, Any], action: dict[str, Any]) -> bool:
    """Tell whether the pressed button stood under an answer of ours, or in a message that vanishes anyway."""
    container = body.get("container") or {}
    return action.get("block_id") == blocks.REPLY or bool(container.get("is_ephemeral"))


def _laid_out(reply: Reply) -> dict[str, Any]:
    laid_out = blocks.message(reply.text, reply.buttons, row_id=blocks.REPLY)
    return {"text": blocks.fallback(reply.text), "blocks": laid_out}
