"""The form of `/irrops declare`: laid out from a playbook, and read back. What it leads to is decided by the door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine.incident import Severity
from engine.playbook import Fact, Playbook
from integrations.slack import words
from integrations.slack.blocks import sections, written

CALLBACK = "declare"
CHOOSE = "playbook"
VALUE = "value"
OPTION_LIMIT = 100
"""Options in a select: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element."""


@dataclass
class Entered:
    """What somebody sent. `errors`: block_id → sentence, shown in the form."""

    playbook: str
    severity: str
    facts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def layout(playbooks: Sequence[Playbook], chosen: Playbook) -> dict[str, Any]:
    """Lay the form out for the chosen playbook. Raises Refused where Slack would refuse it."""
    blocks = [_playbook(playbooks, chosen), _severity(chosen), *(_fact(name, chosen) for name in chosen.facts)]
    return _view(words.FORM_TITLE, written(blocks), submit=words.FORM_SEND, close=words.FORM_CANCEL)


def said(text: str) -> dict[str, Any]:
    """Lay out a form that only says something."""
    return _view(words.FORM_TITLE, written(sections(text)), close=words.FORM_CLOSE)


def pick(playbooks: Sequence[Playbook], slug: str) -> Playbook:
    """Find a playbook by slug, or the first. There must be one."""
    return next((each for each in playbooks if each.playbook == slug), playbooks[0])


def read(view: Mapping[str, Any], playbooks: Sequence[Playbook]) -> Entered:
    """Read what was sent, each fact by its own rule."""
    values = {block: _value(elements) for block, elements in view["state"]["values"].items()}
    slug = values.get(CHOOSE, "")
    playbook = pick(playbooks, slug)
    entered = Entered(playbook=playbook.playbook, severity=values.get(_severity_block(playbook), ""))
    expected = {name: _block(name, playbook) for name in playbook.facts}
    if not entered.severity or any(block not in values for block in expected.values()):
        entered.errors[CHOOSE] = words.FORM_CHANGING
        return entered
    for name, block in expected.items():
        _read_fact(playbook.facts[name], name, values[block], block, entered)
    return entered


def _read_fact(fact: Fact, name: str, raw: str, block: str, entered: Entered) -> None:
    if not raw:
        if fact.must:
            entered.errors[block] = words.REQUIRED
        return
    try:
        fact.read(raw)
    except ValueError as error:
        entered.errors[block] = _sentence(str(error))
    else:
        entered.facts[name] = raw


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _value(elements: Mapping[str, Any]) -> str:
    """Read an input, whatever its kind, as the text that a fact reads; empty when nothing was entered."""
    element: Mapping[str, Any] = next(iter(elements.values()), {})
    if element.get("selected_option"):
        return str(element["selected_option"]["value"])
    if element.get("selected_date_time"):
        return datetime.fromtimestamp(int(element["selected_date_time"]), UTC).isoformat()
    return str(element.get("value") or "").strip()


def _view(title: str, blocks: list[dict[str, Any]], **buttons: str) -> dict[str, Any]:
    labels = {name: {"type": "plain_text", "text": label} for name, label in buttons.items()}
    heading = {"type": "plain_text", "text": title}
    return {"type": "modal", "callback_id": CALLBACK, "title": heading, "blocks": blocks, **labels}


def _option(value: str, label: str) -> Any:
    from slack_sdk.models.blocks import Option

    return Option(value=value, label=label[:75])


def _select(options: Sequence[Any], chosen: str, action_id: str = VALUE) -> Any:
    from slack_sdk.models.blocks import StaticSelectElement

    initial = next((option for option in options if option.value == chosen), None)
    return StaticSelectElement(options=options[:OPTION_LIMIT], initial_option=initial, action_id=action_id)


def _playbook(playbooks: Sequence[Playbook], chosen: Playbook) -> Any:
    from slack_sdk.models.blocks import InputBlock

    options = [_option(each.playbook, each.title) for each in playbooks]
    element = _select(options, chosen.playbook, CHOOSE)
    return InputBlock(label=words.PLAYBOOK, element=element, block_id=CHOOSE, dispatch_action=True)


def _severity(chosen: Playbook) -> Any:
    from slack_sdk.models.blocks import InputBlock

    options = [_option(each.value, each.value) for each in Severity]
    return InputBlock(
        label=words.SEVERITY,
        hint=words.SEVERITY_HINT,
        element=_select(options, chosen.severity.value),
        block_id=_severity_block(chosen),
    )


def _severity_block(playbook: Playbook) -> str:
    """Name the block after the playbook, so that another playbook's own severity is shown when it is chosen."""
    return f"severity:{playbook.playbook}"


def _block(name: str, playbook: Playbook) -> str:
    """Name a fact's block. Slack keeps what was typed in blocks of the same name, so stations stay stations."""
    fact = playbook.facts[name]
    own = f":{playbook.playbook}" if fact.type == "choice" else ""
    return f"fact:{name}:{fact.type}{own}"


def _fact(name: str, playbook: Playbook) -> Any:
    from slack_sdk.models.blocks import InputBlock

    fact = playbook.facts[name]
    return InputBlock(label=fact.ask, element=_element(fact), block_id=_block(name, playbook), optional=not fact.must)


def _element(fact: Fact) -> Any:
    from slack_sdk.models.blocks import DateTimePickerElement, NumberInputElement, PlainTextInputElement

    default = _default(fact)
    if fact.type == "choice":
        return _select([_option(each, each) for each in fact.choices], default)
    if fact.type == "yes_no":
        return _select([_option("yes", words.YES), _option("no", words.NO)], default)
    if fact.type == "instant":
        moment = int(datetime.fromisoformat(default).timestamp()) if default else None
        return DateTimePickerElement(action_id=VALUE, initial_date_time=moment)
    if fact.type == "integer":
        low, high = (None if bound is None else str(bound) for bound in (fact.min, fact.max))
        return NumberInputElement(
            action_id=VALUE, is_decimal_allowed=False, initial_value=default or None, min_value=low, max_value=high
        )
    example = words.STATIONS_EXAMPLE if fact.type == "stations" else None
    return PlainTextInputElement(action_id=VALUE, initial_value=default or None, placeholder=example)


def _default(fact: Fact) -> str:
    if fact.default is None:
        return ""
    if isinstance(fact.default, bool):
        return "yes" if fact.default else "no"
    return ", ".join(map(str, fact.default)) if isinstance(fact.default, list | tuple) else str(fact.default)
