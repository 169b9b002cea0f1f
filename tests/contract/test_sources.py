"""What every alert source keeps to. A new one in the registry is tested without a change here.

Captured payloads are read from the shared data: `alerts/<source>-<what>.json`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.correlation import Alert
from engine.ports import AlertSource, BadPayload, NotAuthentic, Request
from integrations import SOURCES, Config

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
TOKEN = "a-token"
GARBAGE = [b"", b"\x00\xff", b"null", b"[]", b"{}", b'"text"', b"<xml/>", b'{"alerts": null}', b"[" * 50_000]

sources = pytest.mark.parametrize("name", SOURCES)


def source(name: str, **settings: Any) -> AlertSource:
    return SOURCES[name](Config.model_validate({name.replace("_", ""): settings}))


def captured(shared: Path, name: str) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((shared / "data" / "alerts").glob(f"{name}-*.json"))}


@sources
def test_captured_payloads_are_read(name: str, shared: Path) -> None:
    payloads = captured(shared, name)
    assert payloads, f"no captured payload of {name}"
    for payload in payloads.values():
        alerts = source(name).parse(payload, NOW)
        assert alerts
        for alert in alerts:
            assert isinstance(alert, Alert)
            assert alert.source == name
            assert alert.key
            assert alert.fingerprint
            assert alert.group
            assert alert.title
            assert alert.starts_at is None or alert.starts_at.tzinfo is not None


@sources
def test_the_same_bytes_give_the_same_alerts(name: str, shared: Path) -> None:
    later = datetime(2026, 11, 22, 9, tzinfo=UTC)
    for payload in captured(shared, name).values():
        assert source(name).parse(payload, NOW) == source(name).parse(payload, later)


@sources
def test_keys_of_one_payload_differ_and_what_is_resolved_is_no_repeat(name: str, shared: Path) -> None:
    keys: dict[str, str] = {}
    for payload in captured(shared, name).values():
        alerts = source(name).parse(payload, NOW)
        assert len({alert.key for alert in alerts}) == len(alerts)
        for alert in alerts:
            assert keys.setdefault(alert.key, alert.status) == alert.status


@sources
@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: payload[:12].decode("latin-1"))
def test_garbage_is_refused_in_one_sentence(name: str, payload: bytes) -> None:
    with pytest.raises(BadPayload) as bad:
        source(name).parse(payload, NOW)
    assert "\n" not in str(bad.value)
    assert 20 < len(str(bad.value)) < 400
    assert str(bad.value).endswith(".")


@sources
@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "Bearer wrong"}], ids=str)
def test_who_can_not_prove_it_is_not_authentic(name: str, headers: dict[str, str]) -> None:
    for settings in ({}, {"token": TOKEN}):
        with pytest.raises(NotAuthentic) as refused:
            source(name, **settings).verify(Request(headers=headers, body=b"{}"))
        assert TOKEN not in str(refused.value)


@sources
def test_a_source_knows_its_name(name: str) -> None:
    assert source(name).name == name
