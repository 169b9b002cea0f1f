"""SMS, voice and push by Apprise: its own plugins, against an HTTP server of the tests."""

import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from pydantic import SecretStr

from engine.effects import Direct, Post, Text
from engine.ports import CannotTell, Lost, Refused
from integrations.apprise import LIMITS, Settings, connect
from integrations.apprise.channel import Lane
from integrations.apprise.places import Places
from integrations.apprise.service import body, service

KEY = "INC-1-abc/volunteers#1/ada/sms"
ASK = Direct(person="ada", address="+31 6 1234-5678", subject="Call-out", text="Can you come? <yes & no> CODE123456 🌋")
SID, TOKEN = "AC" + "0" * 32, "0123456789abcdef" * 2
TWILIO = f"twilio://{SID}:{TOKEN}@+31201234567/{{address}}"
WORD = "sesame-open"
"""A password in a URL: it must turn up nowhere."""


class Service:
    """Takes what is posted. `next`: what to do with requests to come: a status, `hang up`, or seconds to wait."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes]] = []
        self.next: list[int | float | str] = []
        self.at: dict[str, int | float | str] = {}
        """Path → what to do with each request there."""
        self.threads: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"json://duty:{WORD}@127.0.0.1:{self.port}/send/{{address}}"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(content) for _, _, content in self.received]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                service.threads.update(thread.name for thread in threading.enumerate())
                service.received.append((self.command, self.path, content))
                what = service.next.pop(0) if service.next else service.at.get(self.path, 200)
                if what == "hang up":
                    return
                if isinstance(what, float):
                    time.sleep(what)
                    what = 200
                self.send_response(int(what))
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def there() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


def lane(url: str, name: str = "sms", timeout_s: float = 5) -> Lane:
    return connect(Settings.model_validate({name: url, "timeout_s": timeout_s}), name)


def refused(channel: Lane, message: Direct = ASK) -> Refused:
    with pytest.raises(Refused) as found:
        channel.send(message, KEY)
    return found.value


def lost(channel: Lane) -> Lost:
    with pytest.raises(Lost) as found:
        channel.send(ASK, KEY)
    return found.value


def told(channel: Lane) -> str:
    with pytest.raises((Lost, Refused)) as found:
        channel.send(ASK, KEY)
    return str(found.value)


# ---- sending -------------------------------------------------------------------------------------------------------


def test_a_message_goes_to_one_number_with_its_text_unharmed(there: Service) -> None:
    receipt = lane(there.url).send(ASK, KEY)
    ((_, path, _),) = there.received
    assert unquote(path) == "/send/+31612345678"
    (sent,) = there.bodies()
    assert sent["message"] == ASK.text
    assert (receipt.id, receipt.place) == (lane(there.url).send(ASK, KEY).id, "JSON")
    assert "3161" not in receipt.model_dump_json()


def test_xml_is_another_plugin_and_goes_the_same_way(there: Service) -> None:
    lane(there.url.replace("json://", "xml://"), "push").send(ASK.model_copy(update={"address": "ada.b"}), KEY)
    ((_, path, content),) = there.received
    assert path == "/send/ada.b"
    assert "&lt;yes &amp; no&gt;" in content.decode()


def test_a_push_has_a_title_and_a_text_message_none(there: Service) -> None:
    lane(there.url, "push").send(ASK.model_copy(update={"address": "ada"}), KEY)
    assert there.bodies()[0]["title"] == "Call-out"
    plugin = service(Settings(sms=SecretStr(TWILIO)), "sms", "+31612345678")
    assert plugin.title_maxlen == 0


@pytest.mark.parametrize("key", ["", "\n", "a/../b", "..", "a?method=GET", "a#b", "a%2Fb", "a,b", "a b", "é"])
def test_a_key_can_not_break_out_of_its_place(there: Service, key: str) -> None:
    answer = refused(lane(there.url, "push"), ASK.model_copy(update={"address": key}))
    assert answer.permanent
    assert "people file" in str(answer)
    assert there.received == []


@pytest.mark.parametrize(
    "address", ["", "ada", "0612345678", "+31", "+31612345678,+31612345679", "+0612345678", "+1;2"]
)
@pytest.mark.parametrize("name", ["sms", "voice"])
def test_what_is_no_number_is_not_called(there: Service, name: str, address: str) -> None:
    answer = refused(lane(there.url, name), ASK.model_copy(update={"address": address}))
    assert answer.permanent
    assert "people file" in str(answer)
    assert not address or address not in str(answer)
    assert there.received == []


def test_many_threads_share_nothing(there: Service) -> None:
    channel = lane(there.url)

    def send(part: int) -> None:
        for number in range(20):
            channel.send(ASK.model_copy(update={"address": f"+3161234{part}{number:02}0"}), f"{part}/{number}")

    threads = [threading.Thread(target=send, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path for _, path, _ in there.received}) == len(there.received) == 80
    assert not [name for name in there.threads if "Executor" in name], "Apprise makes threads of its own"


# ---- what went wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "permanent", "after", "says"),
    [
        (429, False, 30, "wait"),
        (408, False, None, "wait"),
        (401, True, None, "IRROPS_APPRISE_SMS"),
        (402, True, None, "credit"),
        (403, True, None, "IRROPS_APPRISE_SMS"),
        (400, True, None, "people file"),
        (404, True, None, "IRROPS_APPRISE_SMS"),
        (302, True, None, "moved"),
        (307, True, None, "moved"),
    ],
)
def test_a_no_of_the_service(there: Service, status: int, permanent: bool, after: float | None, says: str) -> None:
    there.next = [status]
    answer = refused(lane(there.url))
    assert (answer.permanent, answer.retry_after, says in str(answer)) == (permanent, after, True), str(answer)
    assert len(there.received) == 1
    lane(there.url).send(ASK, KEY)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_service_leaves_it_open(there: Service, status: int) -> None:
    there.next = [status]
    assert f"HTTP {status}" in str(lost(lane(there.url)))
    assert len(there.received) == 1


def test_a_lost_answer_leaves_it_open(there: Service) -> None:
    there.next = ["hang up"]
    assert "No answer" in str(lost(lane(there.url)))
    assert len(there.received) == 1


def test_an_answer_that_is_late_leaves_it_open(there: Service) -> None:
    there.next = [1.5]
    began = time.monotonic()
    assert "ReadTimeout" in str(lost(lane(f"{there.url}?rto=60", timeout_s=0.3)))
    assert time.monotonic() - began < 1.2
    assert len(there.received) == 1


def test_nobody_there_means_later() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer = refused(lane(f"json://127.0.0.1:{port}/{{address}}"))
    assert not answer.permanent
    assert "reached" in str(answer)


def test_an_unknown_host_means_later() -> None:
    assert not refused(lane("json://nobody.invalid/{address}")).permanent


def test_a_host_that_does_not_speak_tls_leaves_it_open(there: Service) -> None:
    assert lost(lane(there.url.replace("json://", "jsons://")))


def test_the_url_can_not_have_it_sent_twice_or_failures_called_success(there: Service) -> None:
    there.next = [500, 200]
    lost(lane(f"{there.url}?retry=3&wait=0&optional=yes&overflow=split&redirect=yes"))
    assert len(there.received) == 1
    there.next = [302]
    refused(lane(f"{there.url}?redirect=yes"))
    assert len(there.received) == 2
    long = ASK.model_copy(update={"text": "x" * 40_000})
    lane(f"{there.url}?overflow=split").send(long, KEY)
    assert there.bodies()[-1]["message"] == long.text
    assert len(there.received) == 3


def test_one_thread_hears_nothing_of_another(there: Service) -> None:
    """A refusal in one must not become the meaning of a lost answer in the other."""
    slow, quick = lane(there.url, timeout_s=1), lane(there.url)
    outcomes: list[str] = []
    thread = threading.Thread(target=lambda: outcomes.append(told(slow)))
    there.next = [1.6, 401]
    thread.start()
    while not there.received:
        time.sleep(0.01)
    assert "HTTP 401" in told(quick)
    thread.join()
    assert "No answer" in outcomes[0]


# ---- the URL -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"json://duty:{WORD}@127.0.0.1/", "{address}"),
        (f"twillio://{WORD}/{{address}}", "twillio://"),
        (f"{WORD} {{address}}", "no URL"),
        (f"twilio://AC1:{WORD}@nobody/{{address}}", "twilio://"),
        (f"json:///{WORD}{{address}}", "json://"),
        (f"{TWILIO}/+31201234568", "more recipients"),
        (f"twilio://{SID}:{TOKEN}@+31201234567/?x={{address}}", "can't take the person's address"),
    ],
)
def test_a_url_that_will_not_do_names_the_setting_and_keeps_the_secret(url: str, says: str) -> None:
    channel = lane(url)
    answer = refused(channel)
    assert answer.permanent
    assert "IRROPS_APPRISE_SMS" in str(answer)
    assert says in str(answer)
    assert WORD not in str(answer)
    assert channel.check() == [str(answer)]


def test_without_a_url_it_says_what_to_set() -> None:
    channel = connect(Settings(), "voice")
    assert "IRROPS_APPRISE_VOICE" in str(refused(channel))
    assert channel.check() == [str(refused(channel))]


@pytest.mark.parametrize(
    "url",
    [
        TWILIO,
        "vonage://KEY12345:abcdefghijklmnop@+31201234567/{address}",
        "clicksend://user:key@{address}",
        "sns://AHIAJGNT76XIMXDBIJYA/bu1dHSdO22pfaaVy/us-west-2/{address}",
        "bulksms://user:pw@{address}",
        "46elks://user:pw@from/{address}",
        "json://gateway.airline.example/{address}",
        "json://gateway.airline.example/?:to={address}",
    ],
)
def test_services_for_text_messages_take_a_number_unsent(url: str) -> None:
    assert lane(url).check() == []


def test_services_for_push_take_a_key_unsent() -> None:
    assert lane("ntfys://ntfy.airline.example/irrops-{address}", "push").check() == []
    assert lane(f"pover://{'u' * 30}@{'t' * 30}/{{address}}", "push").check() == []
    dotted = lane("ntfys://ntfy.airline.example/irrops-{address}", "push")
    with pytest.raises(Refused, match="ntfy can't take") as found:
        service(dotted._settings, "push", "anna.bakker")
    assert found.value.permanent


def test_a_call_is_a_call_and_reads_the_text_out() -> None:
    (found,) = lane(TWILIO, "voice").check()
    assert "method=call" in found
    url = f"{TWILIO}?method=call"
    assert lane(url, "voice").check() == []
    plugin = service(Settings(voice=SecretStr(url)), "voice", "+31612345678")
    assert body(plugin, "Yes & <no>") == '<Response><Say loop="2">Yes &amp; &lt;no&gt;</Say></Response>'
    text = service(Settings(sms=SecretStr(TWILIO)), "sms", "+31612345678")
    assert body(text, "Yes & <no>") == "Yes & <no>"


@pytest.mark.parametrize("method", ["sms", "call"])
def test_twilio_gets_what_its_api_wants(there: Service, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise's plugin as it is, its two addresses pointed at our server."""
    from apprise.plugins.twilio import NotifyTwilio

    for name in ("notify_sms_url", "notify_call_url"):
        there_now = getattr(NotifyTwilio, name).replace("https://api.twilio.com", f"http://127.0.0.1:{there.port}")
        monkeypatch.setattr(NotifyTwilio, name, there_now)
    there.next = [201, 400]
    channel = lane(f"{TWILIO}?method={method}", "voice" if method == "call" else "sms")
    channel.send(ASK, KEY)
    ((_, path, content),) = there.received
    sent = {name: value[0] for name, value in parse_qs(content.decode()).items()}
    assert (sent["To"], sent["From"]) == ("+31612345678", "+31201234567")
    if method == "call":
        assert path.endswith("/Calls.json")
        assert sent["Twiml"].startswith('<Response><Say loop="2">Can you come? &lt;yes')
    else:
        assert path.endswith("/Messages.json")
        assert sent["Body"] == ASK.text
    answer = refused(channel)
    assert answer.permanent
    assert "+316" not in str(answer)


# ---- quiet ---------------------------------------------------------------------------------------------------------


def test_nothing_of_a_number_or_password_is_logged(
    there: Service, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    there.next = [500, "hang up", 401, 200]
    with caplog.at_level(logging.DEBUG):
        said = [told(lane(there.url)) for _ in range(3)]
        lane(there.url).send(ASK, KEY)
        refused(lane(f"twilio://AC1:{WORD}@nobody/{{address}}"))
    printed = "".join(capsys.readouterr())
    assert WORD not in "".join(said) + caplog.text + printed
    assert "12345678" not in caplog.text + printed
    assert not [record for record in caplog.records if record.name.startswith(("apprise", "urllib3"))]


def test_what_others_log_by_the_same_client_goes_on_as_before(there: Service, caplog: pytest.LogCaptureFixture) -> None:
    import requests

    lane(there.url).send(ASK, KEY)
    requests.get(f"http://127.0.0.1:{there.port}/other", headers={"Content-Length": "0"}, timeout=5)
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]
    with caplog.at_level(logging.DEBUG):
        requests.get(f"http://127.0.0.1:{there.port}/other", headers={"Content-Length": "0"}, timeout=5)
    assert [record for record in caplog.records if "/other" in record.getMessage()]


def test_an_exception_under_way_outside_is_not_taken_for_ours(there: Service) -> None:
    there.next = [401]
    try:
        raise ConnectionResetError("another one")
    except ConnectionResetError:
        assert "HTTP 401" in told(lane(there.url))


# ---- as a channel --------------------------------------------------------------------------------------------------


def test_whether_it_arrived_is_not_known_and_rooms_are_not_for_it() -> None:
    channel = lane(TWILIO)
    with pytest.raises(CannotTell):
        channel.find(ASK, KEY)
    with pytest.raises(Refused, match="one person") as found:
        channel.send(Text(text="Situation"), KEY)
    assert found.value.permanent
    assert {name: connect(Settings(), name).limit for name in LIMITS} == LIMITS


# ---- statements ----------------------------------------------------------------------------------------------------

POST = Post(
    incident="INC-1",
    title="IT outage",
    message="holding",
    language="en",
    text="We are aware. <b> & c\n\nNext update by 05:10 UTC. 🌋",
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=datetime(2026, 11, 22, 4, 10, tzinfo=UTC),
)


def places(there: Service, folder: Path, *paths: str, more: str = "", **settings: Any) -> Places:
    """The channel as a process has it that has just begun."""
    urls = ", ".join(f"json://duty:{WORD}@127.0.0.1:{there.port}/{path}" for path in paths)
    channel = connect(Settings(posts=SecretStr(f"{urls}{more}"), folder=folder, timeout_s=1, **settings), "apprise")
    assert isinstance(channel, Places)
    return channel


def had(there: Service) -> dict[str, int]:
    return dict(Counter(unquote(path).removeprefix("/") for _, path, _ in there.received))


def test_a_statement_goes_to_each_place_once(there: Service, tmp_path: Path) -> None:
    three = ("a", "b,c", "d")
    assert places(there, tmp_path, *three).find(POST, KEY) is None
    receipt = places(there, tmp_path, *three).send(POST, KEY)
    assert had(there) == dict.fromkeys(three, 1)
    assert {(body["title"], body["message"]) for body in there.bodies()} == {(POST.title, POST.text)}
    assert receipt.facts == {"recipients": 3, "accepted": 3, "refused": {}}
    assert places(there, tmp_path, *three).send(POST, KEY) == receipt
    assert places(there, tmp_path, *three).find(POST, KEY) == receipt
    assert had(there) == dict.fromkeys(three, 1)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert WORD.encode() not in kept


def test_one_place_that_refuses_keeps_no_other_from_theirs(there: Service, tmp_path: Path) -> None:
    there.at["/b"] = 404
    channel = places(there, tmp_path, "a", "b", "c", more=f" nosuch://{WORD}/x")
    receipt = channel.send(POST, KEY)
    assert had(there) == dict.fromkeys("abc", 1)
    assert (receipt.facts["recipients"], receipt.facts["accepted"]) == (4, 2)
    whys = " ".join(receipt.facts["refused"])
    assert "URL 2 of IRROPS_APPRISE_POSTS" in whys
    assert "HTTP 404" in whys
    assert "knows no service nosuch://" in whys
    assert "people file" not in whys
    assert WORD not in receipt.model_dump_json()
    assert channel.send(POST, KEY) == receipt
    assert had(there) == dict.fromkeys("abc", 1)


def test_one_place_that_asks_to_wait_is_tried_again_alone(there: Service, tmp_path: Path) -> None:
    there.at["/b"] = 429
    with pytest.raises(Refused) as waits:
        places(there, tmp_path, "a", "b", "c").send(POST, KEY)
    assert (waits.value.permanent, waits.value.retry_after) == (False, 30)
    assert "2 took it, 1 did not get it yet" in str(waits.value)
    assert places(there, tmp_path, "a", "b", "c").find(POST, KEY) is None
    there.at.clear()
    assert places(there, tmp_path, "a", "b", "c").send(POST, KEY).facts["accepted"] == 3
    assert had(there) == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize("what", [500, "hang up", 1.6])
def test_one_place_that_leaves_it_open_is_for_a_person(there: Service, tmp_path: Path, what: Any) -> None:
    there.at["/b"] = what
    with pytest.raises(Lost):
        places(there, tmp_path, "a", "b", "c").send(POST, KEY)
    assert had(there) == dict.fromkeys("abc", 1)
    with pytest.raises(CannotTell, match=r"2 took it, 1 may have taken it or not \(json\)"):
        places(there, tmp_path, "a", "b", "c").find(POST, KEY)
    there.at.clear()
    places(there, tmp_path, "a", "b", "c").send(POST, KEY)
    assert had(there) == {"a": 1, "b": 2, "c": 1}


def test_all_refused_is_for_good_and_names_the_setting(there: Service, tmp_path: Path) -> None:
    there.at |= {"/a": 401, "/b": 404}
    with pytest.raises(Refused) as none:
        places(there, tmp_path, "a", "b").send(POST, KEY)
    assert none.value.permanent
    assert "All 2 places" in str(none.value)
    assert "IRROPS_APPRISE_POSTS" in str(none.value)
    assert WORD not in str(none.value)
    there.at.clear()
    assert places(there, tmp_path, "a", "b").send(POST, KEY).facts["accepted"] == 2


def test_sends_at_once_are_one(there: Service, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(lambda _: places(there, tmp_path, "a", "b").send(POST, KEY), range(6)))
    assert had(there) == {"a": 1, "b": 1}
    assert all(receipt == receipts[0] for receipt in receipts)


def test_a_text_that_a_place_would_cut_is_not_sent_there(there: Service, tmp_path: Path) -> None:
    discord = " discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
    long = POST.model_copy(update={"text": "x" * 2001})
    receipt = places(there, tmp_path, "a", more=discord).send(long, KEY)
    assert receipt.facts["refused"] == {"discord: 2001 characters, where it takes 2000": 1}
    assert there.bodies()[0]["message"] == long.text


def test_a_drill_goes_nowhere_unless_all_expect_it(there: Service, tmp_path: Path) -> None:
    drill = POST.model_copy(update={"drill": True, "language": "es", "text": "[SIMULACRO] Lo sabemos."})
    with pytest.raises(Refused) as found:
        places(there, tmp_path, "a").send(drill, KEY)
    assert found.value.permanent
    assert there.received == []
    places(there, tmp_path, "a", post_drills=True).send(drill, KEY)
    assert there.bodies()[0]["title"] == "[SIMULACRO] IT outage"


def test_doctor_hears_of_each_url_that_will_not_do(there: Service, tmp_path: Path) -> None:
    two = " tgram://123456789:abcdefg_hijklmnop/lead2gold/123/"
    assert places(there, tmp_path, "a", "b").check() == []
    found = places(there, tmp_path, "a", more=f"{two}, nosuch://{WORD}/x").check()
    assert [one.split(":")[0].split(" names")[0] for one in found] == [
        "URL 2 of IRROPS_APPRISE_POSTS",
        "URL 3 of IRROPS_APPRISE_POSTS",
    ]
    assert "a URL for each" in found[0]
    assert WORD not in "".join(found)
    (none,) = connect(Settings(folder=tmp_path), "apprise").check()
    assert "IRROPS_APPRISE_POSTS" in none
    (tmp_path / "file").write_text("")
    (unwritable,) = places(there, tmp_path / "file", "a").check()
    assert "ledger" in unwritable
    assert there.received == []


def test_a_place_does_not_show_its_password(there: Service, tmp_path: Path) -> None:
    channel = places(there, tmp_path, "a")
    assert WORD not in repr(channel._places())
    assert WORD not in repr(channel._settings)
