"""The form of a statement: what Slack is given, what comes back, and what is answered within three seconds."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.incident import NotAllowed
from engine.ports import Decision, FormMistakes, FormText, Reply, StatementForm
from integrations.slack import Settings, statement_form, words
from integrations.slack.inbound import build_app, start_socket_mode
from tests.unit.slack_screen import Screen
from tests.unit.slack_server import Answer, ScriptedSlack, scripted_slack
from tests.unit.test_slack_signed import Desk, given, opened, post, press
from tests.unit.test_slack_socket_mode import SocketServer

EN, NL = "status_page|en", "status_page|nl"


def text(name: str, *parts: str, channels: tuple[str, ...] = ("status_page", "slack"), **more: Any) -> FormText:
    sizes = tuple((channel, tuple(f"{len(part)} of 300 characters" for part in parts)) for channel in channels)
    return FormText(
        name=name, language=name[-2:], channels=channels, parts=parts or ("We are aware.",), lengths=sizes, **more
    )


TEXTS = {
    "en": (
        text(EN, "We are aware of it.", advice=("say when the next word comes",)),
        text("x|en", "Aware. Next by 14:30.", "More at the page.", channels=("x", "bluesky@spain")),
    ),
    "nl": (text(NL, "Wij weten ervan.", stops=("“overmacht”: say what happened",)),),
}


def form(language: str = "en", seen: str = "", texts: Any = None) -> StatementForm:
    language = language or "en"
    return StatementForm(
        statement="ST-3",
        heading="*ST-3* holding, INC-1 SEV2 IT outage",
        language=language,
        languages=tuple(TEXTS),
        texts=texts if texts is not None else TEXTS[language],
        seen=seen,
        elsewhere="irrops statement edit ST-3",
    )


class Decider(Desk):
    """A door that has one statement to decide."""

    def __init__(self) -> None:
        super().__init__()
        self.form: StatementForm | Exception | None = None
        self.opened: list[tuple[str, str, str]] = []
        self.decided: list[tuple[Decision, str]] = []
        self.deciding = threading.Event()
        self.deciding.set()

    def statement_form(self, statement: str, language: str, chat_user: str) -> StatementForm:
        self.open.wait(10)
        self.opened.append((statement, language, chat_user))
        return given(self.form) if self.form else form(language)

    def decide_in_chat(self, decision: Decision, chat_user: str) -> Reply:
        self.deciding.wait(10)
        self.decided.append((decision, chat_user))
        return given(self.reply)


@pytest.fixture
def slack() -> Iterator[ScriptedSlack]:
    with scripted_slack() as server:
        yield server


@pytest.fixture
def desk() -> Iterator[Decider]:
    desk = Decider()
    desk.reply = Reply(text="ST-3 is approved.", revise="ST-3 was approved by Cora.")
    yield desk
    desk.open.set()
    desk.deciding.set()


@pytest.fixture
def app(slack: ScriptedSlack, desk: Decider) -> Any:
    return opened(slack, desk)


def open_form(app: Any, slack: ScriptedSlack, **more: Any) -> Screen:
    assert post(app, press(slack, "read:1", "INC-1/first_word#1", **more))[0] == 200
    return Screen(view_of(slack.sent("views.open")[-1]))


def view_of(call: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(call["view"])) if isinstance(call["view"], str) else call["view"]


def turn(app: Any, slack: ScriptedSlack, screen: Screen, language: str) -> None:
    """Choose a language, and take the update."""
    before = len(slack.sent("views.update", within=0))
    block = next(each["block_id"] for each in screen.inputs() if each["block_id"].startswith("language"))
    assert post(app, screen.choose(block, language))[0] == 200
    (*_, call) = slack.sent("views.update", before + 1)
    assert (call["view_id"], call["hash"]) == (screen.id, str(screen.hash))
    screen.update(view_of(call))


def send(app: Any, screen: Screen) -> dict[str, Any]:
    status, _, body = post(app, screen.submitted())
    assert status == 200
    return dict(json.loads(body)) if body else {}


# ---------------------------------------------------------------- what Slack is given


def test_each_text_is_shown_once_with_its_channels_and_the_length_left():
    view = statement_form.opened(form(), "", "")
    shown = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    assert list(shown) == ["language:0", f"text:{EN}", "text:x|en", "do", "reason", "anyway"]
    first = shown[f"text:{EN}"]
    assert first["label"]["text"] == "English: status page, slack"
    assert first["element"]["initial_value"] == "We are aware of it."
    assert first["hint"]["text"] == (
        "status page: 19 of 300 characters; slack: 19 of 300 characters\nAdvice: say when the next word comes"
    )
    assert [each["text"]["text"] for each in shown["language:0"]["element"]["options"]] == ["English", "Dutch"]
    assert shown["language:0"]["dispatch_action"] is True
    assert [each["value"] for each in shown["do"]["element"]["options"]] == ["approve", "keep", "reject"]
    assert "initial_option" not in shown["do"]["element"], "nothing is decided by pressing Send alone"
    assert [name for name, block in shown.items() if block.get("optional")] == ["reason", "anyway"]


def test_a_thread_is_shown_post_by_post():
    screen = Screen(statement_form.opened(form(), "", ""))
    assert "*Post 1 of 2*\nAware. Next by 14:30.\n\n*Post 2 of 2*\nMore at the page." in screen.texts()
    block = next(each for each in screen.inputs() if each["block_id"] == "text:x|en")
    assert block["label"]["text"] == "English: x, bluesky (spain), a thread of 2 posts"
    assert block["hint"]["text"].startswith("x: 21 of 300 characters, then 17 of 300 characters; bluesky (spain): ")
    assert screen.shown("text:x|en") == "Aware. Next by 14:30.\n\nMore at the page."


def test_what_the_check_stops_stands_above_the_text():
    blocks = statement_form.opened(form("nl"), "", "")["blocks"]
    at = next(number for number, block in enumerate(blocks) if block.get("block_id") == f"text:{NL}")
    assert "“overmacht”: say what happened" in blocks[at - 1]["text"]["text"]


@pytest.mark.parametrize(("length", "editable"), [(3000, True), (3001, False)])
def test_a_text_longer_than_slack_takes_is_shown_with_where_to_edit_it(length: int, editable: bool):
    long = text(EN, "a" * length)
    screen = Screen(statement_form.opened(form(texts=(long, text("x|en", "Short."))), "", ""))
    assert (f"text:{EN}" in {block["block_id"] for block in screen.inputs()}) is editable
    assert ("edit it here: irrops statement edit ST-3" in screen.texts()) is not editable
    assert "text:x|en" in {block["block_id"] for block in screen.inputs()}
    if not editable:
        assert screen.texts().replace("\n", "").count("a" * 100) == length // 100, "all of it is there to be read"


def test_an_emoji_counts_as_browsers_count_it():
    assert (
        "irrops statement edit" in Screen(statement_form.opened(form(texts=(text(EN, "🌋" * 1501),)), "", "")).texts()
    )


def test_the_form_never_has_more_blocks_than_slack_takes():
    many = tuple(text(f"c{number}|en", "One.", "Two.", stops=("a word",)) for number in range(40))
    view = statement_form.opened(form(texts=many), "", "")
    assert len(view["blocks"]) <= 100
    shown = sum(block["block_id"].startswith("text:") for block in view["blocks"] if block["type"] == "input")
    assert f"{40 - shown} more texts" in Screen(view).texts()
    assert [block["block_id"] for block in view["blocks"][-3:]] == ["do", "reason", "anyway"]


def test_labels_and_hints_keep_slacks_limits():
    names = tuple(f"bluesky@market{number}" for number in range(200))
    long = text("bluesky@market0|en", "One.", channels=names, advice=("x" * 300,) * 10)
    (block,) = [b for b in statement_form.opened(form(texts=(long,)), "", "")["blocks"] if "hint" in b]
    assert len(block["label"]["text"]) <= 2000
    assert len(block["hint"]["text"]) <= 2000
    assert block["hint"]["text"].endswith(words.MORE_ADVICE)


# ---------------------------------------------------------------- opened


def test_the_form_opens_at_once_with_the_texts(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    assert desk.opened == [("INC-1/first_word#1", "", "U1")]
    assert slack.sent("views.open")[0]["trigger_id"] == "1.2.3"
    assert screen.shown(f"text:{EN}") == "We are aware of it."
    assert desk.pressed == []


def test_while_the_desk_is_slow_it_opens_without_the_texts_and_they_follow(
    app: Any, slack: ScriptedSlack, desk: Decider
):
    desk.open.clear()
    slack.says("views.open", {"ok": True, "view": {"id": "V7"}})
    started = time.monotonic()
    screen = open_form(app, slack)
    assert time.monotonic() - started < 2.5
    assert words.STATEMENT_LOADING in screen.texts()
    desk.open.set()
    (call,) = slack.sent("views.update")
    assert call["view_id"] == "V7"
    assert Screen(view_of(call)).shown(f"text:{EN}") == "We are aware of it."


def test_a_refusal_after_the_form_has_opened_is_said_in_it(app: Any, slack: ScriptedSlack, desk: Decider):
    desk.open.clear()
    desk.form = NotAllowed("ST-3 is decided: it was approved by Dan.")
    slack.says("views.open", {"ok": True, "view": {"id": "V7"}})
    open_form(app, slack)
    desk.open.set()
    assert "approved by Dan" in Screen(view_of(slack.sent("views.update")[0])).texts()


@pytest.mark.parametrize(
    ("refusal", "says"), [(NotAllowed("ST-3 is for comms_lead to decide."), "comms_lead"), (KeyError("x"), "our fault")]
)
def test_whom_it_is_not_for_is_told_and_sees_no_form(
    app: Any, slack: ScriptedSlack, desk: Decider, refusal: Exception, says: str
):
    desk.form = refusal
    post(app, press(slack, "read:1", "k"))
    (told,) = slack.sent("hook")
    assert says in told["text"]
    assert (told["response_type"], told["replace_original"]) == ("ephemeral", False)
    assert slack.sent("views.open", within=0) == []


@pytest.mark.parametrize("answer", [Answer({"ok": False, "error": "expired_trigger_id"}), Answer(drop=True)])
def test_a_form_that_slack_does_not_open_is_told(app: Any, slack: ScriptedSlack, answer: Answer):
    slack.says("views.open", answer)
    post(app, press(slack, "read:1", "k"))
    assert slack.sent("hook")[0]["text"] == words.TOO_SLOW_TO_READ
    assert len(slack.sent("views.open", 2, within=0.2)) == 1


def test_in_the_home_tab_a_refusal_stands_in_it(app: Any, slack: ScriptedSlack, desk: Decider):
    desk.form = NotAllowed("ST-3 is decided.")
    body = press(slack, "read:1", "k")
    del body["response_url"], body["message"], body["channel"]
    post(app, {**body, "container": {"type": "view"}, "view": {"type": "home", "id": "V0"}})
    assert "ST-3 is decided." in json.dumps(view_of(slack.sent("views.publish")[0]))


# ---------------------------------------------------------------- another language


def test_what_was_typed_is_kept_from_one_language_to_the_other_and_back(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", "We know of it. Ños vemos.")
    screen.type("reason", "kept too")
    turn(app, slack, screen, "nl")
    assert screen.shown(f"text:{NL}") == "Wij weten ervan."
    screen.type(f"text:{NL}", "Wij weten het.")
    turn(app, slack, screen, "en")
    assert screen.shown(f"text:{EN}") == "We know of it. Ños vemos."
    assert screen.shown("text:x|en") == "Aware. Next by 14:30.\n\nMore at the page."
    assert screen.shown("reason") == "kept too"
    screen.choose("do", "approve")
    assert send(app, screen) == {}
    ((decision, user),) = desk.decided
    assert user == "U1"
    assert decision.texts == {EN: "We know of it. Ños vemos.", NL: "Wij weten het."}
    assert (decision.statement, decision.do, decision.reason) == ("ST-3", "approve", "kept too")


def test_what_was_typed_back_again_counts(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", "Other words.")
    turn(app, slack, screen, "nl")
    turn(app, slack, screen, "en")
    screen.type(f"text:{EN}", "We are aware of it.")
    screen.choose("do", "keep")
    send(app, screen)
    assert desk.decided[0][0].texts == {EN: "We are aware of it."}


def noise(length: int) -> str:
    """A text that can't be packed well."""
    return "".join(chr(0x4E00 + (number * 7919 + number * number * 31) % 20000) for number in range(length))


def test_where_there_is_no_room_for_it_the_form_stays_and_says_so(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", noise(2500))
    turn(app, slack, screen, "nl")
    assert words.TOO_MUCH_TYPED in screen.texts()
    assert screen.shown(f"text:{EN}") == noise(2500)
    assert screen.values["language:1", statement_form.LANGUAGE]["selected_option"]["value"] == "en"
    screen.choose("do", "keep")
    send(app, screen)
    assert desk.decided[0][0].texts == {EN: noise(2500)}


def test_three_thousand_characters_of_two_languages_are_kept(app: Any, slack: ScriptedSlack):
    sentence = "Our systems are down at {n} gates; we check people in by hand and tell you more by {n}:30 today. "
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", "".join(sentence.format(n=n) for n in range(29)))
    turn(app, slack, screen, "nl")
    assert words.TOO_MUCH_TYPED not in screen.texts()
    assert len(screen.view["private_metadata"]) <= 3000


def test_who_edits_meanwhile_is_noticed_before_words_are_mixed(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", "My words.")
    desk.form = form("nl", seen="edited")
    turn(app, slack, screen, "nl")
    assert words.EDITED_MEANWHILE in screen.texts()
    screen.choose("do", "approve")
    send(app, screen)
    assert desk.decided[0][0].seen == "", "so that the desk refuses it"


def test_a_statement_decided_meanwhile_leaves_what_was_typed(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    desk.form = NotAllowed("ST-3 is decided: it was approved by Dan.")
    post(app, screen.choose("language:0", "nl"))
    (told,) = slack.sent("chat.postMessage")
    assert (told["channel"], told["text"]) == ("U1", "ST-3 is decided: it was approved by Dan.")
    assert slack.sent("views.update", within=0) == []


# ---------------------------------------------------------------- sent


def test_a_decision_closes_the_form_and_the_request_says_who_decided(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.choose("do", "approve")
    assert send(app, screen) == {}
    assert desk.decided == [(Decision(statement="ST-3", seen="", do="approve"), "U1")]
    (told,) = slack.sent("hook")
    assert (told["text"], told["replace_original"]) == ("ST-3 was approved by Cora.", True)
    assert all(block["type"] != "actions" for block in told["blocks"])


def test_under_an_answer_of_ours_the_result_takes_its_place(app: Any, slack: ScriptedSlack):
    screen = open_form(app, slack, block_id="irrops-reply")
    screen.choose("do", "approve")
    send(app, screen)
    assert slack.sent("hook")[0]["text"] == "ST-3 is approved."


def test_from_the_home_tab_the_result_stands_in_it(app: Any, slack: ScriptedSlack):
    body = press(slack, "read:1", "k")
    del body["response_url"], body["message"], body["channel"]
    post(app, {**body, "container": {"type": "view"}, "view": {"type": "home", "id": "V0"}})
    screen = Screen(view_of(slack.sent("views.open")[0]))
    screen.choose("do", "approve")
    send(app, screen)
    assert "ST-3 is approved." in json.dumps(view_of(slack.sent("views.publish")[0]))


def test_mistakes_stand_at_the_fields_they_belong_to(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    turn(app, slack, screen, "nl")
    desk.reply = FormMistakes({NL: "Too long for x.", EN: "It promises nothing.", "reason": "Say why.", "do": "No."})
    screen.choose("do", "reject")
    assert send(app, screen) == {
        "response_action": "errors",
        "errors": {
            f"text:{NL}": "Too long for x.",
            "language:1": "English: It promises nothing.",
            "reason": "Say why.",
            "do": "No.",
        },
    }
    assert slack.sent("hook", within=0.2) == []


def test_any_other_refusal_stands_at_the_decision(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.choose("do", "approve")
    desk.reply = NotAllowed("You are not in the people file of irrops.")
    assert send(app, screen)["errors"] == {"do": "You are not in the people file of irrops."}
    desk.reply = ValueError("never shown")
    assert send(app, screen)["errors"] == {"do": words.FAILED}


def test_an_emoji_that_slack_gives_back_by_its_name_is_never_published(app: Any, slack: ScriptedSlack, desk: Decider):
    desk.form = form(texts=(text(EN, "🌋 We are aware."),))
    screen = open_form(app, slack)
    screen.type(f"text:{EN}", ":volcano: We know.")
    screen.choose("do", "approve")
    assert send(app, screen)["errors"] == {f"text:{EN}": words.EMOJI_NAME.format(name=":volcano:")}
    assert desk.decided == []
    screen.type(f"text:{EN}", "At 14:30:15 we know: see https://a.example:8080/b:c. A &amp; B")
    assert send(app, screen) == {}
    assert desk.decided[0][0].texts == {EN: "At 14:30:15 we know: see https://a.example:8080/b:c. A & B"}


def test_a_text_that_slack_writes_otherwise_has_not_been_changed(app: Any, slack: ScriptedSlack, desk: Decider):
    desk.form = form(texts=(text(EN, "🌋 We are aware."),))
    screen = open_form(app, slack)
    screen = Screen(json.loads(json.dumps(screen.view, ensure_ascii=False).replace("🌋", ":volcano:")))
    screen.choose("do", "approve")
    assert send(app, screen) == {}
    assert desk.decided[0][0].texts == {}


def test_a_slow_decision_keeps_the_form_and_is_told_afterwards(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.choose("do", "approve")
    desk.deciding.clear()
    started = time.monotonic()
    assert send(app, screen)["errors"] == {"do": words.DECIDING_STILL}
    assert time.monotonic() - started < 3
    assert slack.sent("hook", within=0.1) == []
    desk.deciding.set()
    (told,) = slack.sent("views.update")
    assert (told["view_id"], "ST-3 is approved." in Screen(view_of(told)).texts()) == ("V1", True)
    assert slack.sent("hook")[0]["text"] == "ST-3 was approved by Cora."


def test_a_slow_refusal_is_a_message_and_leaves_the_form(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.choose("do", "approve")
    desk.deciding.clear()
    send(app, screen)
    desk.reply = FormMistakes({"do": "ST-3 is decided: it was approved by Dan."})
    desk.deciding.set()
    assert slack.sent("chat.postMessage")[0]["text"] == "ST-3 is decided: it was approved by Dan."
    assert slack.sent("views.update", within=0.1) == []
    assert slack.sent("hook", within=0) == []


def test_a_busy_desk_does_not_keep_a_decision_waiting(app: Any, slack: ScriptedSlack, desk: Decider):
    screen = open_form(app, slack)
    screen.choose("do", "approve")
    desk.open.clear()
    for _ in range(12):
        post(app, press(slack))
    assert send(app, screen) == {}
    assert len(desk.decided) == 1
    desk.open.set()
    assert len(slack.sent("hook", 25)) == 25, (
        "a press revises the request and answers whoever pressed; the form revises it"
    )


def test_by_socket_mode_it_is_the_same(slack: ScriptedSlack, desk: Decider):
    server = SocketServer()
    slack.says("apps.connections.open", {"ok": True, "url": server.url})
    settings = Settings(bot_token="xoxb-1", app_token="xapp-1", api_url=slack.api_url)
    connection = start_socket_mode(build_app(settings, desk), settings)
    try:
        assert server.connected()
        assert server.send("E1", press(slack, "read:1", "k")) < 1
        screen = Screen(view_of(slack.sent("views.open")[0]))
        screen.choose("do", "approve")
        desk.reply, done = FormMistakes({EN: "Too long for x."}), desk.reply
        assert server.send("E2", screen.submitted()) < 3
        assert server.payloads["E2"] == {"response_action": "errors", "errors": {f"text:{EN}": "Too long for x."}}
        desk.reply = done
        assert server.send("E3", screen.submitted()) < 3
        assert not server.payloads["E3"]
        assert slack.sent("hook")[0]["text"] == "ST-3 was approved by Cora."
        desk.deciding.clear()
        assert server.send("E4", screen.submitted()) < 3
        assert server.payloads["E4"]["errors"] == {"do": words.DECIDING_STILL}
        desk.deciding.set()
        slack.sent("hook", 2)
    finally:
        connection.close()
        server.close()
