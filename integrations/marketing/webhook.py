"""Our own contract: PUT says hold or release, GET says how it stands. docs/marketing.md tells how to write one."""

import hmac
import json
from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, Field

from engine.effects import Hold
from integrations.marketing import Settings, wire
from integrations.marketing.channel import Standing


class Answer(BaseModel):
    """What GET answers; more may stand there."""

    held: bool
    scheduled: int = Field(ge=0)


class Webhook:
    """A scheduler that keeps our contract."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]):
        self._settings, self._now = settings, now

    def tell(self, hold: Hold, key: str) -> None:
        """Say it once; the key tells a repetition apart. Raises Refused or Lost."""
        said = {"held": hold.held, "incident": hold.incident, "reason": hold.reason, "drill": hold.drill}
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": key, **self._signed("PUT", body)}
        with wire.client(self._settings) as there:
            wire.tell(there, "PUT", self._settings.url, body, headers)

    def ask(self) -> Standing:
        """Read how it stands. Raises Refused."""
        with wire.client(self._settings) as there:
            answer = wire.ask(there, self._settings.url, self._signed("GET", b""))
        found = wire.understood(Answer, answer, '{"held": true or false, "scheduled": a number}')
        return Standing(held=found.held, released=not found.held, scheduled=found.scheduled)

    def _signed(self, method: str, body: bytes) -> dict[str, str]:
        """The time, and an HMAC-SHA256 over time, method and body: old requests can't be sent again by others."""
        if self._settings.secret is None:
            return {}
        time = str(int(self._now().timestamp()))
        secret = self._settings.secret.get_secret_value().encode()
        mark = hmac.digest(secret, f"{time}.{method}.".encode() + body, "sha256").hex()
        return {"X-Irrops-Timestamp": time, "X-Irrops-Signature": f"sha256={mark}"}
