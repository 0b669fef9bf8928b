"""Durations and quantities in the API are patterns; what they admit must mean the same to the libraries that read it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from monitored_models.api.fields import AGE, DURATION, QUANTITY, seconds
from unit.specs import ascii_text

UNITS: dict[str, int | Decimal] = {
    "y": 31536000,
    "w": 604800,
    "d": 86400,
    "h": 3600,
    "m": 60,
    "s": 1,
    "ms": Decimal("0.001"),
}
SUFFIXES: dict[str, int | Decimal] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
}
SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}


def matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=ascii_text)


def expected_seconds(text: str) -> Decimal | None:
    """Value of a Prometheus duration by its documented grammar: each unit once, the longest first."""
    parts = re.findall(r"([0-9]+)(ms|[ywdhms])", text)
    order = [list(UNITS).index(unit) for _, unit in parts]
    if not parts or "".join(map("".join, parts)) != text or order != sorted(set(order)):
        return None
    return sum((Decimal(number) * UNITS[unit] for number, unit in parts), Decimal(0))


@given(matching(DURATION) | matching(AGE))
def test_every_duration_of_the_api_has_its_value(text: str) -> None:
    assert seconds(text) == float(expected_seconds(text) or 0)


@given(st.lists(st.sampled_from(["0", "1", "30", "90", *UNITS, "i", "nf", "e3", ".", "-", "+", " "]), max_size=5))
@example(["1", "h", "30", "m"])
@example(["30", "m", "1", "h"])
@example(["1", "e3"])
@example(["i", "nf"])
@example(["i", "nf", "i", "n", "i", "ty"])
@example(["na", "n"])
@example(["\uff19", "s"])
@example(["9" * 30, "y"])
@example(["1000000000", "d"])
def test_duration_is_read_by_its_grammar_or_is_a_value_error(parts: list[str]) -> None:
    text = "".join(parts)
    expected = expected_seconds(text)
    try:
        assert seconds(text) == float(expected or 0)
    except ValueError:  # also for zero, and for more than the library can count
        longest = max((int(number) for number in re.findall("[0-9]+", text)), default=0)
        assert not expected or longest >= 2_739_727


@pytest.mark.parametrize("text", ["inf", "infinity", "-inf", "nan", "NaN", "1e3", "1e308", "0x10", "5", "", "s", "0s"])
def test_number_without_a_unit_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


@given(matching(QUANTITY))
def test_every_quantity_of_the_api_has_its_value(text: str) -> None:
    number, suffix = re.fullmatch(r"([0-9.]+)(.*)", text).groups()  # type: ignore[union-attr]
    assert parse_quantity(text) == Decimal(number) * SUFFIXES[suffix]  # type: ignore[no-untyped-call]
