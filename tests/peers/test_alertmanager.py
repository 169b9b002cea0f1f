"""A running Alertmanager and our reading of what it posts."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from engine.correlation import Alert
from engine.ports import Request
from integrations.alertmanager import Settings, connect
from tests.peers import outward
from tests.peers.outward import AlertManager, until

pytestmark = pytest.mark.peers
alertmanager = outward.alertmanager

SOURCE = connect(Settings(token=SecretStr("a-token")))
LABELS = ("alertname=CheckinDown", "service=dcs", "severity=critical", "station=AMS")


def received(running: AlertManager) -> list[Alert]:
    """All alerts that came so far, each request checked for its token."""
    alerts: list[Alert] = []
    for headers, body in list(running.hook.received):
        SOURCE.verify(Request(headers=headers, body=body))
        alerts += SOURCE.parse(body, datetime.now(UTC))
    return alerts


def fire(running: AlertManager, *labels: str) -> None:
    running.amtool("alert", "add", *LABELS, *labels, "--annotation=summary=Check-in is down at “Schiphol”")


def test_an_alert_comes_its_repeat_is_known_and_its_end_is_told(alertmanager: AlertManager) -> None:
    fire(alertmanager)
    until("a repeat to come", lambda: len(received(alertmanager)) >= 2)
    first, repeat, *_ = received(alertmanager)
    assert repeat.key == first.key
    assert first.title == "Check-in is down at “Schiphol”"
    assert (first.labels["station"], first.severity, first.status) == ("AMS", "critical", "firing")
    assert first.starts_at is not None
    assert abs(datetime.now(UTC) - first.starts_at) < timedelta(minutes=1)

    end = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="seconds")
    alertmanager.amtool("alert", "add", *LABELS, f"--start={first.starts_at.isoformat()}", f"--end={end}")
    until("the end to be told", lambda: any(alert.status == "resolved" for alert in received(alertmanager)))
    resolved = next(alert for alert in received(alertmanager) if alert.status == "resolved")
    assert (resolved.fingerprint, resolved.group) == (first.fingerprint, first.group)
    assert resolved.key != first.key
    assert len({alert.key for alert in received(alertmanager)}) == 2


def test_alerts_of_one_cause_come_as_one_group_with_keys_of_their_own(alertmanager: AlertManager) -> None:
    for gate in ("D1", "D2", "D3"):
        fire(alertmanager, f"gate={gate}")
    until("all three to come", lambda: len({alert.key for alert in received(alertmanager)}) == 3)
    assert len({alert.group for alert in received(alertmanager)}) == 1
    assert {alert.labels["gate"] for alert in received(alertmanager)} == {"D1", "D2", "D3"}


def test_what_we_could_not_take_comes_again_byte_for_byte(alertmanager: AlertManager) -> None:
    alertmanager.hook.answers = [503]
    fire(alertmanager)
    until("the second try", lambda: len(alertmanager.hook.received) >= 2)
    refused, again, *_ = alertmanager.hook.received
    assert again[1] == refused[1]
    assert len({alert.key for alert in received(alertmanager)}) == 1
