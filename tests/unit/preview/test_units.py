"""Numbers as Grafana writes them."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.preview.units import text, tick, ticks

DAY = 86400.0
UNITS = ("", "short", "s", "ms", "percentunit", "percent", "bytes", "decbytes", "reqps", "none", "suffix:x", "other")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "short", "0"),
        (1234, "short", "1.23 K"),
        (12_000_000, "short", "12 Mil"),
        (0.1234, "percentunit", "12.3%"),
        (1, "percentunit", "100%"),
        (42.5, "percent", "42.5%"),
        (0.0004567, "s", "457 µs"),
        (0.25, "s", "250 ms"),
        (1.5, "s", "1.50 s"),
        (60, "s", "1 min"),
        (5400, "s", "1.50 hours"),
        (1500, "ms", "1.50 s"),
        (0, "s", "0 s"),
        (2**30, "bytes", "1 GiB"),
        (1500, "decbytes", "1.50 kB"),
        (18.04, "reqps", "18.0 req/s"),
        (1800, "reqps", "1.80K req/s"),
        (12, "suffix: pods", "12 pods"),
        (3.14159, "none", "3.14"),
        (1, "bool", "True"),
        (2, "apples", "2 apples"),
        (float("inf"), "s", "∞ s"),
        (float("nan"), "s", "NaN"),
        (-0.0, "short", "0"),
        (None, "s", ""),
    ],
)
def test_value_with_its_unit(value: float | None, unit: str, expected: str) -> None:
    assert text(value, unit) == expected


def test_decimals_can_be_fixed() -> None:
    assert text(1.23456, "s", 1) == "1.2 s"
    assert text(3, "short", 2) == "3.00"
    assert text(-0.001, "short", 1) == "0.0"


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (10, "a few seconds ago"),
        (120, "2 minutes ago"),
        (3600, "an hour ago"),
        (3 * DAY, "3 days ago"),
        (-2 * DAY, "in 2 days"),
        (800 * DAY, "2 years ago"),
    ],
)
def test_moment_as_the_time_since(ago: float, expected: str) -> None:
    assert text((1e9 - ago) * 1000, "dateTimeFromNow", now=1e9) == expected


def test_date() -> None:
    assert text(0, "dateTimeAsIso", zone=UTC) == "1970-01-01 00:00:00"
    assert text(1e300, "dateTimeAsIso", zone=UTC) == "Invalid date"


def test_axes_have_round_values_in_the_unit_that_is_shown() -> None:
    assert [tick(value, "s") for value in ticks(0, 1.1, "s", 5)] == ["0 s", "250 ms", "500 ms", "750 ms", "1 s"]
    assert [tick(value, "s") for value in ticks(0, 600, "s", 4)] == ["0 s", "5 mins", "10 mins"]
    assert [tick(value, "bytes") for value in ticks(0, 3.2 * 2**30, "bytes", 4)] == ["0 B", "1 GiB", "2 GiB", "3 GiB"]
    assert [tick(value, "percentunit") for value in ticks(0, 0.045, "percentunit", 4)] == ["0%", "2%", "4%"]


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.sampled_from(UNITS), st.integers(2, 6))
def test_ticks_lie_within_and_are_few(least: float, span: float, unit: str, wanted: int) -> None:
    found = ticks(least, least + span, unit, wanted)
    assert len(found) <= wanted + 2 or len(found) <= 8
    assert found == sorted(found)
    assert all(tick(value, unit) for value in found)


@given(st.floats(), st.sampled_from(UNITS))
def test_every_number_can_be_written(value: float, unit: str) -> None:
    assert text(value, unit)
