"""The sandbox's file: one line of JSON for each effect. Only its form; what is written is the channel's."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.effects import Message, Receipt
from engine.record import Instant, Value


class Settings(BaseModel):
    """What can be set about the sandbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = Field(
        default=None, description="Where the sandbox records what would be sent. Default: `sandbox` under IRROPS_HOME."
    )
    always: bool = Field(
        default=False,
        description="Send nothing on any channel, even where credentials are set: for a rehearsal on the real desk.",
    )


class Recorded(Value):
    """One effect that would have been sent."""

    key: str
    at: Instant
    message: Message
    base: Receipt | None = None
    """Receipt of the effect that this one builds on: what a Revise changes."""
    receipt: Receipt


def messages(folder: Path, name: str, since: int = 0) -> tuple[list[Recorded], int]:
    """Read what was recorded on a channel after offset `since`; returns it and the offset to go on from, in bytes.

    A last line that is cut off (a crash, or a write that is under way) is left for the next call; one that was cut
    off earlier is passed over.
    """
    try:
        with (folder / f"{name}.jsonl").open("rb") as file:
            file.seek(since)
            whole = file.read()
    except FileNotFoundError:
        return [], 0
    end = whole.rfind(b"\n") + 1
    return [record for line in whole[:end].splitlines() if (record := _read(line))], since + end


def _read(line: bytes) -> Recorded | None:
    try:
        return Recorded.model_validate_json(line)
    except ValidationError:
        return None
