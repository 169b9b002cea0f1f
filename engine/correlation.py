"""Alerts: which belong together, and whether they propose an incident, declare one, join one or mean nothing.

Where alerts come from, and how they are authenticated and read, is in `integrations/`. Nothing here declares: it says
what is to be declared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.expressions import ExpressionError, evaluate
from engine.incident import Severity
from engine.playbook import Playbook, Trigger
from engine.record import Instant, Record, Value

EXERCISE = "exercise:"
"""Begins the group of what exercise alerts propose, so that an exercise and the real thing never join."""


class Alert(Value):
    """One alert, whatever the source."""

    source: str
    key: str
    """Equal for repeats of the same message, and only for those: what deduplication goes by."""
    fingerprint: str
    """Equal for the same thing going wrong, firing or resolved."""
    group: str
    """Equal for alerts that the source itself puts together."""
    status: Literal["firing", "resolved"] = "firing"
    title: str
    severity: str = ""
    """In the source's own words: critical, warning …"""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    starts_at: Instant | None = None
    url: str = ""
    exercise: bool = False
    """The source marks it as a test: it never declares."""


class StoredAlert(Record):
    """An alert as it was accepted."""

    id: int | None = None
    key: str
    alert: Alert
    received_at: Instant
    repeats: int = 0
    outcome: Literal["new", "declared", "proposed", "joined", "no_trigger", "dismissed"] = "new"
    incident: int | None = None
    proposal: int | None = None


class Proposal(Record):
    """An alert asks a person whether to declare."""

    id: int | None = None
    playbook: str
    group: str
    title: str
    severity: str
    facts: dict[str, Any] = {}
    missing: tuple[str, ...] = ()
    status: Literal["open", "accepted", "dismissed"] = "open"
    proposed_at: Instant
    decided_at: Instant | None = None
    decided_by: str = ""
    incident: int | None = None
    alerts: int = 1

    @property
    def exercise(self) -> bool:
        """Only exercise alerts are behind it: what comes of it is a drill."""
        return self.group.startswith(EXERCISE)


class Declaration(Value):
    """An incident to declare, because of alerts and without asking."""

    playbook: str
    group: str
    cause: str
    """Title of the first alert, for the timeline; an incident's own title is its playbook's, the public reads it."""
    severity: Severity
    facts: dict[str, Any] = {}
    alerts: int = 1


class Verdict(Value):
    """What one alert leads to."""

    key: str
    """The alert's."""
    outcome: Literal["declared", "proposed", "joined", "no_trigger"]
    because: str
    """One sentence."""
    playbook: str = ""
    group: str = ""
    """With `playbook`: which declaration or proposal of the same decision this belongs to."""
    incident: int | None = None
    """The live incident that it joins."""
    proposal: int | None = None
    """The open proposal that it joins."""


class Decision(Value):
    """What a batch of alerts leads to."""

    verdicts: tuple[Verdict, ...] = ()
    """One for each alert, in their order."""
    declare: tuple[Declaration, ...] = ()
    propose: tuple[Proposal, ...] = ()
    """New ones."""
    joined: tuple[Proposal, ...] = ()
    """Open ones with `alerts` raised."""
    problems: tuple[str, ...] = ()
    """Expressions that could not be worked out, each said once."""


class Labels(dict[str, str]):
    """Labels in which one that is missing reads as empty, as in Prometheus."""

    def __missing__(self, name: str) -> str:
        return ""


def names(alert: Alert) -> dict[str, Any]:
    """What a trigger's expressions may speak of: `alert`, in which a label that is missing reads as empty."""
    open_ended = {"labels": Labels(alert.labels), "annotations": Labels(alert.annotations)}
    return {"alert": alert.model_copy(update=open_ended)}


def matches(
    alert: Alert, playbooks: Iterable[Playbook], problems: list[str] | None = None
) -> list[tuple[Playbook, Trigger]]:
    """Find the triggers that an alert sets off, in the playbooks' order.

    One whose `when` can't be worked out is passed over, and said in `problems`. A resolved alert is looked at as if it
    fired: `alert.status == 'firing'` must not part it from the incident that it began.
    """
    speaks_of = names(alert.model_copy(update={"status": "firing"}))
    found = []
    for playbook in playbooks:
        for trigger in playbook.triggers:
            try:
                if trigger.source == alert.source and evaluate(trigger.when, speaks_of):
                    found.append((playbook, trigger))
            except ExpressionError as error:
                if problems is not None:
                    problems.append(f"{playbook.playbook}: a trigger's `when` was passed over: {error}")
    return found


def decide(
    alerts: Sequence[Alert],
    playbooks: Sequence[Playbook],
    open_proposals: Iterable[Proposal],
    live: Mapping[tuple[str, str], int],
    now: datetime,
) -> Decision:
    """Decide what a batch of alerts leads to, each cause (playbook and group) once.

    `live` maps playbook and group to the number of the live incident that alerts of this group declared or joined.
    Of several triggers an alert takes the one that declares before one that proposes, then the worst severity, then
    the playbooks' order. A resolved alert joins what is there and starts nothing; an exercise alert never declares.
    """
    problems: list[str] = []
    waiting = {(p.playbook, p.group): p for p in open_proposals if p.status == "open"}
    causes: dict[tuple[str, str], _Cause] = {}
    belongs = [_cause_of(alert, playbooks, causes, problems) for alert in alerts]
    for cause in causes.values():
        cause.settle(waiting.get(cause.id), live.get(cause.id), now, problems)
    return Decision(
        verdicts=tuple(_verdict(alert, cause) for alert, cause in zip(alerts, belongs, strict=True)),
        declare=tuple(c.opened for c in causes.values() if isinstance(c.opened, Declaration)),
        propose=tuple(c.opened for c in causes.values() if isinstance(c.opened, Proposal)),
        joined=tuple(c.raised for c in causes.values() if c.raised),
        problems=tuple(dict.fromkeys(problems)),
    )


def _cause_of(
    alert: Alert, playbooks: Sequence[Playbook], causes: dict[tuple[str, str], "_Cause"], problems: list[str]
) -> "_Cause | None":
    found = matches(alert, playbooks, problems)
    if not found:
        return None
    playbook, trigger = min(found, key=lambda pair: _rank(*pair))
    group = _group(alert, playbook, trigger, problems)
    cause = causes.setdefault((playbook.playbook, group), _Cause((playbook.playbook, group), playbook))
    cause.alerts += 1
    if alert.status == "firing":
        cause.firing.append((alert, trigger))
    return cause


def _rank(playbook: Playbook, trigger: Trigger) -> tuple[bool, str]:
    return trigger.then != "declare", (trigger.severity or playbook.severity).value


def _group(alert: Alert, playbook: Playbook, trigger: Trigger, problems: list[str]) -> str:
    """Work out which cause an alert belongs to; where that fails, what its source puts together."""
    try:
        group = str(evaluate(trigger.group, names(alert)) or alert.group)
    except ExpressionError as error:
        problems.append(f"{playbook.playbook}: a trigger's `group` was passed over, alert.group taken: {error}")
        group = alert.group
    return EXERCISE + group if alert.exercise else group


@dataclass
class _Cause:
    """The alerts of one playbook and group, and what they lead to together."""

    id: tuple[str, str]
    playbook: Playbook
    alerts: int = 0
    firing: list[tuple[Alert, Trigger]] = field(default_factory=list)
    incident: int | None = None
    raised: Proposal | None = None
    opened: Declaration | Proposal | None = None
    because: str = ""

    def settle(self, waiting: Proposal | None, incident: int | None, now: datetime, problems: list[str]) -> None:
        if incident is not None:
            self.incident = incident
        elif waiting is not None:
            self.raised = waiting.model_copy(update={"alerts": waiting.alerts + self.alerts})
        elif self.firing:
            self._open(now, problems)

    def _open(self, now: datetime, problems: list[str]) -> None:
        alert, trigger = min(self.firing, key=lambda pair: _rank(self.playbook, pair[1]))
        facts, missing = self._facts(problems)
        same = {"playbook": self.playbook.playbook, "group": self.id[1], "facts": facts, "alerts": self.alerts}
        severity = trigger.severity or self.playbook.severity
        self.because = _why(self.playbook, trigger, alert, missing)
        if trigger.then == "declare" and not alert.exercise and not missing:
            self.opened = Declaration(**same, cause=alert.title, severity=severity)
        else:
            self.opened = Proposal(**same, title=alert.title, severity=severity.value, missing=missing, proposed_at=now)

    def _facts(self, problems: list[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What the alerts say of the facts, the first that says it wins; and which required ones none says."""
        facts: dict[str, Any] = {}
        for alert, trigger in self.firing:
            for name in trigger.facts.keys() - facts.keys():
                value = _fact(self.playbook, name, trigger.facts[name], alert, problems)
                if value is not None:
                    facts[name] = value
        asked = self.playbook.facts
        missing = tuple(name for name, fact in asked.items() if fact.must and name not in facts)
        return {name: facts[name] for name in asked if name in facts}, missing


def _fact(playbook: Playbook, name: str, expression: str, alert: Alert, problems: list[str]) -> Any:
    """Take one fact from one alert; None where it does not say."""
    if name not in playbook.facts:
        problems.append(f"{playbook.playbook}: a trigger gives {name}, which the playbook does not ask for")
        return None
    try:
        raw = evaluate(expression, names(alert))
        return None if raw is None or raw in ("", []) else playbook.facts[name].read(raw)
    except (ExpressionError, ValueError) as error:
        problems.append(f"{playbook.playbook}: the fact {name} could not be taken from the alert: {error}")
        return None


def _why(playbook: Playbook, trigger: Trigger, alert: Alert, missing: tuple[str, ...]) -> str:
    if trigger.then == "propose":
        return f"{playbook.title}: its trigger proposes"
    if alert.exercise:
        return f"{playbook.title}: its trigger declares, but an exercise only proposes"
    if missing:
        return f"{playbook.title}: its trigger declares, but the alert does not say {', '.join(missing)}"
    return f"{playbook.title}: its trigger declares"


def _verdict(alert: Alert, cause: _Cause | None) -> Verdict:
    if cause is None:
        return Verdict(key=alert.key, outcome="no_trigger", because="no playbook has a trigger for it")
    verdict = Verdict(key=alert.key, outcome="joined", because="", playbook=cause.id[0], group=cause.id[1])
    if cause.incident is not None:
        said = {"because": f"INC-{cause.incident} is live for this cause", "incident": cause.incident}
    elif cause.raised is not None:
        said = {"because": "a proposal is open for this cause", "proposal": cause.raised.id}
    elif cause.opened is None:
        title = cause.playbook.title
        said = {"outcome": "no_trigger", "because": f"resolved, and nothing of {title} is open for it"}
    elif alert is not cause.firing[0][0]:
        said = {"because": "another alert of the same batch has this cause"}
    else:
        outcome = "declared" if isinstance(cause.opened, Declaration) else "proposed"
        said = {"outcome": outcome, "because": cause.because}
    return verdict.model_copy(update=said)
