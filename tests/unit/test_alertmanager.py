"""Alertmanager's webhook, as captured from a running one, and as nobody should send it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from engine.correlation import Alert
from engine.ports import BadPayload, NotAuthentic, Request
from integrations.alertmanager import Settings, connect

NOW = datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
SOURCE = connect(Settings(token=SecretStr("tok123")))


def item(**more: Any) -> dict[str, Any]:
    plain = {"status": "firing", "labels": {"alertname": "Down"}, "annotations": {}, "fingerprint": "ab12"}
    return {**plain, "startsAt": "2026-11-21T22:43:33.632Z", "endsAt": "0001-01-01T00:00:00Z", **more}


def parse(*items: dict[str, Any], **more: Any) -> list[Alert]:
    webhook = {"version": "4", "groupKey": "{}:{}", "status": "firing", "alerts": items, **more}
    return SOURCE.parse(json.dumps(webhook).encode(), NOW)


def captured(shared: Path, name: str) -> list[Alert]:
    return SOURCE.parse((shared / "data/alerts" / f"alertmanager-{name}.json").read_bytes(), NOW)


def test_a_captured_payload_says_what_fires(shared: Path) -> None:
    (alert,) = captured(shared, "firing")
    assert alert.title == "127.0.0.1:9100 down"
    assert alert.labels["service"] == "booking"
    assert alert.annotations["description"] == "ümlaut & <b>html</b> “quotes”"
    assert alert.group == '{}:{alertname="TargetDown", service="booking"}'
    assert alert.starts_at == datetime(2026, 11, 21, 22, 43, 33, 632000, tzinfo=UTC)
    assert (alert.status, alert.severity, alert.exercise) == ("firing", "critical", False)
    assert alert.url == "http://vm:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"


def test_a_repeat_has_the_same_key_and_a_resolution_another_with_the_same_fingerprint(shared: Path) -> None:
    (firing,), (repeat,), (resolved,) = (captured(shared, name) for name in ("firing", "repeat-identical", "resolved"))
    assert repeat == firing
    assert resolved.key != firing.key
    assert (resolved.fingerprint, resolved.group, resolved.status) == (firing.fingerprint, firing.group, "resolved")


def test_what_fires_anew_is_no_repeat_and_the_same_instant_in_another_zone_is() -> None:
    first, later, same = parse(
        item(), item(startsAt="2026-11-22T01:00:00Z"), item(startsAt="2026-11-21T23:43:33.632+01:00")
    )
    assert later.key != first.key
    assert same.key == first.key
    assert parse(item(), groupKey="{}:{other}")[0].key != first.key


def test_gos_precision_and_its_zero_time_are_read() -> None:
    precise, zero = parse(item(startsAt="2026-11-21T22:43:33.632123456Z"), item(startsAt="0001-01-01T00:00:00+01:00"))
    assert precise.starts_at == datetime(2026, 11, 21, 22, 43, 33, 632123, tzinfo=UTC)
    assert zero.starts_at is None


def test_without_a_summary_the_name_is_the_title_and_a_long_one_is_cut() -> None:
    named, nameless, long = parse(item(), item(labels={}), item(annotations={"summary": "x" * 500}))
    assert (named.title, nameless.title) == ("Down", "An alert without a name")
    assert len(long.title) == 200
    assert long.title.endswith("…")


def test_only_web_addresses_become_links() -> None:
    script, runbook = parse(
        item(generatorURL="javascript:alert(1)"), item(annotations={"runbook_url": "https://rb.example/x"})
    )
    assert (script.url, runbook.url) == ("", "https://rb.example/x")


@pytest.mark.parametrize(("value", "exercise"), [("true", True), ("yes", True), ("false", False), ("", False)])
def test_the_exercise_label_marks_an_exercise(value: str, exercise: bool) -> None:
    assert parse(item(labels={"alertname": "Down", "exercise": value}))[0].exercise is exercise


def test_nul_is_taken_out() -> None:
    assert parse(item(labels={"alertname": "Do\0wn"}))[0].labels["alertname"] == "Down"


def test_a_thousand_alerts_are_taken_and_one_more_is_not() -> None:
    assert len(parse(*[item()] * 1000)) == 1000
    with pytest.raises(BadPayload, match=r"1001 alerts .*max_alerts: 1000"):
        parse(*[item()] * 1001)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "the whole won't do"),
        (b'{"version": "1", "groupKey": "x", "alerts": []}', "says version '1'"),
        (b'{"alerts": []}', "says version 'none'"),
        (b'{"version": "4", "groupKey": "x"}', "alerts is missing"),
        (b'{"version": "4", "groupKey": "x", "alerts": [{}]}', "alerts.0.status is missing"),
        (
            json.dumps({"version": "4", "groupKey": "x", "alerts": [item(startsAt="soon")]}).encode(),
            "alerts.0.startsAt",
        ),
        (json.dumps({"version": "4", "groupKey": "x", "alerts": [item(labels={"a": 1})]}).encode(), "labels.a"),
        (json.dumps({"version": "4", "groupKey": "x", "alerts": [item(status="odd")]}).encode(), "alerts.0.status"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(payload: bytes, said: str) -> None:
    with pytest.raises(BadPayload, match=said) as bad:
        SOURCE.parse(payload, NOW)
    assert "version 4, is expected" in str(bad.value)
    assert "\n" not in str(bad.value)


@pytest.mark.parametrize("header", ["Bearer tok123", "bearer  tok123 "])
def test_the_token_opens(header: str) -> None:
    SOURCE.verify(Request(headers={"authorization": header}, body=b""))


@pytest.mark.parametrize("header", [None, "", "tok123", "Bearer", "Bearer tok12", "Basic tok123", "Bearer tök123"])
def test_anything_else_is_not_authentic(header: str | None) -> None:
    with pytest.raises(NotAuthentic):
        SOURCE.verify(Request(headers={} if header is None else {"authorization": header}, body=b""))


@pytest.mark.parametrize("blank", [None, SecretStr(""), SecretStr(" ")])
def test_without_a_token_nobody_is_authentic(blank: SecretStr | None) -> None:
    source = connect(Settings(token=blank))
    for header in ("Bearer ", "Bearer", "Bearer None"):
        with pytest.raises(NotAuthentic, match="No token is set"):
            source.verify(Request(headers={"authorization": header}, body=b""))
