"""The review: what happened against the targets, the score and its parts, and what to change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk.review_page import Series, page
from engine.callout import Answer, CallOut, Invitation
from engine.effects import Effect, EffectState, Post, Receipt
from engine.house import House
from engine.incident import Incident, Severity, Status
from engine.playbook import Playbook
from engine.review import FlowRun, Review, markdown, review, summary_lines
from engine.review_score import WEIGHTS
from engine.snapshot import Snapshot
from engine.staffing import Slot, StaffingPlan
from engine.statements import Statement, StatementStatus, Wordings
from engine.steps import StepState, StepStatus
from engine.timeline import Entry
from engine.triage import Queue, QueueFigures
from engine.wording import Templates

DECLARED = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
NOW = DECLARED + timedelta(hours=8)
HOUSE = House(
    wording=Templates(Path(__file__).resolve().parents[2] / "templates" / "messages"),
    channels={},
    station_zones={"AMS": "Europe/Amsterdam"},
)
BOOK = Playbook.model_validate(
    {
        "playbook": "ash-cloud",
        "title": "Volcanic ash cloud",
        "severity": "SEV1",
        "steps": [
            {"key": "first_word", "action": "publish_statement", "due_within": "15m"},
            {"key": "staff_up", "action": "raise_staffing"},
            {"key": "crisis_queue", "action": "open_queue"},
            {"key": "volunteers", "action": "call_out", "after": ["staff_up"]},
            {"key": "next_update", "action": "publish_statement", "every": "30m"},
        ],
    }
)


def at(minutes: float) -> datetime:
    return DECLARED + timedelta(minutes=minutes)


def post(channel: str, sent: float | None, statement: str = "k1", **more: object) -> Effect:
    message = Post(
        incident="INC-1",
        title="Volcanic ash cloud",
        message="holding",
        language="en",
        text="We are aware.",
        severity="SEV1",
        status="declared",
        statement=statement,
        drafted_at=DECLARED,
    )
    values = {
        "key": f"{statement}/{channel}",
        "incident": 1,
        "step": "first_word#1",
        "channel": channel,
        "message": message,
        "queued_at": DECLARED,
        "not_before": DECLARED,
        "attempts": 1,
        "state": EffectState.FAILED if sent is None else EffectState.SENT,
        "sent_at": None if sent is None else at(sent),
        "receipt": Receipt(id="1"),
    }
    return Effect.model_validate({**values, **more})


def statement(number: int, live: float | None, channels: Sequence[str] = (), **more: object) -> Statement:
    texts = [Wordings(channel=channel, language="en", text="a", preapproved="a") for channel in channels]
    values = {
        "id": number,
        "key": f"k{number}",
        "incident": 1,
        "step": "first_word#1" if number == 1 else f"next_update#{number - 1}",
        "message": "holding" if number == 1 else "update",
        "texts": texts,
        "status": StatementStatus.LIVE,
        "drafted_at": at((live or 0) - 5),
        "asked": ("comms_lead",),
        "approved_at": None if live is None else at(live - 1),
        "approved_by": "maya.devries",
        "live_at": None if live is None else at(live),
    }
    return Statement.model_validate({**values, **more})


def invitation(number: int, wave: int, asked: float, answer: str = "", after: float = 0, **more: object) -> Invitation:
    return Invitation(
        key=f"c/{number}",
        incident=1,
        callout="c",
        person=f"p{number}",
        wave=wave,
        asked_at=at(asked),
        answer=Answer(answer),
        answered_at=at(asked + after) if answer else None,
        **more,
    )


def snapshot(**more: object) -> Snapshot:
    incident = Incident(
        number=1,
        uid="abcdefabcdef",
        playbook="ash-cloud",
        playbook_text="",
        title="Volcanic ash cloud",
        severity=Severity.SEV1,
        status=Status.RESPONDING,
        facts={"stations": ["AMS"]},
        declared_by="dm",
        declared_at=DECLARED,
        status_at=DECLARED,
    )
    return replace(Snapshot(now=NOW, incident=incident, playbook=BOOK, house=HOUSE), **more)


def closed(shot: Snapshot, minutes: float, status: Status = Status.RESOLVED) -> tuple[Snapshot, list[Entry]]:
    incident = shot.incident.model_copy(update={"status": status, "status_at": at(minutes)})
    return replace(shot, incident=incident), [Entry(incident=1, at=at(minutes), kind="Resolved", text="Resolved by dm")]


def measure(told: Review, name: str):
    return next(one for one in told.measures if one.name == name)


def part(told: Review, name: str):
    return next(one for one in told.parts if one.name == name)


def changes(told: Review) -> str:
    return " | ".join(f"{finding.what} {finding.change}" for finding in told.findings)


# ---------------------------------------------------------------- first word


def test_the_first_statement_is_timed_on_each_channel():
    shot = snapshot(
        statements=(statement(1, 9, ("status_page", "bluesky", "x")),),
        effects=(post("status_page", 9), post("status_page", 40, "k2"), post("bluesky", 22.5), post("x", None)),
    )
    told = review(shot, [])
    assert (measure(told, "status_page").took_s, measure(told, "status_page").kept) == (540, True)
    assert (measure(told, "bluesky").took_s, measure(told, "bluesky").kept) == (1350, False)
    assert measure(told, "x").took_s is None
    assert part(told, "First word").share == pytest.approx((1 + 0.5 + 0) / 3)
    assert "x never carried the first statement" in changes(told)


def test_the_playbooks_own_deadline_is_the_target():
    steps = tuple(
        step.model_copy(update={"due_within": timedelta(minutes=5)}) if step.key == "first_word" else step
        for step in BOOK.steps
    )
    shot = snapshot(playbook=BOOK.model_copy(update={"steps": steps}), effects=(post("x", 9),))
    assert not measure(review(shot, []), "x").kept


def test_what_may_still_happen_in_time_is_pending_and_not_scored():
    shot = replace(snapshot(statements=(statement(1, 9, ("x",)),)), now=at(10))
    told = review(shot, [])
    assert measure(told, "x").pending
    assert part(told, "First word").share is None


def test_a_slow_approval_is_named_as_the_cause():
    slow = statement(1, 25, ("x",), drafted_at=at(1), approved_at=at(24))
    told = review(snapshot(statements=(slow,), effects=(post("x", 25),)), [])
    assert "23 min went by waiting for approval" in changes(told)


# ---------------------------------------------------------------- approvals and updates


def test_silence_of_the_approver_asks_for_a_deputy():
    shot = snapshot(statements=(statement(1, 13, ("x",), approved_by="preapproved", drafted_at=at(0)),))
    told = review(shot, [])
    (one,) = told.approvals
    assert (one.how, one.waited_s) == ("preapproved", 720)
    assert "asked comms_lead, nobody answered in 12 min" in changes(told)
    assert told.findings[0].step == "first_word"


def test_an_answer_by_the_deputy_asks_for_a_shorter_wait():
    shot = snapshot(statements=(statement(1, 13, ("x",), asked=("comms_lead", "deputy_comms_lead")),))
    assert "Shorten `within`" in changes(review(shot, []))


def test_a_statement_that_waits_is_said():
    waiting = statement(1, None, ("x",), status="drafted", approved_by="", drafted_at=DECLARED)
    assert "has waited 8 h for comms_lead" in changes(review(snapshot(statements=(waiting,)), []))


def test_updates_are_held_against_what_was_promised():
    shot = snapshot(
        statements=(
            statement(1, 10, next_update_at=at(40)),
            statement(2, 38, next_update_at=at(68)),
            statement(3, 75, next_update_at=at(105)),
            statement(4, 105, next_update_at=at(600)),
        )
    )
    told = review(shot, [])
    assert [one.kept for one in told.promises] == [True, False, True, None]
    assert told.promises[1].late_by == timedelta(minutes=7)
    assert part(told, "Updates as promised").share == pytest.approx(2.5 / 3)
    assert "1 of 4 promised updates" in changes(told)


def test_the_end_of_the_incident_keeps_no_promise_but_the_last_word_does():
    promising, resolution = statement(1, 10, next_update_at=at(40)), statement(2, 38, message="resolution")
    shot, entries = closed(snapshot(statements=(promising,)), 30)
    [told] = review(replace(shot, now=at(35)), entries).promises
    assert told.kept is None
    [told] = review(shot, entries).promises
    assert (told.kept, told.kept_at) == (False, None)
    [told] = review(replace(shot, statements=(promising, resolution)), entries).promises
    assert (told.kept, told.kept_by) == (True, "ST-2")


# ---------------------------------------------------------------- people


def callout(**more: object) -> CallOut:
    values = {"key": "c", "incident": 1, "step": "volunteers#1", "quota": 2, "starts_at": DECLARED, "ends_at": NOW}
    return CallOut.model_validate({**values, "closed_at": at(90), "accepted": 2, **more})


ASKED = (
    invitation(1, 1, 10, "yes", 8),
    invitation(2, 1, 10, "no", 2),
    invitation(3, 1, 10),
    invitation(4, 2, 25, "yes", 20),
    invitation(5, 2, 25, "later", 4),
    invitation(6, 2, 25, "yes", 40, too_late=True),
)


def test_waves_are_counted():
    told = review(snapshot(callouts=(callout(),), invitations=ASKED), [])
    first, second = told.waves
    assert (first.asked, first.yes, first.no, first.silent, first.median_s) == (3, 1, 1, 1, 300)
    assert (second.asked, second.yes, second.later, second.waiting_list) == (3, 2, 1, 1)
    assert first.answer_rate == pytest.approx(2 / 3)


def test_the_quota_is_filled_when_the_last_place_was_taken():
    told = review(snapshot(callouts=(callout(),), invitations=ASKED), [])
    assert measure(told, "first volunteer").took_s == 18 * 60
    assert measure(told, "quota of 2 filled").took_s == 45 * 60
    assert "could not" not in changes(told)


def test_too_few_volunteers_are_a_finding_once_the_call_out_is_over():
    shot = snapshot(callouts=(callout(quota=3),), invitations=ASKED)
    assert measure(review(shot, []), "quota of 3 filled").took_s is None
    assert "2 of 3 volunteers came; of 6 asked 1 were silent, 2 could not" in changes(review(shot, []))
    still_open = replace(shot, callouts=(callout(quota=3, closed_at=None),))
    assert "volunteers came" not in changes(review(still_open, []))


def test_staffing_and_queue_are_timed():
    done = StepState(incident=1, key="staff_up", started_at=at(0), ended_at=at(2), status=StepStatus.DONE)
    queue = Queue(incident=1, opened_at=at(45), answer_within_s=3600, solve_within_s=86400)
    told = review(snapshot(steps=(done,), queue=queue), [])
    assert measure(told, "staffing raised").took_s == 120
    assert not measure(told, "queue open").kept
    assert part(told, "People in place").share == pytest.approx((1 + 0.5) / 2)


# ---------------------------------------------------------------- customers, deliveries, deadlines


def test_broken_promises_point_at_the_missing_agents():
    queue = Queue(incident=1, opened_at=at(1), answer_within_s=3600, solve_within_s=86400)
    plan = StaffingPlan(
        incident=1, made_at=at(1), answer_within_s=3600, share=0.9, slots=(), shortfall=14, peak_needed=40
    )
    shot = snapshot(queue=queue, queue_figures=QueueFigures(kept=70, broken=30), staffing=plan)
    told = review(shot, [])
    assert part(told, "Promises to customers").share == pytest.approx(0.7)
    assert "30 of 100 customers waited longer" in changes(told)
    assert "14 agents were missing" in changes(told)
    few = replace(shot, queue_figures=QueueFigures(kept=95, broken=5))
    assert "waited longer" not in changes(review(few, []))


def test_customers_left_unanswered_at_the_end_are_said():
    figures = QueueFigures(kept=5, waiting_by_language={"en": 3, "es": 1})
    shot, entries = closed(snapshot(queue_figures=figures), 60)
    assert "4 customers were not answered" in changes(review(shot, entries))


def test_deliveries_are_counted_by_channel():
    effects = (
        post("x", 5, attempts=3),
        post("x", 6, "k2", attempts=1),
        post("bluesky", 5),
        post("bluesky", None, "k4"),
        post("bluesky", None, "k2", state="unknown"),
        post("bluesky", None, "k3", state="cancelled"),
        post("status_page", None, state="queued"),
    )
    told = review(snapshot(effects=effects), [])
    by_name = {one.channel: one for one in told.deliveries}
    assert (by_name["x"].sent, by_name["x"].retried) == (2, 1)
    assert (by_name["bluesky"].failed, by_name["bluesky"].unknown) == (1, 1)
    assert by_name["status_page"].waiting == 1
    assert part(told, "Deliveries").share == pytest.approx(3 / 5)
    assert "bluesky: 1 of 3 deliveries failed, and of 1 nobody knows" in changes(told)


def test_late_steps_are_those_that_ended_late_or_never():
    steps = (
        StepState(incident=1, key="first_word", started_at=at(0), due_at=at(15), ended_at=at(21), status="done"),
        StepState(incident=1, key="staff_up", started_at=at(0), due_at=at(15), ended_at=at(15), status="done"),
        StepState(incident=1, key="volunteers", started_at=at(0), due_at=at(30), status="waiting"),
    )
    told = review(snapshot(steps=steps), [])
    assert [(late.step, late.ended_at) for late in told.late_steps] == [
        ("first_word#1", at(21)),
        ("volunteers#1", None),
    ]
    assert part(told, "Deadlines").share == pytest.approx(1 / 3)
    assert "first_word#1 ended 6 min after its deadline" in changes(told)


def test_a_step_with_a_deadline_that_never_began_is_late():
    assert [(late.step, late.due_at) for late in review(snapshot(), []).late_steps] == [("first_word#1", at(15))]
    assert review(replace(snapshot(), now=at(14)), []).late_steps == ()


# ---------------------------------------------------------------- score and words


def test_the_weights_are_a_hundred():
    assert sum(WEIGHTS.values()) == 100


def test_without_any_occasion_there_is_no_score():
    bare = BOOK.model_copy(
        update={"steps": tuple(s.model_copy(update={"due_within": None, "action": "other"}) for s in BOOK.steps)}
    )
    told = review(snapshot(playbook=bare), [])
    assert told.score is None
    assert summary_lines(told)[0].endswith("no score yet")


def test_parts_without_occasion_are_scaled_away():
    told = review(
        snapshot(
            effects=(post("x", 5),), queue=Queue(incident=1, opened_at=at(3), answer_within_s=1, solve_within_s=2)
        ),
        [],
    )
    expected = (30 * 1 + 15 * 0.5 + 10 * 1 + 5 * 0) / (30 + 15 + 10 + 5)
    assert told.score == round(100 * expected)


def test_a_perfect_day_scores_a_hundred_and_finds_nothing():
    shot, entries = closed(perfect(), 120)
    told = review(shot, entries)
    assert told.score == 100
    assert told.findings == ()


def perfect() -> Snapshot:
    done = [
        StepState(incident=1, key=key, started_at=at(0), ended_at=at(9), due_at=at(15), status="done")
        for key in ("first_word", "staff_up")
    ]
    return snapshot(
        steps=tuple(done),
        statements=(
            statement(1, 9, ("x",), next_update_at=at(39)),
            statement(2, 35, ("x",), next_update_at=at(125)),
            statement(3, 121, ("x",), message="resolution"),
        ),
        effects=(post("x", 9), post("x", 35, "k2")),
        queue=Queue(incident=1, opened_at=at(1), answer_within_s=3600, solve_within_s=86400),
        queue_figures=QueueFigures(kept=50, broken=0),
        callouts=(callout(),),
        invitations=ASKED[:5],
    )


def test_a_reviewed_incident_ended_when_it_was_resolved():
    shot, entries = closed(perfect(), 120)
    reviewed = replace(
        shot, incident=shot.incident.model_copy(update={"status": Status.REVIEWED, "status_at": at(9000)})
    )
    assert review(reviewed, entries).until == at(120)


def test_the_terminal_reads_it_in_a_few_lines():
    shot, entries = closed(perfect(), 120)
    first, *rest = summary_lines(review(shot, entries))
    assert first == "INC-1 Volcanic ash cloud: closed after 2 h, score 100 of 100"
    assert len(rest) == len(WEIGHTS)


def test_markdown_keeps_its_table_whatever_was_written():
    entry = Entry(incident=1, at=at(1), kind="Declared", text="a | b <script> _x_\nc", actor="dm")
    row = next(line for line in markdown(review(snapshot(), [entry]), [entry]).splitlines() if "script" in line)
    assert row == "| 2026-11-22 04:11:00 | a \\| b &lt;script> \\_x\\_ c | dm |"


# ---------------------------------------------------------------- the page


def full_page(**more: object) -> str:
    slots = tuple(
        Slot(start=at(30 * n), language="*", messages=10, needed=5 + n, on_duty=4, offered=1) for n in range(10)
    )
    plan = StaffingPlan(incident=1, made_at=at(1), answer_within_s=3600, share=0.9, slots=slots, shortfall=4)
    shot, entries = closed(replace(perfect(), staffing=plan, **more), 120)
    entries += [Entry(incident=1, at=at(n / 10), kind="EffectSent", text=f"sent {n}") for n in range(5)]
    entries.append(Entry(incident=1, at=at(1), kind="Declared", text="<script>alert(1)</script>", actor="dm"))
    series = [Series("messages", [(at(0), 120), (at(60), 80)]), Series("answered", [(at(0), 60), (at(60), 140)])]
    runs = [
        FlowRun(
            id="1", name="respond", started_at=at(1), ended_at=at(1.1), state="Completed", url="javascript:alert(1)"
        )
    ]
    return page(review(shot, entries, runs), entries, series)


def test_the_page_is_complete_and_needs_nothing_else():
    html = full_page()
    assert html.count("<svg") == 5
    for outside in ("<script", "<link", "<img", "@import", "src=", "javascript:", "url(http"):
        assert outside not in html
    assert "22 Nov 2026 04:10 UTC (22 Nov 05:10 local)" in html
    assert "5 deliveries up to" in html
    assert "DRILL" not in html


def test_a_drill_is_marked_on_the_page():
    incident = perfect().incident.model_copy(update={"drill": True})
    html = full_page(incident=incident)
    assert "DRILL: nothing here happened" in html
    assert "<title>DRILL" in html
    assert summary_lines(review(replace(perfect(), incident=incident), []))[0].startswith("DRILL")


def test_the_same_facts_give_the_same_page():
    assert full_page() == full_page()


def test_ids_are_unique_and_colours_are_the_pages():
    import re

    html = full_page()
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 20
    assert {"var(--one)", "var(--two)", "var(--three)", "var(--muted)"} <= set(
        re.findall(r"var\(--\w+\)", html.split("<main>")[1])
    )
    assert not re.search(r"#0\d0\d0\d", html)


def test_an_incident_of_which_nothing_is_known_has_a_page_too():
    assert "No clock was started" not in page(review(snapshot(), []), [])
    bare = BOOK.model_copy(update={"steps": (BOOK.steps[0].model_copy(update={"action": "other"}),)})
    assert "No clock was started" in page(review(snapshot(playbook=bare), []), [])
