"""Sending a large first wave to a Slack that keeps its limits, against the time that these limits alone would take."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.callout_people import crowd
from bench.limited_slack import PER_MINUTE
from desk.desk import Desk
from desk.library import Library
from desk.people import import_people
from desk.rounds import Rounds
from desk.settings import ROOT, load
from desk.wiring import crew
from engine.effects import Direct, Effect, EffectState
from flows.crew import Crew, use
from integrations import slack
from integrations.sandbox import Sandbox
from integrations.slack.pace import Pace
from state import wakes

SPEED = 10
"""So many times as fast as a clock on the wall: Slack's limits, our own pace and all waits alike."""
URGENT_AFTER_S = 60
"""Of Slack's seconds: when the other incident begins."""
LOOK_S = 0.02

BULK = """\
playbook: bulk
title: Bulk
severity: SEV1
steps:
  - key: volunteers
    action: call_out
    with: {{quota: {quota}, waves: 1, respond_within: 60m, starts_in: 2h}}
"""
URGENT = """\
playbook: urgent
title: Urgent
severity: SEV1
steps:
  - key: first_word
    action: publish_statement
    with: {message: holding, channels: [status_page], languages: [en]}
    approval: {by: comms_lead, within: 30m}
"""


class FastClock:
    """A clock that runs SPEED times as fast from the moment it is made."""

    def __init__(self) -> None:
        self.began, self._at = time.monotonic(), datetime.now(UTC)

    def seconds(self) -> float:
        return (time.monotonic() - self.began) * SPEED

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self.seconds())


def sending(folder: Path, count: int) -> Iterator[dict[str, Any]]:
    """Rows, in Slack's seconds: the whole bulk against the limit, and one urgent message among it."""
    with limited_slack(SPEED) as url:
        wired, desk = _wired(folder, url, count)
        try:
            asyncio.run(_live(wired, desk))
            log = _log(url)
            bulk = [one for one in desk.effects("INC-1") if isinstance(one.message, Direct)]
            (asked,) = [one for one in desk.effects("INC-2") if isinstance(one.message, Direct)]
        finally:
            use(None)
            wired.close()
    lost = [one for one in bulk if one.state is not EffectState.SENT]
    if lost:
        raise SystemExit(f"{len(lost)} of {len(bulk)} messages of the bulk were not sent")
    took, limit = _took(log), _limit(log)
    refused = sum(log["refused"].values())
    against = f"what the limits alone allow; Slack refused {refused}"
    yield {"what": f"send to {len(bulk)} people", "ours_s": took, "yardstick_s": limit, "ratio": took / limit} | {
        "yardstick": against
    }
    assert asked.sent_at
    delay = (asked.sent_at - asked.queued_at).total_seconds()
    rest = max(_seconds(one, asked.queued_at) for one in bulk)
    yield {"what": "an urgent message of another incident meanwhile", "ours_s": delay, "yardstick_s": rest} | {
        "ratio": delay / rest,
        "yardstick": "the bulk that was still waiting then",
    }


def _seconds(effect: Effect, since: datetime) -> float:
    assert effect.sent_at
    return (effect.sent_at - since).total_seconds()


def _took(log: dict[str, Any]) -> float:
    at = [at for method in ("conversations.open", "chat.postMessage") for at, _ in log["passed"][method]]
    return float(max(at) - min(at))


def _limit(log: dict[str, Any]) -> float:
    """The least time in which the limits let these calls through: the slowest method counts."""
    spans = (
        (len(calls) - PER_MINUTE[name]) * 60 / PER_MINUTE[name]
        for name, calls in log["passed"].items()
        if name in PER_MINUTE
    )
    return float(max(spans))


def _wired(folder: Path, url: str, count: int) -> tuple[Crew, Desk]:
    playbooks = folder / "playbooks"
    playbooks.mkdir()
    (playbooks / "bulk.yaml").write_text(BULK.format(quota=min(500, count)))
    (playbooks / "urgent.yaml").write_text(URGENT)
    clock = FastClock()
    channel = slack.connect(slack.Settings(bot_token="xoxb-bench", api_url=url))
    channel._api.pace = Pace(clock=clock.seconds)
    outside = {name: Sandbox(name, folder / "sandbox") for name in ("status_page", "bluesky")}
    settings = load(home=folder, playbooks=playbooks, rest_hours=0, weekly_hours=168)
    wired = crew(settings, clock, {**outside, "slack": channel})
    use(wired)
    people = [one.model_copy(update={"shift_pattern": "", "leave": ()}) for one in crowd(count, clock.now())[:count]]
    import_people(wired.store, [*people, *crowd(0, clock.now())])
    return wired, Desk(wired, Library(playbooks))


async def _live(wired: Crew, desk: Desk) -> None:
    """Declare, let the bulk begin, declare the urgent one; until everything is sent."""
    rounds, going = Rounds(wired, prefect=False), {}  # type: Rounds, dict[int, asyncio.Task[bool]]
    clock = wired.clock
    assert isinstance(clock, FastClock)
    desk.declare("bulk", facts={}, by="bench")
    urgent_at, declared = clock.seconds() + URGENT_AFTER_S, False
    while True:
        if not declared and clock.seconds() >= urgent_at:
            desk.declare("urgent", facts={}, by="bench")
            declared = True
        for number in wakes.due(wired.store, clock.now()):
            if number not in going:
                going[number] = asyncio.create_task(rounds.go(number))
        going = {number: task for number, task in going.items() if not task.done()}
        if declared and not going and _all_sent(wired):
            return
        await asyncio.sleep(LOOK_S)


def _all_sent(wired: Crew) -> bool:
    left = wired.store.all(Effect, state=EffectState.QUEUED) + wired.store.all(Effect, state=EffectState.SENDING)
    return not any(isinstance(one.message, Direct) for one in left)


@contextlib.contextmanager
def limited_slack(speed: float) -> Iterator[str]:
    """Run the counterpart in a process of its own; yields the address of its API."""
    command = [sys.executable, "-m", "bench.limited_slack", str(speed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/api/"
    finally:
        process.terminate()
        process.wait(10)


def _log(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}log") as answer:
        log: dict[str, Any] = json.loads(answer.read())
        return log
