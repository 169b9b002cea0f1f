"""What the buttons in messages mean: the action, and how its value is written."""

from engine.effects import Button

ANSWER = "answer"
"""Answer an invitation: `<invitation key>|yes`, `|later`, `|no`."""
APPROVE = "approve"
"""Approve a statement: its key."""
REJECT = "reject"
"""Reject a statement: its key."""
DECLARE = "declare_proposal"
"""Declare what an alert proposed: the proposal's number."""
DISMISS = "dismiss_proposal"
"""Dismiss a proposal: its number."""


def answers(invitation: str, yes: str = "I can come", no: str = "Not this time") -> tuple[Button, ...]:
    """The buttons under an invitation."""
    return (
        Button(label=yes, action=ANSWER, value=f"{invitation}|yes", style="primary"),
        Button(label=no, action=ANSWER, value=f"{invitation}|no"),
    )
