"""Numbers as Grafana formats them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitored_models.preview.units import UNITS, text, tick, ticks

KNOWN = st.sampled_from(["", "other", *UNITS])


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "short", "0"),
        (1234, "short", "1.23 K"),
        (12_000_000, "short", "12 Mil"),
        (0.1234, "percentunit", "12.3%"),
        (1, "percentunit", "100%"),
        (0.0004567, "s", "457 µs"),
        (0.25, "s", "250 ms"),
        (1.5, "s", "1.50 s"),
        (60, "s", "1 min"),
        (5400, "s", "1.50 hours"),
        (0, "s", "0 s"),
        (2**30, "bytes", "1 GiB"),
        (18.04, "reqps", "18.0 req/s"),
        (1800, "reqps", "1.80K req/s"),
        (3.14159, "", "3.14"),
        (2, "apples", "2 apples"),
        (float("inf"), "s", "∞ s"),
        (float("nan"), "", "NaN"),
        (-0.0, "short", "0"),
    ],
)
def test_value_with_its_unit(value: float, unit: str, expected: str) -> None:
    assert text(value, unit) == expected


def test_axes_have_round_values_in_the_unit_of_their_labels() -> None:
    assert [tick(value, "s") for value in ticks(0, 1.1, "s", 5)] == ["0 s", "250 ms", "500 ms", "750 ms", "1 s"]
    assert [tick(value, "s") for value in ticks(0, 600, "s", 4)] == ["0 s", "5 mins", "10 mins"]
    assert [tick(value, "bytes") for value in ticks(0, 3.2 * 2**30, "bytes", 4)] == ["0 B", "1 GiB", "2 GiB", "3 GiB"]
    assert [tick(value, "percentunit") for value in ticks(0, 0.045, "percentunit", 4)] == ["0%", "2%", "4%"]


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), KNOWN, st.integers(2, 6))
@example(3602879702.0390625, 1e-6, "s", 5)
def test_ticks_lie_within_and_are_few(least: float, span: float, unit: str, count: int) -> None:
    found = ticks(least, least + span, unit, count)
    assert len(found) <= count + 2 or len(found) <= 8
    assert found == sorted(found)
    assert all(tick(value, unit) for value in found)


@given(st.floats(), KNOWN)
def test_every_number_can_be_written(value: float, unit: str) -> None:
    assert text(value, unit)
