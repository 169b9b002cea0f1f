"""What somebody gets who accepts: the briefing, a calendar entry, a buddy; and what is taken back."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from engine import buddy
from engine.answering import answer
from engine.buttons import SIGN_OFF
from engine.callout import Answer, Invitation
from engine.change import Change
from engine.effects import Direct, Effect, Revise
from engine.people import Person, Shift
from engine.playbook import Playbook
from engine.snapshot import Snapshot
from engine.statements import Statement, StatementStatus, Wordings
from tests.unit.volunteers import (
    NIGHT,
    apply,
    asked,
    crowd,
    house,
    later,
    playbook,
    reply,
    run,
    sent,
    situation,
    someone,
)

BEGINS = NIGHT + timedelta(hours=1)
ENDS = NIGHT + timedelta(hours=5)


def on_duty(key: str, since: float = 0, hours: float = 12, **more: Any) -> Person:
    """Somebody of the social team, on duty from so many hours after the night began."""
    begin = NIGHT + timedelta(hours=since)
    shifts = (Shift(start=begin, end=begin + timedelta(hours=hours)),)
    return someone(key, **{"team": "social", "shifts": shifts, "answers": ("private", "public"), **more})


def started(people: Iterable[Person], *, lanes: tuple[str, ...] = ("slack",), **with_: Any) -> Snapshot:
    snapshot = situation(people, **{"quota": 3, **with_})
    snapshot = replace(snapshot, house=replace(house(), lanes=lanes, secret="s", public_url="https://desk.example"))
    return sent(run(snapshot)[0])


def accept(snapshot: Snapshot, person: str) -> tuple[Snapshot, Change]:
    snapshot, change, _ = reply(snapshot, person, "yes")
    return snapshot, change


def briefing(change: Change) -> str:
    [effect] = [one for one in change.effects if isinstance(one.message, Revise)]
    return effect.message.text


def directs(change: Change, channel: str = "slack") -> dict[str, Effect]:
    found = [one for one in change.effects if isinstance(one.message, Direct) and one.channel == channel]
    return {one.message.person: one for one in found}


def of(snapshot: Snapshot, person: str) -> Invitation:
    return next(one for one in snapshot.invitations if one.person == person)


def event(effect: Effect) -> tuple[Any, Any]:
    [attachment] = effect.message.attachments
    book = Calendar.from_ical(attachment.text)
    [found] = book.walk("VEVENT")
    return book, found


# ---------------------------------------------------------------- the briefing


def told(book: dict[str, Any], **facts: Any) -> Snapshot:
    """A call-out by a playbook with these keys, in an incident with these facts."""
    snapshot = situation(crowd(9), quota=3)
    whole = {**playbook(quota=3).model_dump(by_alias=True, mode="json"), **book}
    incident = snapshot.incident.model_copy(update={"facts": facts})
    return sent(run(replace(snapshot, playbook=Playbook.model_validate(whole), incident=incident))[0])


def test_the_four_sections_stand_under_their_headings() -> None:
    sections = {"what_happened": ["It broke."], "we_say": ["Sorry."], "we_dont_say": ["Why."], "hand_over": ["Notes."]}
    snapshot = told({"briefing": sections})
    text = briefing(accept(snapshot, asked(snapshot)[0])[1])
    for expected in (
        "What happened:\n• It broke.",
        "What we say:\n• Sorry.",
        "What we don't say:\n• Why.",
        "At the end, hand over:\n• Notes.",
    ):
        assert expected in text
    assert "What to know" not in text


def test_the_facts_are_told_in_words_and_in_the_persons_own_language_and_time() -> None:
    asks = {
        "stations": {"type": "stations", "ask": "Which?"},
        "flights_hit": {"type": "yes_no", "ask": "Flights?"},
        "systems": {"type": "choice", "choices": ["website_and_app"], "ask": "Which?"},
        "starts_at": {"type": "instant", "ask": "When?"},
        "detail_en": {"type": "text", "required": False, "ask": "?"},
        "detail_nl": {"type": "text", "required": False, "ask": "?"},
        "ends_at": {"type": "instant", "required": False, "ask": "Until?"},
    }
    facts = {
        "stations": ["AMS", "RTM"],
        "flights_hit": False,
        "systems": "website_and_app",
        "starts_at": "2026-11-22T06:00:00+00:00",
        "detail_en": "Nothing boards",
        "detail_nl": "Niets vertrekt",
        "ends_at": None,
    }
    snapshot = told({"facts": asks}, **facts)
    text = briefing(accept(snapshot, asked(snapshot)[0])[1])
    for line in (
        "• stations: AMS, RTM",
        "• flights hit: no",
        "• systems: website and app",
        "• starts at: 07:00 (06:00 UTC), 22 Nov",
        "• detail: Nothing boards",
    ):
        assert line in text
    assert "Niets vertrekt" not in text
    assert "ends at" not in text


def statement(key: str, live: datetime | None, **texts: str) -> Statement:
    return Statement(
        key=key,
        incident=7,
        step="first_word#1",
        message="holding",
        texts=tuple(
            Wordings(channel=channel, language=language, text=text[: len(text) // short], preapproved=text)
            for language, text in texts.items()
            for channel, short in (("bluesky", 2), ("status_page", 1))
        ),
        status=StatementStatus.LIVE if live else StatementStatus.DRAFTED,
        drafted_at=NIGHT,
        live_at=live,
    )


def test_what_the_public_was_told_last_stands_in_it_in_full_and_in_their_language() -> None:
    people = [*crowd(5), someone("nina", languages=("nl", "en")), someone("fred", languages=("fr",))]
    said = (
        statement("one", NIGHT, en="We are aware.", nl="Wij weten ervan."),
        statement("two", NIGHT + timedelta(minutes=5), en="It is being mended.", nl="Er wordt aan gewerkt."),
        statement("three", None, en="Not yet approved.", nl="Nog niet goedgekeurd."),
    )
    snapshot = replace(started(people, quota=7), statements=said)
    snapshot, english = accept(snapshot, "p000")
    snapshot, dutch = accept(snapshot, "nina")
    _, french = accept(snapshot, "fred")
    assert "What the public was told last:\n“It is being mended.”" in briefing(english)
    assert "“Er wordt aan gewerkt.”" in briefing(dutch)
    assert "“It is being mended.”" in briefing(french)
    assert "public was told" not in briefing(accept(replace(snapshot, statements=said[2:]), "p001")[1])


# ---------------------------------------------------------------- what they may answer


@pytest.mark.parametrize("more", [{"answers": ("public",)}, {"signed_off": ("public",)}])
def test_whoever_may_answer_in_public_is_told_private_first(more: dict[str, Any]) -> None:
    snapshot = started([someone("anna", **more), on_duty("gwen")])
    _, change = accept(snapshot, "anna")
    assert "private messages first, then the public feed" in briefing(change)
    assert directs(change)["gwen"].message.buttons == ()


def test_whoever_is_new_gets_private_messages_and_the_buddy_a_button_to_sign_them_off() -> None:
    snapshot = started([someone("anna"), on_duty("gwen")])
    _, change = accept(snapshot, "anna")
    assert "The public feed comes when your buddy has signed you off" in briefing(change)
    [button] = directs(change)["gwen"].message.buttons
    assert (button.action, button.value) == (SIGN_OFF, "anna")


def test_a_buddy_who_may_not_answer_in_public_signs_nobody_off() -> None:
    _, change = accept(started([someone("anna"), on_duty("gwen", answers=("private",))]), "anna")
    assert directs(change)["gwen"].message.buttons == ()
    assert "tell your lead when they are ready" in directs(change)["gwen"].message.text
    both = [someone("anna"), on_duty("gwen", answers=("private",)), on_duty("hugo", hours=6)]
    assert "hugo" in directs(accept(started(both), "anna")[1])


# ---------------------------------------------------------------- the buddy


def test_the_buddy_is_named_noted_and_told() -> None:
    snapshot = started([someone("anna"), on_duty("gwen")])
    snapshot, change = accept(snapshot, "anna")
    assert of(snapshot, "anna").buddy == "gwen"
    assert "Your buddy is Gwen Tester" in briefing(change)
    assert "you look after Anna Tester (<@U0ANNA>) from 06:10" in directs(change)["gwen"].message.text


def test_buddies_are_told_on_the_lane_that_they_prefer() -> None:
    guide = on_duty("gwen", lanes=("email", "slack"), email="gwen@example.org")
    _, change = accept(started([someone("anna"), guide], lanes=("slack", "email")), "anna")
    told = directs(change, "email")["gwen"]
    assert told.message.address == "gwen@example.org"
    assert told.message.buttons == (), "a mail has no buttons"


def test_volunteers_are_spread_evenly_over_the_buddies() -> None:
    guides = [on_duty(f"g{index}") for index in range(4)]
    snapshot = started([*crowd(40), *guides], quota=10)
    for person in asked(snapshot)[:10]:
        snapshot, _ = accept(snapshot, person)
    loads = Counter(one.buddy for one in snapshot.invitations if one.buddy)
    assert sorted(loads.values()) == [2, 2, 3, 3]


def test_those_who_take_a_place_together_from_the_waiting_list_are_spread_too() -> None:
    guides = [on_duty("g0"), on_duty("g1")]
    snapshot = started([*crowd(20), *guides], quota=2)
    for person in asked(snapshot)[:4]:
        snapshot, _ = accept(snapshot, person)
    wider = snapshot.callouts[0].model_copy(update={"quota": 4})
    from engine.answering import confirm_waiting

    _, change = confirm_waiting(replace(snapshot, callouts=(wider,)), wider)
    assert sorted(one.buddy for one in change.records if isinstance(one, Invitation)) == ["g0", "g1"]


def test_a_buddy_is_on_duty_in_reach_and_shares_a_language() -> None:
    no_help = [
        on_duty("away", since=-24, hours=8),
        on_duty("mute", languages=("fr",)),
        on_duty("lost", chat=""),
        on_duty("gone", active=False),
        someone("other"),
    ]
    snapshot = started([someone("anna", languages=("nl", "en")), *no_help])
    _, change = accept(snapshot, "anna")
    assert of(apply(snapshot, change), "anna").buddy == ""
    snapshot = started([someone("anna", languages=("nl", "en")), *no_help, on_duty("gwen", languages=("nl",))])
    assert of(accept(snapshot, "anna")[0], "anna").buddy == "gwen"


def test_who_is_there_at_the_beginning_goes_before_who_has_less_to_do() -> None:
    early, late = on_duty("early", hours=3), on_duty("late", since=3)
    snapshot = started([*crowd(20), early, late], quota=4)
    for person in asked(snapshot)[:3]:
        snapshot, _ = accept(snapshot, person)
    assert {one.buddy for one in snapshot.invitations if one.buddy} == {"early"}


def test_an_extra_shift_makes_somebody_of_the_team_a_buddy_but_gives_them_none() -> None:
    extra = someone("gwen", team="social")
    snapshot = started([someone("anna"), extra])
    shift = snapshot.callouts[0].model_copy(update={"key": "extra", "step": "staff_up#1", "version": 1})
    offer = Invitation(
        key="extra/gwen", incident=7, callout="extra", person="gwen", wave=1, asked_at=NIGHT, lanes=("slack",)
    )
    snapshot = replace(snapshot, callouts=(*snapshot.callouts, shift), invitations=(*snapshot.invitations, offer))
    change, _ = answer(snapshot, "extra/gwen", Answer.YES, extra, NIGHT)
    assert "buddy" not in briefing(change)
    assert "You answer" not in briefing(change), "the team knows what it may answer"
    snapshot = apply(snapshot, change)
    assert of(snapshot, "gwen").buddy == ""
    assert of(accept(snapshot, "anna")[0], "anna").buddy == "gwen"


def test_without_a_buddy_the_lead_is_named_and_else_the_room() -> None:
    lead = someone("lena", team="social", roles=("social_lead",))
    _, change = accept(started([someone("anna"), lead]), "anna")
    assert "ask Lena Tester, who leads it" in briefing(change)
    assert directs(change) == {}, "who is off duty is not written to"
    _, change = accept(started([someone("anna")]), "anna")
    assert "ask whoever is on duty in the incident's chat room" in briefing(change)


def test_the_choice_of_a_buddy_is_always_the_same() -> None:
    snapshot = started([someone("anna"), *(on_duty(f"g{index}") for index in range(5))])
    anna = snapshot.people[0]
    chosen = {buddy.choose(snapshot, snapshot.callouts[0], of(snapshot, "anna"), anna).key for _ in range(5)}
    backwards = replace(snapshot, people=tuple(reversed(snapshot.people)))
    chosen.add(buddy.choose(backwards, snapshot.callouts[0], of(snapshot, "anna"), anna).key)
    assert len(chosen) == 1


# ---------------------------------------------------------------- the calendar


def mailed(**more: Any) -> Snapshot:
    people = [someone("anna", email="anna@example.org", **more), on_duty("gwen")]
    return started(people, lanes=("slack", "email"), where="Crisis room; 2nd floor, left")


def test_a_calendar_entry_goes_by_mail_to_who_was_asked_in_chat() -> None:
    snapshot, change = accept(mailed(), "anna")
    mail = directs(change, "email")["anna"]
    assert mail.message.address == "anna@example.org"
    assert mail.message.attachments[0].name == "irrops-INC-7.ics"
    assert mail.message.attachments[0].type == "text/calendar; method=PUBLISH"
    book, entry = event(mail)
    assert (str(book["method"]), str(book["version"])) == ("PUBLISH", "2.0")
    assert str(entry["uid"]) == f"{of(snapshot, 'anna').key}@irrops"
    assert (entry["dtstart"].dt, entry["dtend"].dt) == (BEGINS, ENDS)
    assert str(entry["summary"]) == "IT outage (INC-7)"
    assert str(entry["location"]) == "Crisis room; 2nd floor, left"
    assert str(entry["status"]) == "CONFIRMED"
    assert f"https://desk.example/a/{of(snapshot, 'anna').code}" in str(entry["description"])
    assert "Your buddy: Gwen Tester" in str(entry["description"])
    raw = mail.message.attachments[0].text
    assert raw.count("\n") == raw.count("\r\n")
    assert max(len(line.encode()) for line in raw.split("\r\n")) <= 75
    assert "DTSTART:20261122T051000Z" in raw


def test_the_briefing_links_to_the_entry_where_people_can_reach_it() -> None:
    snapshot = started([someone("anna")])
    code = of(snapshot, "anna").code
    assert f"https://desk.example/calendar/{code}.ics" in briefing(accept(snapshot, "anna")[1])
    nowhere = replace(snapshot, house=replace(snapshot.house, public_url=""))
    assert "calendar" not in briefing(accept(nowhere, "anna")[1])


def test_nobody_gets_a_mail_where_there_is_none() -> None:
    people = [someone("anna", email="anna@example.org"), someone("bea")]
    assert directs(accept(started(people), "anna")[1], "email") == {}
    assert directs(accept(started(people, lanes=("slack", "email")), "bea")[1], "email") == {}


def test_whoever_accepts_by_mail_gets_one_mail_with_everything() -> None:
    snapshot = mailed(chat="", lanes=("email",))
    person = next(one for one in snapshot.people if one.key == "anna")
    change, _ = answer(snapshot, of(snapshot, "anna").key, Answer.YES, person, NIGHT, on="link")
    [mail] = [one for one in change.effects if one.channel == "email"]
    assert "We count on you" in mail.message.text
    assert event(mail)[1]["dtstart"].dt == BEGINS


def test_dropping_out_takes_the_entry_back_and_tells_the_buddy() -> None:
    snapshot, first = accept(mailed(), "anna")
    snapshot, change, _ = reply(later(snapshot, minutes=10), "anna", "no")
    cancelled = directs(change, "email")["anna"]
    assert cancelled.message.attachments[0].type == "text/calendar; method=CANCEL"
    book, entry = event(cancelled)
    before = event(directs(first, "email")["anna"])[1]
    assert (str(book["method"]), str(entry["status"])) == ("CANCEL", "CANCELLED")
    assert (entry["uid"], entry["sequence"] > before["sequence"]) == (before["uid"], True)
    assert "Anna Tester can't come after all" in directs(change)["gwen"].message.text
    snapshot, again = accept(later(snapshot, minutes=5), "anna")
    renewed = directs(again, "email")["anna"]
    assert event(renewed)[1]["sequence"] > entry["sequence"]
    assert renewed.key not in {one.key for one in (*first.effects, *change.effects)}


def test_somebody_who_comes_later_has_the_later_beginning_in_the_calendar() -> None:
    snapshot = mailed()
    person = next(one for one in snapshot.people if one.key == "anna")
    comes_at = BEGINS + timedelta(hours=2)
    change, _ = answer(snapshot, of(snapshot, "anna").key, Answer.LATER, person, NIGHT, comes_at=comes_at)
    snapshot = apply(snapshot, change)
    from engine.answering import confirm_waiting

    callout, more = confirm_waiting(snapshot, snapshot.callouts[0], later=True)
    assert callout.accepted == 1
    assert event(directs(more, "email")["anna"])[1]["dtstart"].dt == comes_at
    [record] = [one for one in more.records if isinstance(one, Invitation)]
    assert record.begins_at == comes_at


def test_a_drill_is_marked_in_the_calendar() -> None:
    snapshot = mailed()
    drill = replace(snapshot, incident=snapshot.incident.model_copy(update={"drill": True}))
    assert str(event(directs(accept(drill, "anna")[1], "email")["anna"])[1]["summary"]).startswith("[DRILL] ")


def test_an_accepted_place_from_the_waiting_list_comes_as_a_message_of_its_own() -> None:
    snapshot = started([*crowd(5), on_duty("gwen")], quota=1)
    first, second = asked(snapshot)[:2]
    snapshot, _ = accept(snapshot, first)
    snapshot, _ = accept(snapshot, second)
    assert of(snapshot, second).buddy == ""
    snapshot, change, _ = reply(later(snapshot, hours=2), first, "no")
    assert "a place has come free" in directs(change)[second].message.text
    assert of(snapshot, second).buddy == "gwen"
    assert of(snapshot, second).begins_at == datetime(2026, 11, 22, 6, 10, tzinfo=UTC)
