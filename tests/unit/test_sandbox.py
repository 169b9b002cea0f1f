"""The sandbox: what would be sent is on file, once."""

import fcntl
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.effects import (
    GONE,
    SAME,
    Amend,
    Direct,
    Hold,
    Invite,
    Look,
    Message,
    Post,
    Receipt,
    Revise,
    Room,
    Text,
    Topic,
    Withdraw,
)
from engine.ports import Refused
from integrations.sandbox import Sandbox, messages

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
POST = Post(
    incident="INC-1",
    title="IT outage",
    message="holding",
    language="en",
    text="We are aware.",
    severity="SEV1",
    status="responding",
    statement="INC-1-abc/first_word#1",
    drafted_at=NOW,
)
EVERY: list[Message] = [
    POST,
    Room(name="inc-1-it-outage", topic="t", purpose="p"),
    Topic(topic="t"),
    Invite(members=("U0001",)),
    Text(text="Situation"),
    Direct(person="ada", address="U0001", text="Can you come?"),
    Revise(text="Situation, changed"),
    Amend(post=POST.model_copy(update={"text": "We were wrong."})),
    Withdraw(statement=POST.statement, language="en", reason="wrong airport"),
    Hold(incident="INC-1", held=True, reason="ash"),
]


def lines(folder: Path, name: str = "slack") -> list[str]:
    return (folder / f"{name}.jsonl").read_text().splitlines()


@pytest.mark.parametrize("message", EVERY, ids=lambda message: message.kind)
def test_every_kind_is_recorded_and_found(message: Message, tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path)
    assert message.kind in sandbox.kinds
    assert sandbox.find(message, "k") is None
    receipt = sandbox.send(message, "k", Receipt(id="1", place="room"))
    assert sandbox.find(message, "k") == receipt
    assert [record.message for record in messages(tmp_path, "slack")[0]] == [message]


def test_a_key_is_recorded_once_even_after_a_restart(tmp_path: Path) -> None:
    first = Sandbox("slack", tmp_path).send(EVERY[1], "k")
    again = Sandbox("slack", tmp_path)
    assert again.find(EVERY[1], "k") == first
    assert again.send(EVERY[1], "k") == first
    assert len(lines(tmp_path)) == 1


def test_a_revise_names_the_text_that_it_changes(tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path)
    room = sandbox.send(EVERY[1], "room")
    text = sandbox.send(EVERY[4], "text", room)
    assert text.place == room.place
    assert sandbox.send(EVERY[6], "revise", text) == text
    revised = messages(tmp_path, "slack")[0][-1]
    assert (revised.key, revised.base) == ("revise", text)


def test_a_post_is_amended_and_withdrawn_and_a_look_sees_it_without_a_line(tmp_path: Path) -> None:
    def sandbox() -> Sandbox:
        return Sandbox("bluesky", tmp_path)

    def looked(base: Receipt, text: str) -> dict[str, object]:
        return sandbox().send(Look(text=text), "look", base).facts

    post, other = sandbox().send(POST, "a"), sandbox().send(POST, "b")
    assert looked(post, "We are aware.") == {"seen": SAME, "text": "We are aware."}
    assert sandbox().send(EVERY[7], "amend", post) == post == sandbox().find(EVERY[7], "amend")
    withdrawn = sandbox().send(EVERY[8], "withdraw", post)
    assert withdrawn == post.model_copy(update={"facts": {"withdrawn": True}})
    assert sandbox().find(EVERY[8], "withdraw", post) == withdrawn
    assert looked(post, "We are aware.") == {"seen": GONE, "text": ""}
    assert looked(other, "We are aware.")["seen"] == SAME
    assert sandbox().find(Look(text=""), "look", post) is None
    assert [record.message.kind for record in messages(tmp_path, "bluesky")[0]] == ["post", "post", "amend", "withdraw"]
    (tmp_path / "bluesky.jsonl").write_text("")
    assert looked(post, "We are aware.")["seen"] == SAME


def test_one_that_goes_on_sees_what_another_withdrew(tmp_path: Path) -> None:
    here = Sandbox("bluesky", tmp_path)
    post = here.send(POST, "a")
    Sandbox("bluesky", tmp_path).send(EVERY[8], "withdraw", post)
    assert here.send(Look(text=""), "look", post).facts["seen"] == GONE
    with pytest.raises(Refused) as refused:
        here.send(Look(text=""), "look")
    assert refused.value.permanent


def test_the_reader_goes_on_where_it_stopped(tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path, now=lambda: NOW)
    assert messages(tmp_path, "slack") == ([], 0)
    sandbox.send(EVERY[5], "a")
    first, offset = messages(tmp_path, "slack")
    sandbox.send(EVERY[5], "b")
    second, end = messages(tmp_path, "slack", offset)
    assert [(record.key, record.at) for record in first + second] == [("a", NOW), ("b", NOW)]
    assert messages(tmp_path, "slack", end) == ([], end)


def test_a_line_cut_off_by_a_crash_was_not_sent_and_harms_nothing(tmp_path: Path) -> None:
    Sandbox("slack", tmp_path).send(EVERY[5], "a")
    Sandbox("slack", tmp_path).send(EVERY[5], "b")
    path = tmp_path / "slack.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    again = Sandbox("slack", tmp_path)
    assert again.find(EVERY[5], "b") is None
    assert [record.key for record in messages(tmp_path, "slack")[0]] == ["a"]
    again.send(EVERY[5], "b")
    again.send(EVERY[5], "c")
    assert [record.key for record in messages(tmp_path, "slack")[0]] == ["a", "b", "c"]
    assert Sandbox("slack", tmp_path).find(EVERY[5], "b") is not None


def test_an_emptied_file_begins_anew(tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path)
    sandbox.send(EVERY[5], "a")
    (tmp_path / "slack.jsonl").write_text("")
    assert sandbox.find(EVERY[5], "a") is None


def test_threads_that_send_the_same_keys_record_each_once(tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: sandbox.send(EVERY[5], str(number % 25)), range(200)))
    assert sorted(record.key for record in messages(tmp_path, "slack")[0]) == sorted(map(str, range(25)))


def _send(folder: Path) -> None:
    sandbox = Sandbox("slack", folder)
    for number in range(50):
        sandbox.send(EVERY[5], str(number))


def test_processes_that_send_the_same_keys_record_each_once(tmp_path: Path) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_send, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(record.key for record in messages(tmp_path, "slack")[0]) == sorted(map(str, range(50)))


def test_a_send_waits_for_the_process_that_holds_the_file(tmp_path: Path) -> None:
    Sandbox("slack", tmp_path).send(EVERY[5], "a")
    with (tmp_path / "slack.jsonl").open("ab") as other, ThreadPoolExecutor(1) as pool:
        fcntl.flock(other, fcntl.LOCK_EX)
        sent = pool.submit(Sandbox("slack", tmp_path).send, EVERY[5], "b")
        time.sleep(0.2)
        held = len(lines(tmp_path))
        fcntl.flock(other, fcntl.LOCK_UN)
        sent.result(10)
    assert held == 1
    assert len(lines(tmp_path)) == 2


def test_forty_sends_cost_next_to_nothing(tmp_path: Path) -> None:
    sandbox = Sandbox("slack", tmp_path)

    def forty(turn: int) -> float:
        began = time.perf_counter()
        for number in range(40):
            sandbox.send(EVERY[5], f"{turn}/{number}")
        return time.perf_counter() - began

    assert min(forty(turn) for turn in range(5)) < 0.05


def test_a_folder_that_can_not_be_written_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sandbox = Sandbox("slack", tmp_path / "file")
    with pytest.raises(Refused, match=r"slack\.jsonl") as refused:
        sandbox.send(EVERY[5], "a")
    assert not refused.value.permanent
    assert "can't write" in sandbox.check()[0]
    assert Sandbox("slack", tmp_path).check() == []
