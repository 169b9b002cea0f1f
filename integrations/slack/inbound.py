"""What comes in from Slack: presses, `/irrops`, the declare form, the Home tab. Each is answered at once, worked later.

Nothing is decided here; the door decides. By signed HTTP (`handle_http`) or by Socket Mode (`socket_mode`).
"""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.incident import NotAllowed
from engine.playbook import FactsError, Playbook
from engine.ports import Door, Reply
from integrations.slack import blocks, form, words
from integrations.slack.api import import_sdk, quiet, web_client
from integrations.slack.settings import Settings
from integrations.slack.socket_mode import start_socket_mode

__all__ = ["Handlers", "build_app", "handle_http", "start_socket_mode"]

log = logging.getLogger(__name__)

ANSWERING, WORKING = 16, 8
"""Threads. Two pools, so that forty people who press at once are answered while the work queues."""


def build_app(settings: Settings, door: Door) -> Any:
    """Make the slack_bolt App. It asks Slack nothing until somebody presses."""
    import_sdk()
    from slack_bolt import App
    from slack_bolt.authorization import AuthorizeResult

    token = settings.bot_token.get_secret_value() if settings.bot_token else None

    def authorize(enterprise_id: str | None, team_id: str | None) -> Any:
        # One workspace, one token: asking auth.test first would use up the three seconds.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = App(
        name="irrops",
        client=web_client(settings, None),
        authorize=authorize,
        signing_secret=settings.signing_secret.get_secret_value() if settings.signing_secret else "",
        listener_executor=ThreadPoolExecutor(ANSWERING, thread_name_prefix="slack-answer"),
        logger=quiet,
    )
    handlers = Handlers(door)
    app.action(blocks.BUTTON)(handlers.pressed)
    app.action(form.CHOOSE)(handlers.playbook_chosen)
    app.command("/irrops")(handlers.command)
    app.view(form.CALLBACK)(handlers.form_sent)
    app.event("app_home_opened")(handlers.home_opened)
    return app


def handle_http(app: Any, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], str]:
    """Answer one HTTP request of Slack: status, headers, body. Blocks for as long as the answer takes, at most 3 s.

    The signature is checked before anything is parsed: forged, or older than five minutes, is 401.
    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack.
    """
    from slack_bolt import BoltRequest

    sent: dict[str, str | Sequence[str]] = {name.lower(): value for name, value in headers.items()}
    if not _authentic(app, sent, body):
        return 401, {"content-type": "text/plain"}, "The signature is not Slack's, or older than five minutes."
    try:
        request = BoltRequest(body=body.decode(), headers=sent)
    except ValueError:
        return 400, {"content-type": "text/plain"}, "The body is not what Slack sends."
    answer = app.dispatch(request)
    return answer.status, {name: values[0] for name, values in answer.headers.items()}, answer.body or ""


def _authentic(app: Any, headers: Mapping[str, Any], body: bytes) -> bool:
    from slack_sdk.signature import SignatureVerifier

    secret = app._signing_secret
    stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not stamp.isascii() or not stamp.isdecimal() or not signature.isascii():
        return False
    try:
        return bool(SignatureVerifier(secret).is_valid(body, stamp, signature))
    except UnicodeDecodeError:
        return False


class Handlers:
    """What happens to each interaction. slack_bolt fills the arguments in by name."""

    def __init__(self, door: Door):
        self._door = door
        self._pool = ThreadPoolExecutor(WORKING, thread_name_prefix="slack-work")

    def pressed(self, ack: Any, body: dict[str, Any], action: dict[str, Any], respond: Any, client: Any) -> None:
        """A button under a message, or in the Home tab."""
        ack()
        name = action["action_id"].rpartition(":")[0]
        user, value = body["user"]["id"], action.get("value") or ""
        at_home = (body.get("view") or {}).get("type") == "home"

        def tell(text: str) -> None:
            if at_home:
                self._publish_home(client, user, text)
            else:
                _privately(respond, text)

        def work() -> None:
            try:
                reply = self._door.press(name, value, user)
            except NotAllowed as refusal:
                reply = Reply(text=str(refusal))
            if reply.revise is not None and not at_home:
                _quietly(lambda text: _replace(respond, text), reply.revise)
            _quietly(tell, reply.text)

        self._later(work, tell)

    def command(self, ack: Any, command: dict[str, Any], client: Any, respond: Any) -> None:
        """`/irrops declare|status|help`."""
        verb, _, rest = (command.get("text") or "").strip().partition(" ")
        if verb == "declare":
            ack()
            # Not in the pool: the trigger lasts three seconds, and work may queue there.
            _guarded(
                lambda: self._open_form(command["trigger_id"], rest.strip(), client),
                lambda text: _privately(respond, text),
            )
        elif verb == "status":
            ack()
            self._later(
                lambda: _privately(respond, self._door.status_for_chat()), lambda text: _privately(respond, text)
            )
        else:
            ack(text=words.HELP, response_type="ephemeral")

    def playbook_chosen(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        """Another playbook was chosen in the form: ask for its facts."""
        ack()
        view, slug = body["view"], body["actions"][0]["selected_option"]["value"]

        def work() -> None:
            playbooks = self._playbooks()
            laid_out = form.layout(playbooks, form.pick(playbooks, slug))
            client.views_update(view_id=view["id"], hash=view.get("hash"), view=laid_out)

        _guarded(work, lambda text: None)

    def form_sent(self, ack: Any, body: dict[str, Any], view: dict[str, Any], client: Any) -> None:
        """The declare form was sent. Its mistakes are shown in it; a second sending is the same incident."""
        _guarded(
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
            _show(client, view_id, user, text)

        self._later(work, lambda text: _show(client, view_id, user, text))

    def home_opened(self, event: dict[str, Any], client: Any) -> None:
        """Somebody looks at the app's Home tab."""
        if event.get("tab", "home") == "home":
            user = event["user"]
            self._later(lambda: self._publish_home(client, user), lambda text: None)

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

    def _publish_home(self, client: Any, user: str, notice: str = "") -> None:
        laid_out = blocks.sections(notice) if notice else []
        items = self._door.home(user)
        laid_out += blocks.sections(f"*{words.HOME_TITLE}*" if items else words.HOME_EMPTY)
        for item in items:
            laid_out += [*blocks.sections(item.text), *blocks.row(item.buttons)]
        view = {"type": "home", "blocks": blocks.written(laid_out[: blocks.VIEW_BLOCK_LIMIT])}
        client.views_publish(user_id=user, view=view)

    def _later(self, work: Callable[[], None], tell: Callable[[str], object]) -> None:
        self._pool.submit(_guarded, work, tell)


def _guarded(work: Callable[[], None], tell: Callable[[str], object]) -> None:
    """Do the work after Slack has its answer. A refusal is told as it is, a failure of ours is told and logged.

    Nothing may be raised from here into slack_bolt: it takes back an answer that it has not yet passed on.
    """
    try:
        work()
    except NotAllowed as refusal:
        _quietly(tell, str(refusal))
    except Exception as error:
        # The exception's own text may quote what somebody typed, so only its kind and place are logged.
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("an interaction from Slack failed: %s\n%s", type(error).__name__, place)
        _quietly(tell, words.FAILED)


def _quietly(tell: Callable[[str], object], text: str) -> None:
    try:
        tell(text)
    except Exception as error:
        log.warning("the person could not be told: %s", type(error).__name__)


def _replace(respond: Any, text: str) -> None:
    respond(replace_original=True, text=blocks.fallback(text), blocks=blocks.message(text))


def _privately(respond: Any, text: str) -> None:
    respond(response_type="ephemeral", replace_original=False, text=blocks.fallback(text), blocks=blocks.message(text))


def _show(client: Any, view_id: str, user: str, text: str) -> None:
    """Say it in the form that is still open; where it was closed, in a direct message."""
    from slack_sdk.errors import SlackApiError

    try:
        client.views_update(view_id=view_id, view=form.said(text))
    except SlackApiError:
        client.chat_postMessage(channel=user, text=blocks.fallback(text), blocks=blocks.message(text))
