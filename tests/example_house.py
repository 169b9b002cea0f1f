"""A house and an incident for tests of wording: the project's own templates, the channels' real limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.effects import Effect, EffectState
from engine.house import House
from engine.incident import Incident
from engine.people import Person, Shift
from engine.playbook import Playbook, parse
from engine.ports import TextLimit
from engine.snapshot import Snapshot, StepRun
from engine.statements import Statement
from engine.steps import Outcome, StepState, StepStatus
from engine.wording import Templates

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = ROOT / "templates" / "messages"
NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
ROLES = {"duty_manager", "comms_lead", "deputy_comms_lead", "social_lead"}
LIMITS = {
    "status_page": None,
    "slack": TextLimit(count=3000, unit="characters", source="docs.slack.dev, section block"),
    "bluesky": TextLimit(count=300, unit="graphemes", bytes=3000, source="lexicon app.bsky.feed.post"),
}


def example_house(messages: Path = MESSAGES, **more: Any) -> House:
    """An airline in Amsterdam, with addresses as long as they get."""
    settings: dict[str, Any] = {
        "wording": Templates(messages),
        "channels": LIMITS,
        "name": "Example Air",
        "time_zone": "Europe/Amsterdam",
        "station_zones": {"AMS": "Europe/Amsterdam", "JFK": "America/New_York", "LHR": "Europe/London"},
        "help_url": "https://www.example-airlines.com/passenger-rights",
        "status_url": "https://status.example-airlines.com",
    }
    return House(**{**settings, **more})


PLAYBOOK = """
playbook: it-outage
title: IT outage
severity: SEV2
facts:
  systems: {type: choice, choices: [booking, check_in, website_and_app, all], default: all, ask: "Which?"}
  stations: {type: stations, required: false, ask: "Where?"}
  flights_hit: {type: yes_no, default: false, ask: "Flights?"}
  detail_en: {type: text, required: false, ask: "What is certain?"}
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page, slack, bluesky], languages: [en, nl]}
    approval: {by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}
    due_within: 15m
  - key: next_update
    action: publish_statement
    every: 30m
    with: {message: update, channels: [status_page], languages: [en]}
    approval: {by: comms_lead, within: 5m, then: deputy_comms_lead, unanswered_after: 10m, publish: preapproved}
"""


def example_playbook(*changes: tuple[str, str]) -> Playbook:
    """The playbook above, with pieces of its text replaced."""
    text = PLAYBOOK
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return parse(text)[0]


def person(key: str, *roles: str, on_duty: bool = True, chat: str | None = None) -> Person:
    shifts = (Shift(start=NOW - timedelta(hours=4), end=NOW + timedelta(hours=8)),) if on_duty else ()
    name = f"{key.title()} Example"
    return Person(
        key=key,
        name=name,
        department="communications",
        roles=roles,
        chat=f"U0{key}" if chat is None else chat,
        shifts=shifts,
    )


PEOPLE = (
    person("cora", "comms_lead"),
    person("dan", "deputy_comms_lead"),
    person("mia", "duty_manager"),
)


class Course:
    """One incident whose decisions are applied in memory, as the store would: enough to follow a step through time."""

    def __init__(
        self, playbook: Playbook, house: House | None = None, people: tuple[Person, ...] = PEOPLE, **incident: Any
    ):
        declared = Incident(
            number=1,
            uid="abc",
            playbook=playbook.playbook,
            playbook_text="",
            title=playbook.title,
            severity=playbook.severity,
            **{"status": "responding", "facts": {}, **incident},
            declared_by="mia",
            declared_at=NOW,
            status_at=NOW,
        )
        self.snapshot = Snapshot(
            now=NOW, incident=declared, playbook=playbook, house=house or example_house(), people=people
        )
        self.entries: list[Any] = []
        self.outcome: Outcome | None = None

    def pass_time(self, minutes: float) -> None:
        self.snapshot = replace(self.snapshot, now=self.snapshot.now + timedelta(minutes=minutes))

    def run(self, key: str, occurrence: int = 1) -> Outcome:
        """Run a step of publish_statement and remember what it led to."""
        from engine.actions import publish_statement

        spec = self.snapshot.playbook.step(key)
        state = self.snapshot.state(key)
        if state is None or state.occurrence != occurrence:
            due = NOW + spec.due_within if spec.due_within else None
            state = StepState(incident=1, key=key, occurrence=occurrence, started_at=self.snapshot.now, due_at=due)
        params = publish_statement.Params.model_validate(spec.with_)
        self.outcome = publish_statement.run(StepRun(spec, state, params), self.snapshot)
        ended = {"done": StepStatus.DONE, "fail": StepStatus.FAILED, "skip": StepStatus.SKIPPED}
        after = {
            "status": ended.get(self.outcome.kind, StepStatus.WAITING),
            "look_at": self.outcome.until,
            "for_what": self.outcome.for_what,
            "reason": self.outcome.reason,
            "nudged": False,
        }
        self.apply((state.model_copy(update=after), *self.outcome.records), self.outcome.effects, self.outcome.entries)
        return self.outcome

    def apply(self, records: Any, effects: Any, entries: Any) -> None:
        """Write as the store does: records by key, effects and entries once."""
        steps = {state.name: state for state in self.snapshot.steps}
        statements = {statement.key: statement for statement in self.snapshot.statements}
        for record in records:
            written = record.model_copy(update={"version": record.version + 1})
            if isinstance(written, StepState):
                steps[written.name] = written
            elif isinstance(written, Statement):
                number = written.id or len(statements) + 1
                statements[written.key] = written.model_copy(update={"id": number})
        there = {effect.key: effect for effect in self.snapshot.effects}
        for effect in effects:
            there.setdefault(effect.key, effect)
        new = [entry for entry in entries if entry.key is None or entry.key not in self.snapshot.noted]
        self.entries += new
        self.snapshot = replace(
            self.snapshot,
            steps=tuple(steps.values()),
            statements=tuple(statements.values()),
            effects=tuple(there.values()),
            noted=self.snapshot.noted | {entry.key for entry in new if entry.key},
        )

    def command(self, change: Any) -> None:
        self.apply(change.records, change.effects, change.entries)

    def deliver(self, channel: str = "", state: EffectState = EffectState.SENT, **more: Any) -> None:
        """Settle the posts on one channel, or on all; `attempts` and `error` may be given."""
        posts = {effect.key for effect in self.posts if not channel or effect.channel == channel}
        sent_at = self.snapshot.now if state is EffectState.SENT else None
        after = {"state": state, "sent_at": sent_at, **more}
        changed = (
            effect.model_copy(update=after) if effect.key in posts else effect for effect in self.snapshot.effects
        )
        self.snapshot = replace(self.snapshot, effects=tuple(changed))

    @property
    def statement(self) -> Statement:
        return self.snapshot.statements[-1]

    @property
    def posts(self) -> list[Effect]:
        return [effect for effect in self.snapshot.effects if effect.message.kind == "post"]

    def directs(self, to: str = "") -> list[Effect]:
        """Direct messages, all or to one person."""
        found = [effect for effect in self.snapshot.effects if effect.message.kind == "direct"]
        return [effect for effect in found if not to or effect.message.person == to]

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.entries]

    def entry(self, kind: str) -> Any:
        return next(entry for entry in self.entries if entry.kind == kind)
