"""The form by which a statement is read, edited and decided: laid out, and read back. What it leads to is the door's.

It shows one language at a time. What was typed in the others travels in the view itself, since Slack gives back only
the fields that are there.
"""

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine import languages
from engine.ports import Decision, FormText, StatementForm
from integrations.slack import blocks, words

CALLBACK = "statement"
LANGUAGE = "statement_language"
VALUE = "value"
DO, REASON, ANYWAY = "do", "reason", "anyway"
TEXT = "text:"

INPUT_LIMIT = 3000
"""Characters of an input: https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element."""
METADATA_LIMIT = 3000
"""Characters that a view carries along: https://docs.slack.dev/reference/views/modal-views."""
HINT_LIMIT = LABEL_LIMIT = 2000
"""Characters: https://docs.slack.dev/reference/block-kit/blocks/input-block."""
LAST = 4
"""Blocks after the texts: what is left out, the decision, the reason, why words stand."""
_EMOJI_NAME = re.compile(r"(?<![\w:]):[a-z+-][a-z0-9_+'-]*:(?!\w)")


@dataclass(frozen=True)
class Carried:
    """What a view carries along."""

    statement: str
    seen: str
    language: str
    came_from: str = ""
    """Where the button stood: `home`, `answer`, or empty for a message that all who were asked see."""
    answer_at: str = ""
    """Where Slack takes changes of that message."""
    turn: int = 0
    """How often the form was laid out."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """Name of a text → what was typed in a language that is not shown."""

    def written(self) -> str:
        """Raises TooMuch."""
        plain = [self.statement, self.seen, self.language, self.came_from, self.answer_at, self.turn, dict(self.typed)]
        packed = zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 9)
        text = base64.b64encode(packed).decode()
        if len(text) > METADATA_LIMIT:
            raise TooMuch
        return text


class TooMuch(Exception):
    """There is no room in a view for all that was typed."""


def carried(view: Mapping[str, Any]) -> Carried:
    """Read what a view of ours carries."""
    return Carried(*json.loads(zlib.decompress(base64.b64decode(view["private_metadata"]))))


# ---------------------------------------------------------------- read back


def typed(view: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, in all languages: the texts that are not any more as the form gave them.

    Compared with what Slack says the form gave, for it may write an emoji otherwise than we did.
    """
    given = {
        block["block_id"]: (block.get("element") or {}).get("initial_value", "").strip()
        for block in view.get("blocks") or ()
        if block.get("type") == "input"
    }
    now = {
        block.removeprefix(TEXT): _unescaped(_value(elements))
        for block, elements in view["state"]["values"].items()
        if block.startswith(TEXT) and _value(elements) != given.get(block)
    }
    return {**carried(view).typed, **now}


def read(view: Mapping[str, Any]) -> Decision:
    """Read what was sent."""
    values, there = view["state"]["values"], carried(view)
    return Decision(
        statement=there.statement,
        seen=there.seen,
        do=_value(values.get(DO) or {}),
        texts=typed(view),
        reason=_value(values.get(REASON) or {})[:500],
        anyway=_value(values.get(ANYWAY) or {})[:300],
    )


def mistakes(decision: Decision) -> dict[str, str]:
    """Find what only Slack does to a text: name of the text → sentence."""
    found = {name: _EMOJI_NAME.search(text) for name, text in decision.texts.items()}
    return {name: words.EMOJI_NAME.format(name=emoji.group()) for name, emoji in found.items() if emoji}


def at_blocks(view: Mapping[str, Any], at: Mapping[str, str]) -> dict[str, str]:
    """Put each mistake at its block; that of a text in another language at the choice of language."""
    there = set(view["state"]["values"])
    found: dict[str, str] = {}
    for name, sentence in at.items():
        block = name if name in (DO, REASON) else f"{TEXT}{name}"
        if block not in there:
            language = languages.name(name.rpartition("|")[2])
            block = _language_block(carried(view).turn)
            sentence = words.in_language(language, sentence)
            block = block if block in there else DO
        found[block] = f"{found[block]} {sentence}" if block in found else sentence
    return found


def _value(elements: Mapping[str, Any]) -> str:
    element: Mapping[str, Any] = next(iter(elements.values()), {})
    if element.get("selected_option"):
        return str(element["selected_option"]["value"])
    return str(element.get("value") or "").strip()


def _unescaped(text: str) -> str:
    """Slack escapes these three in some of what it sends; no text of ours has them written out."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# ---------------------------------------------------------------- laid out


def opened(form: StatementForm, came_from: str, answer_at: str) -> dict[str, Any]:
    """Lay the form out for the first time. Raises Refused where Slack would refuse it."""
    return _laid_out(form, Carried(form.statement, form.seen, form.language, came_from, answer_at))


def turned(view: Mapping[str, Any], form: StatementForm) -> dict[str, Any]:
    """Lay it out in another language, with what was typed there before. Raises TooMuch, Refused."""
    before = carried(view)
    return _laid_out(
        form, replace(before, language=form.language, turn=before.turn + 1, typed=typed(view)), dict(typed(view))
    )


def stayed(view: Mapping[str, Any], form: StatementForm, why: str) -> dict[str, Any]:
    """Lay it out once more as it was, and say why: Slack keeps what is typed in fields of the same name and value."""
    before = carried(view)
    return _laid_out(form, replace(before, turn=before.turn + 1), before.typed, why)


def said(text: str) -> dict[str, Any]:
    """Lay out a form that only says something."""
    return _view(blocks.written(blocks.sections(text)), close=words.FORM_CLOSE)


def _laid_out(form: StatementForm, carry: Carried, typed: Mapping[str, str] = {}, notice: str = "") -> dict[str, Any]:
    laid_out = blocks.sections(form.heading)
    if notice:
        laid_out += blocks.sections(notice)
    if len(form.languages) > 1:
        laid_out.append(_languages(form, carry.turn))
    for number, text in enumerate(form.texts):
        own = _text(text, typed.get(text.name, text.text), form.elsewhere)
        if len(laid_out) + len(own) + LAST > blocks.VIEW_BLOCK_LIMIT:
            laid_out += blocks.sections(words.more_texts(len(form.texts) - number, form.elsewhere))
            break
        laid_out += own
    laid_out += [_decision(), _line(REASON, words.REASON, 500), _line(ANYWAY, words.ANYWAY, 300)]
    view = _view(blocks.written(laid_out), submit=words.STATEMENT_SEND, close=words.FORM_CANCEL)
    return {**view, "private_metadata": carry.written()}


def _view(laid_out: list[dict[str, Any]], **buttons: str) -> dict[str, Any]:
    labels = {name: {"type": "plain_text", "text": label} for name, label in buttons.items()}
    heading = {"type": "plain_text", "text": words.STATEMENT_TITLE}
    return {"type": "modal", "callback_id": CALLBACK, "title": heading, "blocks": laid_out, **labels}


def _languages(form: StatementForm, turn: int) -> Any:
    """The choice of language. A new name each time: Slack would keep the old choice."""
    from slack_sdk.models.blocks import InputBlock, StaticSelectElement

    options = [_option(code, languages.name(code)) for code in form.languages]
    chosen = next(option for option in options if option.value == form.language)
    element = StaticSelectElement(options=options, initial_option=chosen, action_id=LANGUAGE)
    return InputBlock(label=words.LANGUAGE, element=element, block_id=_language_block(turn), dispatch_action=True)


def _language_block(turn: int) -> str:
    return f"language:{turn}"


def _option(value: str, label: str) -> Any:
    from slack_sdk.models.blocks import Option

    return Option(value=value, label=label)


def _text(text: FormText, now: str, elsewhere: str) -> list[Any]:
    """One text: a thread post by post, what the check stops, and the field; without one where it is too long."""
    from slack_sdk.models.blocks import InputBlock, PlainTextInputElement

    label = words.text_label(languages.name(text.language), text.channels, len(text.parts))[:LABEL_LIMIT]
    stopped = blocks.sections(words.stopped(text.stops)) if text.stops else []
    if _utf16(now) > INPUT_LIMIT:
        shown = words.thread(text.parts) if len(text.parts) > 1 else text.text
        whole = f"*{label}*\n{shown}\n\n{_hint(text)}\n{words.too_long_here(elsewhere)}"
        return [*stopped, *blocks.sections(whole)]
    thread = blocks.sections(words.thread(text.parts)) if len(text.parts) > 1 else []
    element = PlainTextInputElement(action_id=VALUE, initial_value=now, multiline=True, max_length=INPUT_LIMIT)
    return [
        *thread,
        *stopped,
        InputBlock(label=label, hint=_hint(text), element=element, block_id=f"{TEXT}{text.name}"),
    ]


def _hint(text: FormText) -> str:
    """How long it is on each channel, and what could be better; whole lines, as many as there is room for."""
    lines = [words.lengths(text.lengths), *words.advice(text.advice)]
    if len("\n".join(lines)) <= HINT_LIMIT:
        return "\n".join(lines)
    while len("\n".join([*lines, words.MORE_ADVICE])) > HINT_LIMIT:
        lines.pop()
    return "\n".join([*lines, words.MORE_ADVICE])


def _utf16(text: str) -> int:
    """Count a text as browsers do; never less than its characters."""
    return len(text.encode("utf-16-le")) // 2


def _decision() -> Any:
    from slack_sdk.models.blocks import InputBlock, RadioButtonsElement

    options: Sequence[Any] = [_option(value, label) for value, label in words.DECISIONS.items()]
    return InputBlock(label=words.DECISION, element=RadioButtonsElement(action_id=VALUE, options=options), block_id=DO)


def _line(block: str, label: str, most: int) -> Any:
    from slack_sdk.models.blocks import InputBlock, PlainTextInputElement

    element = PlainTextInputElement(action_id=VALUE, max_length=most)
    return InputBlock(label=label, element=element, block_id=block, optional=True)
