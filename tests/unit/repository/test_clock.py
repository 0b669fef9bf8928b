"""Tests read the clock in one place, which can give another time. All tests that build a history run at many times."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from testbed import clock, clock_times

ROOT = Path(__file__).parents[3]
IMPORTS = """\
import datetime as module
import time
from datetime import date, datetime, timezone
"""
READERS = (
    "time.time()",
    "time.time_ns()",
    "time.clock_gettime(time.CLOCK_REALTIME)",
    "time.clock_gettime_ns(time.CLOCK_REALTIME)",
    "time.gmtime()",
    "time.localtime()",
    "time.ctime()",
    "time.asctime()",
    "time.strftime('%H')",
    "datetime.now(timezone.utc)",
    "datetime.utcnow()",
    "datetime.today()",
    "date.today()",
    "module.datetime.now()",
    "module.date.today()",
    "from time import time as seconds",
    "call(default=datetime.now)",
)


def refused(file: str, text: str) -> set[int]:
    """Lines in which ruff, as `make check` runs it, finds a reader of the clock."""
    options = ("--select=TID251", "--output-format=json", f"--stdin-filename={file}", "-")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *options]
    done = subprocess.run(command, input=text, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {found["location"]["row"] for found in json.loads(done.stdout)}


@pytest.mark.parametrize("file", ["tests/unit/test_new.py", "tests/testbed/new.py", "examples/demo/new.py"])
def test_check_refuses_whatever_reads_the_clock(file: str) -> None:
    before = IMPORTS.count("\n")
    lines = set(range(before + 1, before + 1 + len(READERS)))
    allowed = "time.monotonic()\ntime.perf_counter()\ntime.sleep(1)\ndatetime.fromtimestamp(0, timezone.utc)\n"
    assert refused(file, "\n".join((*IMPORTS.splitlines(), *READERS, allowed))) == lines


@pytest.mark.parametrize("file", ["operator/monitored_models/new.py", "tests/testbed/clock.py"])
def test_product_and_the_one_helper_may_read_the_clock(file: str) -> None:
    assert refused(file, "\n".join((*IMPORTS.splitlines(), *READERS))) == set()


def test_end_is_now_or_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    assert abs(clock.now() - datetime.fromtimestamp(clock.end(), UTC)) < timedelta(seconds=10)
    monkeypatch.setenv(clock.VARIABLE, "2028-02-29T12:34:56Z")
    assert clock.end() == 1835440496
    assert clock.end(1800) == 1835440200
    monkeypatch.setenv(clock.VARIABLE, "2028-02-29T12:34:56")
    with pytest.raises(ValueError, match="no time zone"):
        clock.end()


def test_every_test_that_takes_its_end_from_the_clock_runs_at_all_moments() -> None:
    """Directly, or from the past that files share."""
    taking = re.compile(r"\bclock\.end\(|\bpast_of_runtimes\b")
    takers = {file for file in (ROOT / "tests").rglob("test_*.py") if taking.search(file.read_text())}
    assert takers - {Path(__file__)} == set(clock_times.files())


def test_moments_are_enough() -> None:
    asked = [datetime.fromisoformat(moment) for moment in clock_times.MOMENTS]
    assert len({at.time() for at in asked}) >= 8
    assert {(at.hour, at.minute) for at in asked} >= {(0, 5), (2, 30), (23, 59)}
    assert {(at.month, at.day) for at in asked} >= {(12, 31), (2, 29), (1, 1)}
    assert len({at for at in asked if (at + timedelta(days=1)).month != at.month}) >= 3
