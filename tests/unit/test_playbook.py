"""The schema of playbooks, and reading one: every mistake has its line and its remedy."""

import time
from datetime import timedelta

import pytest

from engine.playbook import Fact, FactsError, PlaybookError, parse, read
from engine.yaml_lines import MAX_BYTES
from tests.example_house import example_playbook

GOOD = """playbook: flood
title: Flooded apron
severity: SEV2
facts:
  stations: {type: stations, ask: "Where?"}
steps:
  - key: first_word
    action: publish_statement
    every: 1h30m
"""


def findings(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PlaybookError) as caught:
        parse(text, "flood.yaml")
    assert str(caught.value).startswith("flood.yaml:")
    return [(finding.line, finding.text) for finding in caught.value.findings]


def test_a_good_playbook_is_read():
    playbook, lines = parse(GOOD)
    assert playbook.steps[0].every == timedelta(minutes=90)
    assert playbook.facts["stations"].must
    assert (lines.of("steps", 0, "every"), lines.of("steps", 0, "with", "message")) == (9, 7)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("severity: SEV2", "severity: SEV5", 3, "severity: must be 'SEV1', 'SEV2', 'SEV3' or 'SEV4'"),
        ("title: Flooded apron\n", "", 1, "'title' is missing; add it"),
        ("title:", "tilte: x\ntitle:", 2, "unknown key 'tilte'; known here: playbook, title, summary"),
        ("    action:", "    acton: x\n    action:", 8, "unknown key 'steps.0.acton'; known here: key, action, with"),
        ("1h30m", "10 minutes-ish", 9, "'10 minutes-ish' is not a duration; write it like 45s, 30m"),
        ("1h30m", "90", 9, "90 is not a duration"),
        ("1h30m", "0m", 9, "must be longer than nothing"),
        ("1h30m", "99999999999999d", 9, "'99999999999999d' is not a duration"),
        ("first_word", "First Word", 7, "'First Word' won't do; use lower-case letters"),
        ("type: stations", "type: station", 5, "facts.stations.type: must be 'text', 'integer', 'stations'"),
        ("every: 1h30m", "after: other", 9, "a list is expected, such as [one, two]"),
        ("every: 1h30m", "with: [a]", 9, "a block of keys is expected"),
        ("every: 1h30m", "when: true", 9, "a text is expected; put it in quotes"),
        ("every: 1h30m", "approval: {by: comms_lead}", 9, "'steps.0.approval.within' is missing"),
        ("every: 1h30m", "approval: {by: x, within: 5m, publsh: hold}", 9, "known here: by, within, then"),
        ("every: 1h30m", "action: again", 9, "the key 'action' stands twice in one block; keep one"),
        ("every: 1h30m", "when: '{{ x'\n  - {key: first_word, action: x}", 10, "'first_word' is used twice"),
        ("Flooded apron", "2026-01-01", 2, "a text is expected; put it in quotes"),
        ("Flooded apron", "\ta: b", 2, "check the indentation and the quotes"),
        ("Flooded apron", "a: b", 2, "check the indentation and the quotes"),
        ("Flooded apron", "a\x07b", 2, "a character that no text has"),
        ("Flooded apron", "&x y", 2, "anchors"),
        ("Flooded apron", "*x", 2, "aliases"),
        ("Flooded apron", "!!python/object/apply:os.system [ls]", 2, "tags"),
        ("title:", "[a, b]: c\ntitle:", 2, "a key is one word"),
        ("title:", "<<: {a: b}\ntitle:", 2, "a key is one word"),
        ("Flooded apron", "[" * 30 + "]" * 30, 2, "more than 20 blocks in one another"),
    ],
)
def test_a_mistake_has_its_line_and_its_remedy(old, new, line, says):
    assert old in GOOD
    (only,) = findings(GOOD.replace(old, new, 1))
    assert only[0] == line
    assert says in only[1]


def test_all_mistakes_are_said_at_once():
    text = GOOD.replace("SEV2", "SEV9").replace("1h30m", "soon").replace("ask:", "aks:")
    assert [line for line, _ in findings(text)] == [3, 5, 5, 9]


@pytest.mark.parametrize("text", ["", "~", "- a", "hello"])
def test_what_is_no_block_of_keys_is_told_how_to_begin(text):
    assert findings(text) == [(1, "a playbook is a block of keys that begins with `playbook: <name>`")]


def test_no_steps_is_a_mistake_of_its_own():
    assert findings(GOOD[: GOOD.index("steps:")] + "steps: []\n") == [(6, "steps: empty; write at least one")]


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "a: " + "[" * (MAX_BYTES - 10),
        "a: " + "{a: " * (MAX_BYTES // 5),
        "x" * 10_000_000,
    ],
    ids=["aliases", "brackets", "braces", "10 MB"],
)
def test_a_bomb_is_refused_quickly(bomb):
    began = time.monotonic()
    findings(bomb)
    assert time.monotonic() - began < 2


def test_a_file_is_named_after_its_playbook(tmp_path):
    file = tmp_path / "storm.yaml"
    file.write_text(GOOD)
    with pytest.raises(PlaybookError, match=r"storm.yaml:1: is named 'flood'; name the file flood.yaml"):
        read(file)
    file.rename(tmp_path / "flood.yaml")
    playbook, _, text = read(tmp_path / "flood.yaml")
    assert (playbook.playbook, text) == ("flood", GOOD)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "can't be read: No such file"), (b"\xff\xfe\x00", "not UTF-8"), (b"x" * 70_000, "larger")],
)
def test_a_file_that_can_not_be_read_says_why(tmp_path, content, says):
    file = tmp_path / "flood.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PlaybookError, match=says):
        read(file)


# ---------------------------------------------------------------- facts


@pytest.mark.parametrize(
    ("fact", "raw", "value"),
    [
        ({"type": "stations"}, "ams, rtm;AMS eIN", ["AMS", "RTM", "EIN"]),
        ({"type": "stations"}, ["ams"], ["AMS"]),
        ({"type": "integer", "min": 0}, " 12 ", 12),
        ({"type": "yes_no"}, "Yes", True),
        ({"type": "yes_no"}, False, False),
        ({"type": "choice", "choices": ("a", "b")}, "b", "b"),
        ({"type": "instant"}, "2026-11-22T04:10Z", "2026-11-22T04:10:00+00:00"),
        ({"type": "text"}, "  long story ", "long story"),
    ],
)
def test_a_fact_is_read_from_what_was_typed(fact, raw, value):
    assert Fact(ask="?", **fact).read(raw) == value


@pytest.mark.parametrize(
    ("fact", "raw", "says"),
    [
        ({"type": "stations"}, "AMSTERDAM", "AMSTERDAM is no station; write three-letter codes"),
        ({"type": "stations"}, " ", "nothing is no station"),
        ({"type": "integer", "min": 0}, "-1", "-1 is outside 0 to any"),
        ({"type": "integer"}, "1e3", "not a whole number"),
        ({"type": "integer"}, True, "not a whole number"),
        ({"type": "integer"}, "9" * 5000, "not a whole number"),
        ({"type": "yes_no"}, "perhaps", "neither yes nor no"),
        ({"type": "choice", "choices": ("a", "b")}, "c", "not one of a, b"),
        ({"type": "instant"}, "tomorrow", "not a time; write it like"),
        ({"type": "instant"}, "2026-11-22T04:10", "lacks its time zone"),
        ({"type": "text"}, "x" * 201, "1 to 200 characters"),
    ],
)
def test_a_fact_of_the_wrong_kind_says_what_is_expected(fact, raw, says):
    with pytest.raises(ValueError, match=says):
        Fact(ask="?", **fact).read(raw)


def test_missing_and_wrong_facts_are_said_together():
    playbook = example_playbook(("stations: {type: stations, required: false", "stations: {type: stations"))
    with pytest.raises(FactsError) as caught:
        playbook.read_facts({"systems": "toaster", "weather": "bad"})
    assert caught.value.missing == ["stations"]
    text = str(caught.value)
    for part in ("weather is not asked for by it-outage", "'toaster' is not one of", "missing: stations (Where?)"):
        assert part in text


def test_defaults_fill_what_was_not_said():
    assert example_playbook().read_facts({"stations": "ams"}) == {
        "systems": "all",
        "stations": ["AMS"],
        "flights_hit": False,
        "detail_en": None,
    }


# ---------------------------------------------------------------- the briefing

BRIEFED = """
playbook: help
title: Help needed
severity: SEV1
steps:
  - {key: a, action: call_out}
"""


def test_a_briefing_is_a_list_of_lines_or_has_parts():
    plain, _ = parse(BRIEFED + "briefing: [One., Two.]\n")
    assert plain.briefing.know == ("One.", "Two.")
    parted, _ = parse(BRIEFED + "briefing: {hand_over: [Last.], what_happened: [First.], we_dont_say: [No.]}\n")
    assert parted.briefing.lines == ("First.", "No.", "Last.")
    assert parse(BRIEFED)[0].briefing.lines == ()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("briefing: Be kind.", 7, "a list of lines is expected"),
        (
            "briefing:\n  we_say: [Sorry.]\n  we_sy: [Sorry.]",
            9,
            "unknown key 'briefing.we_sy'; known here: what_happened",
        ),
        ("briefing: {we_say: Sorry.}", 7, "a list is expected"),
    ],
)
def test_a_briefing_that_can_t_be_read_is_said_with_its_line(text, line, said):
    with pytest.raises(PlaybookError) as error:
        parse(BRIEFED + text + "\n")
    [finding] = error.value.findings
    assert (finding.line, said in finding.text) == (line, True), finding
