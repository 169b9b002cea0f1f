"""Statements: drafted, shown, approved or not, sent, live. A step is followed through time."""

from dataclasses import replace
from datetime import timedelta

import pytest

import integrations
from engine import approval, drafting, promise, statements
from engine.delivery import ALARM_AFTER
from engine.effects import EffectState
from engine.fitting import promised_time
from engine.incident import NotAllowed, Status
from engine.lint import read_lint_words
from engine.statements import StatementStatus, TooLong
from engine.steps import StepStatus
from engine.wording import WordingError
from tests.example_house import NOW, PEOPLE, ROOT, Course, example_house, example_playbook, person

FACTS = {"systems": "check_in", "stations": ["AMS", "RTM"], "flights_hit": True, "detail_en": "Gates have power again."}


@pytest.fixture
def course() -> Course:
    return Course(example_playbook(), facts=FACTS)


def approve(course: Course, by: str = "cora", roles=("comms_lead",), seen: str | None = None) -> None:
    change = statements.approve(course.snapshot, course.statement, by, roles, course.snapshot.now, seen)
    course.command(change)


def changed(**approval_keys: str):
    """The example's playbook with another approval of its first step."""
    old = "{by: comms_lead, within: 8m, then: deputy_comms_lead, unanswered_after: 12m, publish: preapproved}"
    new = "{" + ", ".join(f"{key}: {value}" for key, value in approval_keys.items()) + "}"
    return example_playbook((f"approval: {old}", f"approval: {new}" if approval_keys else ""))


# ---------------------------------------------------------------- drafting


def test_a_draft_has_each_channel_in_each_language(course):
    draft = drafting.draft(course.snapshot, "first_word#1", "holding", ["status_page", "bluesky"], ["en", "nl"])
    assert [(t.channel, t.language) for t in draft.texts] == [
        ("status_page", "en"),
        ("status_page", "nl"),
        ("bluesky", "en"),
        ("bluesky", "nl"),
    ]
    assert draft.texts[0].text.startswith("We are aware of a problem with check-in and boarding at AMS and RTM.")
    assert draft.key == "INC-1-abc/first_word#1"
    assert draft.status is StatementStatus.DRAFTED


def test_the_preapproved_text_lacks_what_was_typed_on_the_day(course):
    (text,) = drafting.draft(course.snapshot, "x#1", "update", ["status_page"], ["en"]).texts
    assert "Gates have power again." in text.text
    assert "Gates have power again." not in text.preapproved
    assert "at AMS and RTM" in text.preapproved, "stations come from a list"


def test_a_fact_that_the_playbook_does_not_know_is_not_trusted():
    course = Course(example_playbook(), facts={**FACTS, "systems": "all"})
    course.snapshot = replace(
        course.snapshot, playbook=example_playbook(("detail_en: {type: text", "other: {type: text"))
    )
    (text,) = drafting.draft(course.snapshot, "x#1", "update", ["status_page"], ["en"]).texts
    assert "Gates" not in text.preapproved


def test_what_is_too_long_with_the_facts_of_the_day_goes_without_them(tmp_path, course):
    (tmp_path / "holding").mkdir()
    words = "We know.{% if facts.detail_en is defined %}{{ facts.detail_en * 20 }}{% endif %}"
    (tmp_path / "holding" / "en.j2").write_text(words)
    (tmp_path / "holding" / "nl.j2").write_text("Wij weten het.")
    snapshot = replace(course.snapshot, house=example_house(tmp_path))
    draft = drafting.draft(snapshot, "x#1", "holding", ["bluesky", "status_page"], ["en"])
    assert [text.text == "We know." for text in draft.texts] == [True, False]
    assert drafting.shortened(snapshot, draft) == ["bluesky (en)"]


def test_what_is_too_long_anyway_names_channel_language_and_length(tmp_path, course):
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding" / "nl.j2").write_text("x" * 301)
    snapshot = replace(course.snapshot, house=example_house(tmp_path))
    with pytest.raises(TooLong, match="too long for bluesky in 'nl': 301 of 300 graphemes"):
        drafting.draft(snapshot, "x#1", "holding", ["bluesky"], ["nl"])


def test_a_language_that_is_not_written_is_a_wording_error(course):
    with pytest.raises(WordingError, match="'holding' for slack in 'fr'"):
        drafting.draft(course.snapshot, "x#1", "holding", ["slack"], ["fr"])


def test_a_message_that_can_not_be_drafted_fails_the_step_with_the_reason():
    course = Course(example_playbook(("languages: [en, nl]", "languages: [en, fr]")), facts=FACTS)
    outcome = course.run("first_word")
    assert outcome.kind == "fail"
    assert "'fr'" in outcome.reason


# ---------------------------------------------------------------- promises


def test_the_text_promises_what_the_repeating_step_can_keep(course):
    course.run("first_word")
    # The update comes at 04:40 and its approval may take 10 min, the posting one more.
    assert course.statement.next_update_at == NOW.replace(hour=4, minute=55)
    assert "by 05:55 (04:55 UTC), 22 Nov" in course.statement.texts[0].text


def test_an_update_promises_the_next_one(course):
    course.pass_time(30)
    course.run("next_update")
    assert course.statement.next_update_at == NOW.replace(hour=5, minute=25)


def test_a_late_update_promises_the_beat_after_it(course):
    course.pass_time(61)
    course.run("next_update")
    assert course.statement.next_update_at == NOW.replace(hour=5, minute=55)


def test_a_promise_of_its_own_is_rounded_up_to_five_minutes():
    playbook = example_playbook(("message: holding,", "message: holding, next_update_in: 43m,"))
    course = Course(playbook, facts=FACTS)
    course.run("first_word")
    assert course.statement.next_update_at == NOW.replace(hour=4, minute=55)


def test_after_the_end_nothing_is_promised(course):
    course.snapshot = replace(
        course.snapshot, incident=course.snapshot.incident.model_copy(update={"status": Status.RESOLVED})
    )
    course.run("first_word")
    assert course.statement.next_update_at is None
    assert "We will tell you more" not in course.statement.texts[0].text


def test_the_newest_live_statements_promise_stands(course):
    assert promise.standing(course.snapshot) is None
    course.run("first_word")
    approve(course)
    course.run("first_word")
    assert promise.standing(course.snapshot) is None, "nobody has read it yet"
    course.deliver()
    course.run("first_word")
    assert promise.standing(course.snapshot) == course.statement


def test_a_promise_is_broken_when_its_time_comes_and_nothing_newer_is_live(sent):
    sent.deliver()
    sent.run("first_word")
    sent.pass_time(44)
    assert promise.broken(sent.snapshot) is None
    sent.pass_time(1)
    assert promise.broken(sent.snapshot) == sent.snapshot.statements[0]
    sent.run("next_update")
    assert promise.broken(sent.snapshot), "a draft is not yet an update"
    sent.command(statements.approve(sent.snapshot, sent.statement, "cora", ("comms_lead",), sent.snapshot.now))
    sent.run("next_update")
    sent.deliver()
    sent.run("next_update")
    assert promise.broken(sent.snapshot) is None
    sent.pass_time(600)
    assert promise.broken(sent.snapshot)
    over = sent.snapshot.incident.model_copy(update={"status": Status.RESOLVED, "status_at": sent.snapshot.now})
    assert promise.broken(replace(sent.snapshot, incident=over)) is None


# ---------------------------------------------------------------- asking


def test_who_holds_the_role_is_asked_with_three_buttons(course):
    outcome = course.run("first_word")
    (asked,) = course.directs()
    assert (asked.message.person, asked.message.address, asked.channel) == ("cora", "U0cora", "slack")
    assert [(b.label, b.action, b.value) for b in asked.message.buttons] == [
        ("Approve", "approve", "INC-1-abc/first_word#1"),
        ("Read and edit", "read", "INC-1-abc/first_word#1"),
        ("Reject", "reject", "INC-1-abc/first_word#1"),
    ]
    assert "We are aware of a problem with check-in and boarding" in asked.message.text
    assert "Wij weten" not in asked.message.text, "shown in English"
    assert "05:22 (04:22 UTC), 22 Nov" in asked.message.text, "when it goes out unapproved"
    assert asked.step == "", "a chat that is away must not keep the step from ending"
    assert (outcome.kind, outcome.for_what, outcome.until) == (
        "wait",
        "approval by comms_lead",
        NOW + timedelta(minutes=8),
    )
    assert course.posts == []


def test_running_again_asks_nobody_twice(course):
    course.run("first_word")
    before = course.snapshot
    again = course.run("first_word")
    assert course.snapshot.effects == before.effects
    assert again.records == ()
    assert course.kinds() == ["StatementDrafted"]


def test_those_on_duty_are_asked_before_those_asleep():
    asleep = person("anna", "comms_lead", on_duty=False)
    course = Course(example_playbook(), people=(asleep, *PEOPLE), facts=FACTS)
    course.run("first_word")
    assert [effect.message.person for effect in course.directs()] == ["cora"]
    alone = Course(example_playbook(), people=(asleep,), facts=FACTS)
    alone.run("first_word")
    assert [effect.message.person for effect in alone.directs("anna")] == ["anna"]


def test_a_long_statement_is_cut_in_the_request_not_on_its_way_out(tmp_path, course):
    (tmp_path / "holding").mkdir()
    for language in ("en", "nl"):
        (tmp_path / "holding" / f"{language}.j2").write_text("{% if facts.x is defined %}{% endif %}" + "word " * 900)
        (tmp_path / "holding" / f"bluesky.{language}.j2").write_text("short")
    (tmp_path / "approval_request").symlink_to(course.snapshot.house.wording.root / "approval_request")
    channels = {**course.snapshot.house.channels, "slack": None}
    course.snapshot = replace(course.snapshot, house=example_house(tmp_path, channels=channels))
    course.run("first_word")
    request = course.directs()[0].message.text
    assert 1000 < len(request) <= approval.SHOWN
    assert request.count("…") == 1, "each text is shortened, so that none is lost"
    assert "short" in request
    assert len(course.statement.texts[0].text) == len("word " * 900) - 1


def test_the_deputy_is_asked_when_the_time_is_over(course):
    course.run("first_word")
    course.pass_time(8)
    outcome = course.run("first_word")
    assert [effect.message.person for effect in course.directs()] == ["cora", "dan"]
    assert course.statement.asked == ("comms_lead", "deputy_comms_lead")
    assert "comms_lead has not answered within 8 min" in course.entry("ApprovalEscalated").text
    assert outcome.until == NOW + timedelta(minutes=12)
    assert outcome.for_what == "approval by comms_lead or deputy_comms_lead"


def test_where_nobody_holds_the_role_the_deputy_is_asked_at_once():
    course = Course(example_playbook(), people=PEOPLE[1:], facts=FACTS)
    outcome = course.run("first_word")
    assert [effect.message.person for effect in course.directs()] == ["dan"]
    assert "can be reached" in course.entry("ApprovalEscalated").text
    assert outcome.until == NOW + timedelta(minutes=12), "the deadlines count from the draft"


def test_a_holder_without_a_chat_address_can_not_be_asked():
    unreachable = person("cora", "comms_lead", chat="")
    course = Course(example_playbook(), people=(unreachable, *PEOPLE[1:]), facts=FACTS)
    course.run("first_word")
    assert [effect.message.person for effect in course.directs()] == ["dan"]


def test_where_there_is_nobody_to_ask_the_duty_manager_is_told():
    course = Course(example_playbook(), people=PEOPLE[2:], facts=FACTS)
    course.run("first_word")
    (alarm,) = course.directs()
    assert alarm.message.person == "mia"
    assert "nobody who holds comms_lead or deputy_comms_lead can be reached" in alarm.message.text
    course.run("first_word")
    assert len(course.directs()) == 1
    course.pass_time(12)
    course.run("first_word")
    assert len(course.posts) == 6, "the pre-approved text goes out all the same"


# ---------------------------------------------------------------- approving


def test_what_was_approved_is_what_is_sent(course):
    course.run("first_word")
    course.pass_time(3)
    shown = course.statement.texts
    approve(course)
    state = course.snapshot.state("first_word")
    assert state.nudged, "the step runs at once"
    outcome = course.run("first_word")
    assert (outcome.kind, outcome.until, outcome.for_what) == ("wait", None, "delivery")
    assert [(e.channel, e.message.language, e.message.text) for e in course.posts] == [
        (t.channel, t.language, t.text) for t in shown
    ]
    assert course.statement.approved_by == "cora"
    assert course.entry("StatementApproved").actor == "cora"


def test_the_role_that_somebody_acted_in_is_on_the_record(course):
    course.run("first_word")
    course.pass_time(3)
    approve(course, roles=("duty_manager", "comms_lead"))
    assert course.entry("StatementApproved").facts["role"] == "comms_lead", "a duty manager may not approve this one"


def test_a_post_says_all_that_its_channel_needs(course):
    course.run("first_word")
    course.pass_time(3)
    approve(course)
    course.run("first_word")
    page, slack = course.posts[0], course.posts[2]
    assert page.key == "INC-1-abc/first_word#1/status_page/en"
    assert (page.step, page.urgency, page.if_unknown, page.needs) == ("first_word#1", 1, "ask", None)
    assert slack.needs == "INC-1-abc/room"
    assert (page.message.incident, page.message.message, page.message.drafted_at) == ("INC-1", "holding", NOW)
    assert page.message.next_update_at == course.statement.next_update_at
    assert page.message.statement == course.statement.key


def test_titles_are_by_language_else_the_incidents():
    playbook = example_playbook(("message: holding,", "message: holding, title: {nl: IT-storing},"))
    course = Course(changed_approval(playbook), facts=FACTS)
    course.run("first_word")
    assert [effect.message.title for effect in course.posts[:2]] == ["IT outage", "IT-storing"]


def changed_approval(playbook):
    """The playbook with no approval in its first step."""
    first, *others = playbook.steps
    return playbook.model_copy(update={"steps": (first.model_copy(update={"approval": None}), *others)})


def test_requests_lose_their_buttons_when_it_is_decided(course):
    course.run("first_word")
    course.pass_time(8)
    course.run("first_word")
    approve(course, "dan", ("deputy_comms_lead",))
    course.run("first_word")
    revised = [effect for effect in course.snapshot.effects if effect.message.kind == "revise"]
    asked = [effect.key for effect in course.directs()]
    assert [effect.needs for effect in revised] == asked
    assert all(effect.message.buttons == () for effect in revised)
    assert all("approved by Dan Example" in effect.message.text for effect in revised)
    assert {effect.replaces for effect in revised} == set(asked), "a request not sent yet is not sent any more"


def test_a_second_approval_says_who_and_when(course):
    course.run("first_word")
    approve(course)
    with pytest.raises(
        NotAllowed, match=r"ST-1 is decided: it was approved by Cora Example at 05:10 \(04:10 UTC\), 22 Nov"
    ):
        approve(course, "dan", ("deputy_comms_lead",))
    with pytest.raises(NotAllowed, match="is decided"):
        statements.reject(course.snapshot, course.statement, "dan", ("deputy_comms_lead",), NOW)


def test_only_those_named_may_approve_the_deputy_early_too(course):
    course.run("first_word")
    with pytest.raises(NotAllowed, match="ST-1 is for comms_lead or deputy_comms_lead to decide"):
        approve(course, "mia", ("duty_manager",))
    approve(course, "dan", ("deputy_comms_lead",))
    assert course.statement.approved_by == "dan"


def test_four_eyes_keep_one_from_approving_ones_own_words():
    course = Course(changed(by="comms_lead", within="8m", four_eyes="true"), facts=FACTS)
    course.run("first_word")
    text = whole(course, "We are aware of it.")
    course.command(statements.edit(course.snapshot, course.statement, {("bluesky", "en"): text}, "cora", NOW))
    with pytest.raises(NotAllowed, match="has your own words; somebody else of comms_lead approves"):
        approve(course)
    approve(course, "carl", ("comms_lead",))


def test_a_draft_of_a_step_that_has_ended_can_not_be_approved(course):
    course.run("first_word")
    state = course.snapshot.state("first_word").model_copy(update={"status": StepStatus.CANCELLED})
    course.snapshot = replace(course.snapshot, steps=(state,))
    with pytest.raises(NotAllowed, match="no longer wanted: its step first_word#1 is cancelled"):
        approve(course)


# ---------------------------------------------------------------- editing


def whole(course: Course, text: str) -> str:
    """A text with what the lint asks for."""
    house = course.snapshot.house
    return f"{text} {promised_time(course.snapshot, course.statement.next_update_at)} {house.help_url}"


def edit(course: Course, text: str, channel: str = "bluesky", language: str = "en") -> None:
    course.command(
        statements.edit(course.snapshot, course.statement, {(channel, language): text}, "cora", course.snapshot.now)
    )


def test_an_edit_changes_one_text_and_asks_anew(course):
    course.run("first_word")
    first = course.directs()[0]
    text = whole(course, "We are aware of it.")
    edit(course, text)
    assert [t.text for t in course.statement.texts if t.text == text] == [text]
    course.run("first_word")
    second = course.directs()[1]
    assert "We are aware of it." in second.message.text
    assert second.message.buttons[0].value.startswith(f"{course.statement.key}|")
    revised = [effect for effect in course.snapshot.effects if effect.message.kind == "revise"]
    assert [(effect.needs, effect.message.buttons) for effect in revised] == [(first.key, ())]


def test_a_button_under_the_old_words_does_not_approve_the_new(course):
    course.run("first_word")
    old = course.directs()[0].message.buttons[0].value
    edit(course, whole(course, "We are aware of it."))
    course.run("first_word")
    new = course.directs()[1].message.buttons[0].value
    with pytest.raises(NotAllowed, match="was edited after you were shown it"):
        approve(course, seen=approval.read_button(old)[1])
    assert approval.read_button(new)[0] == course.statement.key
    approve(course, seen=approval.read_button(new)[1])


def test_an_edit_does_not_move_the_deadline(course):
    course.run("first_word")
    course.pass_time(11)
    edit(course, whole(course, "We are aware of it."))
    course.run("first_word")
    course.pass_time(1)
    course.run("first_word")
    assert course.statement.approved_by == "preapproved"
    assert not [effect for effect in course.posts if effect.message.text.startswith("We are aware of it.")]


@pytest.mark.parametrize(
    ("text", "channel", "sentence"),
    [
        ("x" * 301, "bluesky", "Too long for bluesky in 'en': 301 of 300 graphemes; shorten it"),
        ("  ", "bluesky", "can't be empty"),
        ("x", "x_com", r"has no text for x_com in 'en'; it has status_page \(en\)"),
    ],
)
def test_an_edit_that_will_not_do_is_refused(course, text, channel, sentence):
    course.run("first_word")
    with pytest.raises(NotAllowed, match=sentence):
        edit(course, text, channel)


def test_an_edit_in_a_drill_keeps_the_mark():
    course = Course(example_playbook(), facts=FACTS, drill=True)
    course.run("first_word")
    text = whole(course, "Wij weten het.")
    edit(course, text, language="nl")
    assert [t.text for t in course.statement.texts if "weten het." in t.text and t.text.endswith(text)] == [
        f"[OEFENING] {text}"
    ]
    with pytest.raises(NotAllowed, match="can't be empty"):
        edit(course, "[OEFENING]", language="nl")


def test_words_that_must_not_be_published_are_refused_unless_somebody_says_why(course):
    words = read_lint_words(ROOT / "templates" / "lint")
    course.snapshot = replace(course.snapshot, house=replace(course.snapshot.house, lint=words))
    course.run("first_word")
    text = whole(course, "It was probably a cyber attack.")
    with pytest.raises(NotAllowed, match="bluesky in 'en': "):
        edit(course, text)
    words = {("bluesky", "en"): text}
    course.command(statements.edit(course.snapshot, course.statement, words, "cora", NOW, "legal agreed at 04:20"))
    assert text in [t.text for t in course.statement.texts]
    assert "legal agreed at 04:20" in course.entry("StatementEdited").text


def test_the_words_before_an_edit_stay_on_the_record(course):
    course.run("first_word")
    (before,) = (t.whole for t in course.statement.texts if (t.channel, t.language) == ("bluesky", "en"))
    edit(course, whole(course, "We know more now."))
    assert course.entry("StatementEdited").facts["before"] == [{"channel": "bluesky", "language": "en", "text": before}]


def test_an_edit_that_is_too_long_for_one_post_becomes_a_thread(course):
    limits = integrations.limits(integrations.Config())
    course.snapshot = replace(course.snapshot, house=replace(course.snapshot.house, channels=limits))
    course.run("first_word")
    edit(course, whole(course, "We know more now. " * 20))
    (thread,) = (t for t in course.statement.texts if (t.channel, t.language) == ("bluesky", "en"))
    assert len(thread.parts) > 1
    assert promised_time(course.snapshot, course.statement.next_update_at) in thread.parts[0]


# ---------------------------------------------------------------- nobody answers


def test_unanswered_the_preapproved_text_goes_out(course):
    course.run("first_word")
    course.pass_time(8)
    course.run("first_word")
    course.pass_time(4)
    course.run("first_word")
    assert course.statement.approved_by == "preapproved"
    assert [e.message.text for e in course.posts] == [t.preapproved for t in course.statement.texts]
    assert "Nobody approved holding within 12 min" in course.entry("ApprovalUnanswered").text
    course.deliver()
    course.run("first_word")
    assert course.entry("StatementPublished").facts["approved_by"] == "preapproved"


def test_a_step_that_slept_through_all_deadlines_publishes_at_once(course):
    course.run("first_word")
    course.pass_time(60)
    course.run("first_word")
    assert course.statement.approved_by == "preapproved"
    assert course.directs("dan") == [], "it is no use to ask now"


def test_held_back_it_waits_and_the_duty_manager_is_told():
    course = Course(changed(by="comms_lead", within="8m", unanswered_after="12m", publish="hold"), facts=FACTS)
    course.run("first_word")
    course.pass_time(12)
    outcome = course.run("first_word")
    assert (outcome.kind, outcome.until) == ("wait", None)
    assert "holding is held back" in course.directs("mia")[0].message.text
    assert course.posts == []
    approve(course)
    course.run("first_word")
    assert len(course.posts) == 6


def test_without_a_deadline_it_waits_for_an_answer():
    course = Course(changed(by="comms_lead", within="8m"), facts=FACTS)
    outcome = course.run("first_word")
    assert outcome.until is None
    course.pass_time(600)
    assert course.run("first_word").kind == "wait"
    assert course.posts == []


def test_rejected_nothing_is_published(course):
    course.run("first_word")
    change = statements.reject(course.snapshot, course.statement, "cora", ("comms_lead",), NOW, "wrong station")
    course.command(change)
    outcome = course.run("first_word")
    assert (outcome.kind, outcome.reason) == ("skip", "rejected: wrong station")
    assert course.posts == []
    assert "was rejected and nothing was published: wrong station" in course.directs("mia")[0].message.text
    with pytest.raises(NotAllowed, match="ST-1 is rejected"):
        approve(course)


# ---------------------------------------------------------------- going live


@pytest.fixture
def sent() -> Course:
    course = Course(changed_approval(example_playbook()), facts=FACTS)
    outcome = course.run("first_word")
    assert (outcome.kind, course.statement.approved_by, len(course.posts)) == ("wait", "playbook", 6)
    return course


def test_live_says_where_and_how_fast(sent):
    sent.pass_time(9)
    sent.deliver()
    outcome = sent.run("first_word")
    assert outcome.kind == "done"
    assert sent.statement.status is StatementStatus.LIVE
    assert sent.statement.live_at == NOW + timedelta(minutes=9)
    entry = sent.entry("StatementPublished")
    assert "ST-1 (holding) is live on status_page, slack and bluesky, 9 min after the declaration" in entry.text
    assert "in time: due within 15 min" in entry.text
    assert entry.facts["seconds"] == 540
    assert entry.facts["channels"] == ["status_page", "slack", "bluesky"]
    assert entry.facts["failed"] == []


def test_it_is_live_from_the_first_channel_on(sent):
    sent.pass_time(2)
    sent.deliver("bluesky")
    sent.pass_time(5)
    sent.deliver("status_page")
    sent.deliver("slack")
    sent.run("first_word")
    assert sent.statement.live_at == NOW + timedelta(minutes=2)


def test_late_is_said(sent):
    sent.pass_time(16)
    sent.deliver()
    sent.run("first_word")
    assert "too late: due within 15 min" in sent.entry("StatementPublished").text


def test_it_waits_while_posts_are_on_their_way(sent):
    sent.deliver("status_page")
    outcome = sent.run("first_word")
    assert (outcome.kind, outcome.until, outcome.for_what) == ("wait", None, "delivery")
    assert sent.statement.live_at is None


def test_one_failing_channel_does_not_stop_the_rest(sent):
    sent.deliver("status_page")
    sent.deliver("slack")
    sent.deliver("bluesky", EffectState.FAILED, error="account suspended")
    outcome = sent.run("first_word")
    assert outcome.kind == "done"
    assert "not on bluesky (en): account suspended" in sent.entry("StatementPublished").text
    assert sent.entry("StatementPublished").facts["failed"] == ["bluesky"]


def test_a_channel_in_trouble_does_not_keep_the_statement_from_being_live(sent):
    sent.deliver("status_page")
    sent.deliver("slack")
    sent.deliver("bluesky", EffectState.QUEUED, error="no answer", attempts=ALARM_AFTER)
    assert sent.run("first_word").kind == "done"
    assert "bluesky (en): no answer (it goes on trying)" in sent.entry("StatementPublished").text


def test_while_nothing_is_out_it_is_not_live(sent):
    sent.deliver(state=EffectState.QUEUED, error="no answer", attempts=ALARM_AFTER)
    assert sent.run("first_word").kind == "wait"


def test_when_every_channel_fails_the_step_fails(sent):
    sent.deliver(state=EffectState.FAILED, error="401")
    outcome = sent.run("first_word")
    assert outcome.kind == "fail"
    assert "reached no channel: status_page (en): 401" in outcome.reason
    assert sent.statement.live_at is None


def test_a_newer_statement_replaces_what_is_still_queued_on_the_same_channel(sent):
    sent.pass_time(30)
    sent.snapshot = replace(sent.snapshot, playbook=changed_approval(sent.snapshot.playbook))
    sent.run("next_update")
    command = statements.approve(sent.snapshot, sent.statement, "cora", ("comms_lead",), sent.snapshot.now)
    sent.command(command)
    sent.run("next_update")
    old, new = sent.posts[0], sent.posts[-1]
    assert (old.channel, old.message.language) == (new.channel, new.message.language)
    assert old.replaces == new.replaces != ""
    assert len({effect.replaces for effect in sent.posts[:6]}) == 6, "its own posts don't replace each other"


def test_each_occurrence_is_a_statement_of_its_own(course):
    course.pass_time(30)
    course.run("next_update")
    course.pass_time(30)
    course.run("next_update", occurrence=2)
    assert [s.key for s in course.snapshot.statements] == ["INC-1-abc/next_update#1", "INC-1-abc/next_update#2"]
