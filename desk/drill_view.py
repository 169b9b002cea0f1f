"""How a drill looks while it runs: a screen that is drawn anew, or a line each simulated half hour. Decides nothing."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from desk.drill import Drill, needed_now
from desk.showing import late
from engine.demand import slot_start
from engine.duration import spoken
from engine.plan import waiting_for
from engine.snapshot import Snapshot
from engine.steps import StepStatus
from engine.timeline import Entry
from state.rows import table

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

DRAWN_EVERY_S = 0.4
HOUR = timedelta(hours=1)
BAR = 24
"""Width of the bar of people, in characters."""
SPARKS = " ▁▂▃▄▅▆▇█"
UNSHOWN = ("EffectSent", "StepDone")
"""Entries that are left out: the screen shows what they say."""


def per_hour(counts: Counter[datetime], begins_at: datetime, now: datetime) -> int:
    """Messages in the last hour, or what they would be in one when less has passed."""
    since = max(begins_at, now - HOUR)
    passed = max(now - since, timedelta(minutes=1))
    return round(
        sum(count for at, count in counts.items() if since - timedelta(minutes=1) < at <= now) * (HOUR / passed)
    )


def spark(counts: Counter[datetime], begins_at: datetime, now: datetime, width: int) -> str:
    """Draw the last `width` quarters of an hour, the highest as a full block."""
    quarter = timedelta(minutes=15)
    quarters = Counter((at - begins_at) // quarter for at in counts.elements())
    last = (now - begins_at) // quarter
    those = [quarters[number] for number in range(max(0, last - width + 1), last + 1)]
    most = max(those, default=0) or 1
    return "".join(SPARKS[-(-count * (len(SPARKS) - 1) // most)] for count in those)


class Picture:
    """What is to be seen of a drill at one moment."""

    def __init__(self, drill: Drill, snapshot: Snapshot):
        self.drill, self.snapshot, self.now = drill, snapshot, snapshot.now
        self.zone = ZoneInfo(snapshot.house.time_zone)

    @property
    def clock(self) -> str:
        there = self.now.astimezone(self.zone)
        day = f"{self.now:%a} {self.now.day} {self.now:%b %Y}"
        local_day = "" if there.date() == self.now.date() else f"{there:%a} "
        return f"{day} {self.now:%H:%M} UTC ({local_day}{there:%H:%M} local)"

    @property
    def passed(self) -> str:
        hours = timedelta(hours=self.drill.orders.hours)
        return f"{spoken(self.now - self.drill.orders.begins_at) or '0 min'} of {spoken(hours)}"

    def steps(self) -> Iterator[tuple[str, str]]:
        """Label and text: what is late, what waits for what, what is done."""
        tardy = {state.name for state in late(self.snapshot)}
        for state, what in waiting_for(self.snapshot):
            until = f", looks again {state.look_at:%H:%M}" if state.look_at else ""
            due = f" (due {state.due_at:%H:%M})" if state.name in tardy and state.due_at else ""
            name = state.name.removesuffix("#1")
            yield ("LATE" if state.name in tardy else "waits"), f"{name}: {what}{due}{until}"
        for state in self.snapshot.steps:
            if state.status is StepStatus.FAILED:
                yield "FAILED", f"{state.name}: {state.reason}"
        done = Counter(state.key for state in self.snapshot.steps if state.status is StepStatus.DONE)
        if done:
            yield "done", ", ".join(key if count == 1 else f"{key} ×{count}" for key, count in done.items())

    def queue(self) -> Iterator[str]:
        begins_at, agents, f = self.drill.orders.begins_at, self.drill.agents, self.snapshot.queue_figures
        came, done = per_hour(agents.came, begins_at, self.now), per_hour(agents.answered, begins_at, self.now)
        yield f"{came} an hour come {spark(agents.came, begins_at, self.now, 16)}   {done} an hour are answered"
        if self.snapshot.queue is None:
            yield "not open yet"
            return
        oldest = f", the oldest {spoken(self.now - f.oldest_open_at)}" if f.oldest_open_at else ""
        state = " (closed)" if self.snapshot.queue.closed_at else ""
        yield f"{f.open + f.claimed} wait{oldest}; {f.late_answers} late, {f.at_risk} at risk; {f.kept} kept{state}"

    def staff(self) -> str:
        working, needed = self.drill.agents.working, needed_now(self.snapshot)
        most = max(working, needed, 1)
        full, open_ = round(BAR * working / most), round(BAR * max(0, needed - working) / most)
        wanted = f"of {needed} needed" if self.snapshot.staffing else "and no plan yet"
        return f"{working} at work {wanted} {'█' * full}{'░' * open_}"

    def called(self) -> str:
        answers = Counter(one.answer.value or "silent" for one in self.snapshot.invitations)
        if not answers:
            return "nobody asked yet"
        asked = answers.total()
        there = self.drill.agents.volunteers
        return f"{asked} asked: {answers['yes']} yes, {answers['no']} no, {answers['silent']} silent; {there} at work"

    def line(self) -> str:
        """All of it in one line."""
        incident, agents, f = self.snapshot.incident, self.drill.agents, self.snapshot.queue_figures
        came = per_hour(agents.came, self.drill.orders.begins_at, self.now)
        waits = ", ".join(f"{state.key}: {what}" for state, what in waiting_for(self.snapshot)) or "nothing"
        behind = [state.name for state in late(self.snapshot)]
        return (
            f"DRILL {incident.ref} {self.now:%m-%d %H:%M} UTC ({self.now.astimezone(self.zone):%H:%M})"
            f" {incident.status} | {came} messages/h, {f.open + f.claimed} wait, {f.late_answers} late"
            f" | {agents.working} at work of {needed_now(self.snapshot)} needed | volunteers {self.called()}"
            f" | {'LATE ' + ', '.join(behind) + ' | ' if behind else ''}waits: {waits}"
        )


class Lines:
    """A line for each simulated half hour."""

    def __init__(self, say: Callable[[str], None]):
        self.say = say
        self._said: datetime | None = None

    def __call__(self, drill: Drill) -> None:
        half_hour = slot_start(drill.clock.now())
        if half_hour != self._said:
            self._said = half_hour
            self.say(Picture(drill, drill.desk.snapshot(drill.ref)).line())


class Screen:
    """The whole terminal, drawn anew at most so often."""

    def __init__(self, console: "Console", show: Callable[["RenderableType"], None]):
        self.console, self.show = console, show
        self._drawn = float("-inf")
        self._entries: list[Entry] = []

    def __call__(self, drill: Drill) -> None:
        if time.monotonic() - self._drawn < DRAWN_EVERY_S and not drill.stopped:
            return
        from rich.console import Group

        self._look_back(drill)
        picture = Picture(drill, drill.desk.snapshot(drill.ref))
        size = self.console.size
        self.show(Group(*draw(picture, self._entries, size.width, size.height)))
        self._drawn = time.monotonic()

    def _look_back(self, drill: Drill) -> None:
        """Take in what the timeline has got since, and no more: it grows long."""
        columns = table(Entry).c
        last = self._entries[-1].at if self._entries else drill.orders.begins_at
        older = [entry for entry in self._entries if entry.at < last]
        number = drill.agents.number
        new = drill.desk.store.all(Entry, columns.at >= last, columns.kind.not_in(UNSHOWN), incident=number, order="at")
        self._entries = (older + new)[-200:]


def draw(picture: Picture, entries: list[Entry], width: int, height: int) -> "list[Text]":
    """Draw the picture in lines that fit: none is wider than the terminal, and there are no more than it has."""
    incident = picture.snapshot.incident
    speed = f"×{picture.drill.orders.speed:.0f}" if picture.drill.orders.speed else "as fast as it goes"
    bar = f" DRILL  {incident.ref} {incident.title} · {incident.severity} · {incident.status.upper()}"
    head = [
        _line(f"{bar:<{max(0, width - 26)}}NOTHING LEAVES THE HOUSE ".ljust(width), width, "bold white on red"),
        _line(f" {picture.clock} · {picture.passed} · {speed}", width, "bold"),
        _line("", width),
    ]
    steps = list(picture.steps())[: height // 3]
    middle = [_line(_labelled(label, text), width, _STYLES.get(label, "")) for label, text in steps]
    rest = [
        *((label, text) for label, text in zip(("queue", ""), picture.queue(), strict=False)),
        ("staff", picture.staff()),
        ("called", picture.called()),
    ]
    figures = [_line("", width), *(_line(_labelled(label, text), width) for label, text in rest), _line("", width)]
    room = height - len(head) - len(middle) - len(figures) - 1
    there = [_line(_entry(entry, picture.zone), width) for entry in entries[-room:]] if room > 0 else []
    return [*head, *middle, *figures, *there]


_STYLES = {"LATE": "bold red", "FAILED": "bold red", "done": "green"}
LABEL = 8


def _labelled(label: str, text: str) -> str:
    return f" {label:<{LABEL}}{text}"


def _line(text: str, width: int, style: str = "") -> "Text":
    from rich.text import Text

    whole = " ".join(text.splitlines())
    return Text(whole if len(whole) <= width else whole[: width - 1] + "…", style=style, no_wrap=True, overflow="crop")


def _entry(entry: Entry, zone: ZoneInfo) -> str:
    return f" {entry.at:%H:%M} ({entry.at.astimezone(zone):%H:%M})  {entry.text}"


@contextmanager
def on_screen() -> Iterator[Screen]:
    """Take the terminal for as long as the drill runs, and give it back."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield Screen(console, lambda drawn: live.update(drawn, refresh=True))
