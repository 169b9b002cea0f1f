"""Every playbook loads, has nothing wrong, can be rehearsed; every key is documented. A new one needs no edit."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import integrations
from engine import correlation
from engine.actions import ACTIONS
from engine.check import check
from engine.dry_run import dry_run
from engine.lint import read_lint_words
from engine.people_file import read as read_people
from engine.playbook import Approval, Briefing, Fact, Playbook, Step, Surge, Trigger, keys_of, parse, read
from engine.trial import cases
from tests.example_house import NOW, ROOT, example_house

FILES = sorted((ROOT / "playbooks").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
CONFIG = integrations.Config()
HOUSE = replace(
    example_house(),
    channels=integrations.limits(CONFIG),
    kinds=integrations.kinds(CONFIG),
    lint=read_lint_words(ROOT / "templates" / "lint"),
)
DOCS = ROOT / "docs" / "playbooks.md"


@pytest.fixture(scope="module")
def held() -> set[str]:
    """Roles that somebody of the example organisation holds."""
    return {role for person in read_people(ROOT / "examples" / "people.csv") for role in person.roles}


def test_the_three_are_there():
    assert {"it-outage", "ash-cloud", "strike"} <= set(NAMES)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_nothing_is_wrong(file: Path, held):
    playbook, lines, _ = read(file)
    findings = check(playbook, lines, HOUSE, held, integrations.SOURCES)
    missing = [finding for finding in findings if finding.warning and "there is no alert source" in finding.text]
    assert [str(finding) for finding in findings if finding not in missing] == []


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_it_is_read_the_same_from_its_copy(file: Path):
    playbook, _, text = read(file)
    assert parse(text)[0] == playbook


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_it_can_be_rehearsed_whatever_the_facts(file: Path):
    playbook, _, _ = read(file)
    for facts in cases(playbook, HOUSE):
        rehearsed = dry_run(playbook, HOUSE, facts, NOW)
        assert [step.key for step in rehearsed if not step.does] == []
        texts = [text for step in rehearsed for _, _, text, _ in step.texts]
        said = [line for step in rehearsed for line in step.does]
        assert texts
        assert not [line for line in said if "can't be drafted" in line or "is wrong" in line]


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_it_speaks_staffs_opens_calls_updates_and_ends(file: Path):
    playbook, _, _ = read(file)
    used = {step.action for step in playbook.steps}
    assert used >= {"publish_statement", "raise_staffing", "open_queue", "call_out"}
    assert any(step.every and step.relax and step.action == "publish_statement" for step in playbook.steps)
    ends = {step.action for step in playbook.stand_down}
    assert ends >= {"publish_statement", "release_responders", "release_marketing"}
    assert playbook.surge
    assert [part for part in keys_of(Briefing) if not getattr(playbook.briefing, part)] == []
    pause, first = playbook.steps[:2]
    assert (pause.action, first.action, bool(first.due_within)) == ("pause_marketing", "publish_statement", True)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_it_tells_passengers_their_rights_and_says_sorry_at_the_end(file: Path):
    playbook, _, _ = read(file)
    rights = playbook.step("rights")
    assert (rights.with_["message"], rights.after) == ("rights", ("first_word",))
    assert {"status_page", "email", "facebook"} <= set(rights.with_["channels"])
    assert rights.approval.publish == "preapproved"
    apology = next(step for step in playbook.stand_down if step.key == "apology")
    assert apology.with_["message"].startswith("apology")
    assert (apology.after, apology.when) == (("all_clear",), "status == 'resolved'")


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_the_public_reads_it_in_four_languages_headline_and_text(file: Path):
    playbook, _, _ = read(file)
    steps = [step for step in (*playbook.steps, *playbook.stand_down) if step.action == "publish_statement"]
    for step in steps:
        assert (step.key, set(step.with_["languages"])) == (step.key, {"en", "nl", "es", "pt"})
        assert (step.key, set(step.with_["title"])) == (step.key, {"en", "nl", "es", "pt"})
        assert {"status_page", "facebook", "email"} <= set(step.with_["channels"])
        if step.key != "rights":
            assert {"slack", "bluesky", "x", "mastodon"} <= set(step.with_["channels"])
    assert {f"detail_{language}" for language in ("en", "nl", "es", "pt")} <= set(playbook.facts)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_text_to_the_public_needs_a_yes(file: Path):
    playbook, _, _ = read(file)
    steps = [step for step in (*playbook.steps, *playbook.stand_down) if step.action == "publish_statement"]
    assert [step.key for step in steps if step.approval is None or step.approval.then is None] == []


# ---------------------------------------------------------------- what the three are about


def test_a_real_alert_proposes_an_it_outage(shared):
    payload = (shared / "data/alerts/alertmanager-firing.json").read_bytes()
    alerts = integrations.SOURCES["alertmanager"](integrations.Config()).parse(payload, NOW)
    decision = correlation.decide(alerts, [read(file)[0] for file in FILES], (), {}, NOW)
    (proposal,) = decision.propose
    assert (proposal.playbook, proposal.severity, proposal.facts["systems"]) == ("it-outage", "SEV2", "booking")
    assert proposal.missing == ()
    assert decision.problems == ()


def alert(**labels: str) -> correlation.Alert:
    return correlation.Alert(
        source="alertmanager",
        key=str(labels),
        fingerprint=str(labels),
        group=str(labels),
        title="x",
        severity=labels.pop("severity", "critical"),
        labels=labels,
    )


def decide(*alerts: correlation.Alert) -> correlation.Decision:
    return correlation.decide(alerts, [read(file)[0] for file in FILES], (), {}, datetime(2026, 11, 22, tzinfo=UTC))


def test_departure_control_down_declares_at_once():
    (declared,) = decide(alert(service="dcs", region="eu")).declare
    assert (declared.playbook, declared.severity, declared.facts["systems"]) == ("it-outage", "SEV1", "check_in")


def test_alerts_of_one_region_are_one_cause():
    decision = decide(alert(service="booking", region="eu"), alert(service="checkin", region="eu"))
    assert len(decision.propose) == 1
    assert len(decide(alert(service="booking", region="eu"), alert(service="booking", region="us")).propose) == 2


@pytest.mark.parametrize("labels", [{"service": "booking", "severity": "warning"}, {"service": "crew_rostering"}, {}])
def test_other_alerts_trigger_nothing(labels):
    decision = decide(alert(**labels))
    assert (decision.propose, decision.declare) == ((), ())


def texts(name: str, **facts: object) -> dict[tuple[str, str], str]:
    """The texts of a rehearsal for the status page, by step and language."""
    playbook, _, _ = read(ROOT / "playbooks" / f"{name}.yaml")
    rehearsed = dry_run(playbook, HOUSE, playbook.read_facts(facts), NOW)
    return {
        (s.key, language): text for s in rehearsed for channel, language, text, _ in s.texts if channel == "status_page"
    }


def test_an_it_outage_opens_check_in_by_private_message():
    first = texts("it-outage", systems="check_in", stations="AMS")["first_word", "en"]
    assert first.startswith("We are aware of a problem with check-in and boarding at AMS.")
    assert "check in, or to book or change a flight? We will do it for you." in first
    assert "never post the reference in public" in first


def test_ash_says_care_and_rebooking_and_does_not_guess():
    first = texts("ash-cloud", airspace="Northern Europe", stations="AMS")["first_word", "en"]
    for part in ("volcanic ash", "we will not guess", "meals and refreshments", "a hotel", "your money back"):
        assert part in first


@pytest.mark.parametrize("strikers", ["own_flight_crew", "own_cabin_crew", "own_ground_staff"])
def test_a_strike_of_our_own_staff_leaves_the_right_to_compensation(strikers):
    """CJEU C-195/17 and C-28/20: such a strike is no extraordinary circumstance."""
    said = texts("strike", strikers=strikers, stations="AMS", starts_at="2026-11-24T04:00Z")
    for step in ("first_word", "next_update"):
        assert "does not take away your right to compensation" in said[step, "en"]
        assert "neemt uw recht op compensatie niet weg" in said[step, "nl"]
        assert "no le quita el derecho a compensación" in said[step, "es"]
        assert "não lhe tira o direito a indemnização" in said[step, "pt"]
    assert "C-195/17" in said["rights", "en"]


@pytest.mark.parametrize("strikers", ["air_traffic_control", "airport_staff"])
def test_a_strike_of_others_neither_promises_nor_denies_compensation(strikers):
    said = texts("strike", strikers=strikers, stations="AMS", starts_at="2026-11-24T04:00Z")
    assert "depends on the circumstances: send us your claim" in said["first_word", "en"]
    assert "right to compensation" not in said["first_word", "en"]


def test_no_text_about_a_strike_calls_it_extraordinary_or_denies_compensation():
    playbook, _, _ = read(ROOT / "playbooks" / "strike.yaml")
    forbidden = (
        "extraordinar",
        "extraordinár",
        "buitengewone",
        "overmacht",
        "force majeure",
        "fuerza mayor",
        "força maior",
    )
    forbidden += ("no compensation", "geen compensatie", "sin compensación", "sem indemnização")
    for facts in cases(playbook, HOUSE):
        for step in dry_run(playbook, HOUSE, facts, NOW):
            for _, _, text, preapproved in step.texts:
                assert not [word for word in forbidden if word in (text + preapproved).lower()]


def test_who_strikes_must_be_said_by_a_person():
    playbook, _, _ = read(ROOT / "playbooks" / "strike.yaml")
    rule = playbook.step("first_word").approval
    assert rule
    assert (rule.publish, rule.four_eyes) == ("hold", True)
    assert playbook.facts["strikers"].must


# ---------------------------------------------------------------- documentation

SCHEMA = {
    Playbook: "playbook",
    Fact: "fact",
    Trigger: "trigger",
    Surge: "surge",
    Briefing: "briefing",
    Step: "step",
    Approval: "approval",
}


@pytest.mark.parametrize("model", SCHEMA, ids=SCHEMA.values())
def test_every_key_is_documented(model):
    text = DOCS.read_text(encoding="utf-8")
    assert [key for key in keys_of(model) if f"`{key}`" not in text] == []


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_and_its_parameters_are_documented(action):
    text = DOCS.read_text(encoding="utf-8")
    _, heading, rest = text.partition(f"\n### `{action}`\n")
    assert heading, f"docs/playbooks.md has no heading for {action}"
    section = rest.partition("\n### ")[0].partition("\n## ")[0]
    assert [name for name in ACTIONS[action].Params.model_fields if f"`{name}`" not in section] == []


def test_every_name_of_expressions_is_documented():
    from engine.check import TRIGGER_NAMES
    from engine.plan import NAMES

    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in (*NAMES, *TRIGGER_NAMES) if f"`{name}" not in text] == []
