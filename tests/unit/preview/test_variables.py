"""What is filled into queries: as Grafana does it, so that the preview asks what Grafana would ask."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.preview.dashboard_reader import Variable
from monitored_models.preview.variables import (
    ALL,
    Chosen,
    Window,
    built_in,
    chosen,
    duration,
    in_query,
    in_text,
    kept,
    label_values,
    listed,
    seconds,
    step,
)

HOUR = Window(0, 3600)


def variable(name: str = "pod", kind: str = "query", **more: Any) -> Variable:
    switches: dict[str, Any] = dict.fromkeys(("multi", "with_all", "hidden"), False)
    words = dict.fromkeys(("query", "regex", "all_value"), "")
    plain: dict[str, Any] = {"label": name, "sort": 0, "current": (), **switches, **words}
    return Variable(name=name, kind=kind, **(plain | more))


def one(*values: str, options: tuple[str, ...] = ("a", "b.c"), **more: Any) -> dict[str, Chosen]:
    return {"pod": Chosen(variable(**more), options, values)}


@pytest.mark.parametrize("form", ["$pod", "${pod}", "[[pod]]"])
def test_every_way_to_write_a_variable(form: str) -> None:
    assert in_query(f'up{{pod="{form}"}}', one("a"), {}) == 'up{pod="a"}'


def test_several_values_become_a_regex_of_escaped_values() -> None:
    query = 'up{pod=~"$pod"}'
    assert in_query(query, one("b.c", multi=True), {}) == 'up{pod=~"b\\\\.c"}'
    assert in_query(query, one("a", "b.c", multi=True), {}) == 'up{pod=~"(a|b\\\\.c)"}'
    assert in_query(query, one(ALL, multi=True, with_all=True), {}) == 'up{pod=~"(a|b\\\\.c)"}'
    assert in_query(query, one(ALL, with_all=True, all_value=".*"), {}) == 'up{pod=~".*"}'


def test_a_plain_value_cannot_leave_its_string() -> None:
    assert in_query('up{pod="$pod"}', one('x"} or up{a="'), {}) == r'up{pod="x\"} or up{a=\""}'


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("regex", "(a|b\\.c)"),
        ("pipe", "a|b.c"),
        ("csv", "a,b.c"),
        ("doublequote", '"a","b.c"'),
        ("json", '["a", "b.c"]'),
    ],
)
def test_forms(form: str, expected: str) -> None:
    assert in_query(f"${{pod:{form}}}", one("a", "b.c", multi=True), {}) == expected


def test_unknown_variables_stay_as_they_are() -> None:
    text = 'label_replace(up, "x", "$1", "pod", "(.+)") + $other + ${other} + [[other]]'
    assert in_query(text, one("a"), {}) == text


def test_titles_are_for_people() -> None:
    assert in_text("$pod", one("a", "b.c", multi=True), {}) == "a + b.c"
    assert in_text("$pod", one(ALL, with_all=True), {}) == "All"


@given(st.text(max_size=20), st.text(max_size=8))
def test_values_are_not_read_again(text: str, value: str) -> None:
    """A value that looks like a variable is a value."""
    filled = in_text(text + "$pod", one(f"{value}$pod"), {})
    assert filled.endswith(f"{value}$pod")


def test_what_grafana_brings_itself() -> None:
    own = built_in(HOUR, 15)
    assert in_query("rate(a[$__rate_interval]) $__interval ${__range} $__range_s $__interval_ms", {}, own) == (
        "rate(a[1m]) 15s 3600s 3600 15000"
    )
    assert built_in(HOUR, 300)["__rate_interval"] == "315s"
    assert built_in(HOUR, 60, "1m")["__rate_interval"] == "4m"


@pytest.mark.parametrize(
    ("window", "points", "least", "expected"),
    [
        (HOUR, 700, "", 15),
        (Window(0, 6 * 3600), 700, "", 30),
        (Window(0, 86400), 700, "", 120),
        (Window(0, 7 * 86400), 700, "", 900),
        (HOUR, 700, "1m", 60),
        (HOUR, 700, ">30s", 30),
    ],
)
def test_steps_are_round(window: Window, points: int, least: str, expected: float) -> None:
    assert step(window, points, least) == expected


def test_durations() -> None:
    assert [seconds(text) for text in ("90s", "5m", "1h30m", "2d", "", "x", "5 m", "now-1h")] == [
        *(90, 300, 5400, 172800),
        *(None, None, None, None),
    ]
    assert [duration(length) for length in (0.1, 15, 90, 3600, 86400)] == ["100ms", "15s", "90s", "1h", "1d"]


def test_label_values() -> None:
    assert label_values("label_values(namespace)") == ("", "namespace")
    assert label_values('label_values(up{a=~"x,y"}, pod)') == ('up{a=~"x,y"}', "pod")
    assert label_values("query_result(up)") is None
    assert label_values("label_values(up, )") is None


def test_options() -> None:
    assert listed(variable(kind="custom", query="a, b : c,d\\,e")) == ("a", "c", "d,e")
    assert listed(variable(kind="constant", query="a,b")) == ("a,b",)
    assert kept(variable(regex="/^x-(.*)$/", sort=1), ["x-b", "y", "x-a", "x-b"]) == ("a", "b")
    assert kept(variable(regex="(", sort=2), ["a", "b"]) == ("a", "b")
    assert kept(variable(sort=3), ["n10", "n9"]) == ("n9", "n10")


def test_only_options_can_be_chosen() -> None:
    options = ("a", "b")
    assert chosen(variable(), options, ["evil"]).values == ("a",)
    assert chosen(variable(), options, ["b", "a"]).values == ("b",)
    assert chosen(variable(multi=True), options, ["b", "a"]).values == ("b", "a")
    assert chosen(variable(current=("b",)), options, []).values == ("b",)
    assert chosen(variable(with_all=True, current=("$__all",)), options, []).all
    assert chosen(variable(), (), []).values == ()
