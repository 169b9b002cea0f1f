"""The debrief: two questions after the work, and how their answers are read. Who is asked when: `engine.shift_end`."""

import re

from engine.callout import Invitation
from engine.change import Change
from engine.hours import has_begun
from engine.incident import NotAllowed
from engine.notes import LONGEST, plain
from engine.snapshot import Snapshot

PREPARED = "prepared"
"""How well were you prepared and looked after? 1 (badly) to 5 (very well)."""
DIFFERENT = "different"
"""What should be different next time? In their own words."""
QUESTIONS = (PREPARED, DIFFERENT)
SCALE = ("1", "2", "3", "4", "5")

_RATED = re.compile(r"\s*([1-5])(?:\s*/\s*5)?(?:\s*|\s*[.,;:!–-]\s*(\S.*))", re.DOTALL)


def read(text: str) -> dict[str, str]:
    """Read what somebody wrote back: `4`, `4/5`, `4, more headsets` or only words."""
    rated = _RATED.fullmatch(text)
    words = plain((rated[2] or "") if rated else text)
    return ({PREPARED: rated[1]} if rated else {}) | ({DIFFERENT: words} if words else {})


def answered(snapshot: Snapshot, invitation: Invitation, answers: dict[str, str]) -> Change:
    """Keep the answers; who answers a question again has changed their mind, the same answers change nothing.

    Raises NotAllowed.
    """
    if not has_begun(invitation, snapshot.now):
        raise NotAllowed("Your hours have not begun; we ask afterwards how they were.")
    clean = {question: plain(text) for question, text in answers.items() if plain(text)}
    unknown = set(clean) - set(QUESTIONS)
    if unknown or clean.get(PREPARED, SCALE[0]) not in SCALE:
        raise NotAllowed("Answer the first question with a number from 1 to 5, the second in your own words.")
    if len(clean.get(DIFFERENT, "")) > LONGEST:
        raise NotAllowed(f"An answer has at most {LONGEST:,} characters; say it shorter.")
    whole = {**invitation.debrief, **clean}
    if whole == invitation.debrief:
        return Change()
    return Change(records=(invitation.model_copy(update={"debrief": whole}),))


def missing(invitation: Invitation) -> tuple[str, ...]:
    """Which questions are still open."""
    return tuple(question for question in QUESTIONS if question not in invitation.debrief)
