"""A full disk: one clear sentence, nothing half-written, and the same command works when there is room again."""

import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

import integrations
from desk.serve import LOOK_EVERY_S, Clockwork
from engine.effects import Effect, EffectState
from engine.incident import Incident
from engine.timeline import Entry
from integrations.sandbox import messages
from tests.scenarios.command import Said, irrops
from tests.scenarios.conftest import Scene
from tests.scenarios.faults import Job, prepare, store

SIZE = 6 * 1024 * 1024


class Tmpfs:
    """A small file system, in a mount namespace of its own, that is filled up."""

    def __init__(self, home: Path):
        home.mkdir()
        mount = f"mount -t tmpfs -o size={SIZE} tmpfs {home} && echo ready && exec sleep 300"
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", mount], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout
        self.ready = self.holder.stdout.readline() == "ready\n"
        self.home, self.seen = home, Path(f"/proc/{self.holder.pid}/root{home}")

    def fill(self, leave: int) -> None:
        """Leave so many bytes free."""
        free = os.statvfs(self.seen).f_bavail * os.statvfs(self.seen).f_frsize
        (self.seen / "ballast").write_bytes(bytes(free - leave))

    def clear(self) -> None:
        (self.seen / "ballast").unlink()

    def irrops(self, *words: str) -> Said:
        return irrops(self.home, *words, within=("nsenter", "-t", str(self.holder.pid), "-m"))

    def end(self) -> None:
        self.holder.kill()
        self.holder.communicate()


class Quota:
    """A limit on the size of each file that the process may write."""

    def __init__(self, home: Path):
        home.mkdir()
        self.home = self.seen = home
        self.begin: Callable[[], None] | None = None

    def fill(self, leave: int) -> None:
        self.begin = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (leave, leave))

    def clear(self) -> None:
        self.begin = None

    def irrops(self, *words: str) -> Said:
        return irrops(self.home, *words, begin=self.begin)

    def end(self) -> None:
        """Nothing to end."""


@pytest.fixture(params=["tmpfs", "quota"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmpfs | Quota]:
    if request.param == "quota":
        yield Quota(tmp_path / "home")
        return
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("mounting a small tmpfs takes root, unshare and nsenter; the quota below tests the same")
    small = Tmpfs(tmp_path / "home")
    try:
        if not small.ready:
            pytest.skip("this machine does not let one mount a tmpfs; the quota below tests the same")
        yield small
    finally:
        small.end()


def incidents(seen: Path, copy: Path) -> dict[str, int]:
    """Idempotency key → number, in a copy: a full disk can't be asked, nor SQLite led into a namespace."""
    shutil.copytree(seen, copy, ignore=shutil.ignore_patterns("ballast"))
    database = sqlite3.connect(copy / "irrops.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = dict(database.execute("SELECT idempotency_key, number FROM incident"))
    said = Counter(row[0] for row in database.execute("SELECT incident FROM entry WHERE kind = 'Declared'"))
    assert said == dict.fromkeys(found.values(), 1)
    database.close()
    return found


def test_a_declare_on_a_full_disk(disk: Tmpfs | Quota, tmp_path: Path) -> None:
    (first := tmp_path / "first").mkdir()
    prepare(Job(home=str(first)))
    shutil.copytree(first, disk.seen, dirs_exist_ok=True)  # SQLite resolves links, and would leave the namespace
    before: dict[str, int] = {}
    stopped = []
    for leave in (0, 120_000):
        key = f"left-{leave}"
        words = ("declare", "it-outage", "--fact", "stations=AMS", "--by", "duty-manager", "--key", key, "--json")
        disk.fill(leave)
        said = disk.irrops(*words)
        assert said.code == 2
        assert "disk is full" in said.sentence
        assert "make room" in said.sentence
        assert said.out == ""
        noted = "is noted" in said.sentence
        stopped.append(noted)
        assert incidents(disk.seen, tmp_path / key).keys() == before.keys() | ({key} if noted else set())

        disk.clear()
        assert disk.irrops(*words).code == 0
        before = incidents(disk.seen, tmp_path / f"{key}-after")
        assert key in before
    assert stopped == [False, True]  # the first could not even begin, the second not go on
    assert len(before) == 2
    whole(tmp_path / f"{key}-after")


def whole(home: Path) -> None:
    """Everything that was due is out, once, and on the timeline once."""
    opened = store(home)
    effects = [effect for effect in opened.all(Effect) if effect.state is not EffectState.CANCELLED]
    assert {effect.state for effect in effects} == {EffectState.SENT}
    out = Counter(one.key for name in integrations.CHANNELS for one in messages(home / "sandbox", name)[0])
    keys = {effect.key for effect in effects if effect.channel != "status_page"}
    assert {key: out[key] for key in keys} == dict.fromkeys(keys, 1)
    said = Counter(entry.facts["effect"] for entry in opened.all(Entry) if entry.kind == "EffectSent")
    assert said == {effect.key: 1 for effect in effects}
    assert len(opened.all(Incident)) == 2
    opened.engine.dispose()


def test_the_clock_does_not_hammer_a_database_that_takes_nothing(desk: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """The wake that can't be written off is due again at once; it is looked at with every look, and no more often."""
    desk.desk.declare("it-outage", facts={"stations": "AMS"}, by="duty-manager")
    engine = desk.crew.store.engine
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    engine.dispose()
    clockwork = Clockwork(desk.desk, desk.rounds, keep_days=90)

    def broke_off() -> int:
        return sum("broke off" in record.getMessage() for record in caplog.records)

    clockwork.start()
    latest = time.monotonic() + 30
    while not broke_off() and time.monotonic() < latest:
        time.sleep(0.05)
    assert broke_off()
    time.sleep(LOOK_EVERY_S + 1)
    clockwork.stop()
    clockwork.loop.close()
    assert broke_off() <= 5
