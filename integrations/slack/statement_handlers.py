"""What happens to the form of a statement: opened, turned to another language, sent.

Nothing is decided here; the door decides. How the form is laid out and read is in `statement_form`.
"""

import logging
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from engine import buttons
from engine.incident import NotAllowed
from engine.ports import Door, FormMistakes, Reply
from integrations.slack import replies, statement_form, words
from integrations.slack.handlers import Handlers, guarded, quietly, show

log = logging.getLogger(__name__)

BUTTON = re.compile(rf"{buttons.READ}:\d+")
DECIDING = 4
"""Threads of their own: a decision must not queue behind work that may wait."""
OPEN_WITHIN = 1.0
"""Seconds to wait for the texts before the form is opened without them; a trigger lasts three."""
DECIDE_WITHIN = 2.0
"""Seconds to wait for a decision; Slack waits three, and the way there and back takes some."""


class StatementHandlers:
    """What happens to each interaction with the form. slack_bolt fills the arguments in by name."""

    def __init__(self, door: Door, others: Handlers):
        self._door, self._others = door, others
        self._pool = ThreadPoolExecutor(DECIDING, thread_name_prefix="slack-decide")

    # ------------------------------------------------------------ opened

    def pressed(self, ack: Any, body: dict[str, Any], action: dict[str, Any], respond: Any, client: Any) -> None:
        """“Read and edit”, under a request, under an answer of ours, or in the Home tab."""
        ack()
        user, value = body["user"]["id"], action.get("value") or ""
        at_home = (body.get("view") or {}).get("type") == "home"
        came_from = "home" if at_home else "answer" if replies.is_answer(body, action) else ""
        answer_at = body.get("response_url") or ""

        def tell(text: str) -> None:
            if at_home:
                self._others.publish_home(client, user, Reply(text=text))
            else:
                replies.privately(respond, Reply(text=text))

        def lay_out() -> dict[str, Any]:
            return statement_form.opened(self._door.statement_form(value, "", user), came_from, answer_at)

        # Not among other work: the trigger lasts three seconds, and work may queue there.
        guarded(lambda: self._open(body["trigger_id"], lay_out, client), tell)

    def _open(self, trigger: str, lay_out: Callable[[], dict[str, Any]], client: Any) -> None:
        """Open the form with its texts; where they take long, without, and put them in when they are there."""
        coming = self._pool.submit(lay_out)
        if (view := _within(coming, OPEN_WITHIN)) is not None:
            _views_open(client, trigger, view)
            return
        view_id = _views_open(client, trigger, statement_form.said(words.STATEMENT_LOADING))["view"]["id"]
        try:
            view = coming.result()
        except NotAllowed as refusal:
            view = statement_form.said(str(refusal))
        except Exception:
            client.views_update(view_id=view_id, view=statement_form.said(words.FAILED))
            raise
        client.views_update(view_id=view_id, view=view)

    # ------------------------------------------------------------ turned to another language

    def language_chosen(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        """Show the texts of that language; what was typed in the one before travels along."""
        ack()
        user, view = body["user"]["id"], body["view"]
        language = body["actions"][0]["selected_option"]["value"]

        def work() -> None:
            there = statement_form.carried(view)
            turn = partial(self._door.statement_form, there.statement, chat_user=user)
            form = turn(language=language)
            try:
                if form.seen != there.seen:
                    laid_out = statement_form.stayed(view, turn(language=there.language), words.EDITED_MEANWHILE)
                else:
                    laid_out = statement_form.turned(view, form)
            except statement_form.TooMuch:
                laid_out = statement_form.stayed(view, turn(language=there.language), words.TOO_MUCH_TYPED)
            client.views_update(view_id=view["id"], hash=view.get("hash"), view=laid_out)

        # A refusal is told beside the form: what was typed stays in it.
        guarded(work, lambda text: replies.directly(client, user, None, Reply(text=text)))

    # ------------------------------------------------------------ sent

    def sent(self, ack: Any, body: dict[str, Any], view: dict[str, Any], client: Any) -> None:
        """The form was sent: decided at once, mistakes shown where they are; where it takes long, told afterwards."""

        def fail(text: str) -> None:
            ack(response_action="errors", errors={statement_form.DO: text})

        guarded(lambda: self._decide(ack, body["user"]["id"], view, client), fail)

    def _decide(self, ack: Any, user: str, view: dict[str, Any], client: Any) -> None:
        decision = statement_form.read(view)
        if at := statement_form.mistakes(decision):
            ack(response_action="errors", errors=statement_form.at_blocks(view, at))
            return
        coming = self._pool.submit(self._door.decide_in_chat, decision, user)
        try:
            reply = _within(coming, DECIDE_WITHIN)
        except FormMistakes as refusal:
            ack(response_action="errors", errors=statement_form.at_blocks(view, refusal.at))
            return
        if reply is None:
            # The form stays as it is: if it is refused after all, nothing of what was typed is lost.
            ack(response_action="errors", errors={statement_form.DO: words.DECIDING_STILL})
            coming.add_done_callback(lambda done: self._tell_late(done, view, user, client))
            return
        ack()
        self._others.later(lambda: self._settle(view, user, client, reply), lambda text: None)

    def _tell_late(self, done: "Future[Reply]", view: dict[str, Any], user: str, client: Any) -> None:
        def tell(text: str) -> None:
            replies.directly(client, user, None, Reply(text=text))

        def work() -> None:
            reply = done.result()
            quietly(lambda text: show(client, view["id"], user, text, statement_form.said(text)), reply.text)
            self._settle(view, user, client, reply)

        self._others.later(work, tell)

    def _settle(self, view: dict[str, Any], user: str, client: Any, reply: Reply) -> None:
        """Change what carried the button: the request for all who see it, an answer of ours, or the Home tab."""
        from slack_bolt import Respond

        there = statement_form.carried(view)
        respond = Respond(response_url=there.answer_at or None, proxy=client.proxy, ssl=client.ssl)
        if there.came_from == "home":
            quietly(lambda told: self._others.publish_home(client, user, told), reply)
        elif there.came_from == "answer":
            quietly(lambda told: replies.in_place(respond, told), reply)
        elif there.answer_at:
            quietly(lambda text: replies.revise(respond, text), reply.revise or reply.text)


def _within(coming: "Future[Any]", seconds: float) -> Any:
    """What comes of it within so many seconds; None when it takes longer. Raises what it raises."""
    try:
        return coming.result(seconds)
    except TimeoutError:
        if coming.done():
            raise
        return None


def _views_open(client: Any, trigger: str, view: dict[str, Any]) -> Any:
    """Open a form; returns Slack's answer. Raises NotAllowed where Slack does not."""
    from slack_sdk.errors import SlackClientError

    try:
        return client.views_open(trigger_id=trigger, view=view)
    except (SlackClientError, OSError) as error:
        log.warning("the form of a statement could not be opened: %s", type(error).__name__)
        raise NotAllowed(words.TOO_SLOW_TO_READ) from error
