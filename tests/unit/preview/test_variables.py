"""What is filled into queries: as Grafana does it, so that the preview asks what Grafana would ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.preview.dashboard_reader import Variable
from monitored_models.preview.variables import ALL, Chosen, Window, built_in, chosen, duration, in_query, seconds, step

HOUR = Window(0, 3600)
POD = Variable("pod", "Pod", "up", "pod")


def one(*values: str) -> dict[str, Chosen]:
    return {"pod": Chosen(POD, ("a", "b.c"), values)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("a",), "a"),
        (("b.c",), r"b\\.c"),
        (("a", "b.c"), r"(a|b\\.c)"),
        ((ALL,), ".*"),
        (('x"} or up{a="',), r"x\"\\} or up\\{a=\""),
        (("a\\b",), r"a\\\\b"),
    ],
)
def test_values_become_a_regex_in_which_they_are_escaped(values: tuple[str, ...], expected: str) -> None:
    assert in_query('up{pod=~"$pod"}', one(*values), {}) == f'up{{pod=~"{expected}"}}'


def test_unknown_variables_stay_as_they_are() -> None:
    text = 'label_replace(up, "x", "$1", "pod", "(.+)") + $other + $podium + ${pod}'
    assert in_query(text, one("a"), {}) == text


@given(st.text(max_size=20), st.from_regex(r"\w*", fullmatch=True))
def test_values_are_not_interpolated_again(text: str, value: str) -> None:
    """A value that looks like a variable is a value."""
    assert in_query(f"{text} $pod", one(f"{value}$pod"), {}).endswith(rf" {value}\\$pod")


def test_built_in_variables() -> None:
    assert in_query("rate(a[$__rate_interval]) $__interval", {}, built_in(15, 15)) == "rate(a[1m]) 15s"
    assert built_in(300, 15)["__rate_interval"] == "315s"
    assert built_in(60, 60)["__rate_interval"] == "4m"


@pytest.mark.parametrize(
    ("window", "least", "expected"),
    [
        (HOUR, 15, 15),
        (Window(0, 6 * 3600), 15, 30),
        (Window(0, 86400), 15, 120),
        (Window(0, 7 * 86400), 15, 900),
        (HOUR, 60, 60),
    ],
)
def test_steps_are_round(window: Window, least: float, expected: float) -> None:
    assert step(window, 700, least) == expected


def test_durations() -> None:
    assert [seconds(text) for text in ("90s", "5m", "1h30m", "2d", "", "x", "5 m", "now-1h")] == [
        *(90, 300, 5400, 172800),
        *(None, None, None, None),
    ]
    assert [duration(length) for length in (15, 90, 3600, 86400)] == ["15s", "90s", "1h", "1d"]


def test_only_options_can_be_chosen() -> None:
    found = ["b", "a", "b"]
    assert chosen(POD, found, []) == Chosen(POD, ("a", "b"), (ALL,))
    assert chosen(POD, found, ["evil"]).values == (ALL,)
    assert chosen(POD, found, ["b", "a", "evil"]).values == ("b", "a")
    assert chosen(POD, found, ["a", ALL]).values == (ALL,)
