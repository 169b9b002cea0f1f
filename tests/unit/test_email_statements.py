"""Statements by e-mail: to each address once, whatever the mail server does. The servers run in process."""

import asyncio
import email
import email.policy
import multiprocessing
import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from desk.settings import load
from engine.effects import Post, Receipt
from engine.ports import CannotTell, Lost, Refused
from integrations.email import Settings, connect
from integrations.email.mail import message_id
from integrations.email.statement import compose_statement
from tests.unit.test_email import SENDER, Inbox, Started

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
KEY = "INC-1-abc/first_word#1/email/en"
POST = Post(
    incident="INC-1",
    title="Volcanic ash over the North Sea",
    message="holding",
    language="en",
    text="We are aware of <ash> & delays.\nSee https://status.airline.example/inc-1.\n\nNext update by 05:10 UTC.",
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=NOW,
)
FIVE = ("a@press.example", "b@press.example", "c@agents.example", "d@agents.example", "list@subscribers.example")


class ListInbox(Inbox):
    """Takes mails, unless told otherwise of an address: `ends` is the answer to its final dot, `hang up` none."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[str, str] = {}
        self.asked: list[str] = []
        self.sessions: set[int] = set()
        self.most = 0
        """Mails after which a connection is closed, as some servers do; 0 for any number."""
        self.reached = threading.Event()

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.sessions.add(id(session))
        taken = getattr(session, "taken", 0)
        if self.most and taken >= self.most:
            return "421 4.7.0 enough for one connection"
        session.taken = taken + 1  # type: ignore[attr-defined]
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 fine")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        said = self.ends.get(envelope.rcpt_tos[0], "250 2.0.0 taken")
        if said in ("hang up", "250"):
            await super().handle_DATA(server, session, envelope)
        if said == "hang up":
            self.reached.set()
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
            return "250 never heard"
        return await super().handle_DATA(server, session, envelope) if said.startswith("250") else said


class List:
    """A server, and the statements' settings that send there."""

    def __init__(self, folder: Path) -> None:
        self.inbox = ListInbox()
        self.server = Started(self.inbox)
        self.folder = folder

    def settings(self, **more: Any) -> Settings:
        return self.server.settings(**{"statements": {"en": FIVE}, "folder": self.folder, **more})

    def send(self, post: Post = POST, key: str = KEY, base: Receipt | None = None, **more: Any) -> Receipt:
        """As a process does that has just begun."""
        return connect(self.settings(**more)).send(post, key, base)

    def find(self, post: Post = POST, key: str = KEY) -> Receipt | None:
        return connect(self.settings()).find(post, key)

    def counts(self) -> dict[str, int]:
        return dict(Counter(self.inbox.taken))

    def mail(self, address: str) -> EmailMessage:
        (found,) = [mail for mail in self.inbox.mails if mail["To"] == address]
        return found


@pytest.fixture
def there(tmp_path: Path) -> Iterator[List]:
    running = List(tmp_path / "email")
    yield running
    running.server.controller.stop()


def refused(there: List, **more: Any) -> Refused:
    with pytest.raises(Refused) as found:
        there.send(**more)
    assert not [address for address in FIVE if address in str(found.value)]
    return found.value


# ---- the mail ------------------------------------------------------------------------------------------------------


def test_each_has_a_mail_of_their_own_and_sees_nobody_else(there: List) -> None:
    receipt = there.send()
    assert there.counts() == dict.fromkeys(FIVE, 1)
    for address in FIVE:
        mail = there.mail(address)
        assert not [other for other in FIVE if other != address and other.encode() in mail.as_bytes()]
        assert mail["Subject"] == POST.title
        assert mail["Date"].datetime == NOW
        assert mail["List-Id"] == "<en.statements.airline.example>"
        assert (mail["Content-Language"], mail["Auto-Submitted"]) == ("en", "auto-generated")
        assert (mail["In-Reply-To"], mail["References"]) == (None, None)
    ids = {mail["Message-ID"] for mail in there.inbox.mails}
    assert len(ids) == 5
    assert all(one.endswith("@airline.example>") for one in ids)
    assert receipt.facts == {"recipients": 5, "accepted": 5, "refused": {}}
    assert len(there.inbox.sessions) == 1, "a connection for each mail: servers count them"


class Reader(HTMLParser):
    """What a page says, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.links, self.language, self.tags = "", [], "", Counter[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.links += [value for name, value in attrs if name == "href"]
        self.language = dict(attrs).get("lang") or self.language

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_text_is_whole_in_both_forms(there: List) -> None:
    there.send(POST.model_copy(update={"text": f"{POST.text}\n.\n..\n– ¿火山灰? 🌋 עברית"}))
    mail = there.mail(FIVE[0])
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    text = plain.get_content().replace("\r\n", "\n").strip()
    assert text == f"{POST.text}\n.\n..\n– ¿火山灰? 🌋 עברית"
    read = Reader()
    read.feed(page.get_content())
    assert read.language == "en"
    assert read.links == ["https://status.airline.example/inc-1"]
    assert (read.tags["p"], read.tags["title"], read.tags["ash"]) == (2, 1, 0)
    assert " ".join(text.split()) in " ".join(read.said.split())


def test_the_same_statement_is_the_same_bytes(there: List) -> None:
    settings = there.settings()
    root = message_id(KEY, settings)
    one, two = (compose_statement(POST, root, FIVE[0], settings) for _ in range(2))
    assert one == two
    assert compose_statement(POST, root, FIVE[1], settings) != one
    assert compose_statement(POST, message_id(f"{KEY}2", settings), FIVE[0], settings) != one


def test_a_title_can_not_add_a_header() -> None:
    post = POST.model_copy(update={"title": "Ash\r\nBcc: everybody@ex.org"})
    settings = Settings(host="h", sender=SENDER)
    mail = email.message_from_bytes(compose_statement(post, "<r@x.example>", "a@b.example", settings))
    assert mail["Bcc"] is None
    assert "Bcc: everybody" in mail["Subject"]


def test_a_correction_answers_the_mail_that_this_address_had(there: List) -> None:
    first = there.send()
    second = there.send(POST.model_copy(update={"text": "Not Rotterdam."}), "k2", first)
    third = there.send(POST.model_copy(update={"text": "Nor Eindhoven."}), "k3", second)
    for address in FIVE:
        had, corrected, again = (mail for mail in there.inbox.mails if mail["To"] == address)
        assert corrected["In-Reply-To"] == corrected["References"] == had["Message-ID"]
        assert again["In-Reply-To"] == corrected["Message-ID"]
        assert again["References"].split() == [had["Message-ID"], corrected["Message-ID"]]
    assert third.facts["answers"] == [first.id, second.id]
    assert not [address for address in FIVE if address in third.model_dump_json()]


def test_a_drill_is_mailed_only_where_all_expect_it_and_marked_before_it_is_opened(there: List) -> None:
    drill = POST.model_copy(update={"drill": True, "language": "nl", "text": "[OEFENING] Wij weten het."})
    everybody = {"*": FIVE}
    assert refused(there, post=drill, statements=everybody).permanent
    assert there.inbox.asked == []
    there.send(drill, post_drills=True, statements=everybody)
    assert {mail["Subject"] for mail in there.inbox.mails} == {f"[OEFENING] {POST.title}"}
    marked = drill.model_copy(update={"title": "[OEFENING] As"})
    there.send(marked, "k2", post_drills=True, statements=everybody)
    assert there.inbox.mails[-1]["Subject"] == "[OEFENING] As"


# ---- who -----------------------------------------------------------------------------------------------------------


def test_a_language_goes_to_its_list_and_to_those_of_all_each_once(there: List) -> None:
    lists = {
        "es": ("ES <c@es.example>", "a@press.example"),
        "*": ("A@press.example", "b@all.example"),
        "nl": ("d@nl.x",),
    }
    there.send(POST.model_copy(update={"language": "es"}), statements=lists)
    assert sorted(there.inbox.taken, key=str.lower) == ["A@press.example", "b@all.example", "c@es.example"]


def test_without_a_list_for_a_language_it_says_what_to_set(there: List) -> None:
    answer = refused(there, statements={"es": FIVE})
    assert answer.permanent
    assert "IRROPS_EMAIL_STATEMENTS" in str(answer)
    assert "'en'" in str(answer)
    assert there.inbox.asked == []


def test_lists_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRROPS_EMAIL_STATEMENTS", '{"*": ["press@airline.example"], "es": ["a@b.example"]}')
    settings = load(home=tmp_path)
    assert settings.email.statements == {"*": ("press@airline.example",), "es": ("a@b.example",)}
    assert settings.at(tmp_path).email.folder == tmp_path / "email"


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({"en": ["press"]}, "write it like"),
        ({"English": ["a@b.example"]}, "write it like es"),
        ({"en": ["a@b\r\nx"]}, "no e-mail address"),
    ],
)
def test_what_is_no_list_is_a_sentence(lists: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings.model_validate({"statements": lists})


# ---- exactly once --------------------------------------------------------------------------------------------------


def test_sent_again_it_goes_to_nobody_and_is_found(there: List) -> None:
    assert there.find() is None
    receipt = there.send()
    assert there.send() == receipt
    assert there.find() == receipt
    assert there.counts() == dict.fromkeys(FIVE, 1)
    assert there.find(key="another") is None
    there.send(key="another")
    assert there.counts() == dict.fromkeys(FIVE, 2)


def test_the_ledger_keeps_no_address(there: List) -> None:
    there.inbox.answers[FIVE[1]] = "550 5.1.1 <b@press.example> unknown"
    there.send()
    kept = b"".join(file.read_bytes() for file in there.folder.iterdir())
    assert b"press.example" in kept
    assert not [address for address in FIVE if address.encode() in kept]
    assert [file.name for file in there.folder.iterdir()] == ["ledger.db"], "locks are left behind"
    assert (there.folder / "ledger.db").stat().st_mode & 0o077 == 0


def test_one_refused_address_keeps_nobody_else_from_theirs(there: List) -> None:
    there.inbox.answers[FIVE[1]] = f"550 5.1.1 <{FIVE[1]}>: no such user"
    there.inbox.ends[FIVE[3]] = f"554 5.7.1 {FIVE[3]} does not like it"
    receipt = there.send()
    assert there.counts() == dict.fromkeys((FIVE[0], FIVE[2], FIVE[4]), 1)
    assert receipt.facts == {
        "recipients": 5,
        "accepted": 3,
        "refused": {"press.example: 550 5.1.1": 1, "agents.example: 554 5.7.1": 1},
    }
    assert not [address for address in FIVE if address in receipt.model_dump_json()]
    assert there.send() == receipt == there.find()
    assert len(there.inbox.asked) == 5, "those who were refused were asked again"


@pytest.mark.parametrize("where", ["answers", "ends"])
def test_greylisting_is_waited_for_and_only_the_missing_are_sent_again(there: List, where: str) -> None:
    told = getattr(there.inbox, where)
    told[FIVE[2]] = told[FIVE[4]] = "451 4.7.1 greylisted"
    answer = refused(there)
    assert (answer.permanent, answer.retry_after) == (False, 60)
    assert "3 took it, 2 did not get it yet" in str(answer)
    assert there.find() is None, "nobody may have it who surely has not"
    del told[FIVE[2]]
    assert "4 took it, 1 did not" in str(refused(there))
    told.clear()
    assert there.send().facts["accepted"] == 5
    assert there.counts() == dict.fromkeys(FIVE, 1)


def test_all_refused_is_for_good_until_somebody_has_mended_it(there: List) -> None:
    there.inbox.answers |= dict.fromkeys(FIVE, "550 5.7.1 relaying denied")
    answer = refused(there)
    assert answer.permanent
    assert "All 5 addresses" in str(answer)
    assert "IRROPS_EMAIL_STATEMENTS" in str(answer)
    assert "550 5.7.1 ×2" in str(answer)
    there.inbox.answers.clear()
    assert there.send().facts["accepted"] == 5


def test_a_lost_answer_is_one_address_in_doubt_and_a_person_decides(there: List) -> None:
    there.inbox.ends[FIVE[1]] = "hang up"
    with pytest.raises(Lost) as lost:
        there.send()
    assert there.counts() == dict.fromkeys(FIVE, 1), "the others are not to wait"
    with pytest.raises(CannotTell) as unsure:
        there.find()
    assert str(unsure.value) == str(lost.value)
    assert "4 took it, 1 may have taken it or not (press.example)" in str(unsure.value)
    assert not [address for address in FIVE if address in str(unsure.value)]
    there.inbox.ends.clear()
    receipt = there.send()  # what "send again" comes to
    assert there.counts() == {**dict.fromkeys(FIVE, 1), FIVE[1]: 2}
    first, second = (mail for mail in there.inbox.mails if mail["To"] == FIVE[1])
    assert first.as_bytes() == second.as_bytes()
    assert receipt.facts["accepted"] == 5
    assert there.find() == receipt == there.send()


def test_who_waits_is_told_apart_from_who_is_in_doubt(there: List) -> None:
    there.inbox.ends[FIVE[0]] = "hang up"
    there.inbox.answers[FIVE[2]] = "451 later"
    there.inbox.answers[FIVE[3]] = "550 5.1.1 no"
    with pytest.raises(Lost, match="1 may have taken it or not"):
        there.send()
    with pytest.raises(CannotTell) as unsure:
        there.find()
    assert str(unsure.value) == (
        "Of 5 addresses: 2 took it, 1 may have taken it or not (press.example), 1 did not get it yet, 1 refused it "
        "(agents.example: 550 5.1.1). Sent again, it goes only to the 2 that may lack it."
    )


def test_a_server_that_loses_every_answer_is_not_given_the_whole_list(there: List) -> None:
    there.inbox.ends |= dict.fromkeys(FIVE, "hang up")
    with pytest.raises(Lost, match=r"3 may have taken it or not .*, 2 did not get it yet"):
        there.send()
    assert len(there.inbox.asked) == 3


def test_a_server_that_closes_after_each_second_mail_is_called_again(there: List) -> None:
    there.inbox.most = 2
    assert there.send().facts["accepted"] == 5
    assert there.counts() == dict.fromkeys(FIVE, 1)
    assert len(there.inbox.sessions) == 3


def test_a_server_that_is_away_means_later_and_nobody_has_it(there: List) -> None:
    there.server.controller.stop()
    answer = refused(there)
    assert not answer.permanent
    assert "can't be reached" in str(answer)
    assert there.find() is None
    there.server = Started(there.inbox)
    assert there.send().facts["accepted"] == 5


def test_what_is_wrong_for_all_is_asked_once(there: List) -> None:
    there.inbox.answers["MAIL"] = "550 5.7.1 not your sender"
    answer = refused(there)
    assert answer.permanent
    assert "IRROPS_EMAIL_SENDER" in str(answer)
    assert there.inbox.asked == []


def test_a_ledger_that_can_not_be_written_sends_nothing(there: List) -> None:
    there.folder.parent.joinpath("file").write_text("")
    answer = refused(there, folder=there.folder.parent / "file")
    assert not answer.permanent
    assert "ledger" in str(answer)
    assert there.inbox.asked == []
    (found,) = connect(there.settings(folder=there.folder.parent / "file")).check()
    assert found == str(answer)
    assert refused(there, folder=None).permanent


def test_a_ledger_that_is_no_ledger_sends_nothing(there: List) -> None:
    there.folder.mkdir()
    (there.folder / "ledger.db").write_text("x" * 5000)
    assert not refused(there).permanent
    assert there.inbox.asked == []


def test_a_full_disk_in_the_middle_leaves_nobody_in_doubt_who_was_not_sent_to(
    there: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is handed over that is not written down as begun before."""
    from integrations.ledger import Page

    def full(page: Page, mark: str, place: str) -> None:
        raise Refused("The ledger can't be written (disk full).", permanent=False)

    with monkeypatch.context() as patched:
        patched.setattr(Page, "begin", full)
        assert not refused(there).permanent
    assert there.inbox.mails == []
    assert there.find() is None


# ---- at once, and crashes ------------------------------------------------------------------------------------------

spawn = multiprocessing.get_context("spawn")


def _send(settings: Settings, start: Any = None) -> None:
    if start is not None:
        start.wait(30)
    connect(settings).send(POST, KEY)


def test_two_processes_and_four_threads_at_once_are_one_send(there: List) -> None:
    barrier = spawn.Barrier(3)
    processes = [spawn.Process(target=_send, args=(there.settings(), barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    barrier.wait(30)
    threads = [threading.Thread(target=_send, args=(there.settings(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for one in [*threads, *processes]:
        one.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert there.counts() == dict.fromkeys(FIVE, 1)
    assert len(there.inbox.asked) == 5


def test_who_waited_while_another_lost_an_answer_does_not_send_again(there: List) -> None:
    """Two sends at once, the first loses an answer: the second must not take that for a person's word."""
    there.inbox.ends[FIVE[4]] = "hang up"
    outcomes: list[str] = []

    def send() -> None:
        try:
            there.send()
        except (Lost, Refused) as error:
            outcomes.append(type(error).__name__)

    slow = ListInbox.handle_RCPT

    async def slower(self: ListInbox, *args: Any) -> str:
        await asyncio.sleep(0.1)
        return await slow(self, *args)

    there.inbox.__class__ = type("Slow", (ListInbox,), {"handle_RCPT": slower})
    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert outcomes == ["Lost"] * 3
    assert there.counts() == dict.fromkeys(FIVE, 1)


def _die_at(settings: Settings, when: str) -> None:
    """Kill ourselves, as a crash does, at the third address: before its mail, or at what comes after."""
    import integrations.email.lists
    from integrations.email.server import Shared
    from integrations.ledger import Page

    real, number = Shared.submit, 0

    def submit(shared: Shared, recipient: str, mail: bytes, begin: Callable[[], None]) -> None:
        nonlocal number
        number += 1
        if number == 3 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)

        def begun() -> None:
            begin()
            if number == 3 and when == "begun":
                os.kill(os.getpid(), signal.SIGKILL)

        real(shared, recipient, mail, begun)

    accepted = Page.accepted

    def recorded(page: Page, mark: str, place: str) -> None:
        if number == 3 and when == "taken":
            os.kill(os.getpid(), signal.SIGKILL)
        accepted(page, mark, place)
        if number == 3 and when == "recorded":
            os.kill(os.getpid(), signal.SIGKILL)

    integrations.email.lists.Shared.submit = submit  # type: ignore[method-assign]
    Page.accepted = recorded  # type: ignore[method-assign]
    connect(settings).send(POST, KEY)


@pytest.mark.parametrize(
    ("when", "in_doubt", "had"), [("before", 0, 2), ("begun", 1, 2), ("taken", 1, 3), ("recorded", 0, 3)]
)
def test_killed_at_any_line_nobody_has_it_twice(there: List, when: str, in_doubt: int, had: int) -> None:
    process = spawn.Process(target=_die_at, args=(there.settings(), when))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert len(there.inbox.taken) == had
    if in_doubt:
        with pytest.raises(CannotTell, match="1 may have taken it or not"):
            there.find()
        assert len(there.inbox.taken) == had
        there.send()  # a person has said so
        twice = when == "taken"
        assert there.counts() == {**dict.fromkeys(FIVE, 1), FIVE[2]: 1 + twice}
    else:
        assert there.find() is None
        there.send()
        assert there.counts() == dict.fromkeys(FIVE, 1)


def test_begun_is_on_the_disk_before_the_mail_is(there: List) -> None:
    """What another process reads while the server has the mail and has not answered yet."""
    seen: list[list[tuple[str, ...]]] = []

    class Looking(ListInbox):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            with sqlite3.connect(there.folder / "ledger.db") as table:
                seen.append(table.execute("SELECT state FROM sent WHERE state = 'begun'").fetchall())
            table.close()
            return await super().handle_DATA(server, session, envelope)

    there.inbox.__class__ = Looking
    there.send()
    assert seen == [[("begun",)]] * 5
