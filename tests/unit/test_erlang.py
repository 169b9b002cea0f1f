"""Erlang's formulas against exact reference values, and the fewest servers that keep a short promise."""

import csv
from math import inf
from pathlib import Path

import pytest

from engine.erlang import erlang_b, erlang_c, occupancy, servers_needed, service_level, speed_of_answer


def test_every_reference_value_is_met_to_nine_digits(shared: Path):
    with (shared / "data" / "staffing" / "erlang_reference.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 39
    for row in rows:
        servers, load, handling = int(row["n"]), float(row["A"]), float(row["aht_s"])
        found = {
            "A": float(row["lambda_per_h"]) / 3600 * handling,
            "erlangB": erlang_b(servers, load),
            "erlangC_pwait": erlang_c(servers, load),
            "SL_T": service_level(servers, load, handling, float(row["T_s"])),
            "ASA_s": speed_of_answer(servers, load, handling),
            "occupancy": occupancy(servers, load),
        }
        for name, value in found.items():
            assert value == pytest.approx(float(row[name]), rel=1e-9), (row["source"], servers, name)


@pytest.mark.parametrize("servers", [0, 5, 10])
def test_with_too_few_servers_the_queue_grows_without_end(servers: int):
    assert erlang_c(servers, 10) == 1
    assert service_level(servers, 10, 360, 20) == 0
    assert speed_of_answer(servers, 10, 360) == inf
    assert occupancy(servers, 10) == 1


def test_without_messages_nobody_waits_and_nobody_is_needed():
    assert erlang_c(0, 0) == erlang_c(3, 0) == 0
    assert service_level(0, 0, 360, 20) == 1
    assert speed_of_answer(0, 0, 360) == occupancy(0, 0) == 0
    assert servers_needed(0, 360, 20, 0.9) == 0


@pytest.mark.parametrize(
    ("per_hour", "handling", "within", "share", "servers"),
    [(200, 180, 20, 0.8, 14), (720, 240, 15, 0.8, 55), (100, 752, 20, 0.9, 28), (140, 752, 20, 0.9, 37)],
)
def test_the_fewest_servers_of_published_cases(per_hour: int, handling: int, within: int, share: float, servers: int):
    load = per_hour * handling / 3600
    assert servers_needed(load, handling, within, share) == servers
    assert service_level(servers - 1, load, handling, within) < share


def test_nobody_is_busier_than_allowed():
    assert servers_needed(100, 360, 60, 0.5) < 110
    assert servers_needed(100, 360, 60, 0.5, busy_at_most=0.85) == 118


def test_large_numbers_stay_exact():
    assert erlang_b(5000, 4000) == pytest.approx(0, abs=1e-50)
    assert 0 < erlang_b(5000, 5000) < 0.012
    assert servers_needed(5000, 360, 20, 0.8) == pytest.approx(5050, abs=30)
