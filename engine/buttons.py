"""What the buttons in messages mean: the action, and how its value is written."""

from engine.effects import Button

ANSWER = "answer"
"""Answer an invitation: `<its key>|yes`, `|later` (asks when), `|later|<instant>`, `|no`, `|quiet|<duration>`."""
APPROVE = "approve"
"""Approve a statement: its key."""
REJECT = "reject"
"""Reject a statement: its key."""
READ = "read"
"""Open a form with a statement's texts, to read, edit and decide: its key, as of APPROVE."""
HANDOVER = "handover"
"""Say at the end of the hours that nothing is open: the invitation's key."""
DEBRIEF = "debrief"
"""Answer the first question of the debrief: `<invitation key>|<1 to 5>`."""
SIGN_OFF = "sign_off"
"""Let a volunteer answer the public feed: their key in the people file."""
ACKNOWLEDGE = "acknowledge"
"""Say “I've got it” to a page: its key."""
PAGE = "page"
"""Call somebody by name: `<person key>|<incident, or empty>|<why>`."""
DECLARE = "declare_proposal"
"""Declare what an alert proposed: the proposal's number."""
DISMISS = "dismiss_proposal"
"""Dismiss a proposal: its number."""


def answers(
    invitation: str, yes: str = "I can come", later: str = "I can come later", no: str = "Not this time"
) -> tuple[Button, ...]:
    """The buttons under an invitation; without `later` there are two."""
    return (
        Button(label=yes, action=ANSWER, value=f"{invitation}|yes", style="primary"),
        *([Button(label=later, action=ANSWER, value=f"{invitation}|later")] if later else []),
        Button(label=no, action=ANSWER, value=f"{invitation}|no"),
    )
