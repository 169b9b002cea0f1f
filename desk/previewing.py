"""Previews of a message: every text as each channel would get it, its length, what the lint finds. Posts nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import promise
from engine.by_hand import CORRECTION, must_post
from engine.checked import checked
from engine.drafting import draft
from engine.incident import NotAllowed, Status
from engine.limits import fits
from engine.playbook import Playbook
from engine.statements import TooLong, Wordings
from engine.trial import imagined
from engine.wording import OUTWARD, WordingError, is_outward

if TYPE_CHECKING:
    from engine.house import House
    from engine.lint import Finding
    from engine.snapshot import Snapshot


@dataclass(frozen=True)
class Preview:
    """One text."""

    channel: str
    language: str
    parts: tuple[str, ...]
    lengths: tuple[str, ...]
    """How much of the limit each part uses: `251 of 280 x_weighted`."""
    preapproved: str
    findings: tuple["Finding", ...]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "channel": self.channel,
            "language": self.language,
            "parts": [{"text": text, "length": size} for text, size in zip(self.parts, self.lengths, strict=True)],
            "preapproved": self.preapproved,
            "findings": [{"level": f.level, "rule": f.rule, "text": f.text} for f in self.findings],
        }

    @property
    def stopped(self) -> bool:
        return any(finding.level == "stop" for finding in self.findings)


def preview(
    playbook: Playbook,
    house: "House",
    message: str,
    facts: Mapping[str, Any],
    now: Any,
    channels: Collection[str] = (),
    languages: Collection[str] = (),
    *,
    drill: bool = False,
) -> list[Preview]:
    """Draft a message as if the playbook had been declared now. `facts` are as typed; what is missing is left out.

    Without channels or languages those of the playbook's step for this message are taken. Raises NotAllowed.
    """
    if not is_outward(message):
        raise NotAllowed(f"{message!r} is no message to the public; its name begins with {', '.join(OUTWARD)}.")
    if message == CORRECTION:
        raise NotAllowed(f"{message} carries somebody's own words; `irrops statement correct` takes them.")
    known = _read(playbook, facts)
    over = message.split("_")[0] in ("resolution", "apology")
    status = Status.RESOLVED if over else Status.RESPONDING
    snapshot = imagined(playbook, house, known, now, drill=drill, status=status)
    step = _step(playbook, message)
    channels, languages = channels or step.get("channels", ()), languages or step.get("languages", ())
    must_post(house, channels)
    promised = promise.promised(snapshot, message)
    try:
        drafted = draft(snapshot, "preview#1", message, channels, languages, promised)
    except (WordingError, TooLong) as error:
        raise NotAllowed(f"{message} can't be drafted: {error}.") from None
    return [shown(snapshot, message, text, promised) for text in drafted.texts]


def shown(snapshot: "Snapshot", message: str, text: Wordings, promised: Any) -> Preview:
    """One text, measured and checked."""
    limit = snapshot.house.channels.get(text.channel)
    return Preview(
        channel=text.channel,
        language=text.language,
        parts=text.parts,
        lengths=tuple(str(fits(part, limit)) for part in text.parts),
        preapproved=text.preapproved,
        findings=checked(snapshot, message, text.channel, text.language, text.whole, promised),
    )


def _step(playbook: Playbook, message: str) -> dict[str, Any]:
    """What the playbook says of this message; of any other where it does not publish it."""
    steps = [step for step in playbook.all_steps if step.action == "publish_statement"]
    same = [step.with_ for step in steps if step.with_.get("message") == message]
    return next(iter([*same, *(step.with_ for step in steps)]), {})


def _read(playbook: Playbook, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they would be known. Raises NotAllowed."""
    known: dict[str, Any] = {name: fact.default for name, fact in playbook.facts.items()}
    for name, raw in facts.items():
        if name not in playbook.facts:
            there = ", ".join(playbook.facts) or "no facts"
            raise NotAllowed(f"{name} is not asked for by {playbook.playbook}; it knows {there}.")
        try:
            known[name] = playbook.facts[name].read(raw)
        except ValueError as error:
            raise NotAllowed(f"{name}: {error}.") from None
    return known
