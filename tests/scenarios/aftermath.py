"""What can be seen after an incident whose process died: the database, the outside, the log."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.effects import Effect, EffectState
from engine.timeline import Entry
from tests.scenarios.faults import store
from tests.scenarios.killer import lines


class After:
    """What can be seen after the hour."""

    def __init__(self, home: Path):
        opened = store(home)
        self.effects = opened.all(Effect)
        self.timeline = opened.all(Entry)
        opened.engine.dispose()
        self.outside = lines(home / "outside.jsonl")
        log = home / "log"
        self.log = log.read_text() if log.exists() else ""

    @property
    def sent(self) -> dict[str, Effect]:
        return {effect.key: effect for effect in self.effects if effect.state is EffectState.SENT}

    def happened(self) -> dict[str, tuple[Any, datetime | None]]:
        """Key → what was sent and when. How often the situation was revised depends on who looked when."""
        changing = ("revise", "topic")
        return {key: (one.message, one.sent_at) for key, one in self.sent.items() if one.message.kind not in changing}

    def told(self) -> Counter[Any]:
        """What the timeline says beside deliveries. Not the words: who was killed often has tried often."""
        return Counter((entry.at, entry.kind, entry.step) for entry in self.timeline if entry.kind != "EffectSent")

    def last_of_the_situation(self) -> Any:
        shown = [line for line in self.outside if line["key"].split("/")[1] == "situation"]
        return shown[-1]["message"]["text"]


def whole(after: After) -> None:
    """Every effect is settled, happened once with the content on record, and is on the timeline once."""
    assert after.log == ""
    assert {effect.state for effect in after.effects} <= {EffectState.SENT, EffectState.CANCELLED}
    assert Counter(line["key"] for line in after.outside) == dict.fromkeys(after.sent, 1)
    for line in after.outside:
        assert line["message"] == after.sent[line["key"]].message.model_dump(mode="json")
    said = Counter(entry.facts["effect"] for entry in after.timeline if entry.kind == "EffectSent")
    assert said == dict.fromkeys(after.sent, 1)
