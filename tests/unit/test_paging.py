"""Calling somebody by name: lane after lane, person after person, until one has got it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine import paging
from engine.callout import CallOut, Invitation
from engine.change import Change
from engine.effects import Direct, Effect, EffectState, Revise, Text
from engine.folding import fold
from engine.incident import NotAllowed, Status
from engine.pages import Page, code_of
from engine.people import Person, Shift
from engine.plan import plan
from engine.snapshot import Snapshot
from tests.unit.volunteers import NIGHT, apply, house, kinds, later, playbook, situation, someone

LANES = ("slack", "sms", "voice")
ON = Shift(start=NIGHT - timedelta(hours=2), end=NIGHT + timedelta(hours=6))


def who(key: str, *roles: str, on_duty: bool = False, **more: Any) -> Person:
    return someone(key, roles=roles, shifts=(ON,) if on_duty else (), phone=f"+31 20 000 {len(key):04}", **more)


CORA = who("cora", "comms_lead", department="communications")
DAN = who("dan", "deputy_comms_lead", department="communications")
DEE = who("dee", "deputy_comms_lead", department="communications", on_duty=True)
LEA = who("lea", "department_lead", department="communications", on_duty=True)
MIA = who("mia", "duty_manager", department="operations_control")
MAX = who("max", "duty_manager", department="operations_control", on_duty=True)
ALL = (CORA, DAN, DEE, LEA, MIA, MAX)


def scene(people: Iterable[Person] = ALL, **more: Any) -> Snapshot:
    found = situation(people)
    return replace(found, house=house(**{"lanes": LANES, "secret": "s", **more}))


def written(snapshot: Snapshot, change: Change, **later_: float) -> Snapshot:
    """What the store would hold afterwards, some time later, with everything delivered."""
    pages = {one.key: one for one in snapshot.pages_open}
    calls = dict(snapshot.pages)
    for one in change.records:
        if isinstance(one, Page):
            known = pages.get(one.key)
            assert one.version == (known.version if known else 0)
            before = sum(len(turn.lanes) for turn in known.turns) if known else 0
            for turn in one.turns if not known or sum(len(turn.lanes) for turn in one.turns) > before else ():
                calls[turn.person] = sum(len(t.lanes) for t in one.turns if t.person == turn.person)
            pages[one.key] = one.model_copy(update={"version": one.version + 1})
    snapshot = apply(
        snapshot, change.model_copy(update={"records": tuple(r for r in change.records if not isinstance(r, Page))})
    )
    gone = {e.key for e in snapshot.effects if e.key in change.forget and e.state is EffectState.QUEUED}

    def settled(effect: Effect) -> Effect:
        queued = effect.state is EffectState.QUEUED
        state = EffectState.CANCELLED if effect.key in gone else EffectState.SENT if queued else effect.state
        return effect.model_copy(update={"state": state})

    effects = tuple(map(settled, snapshot.effects))
    now = snapshot.now + timedelta(**later_)
    return replace(snapshot, pages_open=tuple(pages.values()), effects=effects, now=now, pages=calls)


def begin(snapshot: Snapshot, person: Person = CORA) -> tuple[Snapshot, Change]:
    change = paging.page(snapshot, person, "check-in is down at AMS", "mia")
    return written(snapshot, change), change


def go_on(snapshot: Snapshot, **span: float) -> tuple[Snapshot, Change]:
    """Let time pass, then do what is due; doing it twice at one instant wants nothing more."""
    snapshot = later(snapshot, **span)
    change = paging.keep(snapshot)
    after = written(snapshot, change)
    open_ones = tuple(one for one in after.pages_open if not one.ended_at)
    assert paging.keep(replace(after, pages_open=open_ones)) == Change()
    assert not paging.due(replace(after, pages_open=open_ones))
    assert paging.due(snapshot) == (change != Change())
    return after, change


def called(change: Change) -> list[tuple[str, str]]:
    """Person and lane of the calls that a change wants; what else people are told is left out."""
    direct = [e for e in change.effects if isinstance(e.message, Direct) and "/settled" not in e.key]
    return [(effect.message.person, effect.channel) for effect in direct if isinstance(effect.message, Direct)]


def failing(
    snapshot: Snapshot, person: str, lane: str, state: EffectState = EffectState.FAILED, **more: Any
) -> Snapshot:
    """The call on this lane was refused."""
    hit = [e for e in snapshot.effects if e.key.endswith(f"/{person}/{lane}")]
    assert hit
    changed = (e.model_copy(update={"state": state, **more}) if e in hit else e for e in snapshot.effects)
    return replace(snapshot, effects=tuple(changed))


# ---------------------------------------------------------------- one person


def test_a_page_calls_the_person_at_once_in_chat_with_a_button() -> None:
    snapshot, change = begin(scene())
    [effect] = change.effects
    assert (effect.channel, effect.message.address, effect.urgency) == ("slack", "U0CORA", 0)
    [button] = effect.message.buttons
    assert (button.action, button.value, button.label) == ("acknowledge", snapshot.pages_open[0].key, "I've got it")
    assert "check-in is down at AMS" in effect.message.text
    assert "next one is called in 10 min" in effect.message.text
    [entry] = change.entries
    assert (entry.kind, entry.actor) == ("Paged", "mia")
    assert entry.text == "Cora Tester (comms lead) is called by mia: check-in is down at AMS"


def test_outside_chat_the_call_carries_a_code_and_a_link_instead_of_a_button() -> None:
    nobody_in_chat = CORA.model_copy(update={"chat": ""})
    snapshot = scene((nobody_in_chat, MAX), public_url="https://irrops.example/")
    snapshot, change = begin(snapshot, nobody_in_chat)
    [effect] = change.effects
    code = code_of(snapshot.house, snapshot.incident, snapshot.pages_open[0], "cora")
    assert (effect.channel, effect.message.address, effect.message.buttons) == ("sms", CORA.phone, ())
    assert f"https://irrops.example/p/{code} or reply {code} yes" in effect.message.text
    assert len(code) == 10


def test_the_lanes_follow_one_another_in_the_order_that_the_person_prefers() -> None:
    cora = CORA.model_copy(update={"lanes": ("voice", "sms")})
    snapshot, change = begin(scene((cora, MAX)), cora)
    assert called(change) == [("cora", "voice")]
    snapshot, change = go_on(snapshot, minutes=4)
    assert change == Change()
    snapshot, change = go_on(snapshot, minutes=1)
    assert called(change) == [("cora", "sms")]
    assert change.entries == ()


def test_a_lane_that_refuses_is_followed_at_once() -> None:
    snapshot, _ = begin(scene())
    _, change = go_on(failing(snapshot, "cora", "slack"))
    assert called(change) == [("cora", "sms")]
    stuck = failing(snapshot, "cora", "slack", EffectState.QUEUED, attempts=4)
    assert called(go_on(stuck)[1]) == [("cora", "sms")]
    tried_once = failing(snapshot, "cora", "slack", EffectState.QUEUED, attempts=1)
    assert go_on(tried_once)[1] == Change()


def test_when_no_lane_reaches_the_person_the_next_is_called_at_once_and_it_is_said() -> None:
    snapshot, _ = begin(scene(lanes=("slack",)))
    _, change = go_on(failing(snapshot, "cora", "slack"))
    assert called(change) == [("dee", "slack")]
    assert change.entries[0].text.startswith("No lane reached Cora Tester: Dee Tester (deputy comms lead) is called")


# ---------------------------------------------------------------- one after another


def order_of(snapshot: Snapshot, person: Person) -> list[str]:
    """Everybody who is called when nobody ever answers."""
    snapshot, change = begin(snapshot, person)
    found = [name for name, _ in called(change)]
    while any(not one.ended_at for one in snapshot.pages_open):
        open_ones = tuple(one for one in snapshot.pages_open if not one.ended_at)
        snapshot, change = go_on(replace(snapshot, pages_open=open_ones), minutes=5)
        found += [name for name, _ in called(change) if name not in found]
        assert len(found) < 20
    return found


def test_deputies_then_the_department_then_the_duty_managers_those_on_duty_first() -> None:
    assert order_of(scene(), CORA) == ["cora", "dee", "dan", "lea", "max", "mia"]


def test_nobody_is_called_twice_also_with_two_roles() -> None:
    both = who("dee", "deputy_comms_lead", "duty_manager", department="communications", on_duty=True)
    assert order_of(scene((CORA, both, MIA)), CORA) == ["cora", "dee", "mia"]


def test_at_most_two_of_a_kind_stand_before_the_duty_manager() -> None:
    deputies = [who(f"d{n}", "deputy_comms_lead") for n in range(5)]
    assert order_of(scene((CORA, *deputies, MAX)), CORA) == ["cora", "d0", "d1", "max"]
    two_roles = CORA.model_copy(update={"roles": ("comms_lead", "social_lead")})
    social = who("s0", "deputy_social_lead", on_duty=True)
    assert order_of(scene((two_roles, *deputies, social, MAX)), two_roles) == ["cora", "s0", "d0", "max"]


def test_who_is_on_leave_is_not_woken_for_somebody_else() -> None:
    away = DEE.model_copy(update={"leave": (ON,), "shifts": ()})
    assert order_of(scene((CORA, away, MAX)), CORA) == ["cora", "max"]


def test_where_nobody_leads_the_department_now_the_next_department_is_asked() -> None:
    lead = who("gus", "department_lead", department="ground_staff")
    other = who("tia", "department_lead", department="ticketing", on_duty=True)
    snapshot = scene((CORA, LEA.model_copy(update={"shifts": ()}), lead, other, MAX))
    snapshot, _ = begin(snapshot)
    page = snapshot.pages_open[0].model_copy(update={"departments": ("ground_staff", "ticketing")})
    _, change = go_on(replace(snapshot, pages_open=(page,)), minutes=10)
    assert called(change) == [("gus", "slack")]
    assert change.entries[0].text.endswith("Gus Tester (department lead of ground staff) is called")


def test_each_stage_is_on_the_timeline_by_name_and_the_one_before_hears_of_it() -> None:
    snapshot, _ = begin(scene())
    snapshot, change = go_on(snapshot, minutes=10)
    [entry] = change.entries
    assert (entry.kind, entry.text) == ("PageEscalated", "Nobody answered: Dee Tester (deputy comms lead) is called")
    assert entry.facts["person"] == "dee"
    [call] = [e for e in change.effects if isinstance(e.message, Direct)]
    assert "Cora Tester was called before you and has not answered" in call.message.text
    [word] = [e for e in change.effects if isinstance(e.message, Revise)]
    assert "Dee Tester is called now" in word.message.text
    assert word.message.buttons
    snapshot, change = go_on(snapshot, minutes=30)
    assert [e.facts["person"] for e in change.entries] == ["dan"]  # one at a time, also after a long silence of ours


def test_at_the_end_the_whole_room_is_told_and_a_late_answer_still_counts() -> None:
    snapshot, _ = begin(scene((CORA, MAX)))
    snapshot, _ = go_on(snapshot, minutes=10)
    snapshot, change = go_on(snapshot, minutes=10)
    assert kinds(change.entries) == ["PageUnanswered"]
    assert change.entries[0].text == "Nobody answered; called were Cora Tester, Max Tester, and nobody is left"
    [alarm] = change.effects
    assert isinstance(alarm.message, Text)
    assert alarm.needs == snapshot.incident.key("room")
    assert "Cora Tester and Max Tester" in alarm.message.text
    [page] = snapshot.pages_open
    assert page.ended_because == "unanswered"
    change, reply = paging.acknowledge(snapshot, page, CORA)
    assert kinds(change.entries) == ["PageAcknowledged"]
    assert reply.text.startswith("INC-7: you have got it")


def test_the_clock_is_woken_for_the_next_lane_and_the_next_person() -> None:
    snapshot, _ = begin(scene())
    assert plan(snapshot).wake_at == NIGHT + timedelta(minutes=5)
    snapshot, _ = go_on(snapshot, minutes=5)
    assert plan(snapshot).wake_at == NIGHT + timedelta(minutes=10)
    assert set(paging.wakes(snapshot)) == {NIGHT + timedelta(minutes=10)}


# ---------------------------------------------------------------- the budget


def test_a_fault_cannot_call_a_person_more_often_than_the_budget_allows() -> None:
    snapshot, change = begin(scene(pages=1))
    assert called(change) == [("cora", "slack")]
    snapshot, change = go_on(snapshot, minutes=5)
    assert called(change) == [("dee", "slack")]  # no second lane: the next person instead


def test_who_is_over_the_budget_is_passed_over_and_it_is_said() -> None:
    busy = replace(scene(), pages={"cora": 6, "dee": 7})
    _, change = begin(busy)
    assert called(change) == [("dan", "slack")]
    assert change.entries[0].text == (
        "Cora Tester was called 6 times in 24 hours, the most that is allowed, and "
        "Dee Tester was called 7 times in 24 hours, the most that is allowed: "
        "Dan Tester (deputy comms lead) is called by mia: check-in is down at AMS"
    )
    assert change.entries[0].facts["passed_over"] == ["cora", "dee"]


def test_two_pages_at_one_instant_share_one_budget() -> None:
    two = (who("ann", "duty_manager"), who("bea", "x"), who("cat", "x"))
    snapshot = scene(two, pages=1, lanes=("slack",))
    snapshot, _ = begin(snapshot, two[1])
    snapshot, _ = begin(snapshot, two[2])
    assert len(snapshot.pages_open) == 2
    _, change = go_on(snapshot, minutes=5)
    assert called(change) == [("ann", "slack")]
    assert kinds(change.entries) == ["PageEscalated", "PageUnanswered"]


def test_when_nobody_can_be_called_the_room_is_told_at_once() -> None:
    unreachable = who("cora", "comms_lead", chat="").model_copy(update={"phone": ""})
    _, change = begin(scene((unreachable,)), unreachable)
    assert kinds(change.entries) == ["PageUnanswered"]
    assert change.entries[0].text.startswith("Cora Tester can't be reached on any lane; nobody could be called")
    [alarm] = change.effects
    assert "Nobody could be called" in alarm.message.text


# ---------------------------------------------------------------- “I've got it”


def acknowledged(snapshot: Snapshot, person: Person) -> tuple[Snapshot, Change, Any]:
    [page] = snapshot.pages_open
    change, reply = paging.acknowledge(snapshot, page, person)
    return written(snapshot, change), change, reply


def test_an_acknowledgement_stops_everything_and_tells_the_others() -> None:
    snapshot, _ = begin(scene())
    snapshot, _ = go_on(snapshot, minutes=10)
    snapshot, change, reply = acknowledged(later(snapshot, minutes=2), DEE)
    assert kinds(change.entries) == ["PageAcknowledged"]
    assert change.entries[0].text == "Dee Tester has got it, 12 min after the first call: check-in is down at AMS"
    by_person = {e.key.split("/")[-2]: e.message for e in change.effects}
    assert set(by_person) == {"cora", "dee"}
    assert "Dee Tester has got it" in by_person["cora"].text
    assert "you have got it" in by_person["dee"].text
    assert all(isinstance(message, Revise) and not message.buttons for message in by_person.values())
    assert reply.text.startswith("INC-7: you have got it")
    assert snapshot.pages_open[0].ended_because == "acknowledged"


def test_who_was_called_outside_chat_is_told_there_but_not_rung_up_again() -> None:
    dee = DEE.model_copy(update={"chat": ""})
    cora = CORA.model_copy(update={"chat": ""})
    snapshot, _ = begin(scene((cora, dee)), cora)
    for _ in range(2):
        snapshot, _ = go_on(snapshot, minutes=5)
    snapshot, change, _ = acknowledged(snapshot, dee)
    [word] = change.effects
    assert (word.message.person, word.channel) == ("cora", "sms")
    assert "You need do nothing" in word.message.text


def test_a_call_that_is_still_queued_is_forgotten() -> None:
    snapshot, _ = begin(scene())
    snapshot = failing(snapshot, "cora", "slack", EffectState.QUEUED)
    _, change, _ = acknowledged(snapshot, CORA)
    assert change.forget == (snapshot.pages_open[0].key + "/cora/slack",)
    unsure = failing(snapshot, "cora", "slack", EffectState.QUEUED, uncertain=True)
    assert acknowledged(unsure, CORA)[1].forget == ()


def test_twice_is_once_and_a_second_person_hears_who_has_it() -> None:
    snapshot, _ = begin(scene())
    snapshot, _ = go_on(snapshot, minutes=10)
    snapshot, _, _ = acknowledged(snapshot, CORA)
    _, change, reply = acknowledged(snapshot, CORA)
    assert (change, reply.revise) == (Change(), reply.text)
    assert "you have got it" in reply.text
    _, change, reply = acknowledged(snapshot, DEE)
    assert change == Change()
    assert "Cora Tester has got it" in reply.text


def test_somebody_who_was_not_called_is_refused() -> None:
    snapshot, _ = begin(scene())
    with pytest.raises(NotAllowed, match="not called"):
        acknowledged(snapshot, DEE)


def test_a_closed_incident_calls_nobody_else_and_says_so_to_those_called() -> None:
    snapshot, _ = begin(scene())
    over = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": Status.RESOLVED}))
    after, change = go_on(over, minutes=10)
    assert kinds(change.entries) == ["PageEnded"]
    assert called(change) == []
    assert "is over" in change.effects[0].message.text
    _, change, reply = acknowledged(after, CORA)
    assert change == Change()
    assert "is over" in reply.text


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("why", "says"), [("", "in a few words"), ("   ", "in a few words"), ("x" * 301, "301 characters")]
)
def test_a_page_needs_a_reason_that_fits(why: str, says: str) -> None:
    with pytest.raises(NotAllowed, match=says):
        paging.page(scene(), CORA, why, "mia")


def test_a_person_who_is_being_called_is_not_called_again_for_the_same_incident() -> None:
    snapshot, _ = begin(scene())
    with pytest.raises(NotAllowed, match="being called already, since 04:10 UTC"):
        paging.page(snapshot, CORA, "again", "mia")


def test_nobody_is_called_for_an_incident_that_is_over() -> None:
    snapshot = scene()
    over = replace(snapshot, incident=snapshot.incident.model_copy(update={"status": Status.RESOLVED}))
    with pytest.raises(NotAllowed, match="is resolved"):
        paging.page(over, CORA, "why", "mia")


# ---------------------------------------------------------------- call-outs


SOCIAL = who("sol", "social_lead", department="e_commerce", on_duty=True)
GUS = who("gus", "department_lead", department="ground_staff", on_duty=True)
DEP = who("gwen", "deputy_department_lead", department="ground_staff")
TIA = who("tia", "department_lead", department="ticketing")
VOLUNTEERS = tuple(someone(f"g{n}", department="ground_staff") for n in range(3))


def silent(*people: Person, stage: int = 1, quota: int = 12, accepted: int = 3) -> tuple[Snapshot, CallOut]:
    """A call-out that asked ground staff first, and nobody of them answers."""
    snapshot = scene((*people, *VOLUNTEERS))
    callout = CallOut(
        key="INC-7-abc123abc123/volunteers#1",
        incident=7,
        step="volunteers#1",
        opens_at=NIGHT,
        quota=quota,
        accepted=accepted,
        starts_at=NIGHT + timedelta(hours=1, minutes=50),
        ends_at=NIGHT + timedelta(hours=6),
        waves=1,
        stage=stage,
        version=stage,
    )
    asked = [
        Invitation(
            key=f"{callout.key}/{one.key}", incident=7, callout=callout.key, person=one.key, wave=1, asked_at=NIGHT
        )
        for one in VOLUNTEERS
    ]
    book = playbook(first=["ground_staff", "ticketing"], quota=quota)
    return replace(snapshot, playbook=book, callouts=(callout,), invitations=tuple(asked)), callout


def test_nobody_answers_the_deputy_of_the_department_that_was_asked_is_called() -> None:
    snapshot, callout = silent(GUS, DEP, SOCIAL, MAX)
    change = paging.escalate(snapshot, callout, 1, "nobody has answered")
    assert called(change) == [("gwen", "slack")]
    [entry] = change.entries
    assert (entry.kind, entry.step) == ("Paged", "volunteers#1")
    assert entry.text == (
        "Nobody has answered: Gwen Tester (deputy department lead of ground staff) is called; "
        "3 of 12 come, needed by 06:00 UTC on 22 Nov"
    )
    text = change.effects[0].message.text
    assert "3 of 12 come, needed by 07:00 (06:00 UTC), 22 Nov" in text
    assert "Please find people" in text


@pytest.mark.parametrize(
    ("people", "stage", "expected"),
    [
        ((GUS, SOCIAL, MAX), 1, "gus"),
        ((SOCIAL, MAX), 1, "sol"),
        ((MAX,), 1, "max"),
        ((GUS, TIA, MAX), 2, "tia"),
        ((GUS, MAX), 2, "max"),
        ((GUS, MIA, MAX), 3, "max"),
    ],
)
def test_a_role_that_nobody_holds_goes_to_the_next_stage_and_it_is_said(
    people: tuple[Person, ...], stage: int, expected: str
) -> None:
    snapshot, callout = silent(*people, stage=stage)
    change = paging.escalate(snapshot, callout, stage, "nobody has answered")
    assert [person for person, _ in called(change)] == [expected]
    vacant = (stage == 1 and expected in ("sol", "max")) or (stage == 2 and expected == "max")
    where = "ground staff" if stage == 1 else "ticketing"
    assert (f"nobody at hand leads {where}" in change.entries[0].text) == vacant


def test_with_nobody_to_call_there_is_nothing_to_write() -> None:
    snapshot, callout = silent()
    assert paging.escalate(snapshot, callout, 1, "nobody has answered") == Change()


def test_a_stage_is_escalated_once_and_the_slots_of_a_step_share_one_page() -> None:
    snapshot, callout = silent(GUS, MAX)
    second = callout.model_copy(update={"key": callout.key + "/2", "slot": 2})
    also = (one.model_copy(update={"key": one.key + "/2", "callout": second.key}) for one in snapshot.invitations)
    snapshot = replace(snapshot, callouts=(callout, second), invitations=(*snapshot.invitations, *also))
    first = paging.escalate(snapshot, callout, 1, "nobody has answered")
    assert paging.escalate(fold(snapshot, first), second, 1, "nobody has answered") == Change()
    after = written(snapshot, first)
    assert paging.escalate(after, callout, 1, "nobody has answered") == Change()
    ended = replace(after, pages_open=())
    assert paging.escalate(ended, callout, 1, "nobody has answered") == Change()


def test_a_later_stage_calls_its_person_in_the_open_page() -> None:
    snapshot, callout = silent(GUS, TIA, MAX)
    snapshot = written(snapshot, paging.escalate(snapshot, callout, 1, "nobody has answered"), minutes=3)
    change = paging.escalate(snapshot, callout, 3, "3 of 12 come, and all waves have been asked")
    assert kinds(change.entries) == ["PageEscalated"]
    assert called(change) == [("max", "slack")]
    snapshot = written(snapshot, change)
    assert [turn.person for turn in snapshot.pages_open[0].turns] == ["gus", "max"]
    assert len(snapshot.pages_open) == 1


def test_the_page_of_a_call_out_goes_on_to_the_next_department_and_the_duty_manager() -> None:
    snapshot, callout = silent(GUS, TIA, MAX)
    snapshot = written(snapshot, paging.escalate(snapshot, callout, 1, "nobody has answered"))
    people = []
    for _ in range(2):
        snapshot, change = go_on(snapshot, minutes=10)
        people += called(change)
    assert people == [("tia", "slack"), ("max", "slack")]
    assert change.entries[0].text == (
        "Nobody answered: Max Tester (duty manager) is called; 3 of 12 come, needed by 06:00 UTC on 22 Nov"
    )


def test_when_the_call_out_fills_nobody_else_is_called() -> None:
    snapshot, callout = silent(GUS, MAX)
    snapshot = written(snapshot, paging.escalate(snapshot, callout, 1, "nobody has answered"))
    full = replace(snapshot, callouts=(callout.model_copy(update={"accepted": 12}),))
    _, change = go_on(full, minutes=10)
    assert kinds(change.entries) == ["PageEnded"]
    assert "enough people come now" in change.effects[0].message.text


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("lane", ["slack", "email", "sms", "voice", "push"])
@pytest.mark.parametrize("language", ["en", "nl", "es"])
def test_every_word_of_a_page_is_there_in_each_language_on_each_lane(language: str, lane: str) -> None:
    cora = CORA.model_copy(update={"languages": (language,), "email": "c@example.org", "lanes": (lane,)})
    snapshot, change = begin(scene((cora, MAX), lanes=("slack", "email", "sms", "voice", "push")), cora)
    text = change.effects[0].message.text
    assert ("called by mia" in text) == (language == "en" and lane not in ("sms", "push"))
    assert "check-in is down at AMS" in text
    assert "{" not in text
    assert "  " not in text
    code = code_of(snapshot.house, snapshot.incident, snapshot.pages_open[0], "cora")
    assert (code in text.replace(" ", "")) == (lane != "slack")
    assert bool(change.effects[0].message.buttons) == (lane == "slack")
