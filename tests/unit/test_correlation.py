"""Alerts: what they declare, propose, join."""

from datetime import UTC, datetime

import pytest

from engine.correlation import Alert, Decision, Proposal, decide, matches, names
from engine.expressions import ExpressionError, evaluate
from engine.incident import Severity
from engine.playbook import Playbook, parse

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)

OUTAGE = """
playbook: it-outage
title: IT outage
severity: SEV2
facts:
  stations: {type: stations, ask: "Which stations?"}
  system: {type: choice, choices: [booking, check-in], default: booking, ask: "Which system?"}
  passengers: {type: integer, min: 0, required: false, ask: "How many passengers?"}
triggers:
  - source: alertmanager
    when: "alert.labels.service == 'booking'"
    then: declare
    severity: SEV1
    group: "alert.labels.service"
    facts: {stations: "alert.labels.stations", passengers: "alert.annotations.passengers"}
  - source: alertmanager
    when: "alert.labels.service == 'loyalty'"
    facts: {stations: "'AMS'"}
steps:
  - {key: first_word, action: publish_statement}
"""
ASH = """
playbook: ash-cloud
title: Volcanic ash cloud
severity: SEV1
triggers:
  - {source: ash, when: "alert.colour == 'RED'"}
  - {source: ash, when: "alert.severity == 'RED'", group: "alert.colour"}
steps:
  - {key: first_word, action: publish_statement}
"""


def playbook(text: str) -> Playbook:
    return parse(text)[0]


PLAYBOOKS = [playbook(OUTAGE), playbook(ASH)]


def alert(key: str = "a", **more: object) -> Alert:
    labels = {"service": "booking", "stations": "AMS,RTM", **more.pop("labels", {})}  # type: ignore[dict-item]
    plain = {"source": "alertmanager", "fingerprint": key, "group": "{}", "title": f"{key} is down"}
    return Alert.model_validate({**plain, "key": key, "labels": labels, **more})


def judge(
    *alerts: Alert, proposals: tuple[Proposal, ...] = (), live: dict[tuple[str, str], int] | None = None
) -> Decision:
    return decide(alerts, PLAYBOOKS, proposals, live or {}, NOW)


def outcomes(decision: Decision) -> list[str]:
    return [verdict.outcome for verdict in decision.verdicts]


def test_an_alert_that_a_trigger_declares_for_declares_with_its_facts() -> None:
    decision = judge(alert())
    (declaration,) = decision.declare
    assert outcomes(decision) == ["declared"]
    assert declaration.facts == {"stations": ["AMS", "RTM"]}
    assert (declaration.playbook, declaration.group, declaration.severity) == ("it-outage", "booking", Severity.SEV1)
    assert declaration.cause == "a is down"
    assert not decision.propose
    assert not decision.problems


def test_what_an_alert_says_passes_the_playbooks_own_reading_of_facts() -> None:
    decision = judge(alert(annotations={"passengers": "1200"}))
    assert PLAYBOOKS[0].read_facts(decision.declare[0].facts) == {
        "stations": ["AMS", "RTM"],
        "system": "booking",
        "passengers": 1200,
    }


def test_an_alert_without_a_trigger_starts_nothing_and_is_no_mistake() -> None:
    decision = judge(alert(labels={"service": "canteen"}), alert(source="nagios"))
    assert outcomes(decision) == ["no_trigger", "no_trigger"]
    assert (decision.declare, decision.propose, decision.problems) == ((), (), ())


def test_a_missing_label_reads_as_empty_and_a_misspelt_name_is_an_error() -> None:
    speaks_of = names(Alert(source="s", key="k", fingerprint="f", group="g", title="t"))
    assert evaluate("alert.labels.service == ''", speaks_of) is True
    with pytest.raises(ExpressionError):
        evaluate("alert.lables", speaks_of)


def test_declaring_without_a_required_fact_proposes_and_says_which() -> None:
    decision = judge(alert(labels={"stations": ""}))
    (proposal,) = decision.propose
    assert outcomes(decision) == ["proposed"]
    assert (proposal.missing, proposal.facts, proposal.severity) == (("stations",), {}, "SEV1")
    assert proposal.proposed_at == NOW
    assert "does not say stations" in decision.verdicts[0].because
    assert not decision.declare


def test_a_fact_of_the_wrong_type_counts_as_missing_and_is_said() -> None:
    decision = judge(alert(labels={"stations": "Schiphol"}))
    assert decision.propose[0].missing == ("stations",)
    assert "stations could not be taken from the alert" in decision.problems[0]


def test_the_facts_of_one_cause_are_gathered_from_all_its_alerts() -> None:
    decision = judge(alert("a", labels={"stations": ""}), alert("b", labels={"stations": "EIN"}))
    assert decision.declare[0].facts == {"stations": ["EIN"]}
    assert outcomes(decision) == ["declared", "joined"]


def test_alerts_of_one_cause_in_one_batch_make_one() -> None:
    decision = judge(alert("a"), alert("b"), alert("c", labels={"service": "loyalty"}))
    assert outcomes(decision) == ["declared", "joined", "proposed"]
    assert [d.alerts for d in decision.declare] == [2]
    assert [p.group for p in decision.propose] == ["{}"]
    assert decision.verdicts[1].playbook == "it-outage"


def test_an_alert_joins_the_live_incident_of_its_group() -> None:
    decision = judge(alert("a"), alert("b"), live={("it-outage", "booking"): 7})
    assert outcomes(decision) == ["joined", "joined"]
    assert {verdict.incident for verdict in decision.verdicts} == {7}
    assert (decision.declare, decision.propose, decision.joined) == ((), (), ())


def test_a_live_incident_of_another_group_or_playbook_is_not_joined() -> None:
    decision = judge(alert(), live={("it-outage", "check-in"): 7, ("strike", "booking"): 8})
    assert outcomes(decision) == ["declared"]


def test_an_alert_joins_the_open_proposal_of_its_group() -> None:
    (proposal,) = judge(alert(labels={"stations": ""})).propose
    stored = proposal.model_copy(update={"id": 4, "version": 3})
    decision = judge(alert("b"), alert("c"), proposals=(stored,))
    assert outcomes(decision) == ["joined", "joined"]
    assert decision.verdicts[0].proposal == 4
    assert [(p.id, p.alerts, p.version) for p in decision.joined] == [(4, 3, 3)]
    assert (decision.declare, decision.propose) == ((), ())


def test_a_dismissed_proposal_holds_nothing_back() -> None:
    (proposal,) = judge(alert(labels={"stations": ""})).propose
    dismissed = proposal.model_copy(update={"id": 4, "status": "dismissed"})
    assert outcomes(judge(alert("b"), proposals=(dismissed,))) == ["declared"]


def test_a_resolved_alert_joins_and_never_starts_anything() -> None:
    resolved = alert("r", status="resolved")
    assert outcomes(judge(resolved)) == ["no_trigger"]
    assert judge(resolved, live={("it-outage", "booking"): 7}).verdicts[0].incident == 7
    decision = judge(resolved, alert("b"))
    assert outcomes(decision) == ["joined", "declared"]
    assert decision.declare[0].alerts == 2


def test_a_trigger_that_asks_for_firing_still_takes_the_resolved_to_its_incident() -> None:
    book = playbook(OUTAGE.replace("== 'booking'\"", "== 'booking' and alert.status == 'firing'\"", 1))
    decision = decide([alert("r", status="resolved")], [book], (), {("it-outage", "booking"): 7}, NOW)
    assert decision.verdicts[0].incident == 7


def test_an_exercise_proposes_marked_and_apart_from_the_real_thing() -> None:
    decision = judge(alert("x", exercise=True), alert("real"))
    assert outcomes(decision) == ["proposed", "declared"]
    (proposal,) = decision.propose
    assert proposal.exercise
    assert proposal.group == "exercise:booking"
    assert not proposal.missing
    assert outcomes(judge(alert("x", exercise=True), live={("it-outage", "booking"): 7})) == ["proposed"]
    stored = proposal.model_copy(update={"id": 1})
    assert outcomes(judge(alert("real"), proposals=(stored,))) == ["declared"]


def test_one_broken_trigger_does_not_stop_the_others_and_is_said_once() -> None:
    ash = {"source": "ash", "severity": "RED", "group": "EGTT"}
    decision = judge(alert("1", **ash), alert("2", **ash))
    assert outcomes(decision) == ["proposed", "joined"]
    assert decision.propose[0].group == "EGTT"
    assert len(decision.problems) == 2
    assert any("`when` was passed over" in problem for problem in decision.problems)
    assert any("`group` was passed over" in problem for problem in decision.problems)


def test_of_two_playbooks_the_one_that_declares_is_taken_then_the_worst() -> None:
    extra = OUTAGE.replace("it-outage", "booking-slow").replace("then: declare", "then: propose")
    assert [p.playbook for p, _ in matches(alert(), [playbook(extra), *PLAYBOOKS])] == ["booking-slow", "it-outage"]
    decision = decide([alert()], [playbook(extra), *PLAYBOOKS], (), {}, NOW)
    assert [d.playbook for d in decision.declare] == ["it-outage"]
    assert not decision.propose
    milder = playbook(OUTAGE.replace("it-outage", "milder").replace("SEV1", "SEV3"))
    decision = decide([alert()], [milder, *PLAYBOOKS], (), {}, NOW)
    assert [d.playbook for d in decision.declare] == ["it-outage"]


def test_a_group_that_comes_out_empty_falls_back_to_the_sources_own() -> None:
    book = playbook(OUTAGE.replace('group: "alert.labels.service"', 'group: "alert.labels.region"'))
    decision = decide([alert(group="eu")], [book], (), {}, NOW)
    assert decision.declare[0].group == "eu"


def test_a_storm_of_one_cause_makes_one_incident() -> None:
    storm = [alert(str(number)) for number in range(1000)]
    decision = judge(*storm)
    assert outcomes(decision) == ["declared", *["joined"] * 999]
    assert [d.alerts for d in decision.declare] == [1000]
    assert not decision.propose
    later = judge(*storm, live={("it-outage", "booking"): 1})
    assert set(outcomes(later)) == {"joined"}
    assert not later.declare
