"""`playbook check`: every finding has its line and says what to write instead. And the dry run."""

import pytest

from engine.check import check
from engine.dry_run import dry_run
from engine.playbook import parse
from tests.example_house import NOW, ROLES, example_house

SOURCES = {"alertmanager"}
GOOD = """playbook: it-outage
title: IT outage
severity: SEV2
facts:
  systems: {type: choice, choices: [booking, check_in, website_and_app, all], ask: "Which?"}
  passengers: {type: integer, default: 0, ask: "How many?"}
surge: {peak: 3, ramp: 1h, hold: 2h, half_life: 1h}
triggers:
  - source: alertmanager
    when: "alert.labels.service == 'booking'"
    then: declare
    facts: {systems: "'booking'"}
steps:
  - key: first_word
    action: publish_statement
    with:
      message: holding
      channels: [status_page, bluesky]
      languages: [en, nl]
    approval: {by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}
    due_within: 15m
  - key: staff_up
    action: raise_staffing
    with: {answer_within: 30m}
    after: [first_word]
    when: "facts.passengers > 100 and steps.first_word == 'done'"
    due_within: 20m
  - key: next_update
    action: publish_statement
    every: 30m
    with: {message: update, channels: [status_page], languages: [en]}
stand_down:
  - {key: thank_you, action: release_responders}
"""


def found(text: str, house=None, roles=ROLES, sources=SOURCES) -> list[tuple[int, str, bool]]:
    playbook, lines = parse(text, "it-outage.yaml")
    findings = check(playbook, lines, house or example_house(), roles, sources)
    assert all(finding.file == "it-outage.yaml" for finding in findings)
    return [(finding.line, finding.text, finding.warning) for finding in findings]


def test_a_good_playbook_has_no_findings():
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        # facts and triggers
        ("choices: [booking, check_in, website_and_app, all], ", "", 5, "a choice without choices; add `choices:"),
        ("default: 0", "default: many", 6, "the default of passengers won't do: 'many' is not a whole number"),
        (
            "alert.labels.service ==",
            "alrt.labels.service ==",
            10,
            "'alrt' means nothing here; known are alert. Did you",
        ),
        ("'booking'\"\n    then", "'booking\"\n    then", 10, "is not an expression"),
        ("{systems: \"'booking'\"}", "{system: \"'booking'\"}", 12, "'system' is no fact of this playbook"),
        ("facts: {systems: \"'booking'\"}", "group: alert.group", 11, "declares, but says nothing of systems"),
        # actions and their parameters
        ("action: raise_staffing", "action: raise_stafing", 23, "no action 'raise_stafing'; there are call_out"),
        ("action: raise_staffing", "action: raise_stafing", 23, "Did you mean raise_staffing?"),
        ("answer_within: 30m", "answer_withn: 30m", 24, "knows no 'answer_withn'; it knows answer_within"),
        ("with: {answer_within: 30m}\n    ", "", 22, "raise_staffing needs 'answer_within'; add it under `with:`"),
        ("answer_within: 30m", "answer_within: soon", 24, "answer_within: 'soon' is not a duration"),
        ("surge: {peak: 3, ramp: 1h, hold: 2h, half_life: 1h}\n", "", 22, "surge"),
        # order
        ("after: [first_word]", "after: [frist_word]", 25, "no step 'frist_word'; the steps here are first_word"),
        ("after: [first_word]", "after: [thank_you]", 25, "'thank_you' is not among the steps"),
        ("    due_within: 15m", "    after: [staff_up]", 21, "first_word after staff_up after first_word; take one"),
        ("after: [first_word]", "after: [staff_up]", 25, "for ever: staff_up after staff_up"),
        # expressions
        ("facts.passengers", "fact.passengers", 26, "'fact' means nothing here; known are facts, severity"),
        ("facts.passengers", "facts.passenger", 26, "there is no facts.passenger; known are systems, passengers. Did"),
        ("steps.first_word", "steps.frist_word", 26, "there is no steps.frist_word; known are first_word"),
        ("> 100 and", "> 100 adn", 26, "is not an expression"),
        # deadlines
        ("due_within: 15m", "due_within: 11m", 21, "due within 11 min, but the waits before it may take 12 min"),
        ("due_within: 20m", "due_within: 10m", 27, "due within 10 min, but the waits before it may take 12 min"),
        ("    due_within: 20m", "    start_after: 1h\n    due_within: 20m", 28, "may take 1 h"),
        # approval
        ("by: comms_lead", "by: comms_led", 20, "nobody holds the role 'comms_led'; roles that are held: comms_lead"),
        ("then: deputy_comms_lead", "then: boss", 20, "nobody holds the role 'boss'"),
        ("unanswered_after: 12m", "unanswered_after: 5m", 20, "unanswered_after 5 min is shorter than within 8 min"),
        ("unanswered_after: 12m, ", "", 20, "the pre-approved text never goes out; add `unanswered_after`"),
        ("    after: [first_word]", "    approval: {by: comms_lead, within: 5m}", 25, "asks nobody for approval"),
        # statements
        ("message: holding", "message: alarm", 17, "no message to the public; its name begins with holding, update"),
        ("message: holding", "message: holding_flood", 17, "no message 'holding_flood'; add templates/messages/"),
        ("[en, nl]", "[en, fr]", 19, "holding is not written in 'fr'; add templates/messages/holding/fr.j2"),
        ("bluesky]", "blusky]", 18, "there is no channel 'blusky'; use bluesky, slack, status_page"),
        ("message: holding", "message: holding_ash", 18, "holding_ash/en.j2:3: .*no attribute 'suspended'"),
        ("message: holding", "message: holding\n      next_update_in: 20m", 18, "next_update comes every 30 min"),
        ("message: holding", "message: holding\n      title: {es: x}", 18, "a title in 'es', but no text"),
        ("every: 30m", "start_after: 30m", 16, "says nothing of the next update: add `next_update_in`"),
    ],
)
def test_a_mistake_is_found_at_its_line_and_says_what_to_write(old, new, line, says):
    import re

    assert old in GOOD
    findings = found(GOOD.replace(old, new, 1))
    at = [text for number, text, warning in findings if number == line and not warning]
    assert any(re.search(says if ".*" in says else re.escape(says), text) for text in at), findings


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("source: alertmanager", "source: alertmanger", 9, "no alert source 'alertmanger' here"),
        ("every: 30m", "every: 4m", 30, "every 4 min is faster than people can follow; write 5m or more"),
        ("severity: SEV2", "severity: SEV2\ninvite: [captain]", 4, "nobody holds the role 'captain'"),
    ],
)
def test_what_may_be_meant_is_a_warning(old, new, line, says):
    (only,) = found(GOOD.replace(old, new, 1))
    assert (only[0], only[2]) == (line, True)
    assert says in only[1]


def test_a_source_that_is_not_there_may_let_one_speak_of_more():
    text = GOOD.replace("source: alertmanager", "source: ash").replace("alert.labels.service", "advisory.colour")
    assert [warning for _, _, warning in found(text)] == [True]


def test_a_cycle_is_named_once():
    text = GOOD.replace("    due_within: 15m", "    after: [next_update]")
    text = text.replace("    every: 30m", "    every: 30m\n    after: [staff_up]")
    cycles = [said for _, said, _ in found(text) if "for ever" in said]
    assert len(cycles) == 1
    assert "first_word after next_update after staff_up after first_word" in cycles[0]


@pytest.mark.parametrize("unhurried", ["hold, unanswered_after: 12m", "hold"])
def test_an_approval_without_end_is_counted_as_long_as_it_is_asked(unhurried):
    old = "unanswered_after: 12m, publish: preapproved"
    expected = {"hold, unanswered_after: 12m": [], "hold": ["16 min"]}[unhurried]
    late = [text for _, text, _ in found(GOOD.replace(old, f"publish: {unhurried}").replace("20m", "30m"))]
    assert [wait for wait in ("12 min", "16 min") if any(wait in text for text in late)] == expected


def test_a_text_that_does_not_fit_says_where_and_by_how_much(tmp_path):
    from tests.example_house import MESSAGES

    for folder in MESSAGES.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "holding").unlink()
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding" / "en.j2").write_text("We know.")
    (tmp_path / "holding" / "nl.j2").write_text("Wij weten het. " + "woord " * 50)
    ((line, text, _),) = (one for one in found(GOOD, example_house(tmp_path)) if "too long" in one[1])
    # 15 + 50 × 6 graphemes, the last space gone, and the drill's mark of 11.
    assert (line, "holding for bluesky in 'nl': too long, 325 of 300 graphemes" in text) == (18, True)
    assert "templates/messages/holding/bluesky.nl.j2" in text


def test_the_longest_facts_decide_whether_a_text_fits(tmp_path):
    from tests.example_house import MESSAGES

    for folder in MESSAGES.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "holding").unlink()
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding" / "nl.j2").write_text("Wij weten het.")
    each = "{% for one in facts.stations %}We know that {{ one }} is hit, and more. {% endfor %}"
    (tmp_path / "holding" / "en.j2").write_text(each)
    text = GOOD.replace(
        "passengers: {type: integer", 'stations: {type: stations, ask: "Where?"}\n  passengers: {type: integer'
    )
    text = text.replace("then: declare", "then: propose")
    ((line, said, _),) = (one for one in found(text, example_house(tmp_path)) if "too long" in one[1])
    assert line == 19
    assert "holding for bluesky in 'en': too long" in said


def test_a_text_that_fails_only_for_one_choice_is_found(tmp_path):
    from tests.example_house import MESSAGES

    for folder in MESSAGES.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "holding").unlink()
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding" / "en.j2").write_text("We know.{% if facts.systems == 'check_in' %}{{ nowhere }}{% endif %}")
    (tmp_path / "holding" / "nl.j2").write_text("Wij weten het.")
    broken = [text for _, text, _ in found(GOOD, example_house(tmp_path)) if "undefined" in text]
    assert {text.split(":")[0] for text in broken} == {"holding for status_page in 'en'", "holding for bluesky in 'en'"}


# ---------------------------------------------------------------- dry run


@pytest.fixture
def rehearsed():
    playbook, _ = parse(GOOD)
    facts = playbook.read_facts({"systems": "check_in"})
    return {step.key: step for step in dry_run(playbook, example_house(), facts, NOW)}


def test_a_dry_run_has_the_order_and_the_times(rehearsed):
    assert list(rehearsed) == ["first_word", "staff_up", "next_update", "thank_you"]
    times = {key: (step.phase, step.earliest, step.latest, step.due) for key, step in rehearsed.items()}
    assert times == {
        "first_word": ("response", "T+00:00", "T+00:12", "T+00:15"),
        "staff_up": ("response", "T+00:00", "T+00:12", "T+00:20"),
        "next_update": ("response", "T+00:30", "T+00:30", ""),
        "thank_you": ("stand_down", "T+00:00", "T+00:00", ""),
    }


def test_what_waits_stands_after_what_it_waits_for():
    text = GOOD.replace("after: [first_word]", "").replace("due_within: 15m", "after: [staff_up]")
    playbook, _ = parse(text)
    order = [step.key for step in dry_run(playbook, example_house(), {"systems": "all"}, NOW)]
    assert order[:2] == ["staff_up", "first_word"]


def test_a_dry_run_has_the_texts_with_the_facts_and_the_times(rehearsed):
    channel, language, text, preapproved = rehearsed["first_word"].texts[0]
    assert (channel, language, preapproved) == ("status_page", "en", text)
    assert text.startswith("We are aware of a problem with check-in and boarding.")
    assert "by 05:45 (04:45 UTC), 22 Nov" in text
    assert "Update, 05:40 (04:40 UTC), 22 Nov" in rehearsed["next_update"].texts[0][2]


def test_a_dry_run_is_told_in_lines(rehearsed):
    shown = str(rehearsed["first_word"]).splitlines()
    assert shown[0] == "T+00:00  first_word  (publish_statement)"
    assert "    comms_lead approves within 8 min, then deputy_comms_lead is asked" in shown
    assert "    [bluesky in nl]" in shown
    assert str(rehearsed["thank_you"]).startswith("stand-down T+00:00  thank_you")


def test_a_dry_run_of_a_wrong_playbook_says_so_in_its_place():
    text = GOOD.replace("action: raise_staffing", "action: raise_stafing").replace("[en, nl]", "[en, fr]")
    playbook, _ = parse(text)
    steps = {step.key: step for step in dry_run(playbook, example_house(), {"systems": "all"}, NOW)}
    assert "no action 'raise_stafing'" in steps["staff_up"].does[0]
    assert "can't be drafted" in steps["first_word"].does[-1]


def test_a_dry_run_of_a_cycle_ends():
    playbook, _ = parse(GOOD.replace("    due_within: 15m", "    after: [staff_up]"))
    assert len(dry_run(playbook, example_house(), {"systems": "all"}, NOW)) == 4


def test_hours_go_on_counting_past_a_day():
    playbook, _ = parse(GOOD.replace("every: 30m", "every: 26h"))
    (update,) = [s for s in dry_run(playbook, example_house(), {"systems": "all"}, NOW) if s.key == "next_update"]
    assert (update.earliest, update.every) == ("T+26:00", "1 d 2 h")
