"""Alertmanager's webhook: is it authentic, and which alerts does it carry.

Format: prometheus.io/docs/alerting/latest/configuration/#webhook_config, `version: "4"`. Other programs that post in
its likeness (Grafana, version 1) are told apart by the version.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationError

from engine.correlation import Alert
from engine.ports import BadPayload, NotAuthentic, Request
from integrations.alertmanager import Settings

MOST = 1000
"""Alerts in one payload. Alertmanager itself sends any number; `max_alerts` of its webhook_config limits it."""

TITLE = 200
"""Characters kept of a title."""


class _Item(BaseModel):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime = Field(alias="startsAt")
    generator_url: str = Field(default="", alias="generatorURL")
    fingerprint: str = Field(min_length=1)


class _Webhook(BaseModel):
    version: Literal["4"]
    group_key: str = Field(alias="groupKey", min_length=1)
    alerts: list[_Item]


class Alertmanager:
    """Takes alerts from Prometheus Alertmanager."""

    name: ClassVar[str] = "alertmanager"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: Request) -> None:
        """Compare the bearer token, in constant time. Raises NotAuthentic."""
        if self._settings.token is None:
            raise NotAuthentic("No token is set for Alertmanager, so no alert is taken; set one here and there.")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        expected = self._settings.token.get_secret_value().strip()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
            raise NotAuthentic("The bearer token is missing or is not the one that is set for Alertmanager.")

    def parse(self, payload: bytes, received_at: datetime) -> list[Alert]:
        """Read the alerts, in the order of the payload. Raises BadPayload."""
        try:
            webhook = _Webhook.model_validate_json(payload)
        except ValidationError as error:
            raise BadPayload(_sentence(error)) from None
        if len(webhook.alerts) > MOST:
            raise BadPayload(
                f"{len(webhook.alerts)} alerts in one payload; at most {MOST} are taken. "
                f"Set `max_alerts: {MOST}` in Alertmanager's webhook_config, or group more finely."
            )
        return [self._alert(webhook.group_key, item) for item in webhook.alerts]

    def _alert(self, group: str, item: _Item) -> Alert:
        labels, notes = _clean(item.labels), _clean(item.annotations)
        title = notes.get("summary") or labels.get("alertname") or "An alert without a name"
        return Alert(
            source=self.name,
            key=_key(group, item),
            fingerprint=item.fingerprint,
            group=group,
            status=item.status,
            title=title if len(title) <= TITLE else f"{title[: TITLE - 1]}…",
            severity=labels.get("severity", ""),
            labels=labels,
            annotations=notes,
            starts_at=_instant(item.starts_at),
            url=next((url for url in (item.generator_url, notes.get("runbook_url", "")) if _is_web(url)), ""),
            exercise=labels.get(self._settings.exercise_label, "").strip().lower() not in ("", "false", "no", "0"),
        )


def _key(group: str, item: _Item) -> str:
    """Make what repeats have in common. A repeat is byte-identical; an alert that fires anew has a new startsAt."""
    moment = _instant(item.starts_at)
    parts = [group, item.fingerprint, moment.isoformat() if moment else "", item.status]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _instant(moment: datetime) -> datetime | None:
    """Make it UTC; None for Go's zero time, year 1, and for a time that names no zone."""
    return moment.astimezone(UTC) if moment.year >= 1970 and moment.tzinfo else None


def _clean(words: dict[str, str]) -> dict[str, str]:
    """Take out NUL, which PostgreSQL does not keep."""
    return {name.replace("\0", ""): word.replace("\0", "") for name, word in words.items()}


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _sentence(error: ValidationError) -> str:
    """Say in one sentence what is wrong with the payload, and where."""
    first: Any = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return "This is not JSON; Alertmanager's webhook, version 4, is expected."
    if where == "version":
        given = first["input"] if first["type"] != "missing" and isinstance(first["input"], str) else "none"
        return f"Alertmanager's webhook, version 4, is expected; this says version {given[:20]!r}."
    problem = "is missing" if first["type"] == "missing" else f"won't do ({first['msg']})"
    return f"Alertmanager's webhook, version 4, is expected; {where or 'the whole'} {problem}."
