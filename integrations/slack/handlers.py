"""What happens to each interaction: presses, `/irrops`, the declare form, direct messages, the Home tab.

Each is answered at once and worked later. Nothing is decided here; the door decides. How answers are shown is in
`replies` and `home_tab`, how interactions come in, in `inbound`.
"""

import html
import logging
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from engine.incident import NotAllowed
from engine.playbook import FactsError, Playbook
from engine.ports import Door, Reply
from integrations.slack import blocks, form, home_tab, replies, words

log = logging.getLogger(__name__)
T = TypeVar("T")

WORKING = 8
"""Threads that work, apart from those that answer: forty people who press at once are answered while work queues."""
REMEMBERED = 10_000
"""Messages of which we know that they came: Slack sends one again, within minutes, when it heard nothing in time."""
APPROVALS_SHOWN = 4
"""One command may be answered five times in 30 minutes; the fifth says how many more there are."""


class Handlers:
    """What happens to each interaction. slack_bolt fills the arguments in by name."""

    def __init__(self, door: Door):
        self._door = door
        self._pool = ThreadPoolExecutor(WORKING, thread_name_prefix="slack-work")
        self._came: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._turn = threading.Lock()

    def pressed(self, ack: Any, body: dict[str, Any], action: dict[str, Any], respond: Any, client: Any) -> None:
        """A button under a message, under an answer of ours, or in the Home tab."""
        ack()
        name = action["action_id"].rpartition(":")[0]
        user, value = body["user"]["id"], action.get("value") or ""
        at_home = (body.get("view") or {}).get("type") == "home"
        in_answer = replies.is_answer(body, action)

        def tell(reply: Reply) -> None:
            if at_home:
                self.publish_home(client, user, reply)
            elif in_answer:
                replies.in_place(respond, reply)
            else:
                replies.privately(respond, reply)

        def work() -> None:
            reply = _answer(lambda: self._door.press(name, value, user))
            if reply.revise is not None and not at_home and not in_answer:
                quietly(lambda text: replies.revise(respond, text), reply.revise)
            quietly(tell, reply)

        self.later(work, lambda text: tell(Reply(text=text)))

    def command(self, ack: Any, command: dict[str, Any], client: Any, respond: Any) -> None:
        """`/irrops declare|status|approve|page|help`."""
        verb, _, rest = (command.get("text") or "").strip().partition(" ")
        user, rest = command["user_id"], html.unescape(rest.strip())

        def tell(text: str) -> None:
            replies.privately(respond, Reply(text=text))

        work = {
            "status": lambda: tell(self._door.status_for_chat()),
            "approve": lambda: self._approve(rest, user, respond),
            "page": lambda: replies.privately(respond, self._door.page_in_chat(rest, user)),
        }.get(verb.lower())
        if verb.lower() == "declare":
            ack()
            # Not in the pool: the trigger lasts three seconds, and work may queue there.
            guarded(lambda: self._open_form(command["trigger_id"], rest, client), tell)
        elif work:
            ack()
            self.later(work, tell)
        else:
            ack(text=words.HELP, response_type="ephemeral")

    def _approve(self, statement: str, user: str, respond: Any) -> None:
        """Approve one, or show those that wait, each in a message of its own, so that its answer takes its place."""
        if statement:
            replies.privately(respond, Reply(text=self._door.approve_in_chat(statement, user)))
            return
        items = self._door.approvals(user)
        for item in items[:APPROVALS_SHOWN]:
            replies.privately(respond, Reply(text=item.text, buttons=item.buttons))
        if len(items) > APPROVALS_SHOWN:
            replies.privately(respond, Reply(text=words.more_to_approve(len(items) - APPROVALS_SHOWN)))

    def written(self, event: dict[str, Any], client: Any) -> None:
        """Somebody wrote to us directly. What bots write, edits, deletions and what came before are left alone."""
        text = html.unescape(event.get("text") or "").strip()
        plain = event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id")
        if not plain or not text or not event.get("user") or self._came_before(event):
            return
        user, channel, at = event["user"], event["channel"], _instant(event["ts"])

        def tell(reply: Reply) -> None:
            replies.directly(client, channel, event.get("thread_ts"), reply)

        self.later(lambda: tell(_answer(lambda: self._door.said(user, text, at))), lambda text: tell(Reply(text=text)))

    def _came_before(self, event: Mapping[str, Any]) -> bool:
        """Tell whether Slack has sent this message before: it does when our answer took too long, or got lost."""
        key = (str(event["channel"]), str(event["ts"]))
        with self._turn:
            if key in self._came:
                return True
            self._came[key] = None
            if len(self._came) > REMEMBERED:
                self._came.popitem(last=False)
            return False

    def playbook_chosen(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        """Another playbook was chosen in the form: ask for its facts."""
        ack()
        view, slug = body["view"], body["actions"][0]["selected_option"]["value"]

        def work() -> None:
            playbooks = self._playbooks()
            laid_out = form.layout(playbooks, form.pick(playbooks, slug))
            client.views_update(view_id=view["id"], hash=view.get("hash"), view=laid_out)

        guarded(work, lambda text: None)

    def form_sent(self, ack: Any, body: dict[str, Any], view: dict[str, Any], client: Any) -> None:
        """The declare form was sent. Its mistakes are shown in it; a second sending is the same incident."""
        guarded(
            lambda: self._read_form(ack, body["user"]["id"], view, client),
            lambda text: ack(response_action="update", view=form.said(text)),
        )

    def _read_form(self, ack: Any, user: str, view: dict[str, Any], client: Any) -> None:
        entered = form.read(view, self._playbooks())
        if entered.errors:
            ack(response_action="errors", errors=entered.errors)
            return
        ack(response_action="update", view=form.said(words.DECLARING))
        view_id = view["id"]

        def work() -> None:
            try:
                ref = self._door.declare_from_chat(
                    entered.playbook, entered.severity, entered.facts, user, f"slack/{view_id}"
                )
                text = words.declared(ref)
            except (NotAllowed, FactsError) as refusal:
                text = str(refusal)
            show(client, view_id, user, text, form.said(text))

        self.later(work, lambda text: show(client, view_id, user, text, form.said(text)))

    def home_opened(self, event: dict[str, Any], client: Any) -> None:
        """Somebody looks at the app's Home tab."""
        if event.get("tab", "home") == "home":
            user = event["user"]
            self.later(lambda: self.publish_home(client, user), lambda text: None)

    def _open_form(self, trigger: str, slug: str, client: Any) -> None:
        from slack_sdk.errors import SlackClientError

        playbooks = self._playbooks()
        try:
            client.views_open(trigger_id=trigger, view=form.layout(playbooks, form.pick(playbooks, slug)))
        except (SlackClientError, OSError) as error:
            log.warning("the declare form could not be opened: %s", type(error).__name__)
            raise NotAllowed(words.TOO_SLOW) from error

    def _playbooks(self) -> list[Playbook]:
        """Give the playbooks, at least one. Raises NotAllowed."""
        playbooks = self._door.playbooks()
        if not playbooks:
            raise NotAllowed(words.NO_PLAYBOOKS)
        return playbooks

    def publish_home(self, client: Any, user: str, reply: Reply | None = None) -> None:
        """Show the Home tab anew, with an answer to a press in it."""
        try:
            items = self._door.home(user)
        except NotAllowed as refusal:
            items, reply = [], reply or Reply(text=str(refusal))
        client.views_publish(user_id=user, view=home_tab.layout(items, reply))

    def later(self, work: Callable[[], None], tell: Callable[[str], object]) -> None:
        self._pool.submit(guarded, work, tell)


def guarded(work: Callable[[], None], tell: Callable[[str], object]) -> None:
    """Do the work after Slack has its answer. A refusal is told as it is, a failure of ours is told and logged.

    Nothing may be raised from here into slack_bolt: it takes back an answer that it has not yet passed on.
    """
    try:
        work()
    except (NotAllowed, FactsError) as refusal:
        quietly(tell, str(refusal))
    except Exception as error:
        # The exception's own text may quote what somebody typed, so only its kind and place are logged.
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("an interaction from Slack failed: %s\n%s", type(error).__name__, place)
        quietly(tell, words.FAILED)


def _answer(ask: Callable[[], Reply]) -> Reply:
    """Give the door's answer; its refusal is an answer too."""
    try:
        return ask()
    except (NotAllowed, FactsError) as refusal:
        return Reply(text=str(refusal))


def quietly(tell: Callable[[T], object], what: T) -> None:
    try:
        tell(what)
    except Exception as error:
        log.warning("the person could not be told: %s", type(error).__name__)


def _instant(ts: str) -> datetime | None:
    """When a message was written, by Slack's clock."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def show(client: Any, view_id: str, user: str, text: str, view: Mapping[str, Any]) -> None:
    """Say it in the form that is still open, as `view`; where it was closed, in a direct message."""
    from slack_sdk.errors import SlackApiError

    try:
        client.views_update(view_id=view_id, view=view)
    except SlackApiError:
        client.chat_postMessage(channel=user, text=blocks.fallback(text), blocks=blocks.message(text))
