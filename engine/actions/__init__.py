"""The registry of step types. To add one: a module in this folder, and a line in ACTIONS."""

import engine.actions.call_out as call_out
import engine.actions.open_queue as open_queue
import engine.actions.pause_marketing as pause_marketing
import engine.actions.publish_statement as publish_statement
import engine.actions.raise_staffing as raise_staffing
import engine.actions.release_marketing as release_marketing
import engine.actions.release_responders as release_responders
from engine.action import Action

ACTIONS: dict[str, Action] = {
    "pause_marketing": pause_marketing,
    "raise_staffing": raise_staffing,
    "publish_statement": publish_statement,
    "open_queue": open_queue,
    "call_out": call_out,
    "release_responders": release_responders,
    "release_marketing": release_marketing,
}
