"""Opening the queue, and warning before a promise breaks: once for each window, and never too late."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine import triage
from engine.actions import open_queue
from engine.effects import Text
from engine.house import House
from engine.incident import Incident, Severity
from engine.playbook import Playbook, Step
from engine.snapshot import Snapshot, StepRun
from engine.steps import Outcome, StepState
from engine.triage import Conversation, Queue
from engine.wording import Templates

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
MESSAGES = Path(__file__).resolve().parents[2] / "templates" / "messages"
HOUSE = House(wording=Templates(MESSAGES), channels={})
STEP = Step.model_validate({"key": "crisis_queue", "action": "open_queue"})
PARAMS = open_queue.Params.model_validate({"answer_within": "60m", "solve_within": "24h"})


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def waiting(id: int, breaks_in: float, **more: object) -> Conversation:
    """A conversation whose answer is due so many minutes after NOW."""
    at = NOW + minutes(breaks_in)
    values = {"id": id, "incident": 1, "key": f"x/{id}", "channel": "x", "customer": "", "text": "?", "language": "en"}
    times = {"received_at": at - minutes(60), "answer_by": at, "solve_by": at + minutes(23 * 60)}
    return Conversation.model_validate({**values, **times, **more})


class Watched:
    """Runs the step as the engine would, minute by minute, and keeps what it asked for."""

    def __init__(self, *conversations: Conversation, house: House = HOUSE, params: open_queue.Params = PARAMS) -> None:
        self.house, self.params = house, params
        self.conversations = list(conversations)
        self.queue: Queue | None = None
        self.state = StepState(incident=1, key="crisis_queue", started_at=NOW)
        self.outcomes: list[tuple[datetime, Outcome]] = []

    def run(self, now: datetime = NOW, drill: bool = False) -> Outcome:
        incident = Incident(
            number=1,
            uid="abcdefabcdef",
            playbook="ash-cloud",
            playbook_text="",
            title="Volcanic ash cloud",
            severity=Severity.SEV1,
            declared_by="dm",
            declared_at=NOW,
            status_at=NOW,
            drill=drill,
        )
        figures = triage.figures(self.conversations, self.queue, now) if self.queue else triage.QueueFigures()
        book = Playbook(playbook="ash-cloud", title="Volcanic ash cloud", severity=Severity.SEV1, steps=(STEP,))
        snapshot = Snapshot(
            now=now, incident=incident, playbook=book, house=self.house, queue=self.queue, queue_figures=figures
        )
        outcome = open_queue.run(StepRun(STEP, self.state, self.params), snapshot)
        self.queue = next((one for one in outcome.records if isinstance(one, Queue)), self.queue)
        changes = {"look_at": outcome.until, "memo": self.state.memo if outcome.memo is None else outcome.memo}
        self.state = self.state.model_copy(update=changes)
        self.outcomes.append((now, outcome))
        return outcome

    def until(self, last: datetime) -> None:
        """Run whenever the step asked to be looked at."""
        while self.state.look_at and self.state.look_at <= last:
            self.run(self.state.look_at)

    def warnings(self) -> list[float]:
        """Minutes after NOW at which the room was warned."""
        warned = [
            at for at, outcome in self.outcomes if any(entry.kind == "PromiseAtRisk" for entry in outcome.entries)
        ]
        return [(at - NOW) / minutes(1) for at in warned]


def said(outcome: Outcome) -> str:
    (effect,) = outcome.effects
    assert isinstance(effect.message, Text)
    return effect.message.text


def test_opening_says_what_is_promised():
    outcome = Watched().run()
    assert outcome.kind == "wait"
    (queue,) = outcome.records
    assert isinstance(queue, Queue)
    assert (queue.answer_within_s, queue.solve_within_s, queue.warn_before_s) == (3600, 86400, 600)
    assert "an answer within 1 h and a solution within 1 d" in said(outcome)
    (effect,) = outcome.effects
    assert (effect.key, effect.needs) == ("INC-1-abcdefabcdef/queue_opened", "INC-1-abcdefabcdef/room")
    assert [(entry.kind, entry.key) for entry in outcome.entries] == [("QueueOpened", "queue_opened")]


def test_a_drill_is_marked():
    assert said(Watched().run(drill=True)).startswith("[DRILL] ")


def test_a_quiet_queue_is_looked_at_and_nothing_is_said():
    watched = Watched()
    watched.run()
    watched.until(NOW + minutes(120))
    assert watched.warnings() == []
    assert 8 <= len(watched.outcomes) <= 10


def test_it_warns_before_the_promise_breaks():
    watched = Watched(waiting(1, breaks_in=34))
    watched.run()
    watched.until(NOW + minutes(33))
    assert watched.warnings() == [24]
    text = said(_warning(watched))
    assert "04:44 UTC" in text
    assert "in 10 min" in text
    assert "1 en" in text


def _warning(watched: Watched) -> Outcome:
    return next(o for _, o in watched.outcomes if any(entry.kind == "PromiseAtRisk" for entry in o.entries))


def test_one_warning_covers_what_breaks_soon_after():
    answered_later = [waiting(n, breaks_in=30 + n) for n in range(10)]
    watched = Watched(*answered_later)
    watched.run()
    watched.until(NOW + minutes(29))
    watched.conversations = [
        one.model_copy(update={"answered_at": NOW, "solved_at": NOW}) for one in answered_later[:1]
    ]
    watched.conversations += answered_later[1:]
    watched.until(NOW + minutes(30))
    assert watched.warnings() == [20]
    assert "10 customers" in said(_warning(watched))


def test_every_promise_is_warned_about_in_time_and_not_too_often():
    watched = Watched(*(waiting(n, breaks_in=25 + 3 * n) for n in range(60)))
    watched.run()
    watched.until(NOW + minutes(240))
    told = watched.warnings()
    for one in watched.conversations:
        breaks = (one.answer_by - NOW) / minutes(1)
        assert any(breaks - 20 <= at <= breaks - 10 for at in told), breaks
    assert all(later - earlier >= 10 for earlier, later in pairwise(told))


def test_a_conversation_that_comes_in_later_is_warned_about_too():
    watched = Watched()
    watched.run()
    for minute in range(0, 180, 7):
        watched.conversations = [waiting(n, breaks_in=60 + n) for n in range(0, minute, 45)]
        watched.until(NOW + minutes(minute))
    for one in watched.conversations:
        breaks = (one.answer_by - NOW) / minutes(1)
        if breaks <= 170:
            assert any(breaks - 20 <= at <= breaks - 10 for at in watched.warnings()), breaks


def test_a_short_promise_is_looked_at_often_enough():
    short = open_queue.Params.model_validate({"answer_within": "20m", "solve_within": "24h"})
    watched = Watched(params=short)
    watched.run()
    watched.conversations = [waiting(1, breaks_in=21)]
    watched.until(NOW + minutes(20))
    assert watched.warnings() == [11]


def test_a_nudge_does_not_make_it_repeat_itself():
    watched = Watched(*(waiting(n, breaks_in=25 + 12 * n) for n in range(3)))
    watched.run()
    watched.until(NOW + minutes(15))
    watched.conversations.append(waiting(9, breaks_in=-5))
    watched.run(NOW + minutes(16))
    assert watched.warnings() == [15]
    watched.until(NOW + minutes(25))
    assert watched.warnings() == [15, 25]


def test_an_answered_promise_is_not_warned_about():
    answered = waiting(1, breaks_in=34, answered_at=NOW, status="answered")
    watched = Watched(answered)
    watched.run()
    watched.until(NOW + minutes(60))
    assert watched.warnings() == []


def test_what_is_late_already_when_it_comes_in_is_said_once():
    watched = Watched(waiting(1, breaks_in=-30))
    watched.run()
    watched.until(NOW + minutes(90))
    assert watched.warnings() == [15]
    text = said(_warning(watched))
    assert "1 customer has waited longer" in text
    assert "about to break" not in text


def test_the_promise_of_a_solution_is_watched():
    answered = waiting(1, breaks_in=-23 * 60 + 40, answered_at=NOW - minutes(22 * 60 + 21), status="answered")
    watched = Watched(answered)
    watched.run()
    watched.until(NOW + minutes(39))
    assert watched.warnings() == [30]


def test_a_warning_has_one_key_a_window():
    watched = Watched(*(waiting(n, breaks_in=25 + 5 * n) for n in range(12)))
    watched.run()
    watched.until(NOW + minutes(120))
    keys = [effect.key for _, outcome in watched.outcomes for effect in outcome.effects]
    assert len(keys) == len(set(keys)) > 3


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"answer_within": "60m", "solve_within": "30m"}, "shorter than answer_within"),
        ({"answer_within": "10m", "solve_within": "30m"}, "warn_before is not shorter"),
        ({"answer_within": "0m", "solve_within": "30m"}, "greater than 0"),
        ({"answer_within": "60m", "solve_within": "24h", "answer": "1h"}, "Extra inputs"),
    ],
)
def test_promises_that_make_no_sense_are_refused(params: dict[str, str], wrong: str):
    with pytest.raises(ValidationError, match=wrong):
        open_queue.Params.model_validate(params)


def findings(stand_down: tuple[dict[str, object], ...] = (), **step: object) -> str:
    steps = (
        {"key": "crisis_queue", "action": "open_queue", **step},
        {"key": "second", "action": "open_queue"},
        {"key": "later", "action": "call_out", "after": ["crisis_queue"]},
    )
    book = Playbook.model_validate(
        {"playbook": "ash", "title": "Ash cloud", "severity": "SEV1", "steps": steps, "stand_down": stand_down}
    )
    every = [*book.steps, *book.stand_down]
    found = [f for one in every if one.action == "open_queue" for f in open_queue.check(one, PARAMS, book, HOUSE)]
    return " | ".join(text for _, text in found)


def test_check_finds_what_would_never_end_or_never_start():
    assert "later would never start" in findings()
    assert "one queue" in findings()
    assert "always be late" in findings(due_within="30m")
    assert "leave `every` out" in findings(every="30m")
    assert "move open_queue to `steps`" in findings(({"key": "last", "action": "open_queue"},))


def test_check_is_content_with_a_plain_step():
    book = Playbook(playbook="ash", title="Ash cloud", severity=Severity.SEV1, steps=(STEP,))
    assert open_queue.check(STEP, PARAMS, book, HOUSE) == []
    assert len(open_queue.preview(STEP, PARAMS, book, HOUSE, {})) == 2


class Translated(Templates):
    """Renders in one language, whatever is asked for."""

    def __init__(self, language: str) -> None:
        super().__init__(MESSAGES)
        self.only = language

    def render(self, message: str, channel: str, language: str, context: Mapping[str, object]) -> str:
        return super().render(message, channel, self.only, context)


@pytest.mark.parametrize(
    ("language", "opened", "warned"),
    [("en", "is open", "waited longer"), ("nl", "is open", "langer op antwoord"), ("es", "está abierta", "espera")],
)
def test_the_messages_are_written_in_every_language(language: str, opened: str, warned: str):
    watched = Watched(waiting(1, 20), waiting(2, -5), house=House(wording=Translated(language), channels={}))
    assert opened in said(watched.run())
    watched.until(NOW + minutes(19))
    assert warned in said(_warning(watched))
    assert "04:30 UTC" in said(_warning(watched))
