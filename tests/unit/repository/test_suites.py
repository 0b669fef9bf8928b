"""What is said of the suites' time, and which files are taken first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import suites


@dataclass
class Item:
    """As much of a test as its place depends on."""

    path: Path
    name: str


def report(nodeid: str, when: Any, duration: float) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, "passed", None, when, duration=duration)


def test_files_that_are_first_are_there() -> None:
    assert len(set(suites.FIRST)) == len(suites.FIRST)
    assert [name for name in suites.FIRST if not (suites.TESTS / name).is_file()] == []


def test_long_files_come_first_and_all_others_stay_in_order() -> None:
    first, second = (suites.TESTS / name for name in suites.FIRST[:2])
    other, another = suites.TESTS / "unit/test_a.py", suites.TESTS / "unit/test_b.py"
    files = [other, second, another, first, other, second, first]
    items: list[Any] = [Item(path, str(number)) for number, path in enumerate(files)]
    suites.order(items)
    assert "".join(item.name for item in items) == "3615024"


def test_table_counts_tests_once_and_their_setup_with_them() -> None:
    reports = [
        report("tests/e2e/test_a.py::test_one", "setup", 60),
        report("tests/e2e/test_a.py::test_one", "call", 30),
        report("tests/e2e/test_a.py::test_one", "teardown", 6),
        report("tests/e2e/test_b.py::test_two[a::b/c]", "call", 12),
        report("tests/unit/test_c.py::test_three", "call", 6),
    ]
    spent = suites.spent([*reports, "a warning"])
    assert suites.table(spent, 90) == [
        "suite         tests  minutes   its longest file",
        "e2e               2      1.8   1.6 test_a.py",
        "unit              1      0.1   0.1 test_c.py",
        "all               3      1.9   in 1.5 minutes by the clock",
    ]
