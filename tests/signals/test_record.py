"""What rules would have recorded is what they would have: in their order, at their times, and with their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testbed import prometheus
from testbed.prometheus import Group, at_the_end, line

END = 1835440496
"""2028-02-29T12:34:56Z, at which nothing begins."""


def past(folder: Path) -> Path:
    """Two pods, each with a counter that gains two in each second."""
    times = range(END - 1200, END + 1, 15)
    prometheus.write_history(
        folder, (line("events_total", {"pod": pod, "text": 'a "b"\\c\n'}, 2 * at, at) for pod in "xy" for at in times)
    )
    return folder


def group(*rules: dict[str, Any], **more: str) -> Group:
    return {"name": "some", "rules": list(rules), **more}


def test_rule_that_reads_what_others_record_comes_after_them_in_any_order(tmp_path: Path) -> None:
    groups = [
        group({"record": "last", "expr": "sum(middle) * 10"}, interval="1m"),
        group({"record": "middle", "expr": "first + 1", "labels": {"of": "rule", "text": ""}}),
        group({"record": "first", "expr": "rate(events_total[2m])"}),
    ]
    with at_the_end(past(tmp_path), groups, END, seconds=120) as server:

        def times(name: str) -> list[float]:
            (series, *_) = server.query(f"{name}[10m]", time=str(END))
            return [END - at for at, _ in series["values"]]

        assert [(sample["metric"], sample["value"][1]) for sample in server.query("middle", time=str(END))] == [
            ({"__name__": "middle", "pod": pod, "of": "rule"}, "3") for pod in "xy"
        ]
        (last,) = server.query("last", time=str(END))
        assert float(last["value"][1]) == 60
        assert (times("last"), times("first")) == ([120, 60, 0], [120, 90, 60, 30, 0])


def test_labels_come_through_as_they_are(tmp_path: Path) -> None:
    with at_the_end(past(tmp_path), [group({"record": "copy", "expr": "events_total"})], END) as server:
        assert {sample["metric"]["text"] for sample in server.query("copy", time=str(END))} == {'a "b"\\c\n'}


def test_alert_that_cannot_be_evaluated_is_an_error(tmp_path: Path) -> None:
    alert = {"alert": "Wrong", "expr": "events_total * on () events_total > 0"}
    with (
        pytest.raises(OSError, match="many-to-many matching not allowed"),
        at_the_end(past(tmp_path), [group(alert)], END),
    ):
        pass


def test_rule_that_makes_two_series_one_is_an_error(tmp_path: Path) -> None:
    rule = {"record": "same", "expr": "events_total", "labels": {"pod": "z"}}
    with pytest.raises(AssertionError, match="same: twice"):
        prometheus.record(past(tmp_path), [group(rule)], END, seconds=0)


def test_rules_that_wait_for_each_other_are_an_error(tmp_path: Path) -> None:
    rules = {"record": "hen", "expr": "egg"}, {"record": "egg", "expr": "hen"}
    with pytest.raises(AssertionError, match=r"wait for each other: \['egg', 'hen'\]"):
        prometheus.record(tmp_path, [group(*rules)], END, seconds=0)
