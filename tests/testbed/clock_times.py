"""The tests that build a history, at many times: `make test-clock`.

Every moment is a pytest of its own with TEST_CLOCK set. Each time of day is another one, before, on and after the two
hours at which Prometheus cuts its blocks, and the dates are those at which calendars go wrong. Some are past and some are
not yet: a history may lie on either side of the clock of Prometheus.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testbed.clock import VARIABLE

ROOT = Path(__file__).parents[2]
MARK = "mark.clock"
MOMENTS = {
    "2027-01-01T00:05:00Z": "first minutes of a year",
    "2026-03-31T01:30:00Z": "amid the trouble of a night",
    "2027-04-30T02:30:00Z": "end of a month of 30 days",
    "2026-10-31T03:59:59Z": "a second before a block begins",
    "2027-06-01T06:00:00Z": "a block begins, and a month",
    "2026-07-15T08:00:01Z": "a second after a block began",
    "2028-02-29T12:00:00Z": "a leap day",
    "2024-02-29T16:20:40Z": "a leap day that is past",
    "2027-02-28T19:45:10Z": "end of a February",
    "2027-09-12T22:00:00Z": "a Sunday night",
    "2027-12-31T23:59:00Z": "end of a year",
}
"""Time to what is special about it."""
AT_ONCE = 2
_TAIL = 80
_COUNTS = ("tests", "failures", "errors", "skipped")


@dataclass(frozen=True)
class Outcome:
    """What became of the tests at one moment."""

    moment: str
    tests: int
    failed: int
    skipped: int
    seconds: float
    output: str
    """What pytest printed."""

    @property
    def passed(self) -> int:
        """Tests that ran and held."""
        return self.tests - self.failed - self.skipped


def files() -> list[Path]:
    """The test files that have such tests: pytest need not read the others."""
    return sorted(file for file in (ROOT / "tests").rglob("test_*.py") if f"pytest.{MARK}" in file.read_text())


def run(moment: str) -> Outcome:
    """The tests at a moment. A pytest that ends without a result counts as one failure."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="moments-") as folder:
        result = Path(folder) / "result.xml"
        # A folder of its own: pytest deletes old ones of other runs in the shared one.
        options = ["-q", "-m", "clock", "-p", "no:cacheprovider", f"--junitxml={result}", f"--basetemp={folder}/tmp"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *files()],
            cwd=ROOT,
            env={**os.environ, VARIABLE: moment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        suites = ET.parse(result).getroot().iter("testsuite") if result.exists() else ()  # noqa: S314 -- pytest wrote it
        counts = Counter({name: int(suite.attrib[name]) for suite in suites for name in _COUNTS})
    if done.returncode and not counts["failures"] + counts["errors"]:
        counts.update(tests=1, failures=1)
    failed, seconds = counts["failures"] + counts["errors"], time.monotonic() - began
    return Outcome(moment, counts["tests"], failed, counts["skipped"], seconds, done.stdout)


def table(outcomes: list[Outcome]) -> str:
    """What became of the tests at each moment."""
    lines = [f"{'moment':20}  {'passed':>6} {'failed':>6} {'skipped':>7} {'seconds':>7}  what is special"]
    lines += [
        f"{each.moment:20}  {each.passed:6} {each.failed:6} {each.skipped:7} {each.seconds:7.0f}  "
        f"{MOMENTS.get(each.moment, 'asked for')}"
        for each in outcomes
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the tests at every moment, or at those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("moments", nargs="*", default=list(MOMENTS), help="as 2028-02-29T12:00:00Z")
    asked: list[str] = parser.parse_args().moments
    outcomes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(run, asked):
            outcomes.append(outcome)
            print(f"{outcome.moment} {'FAILED' if outcome.failed else 'ok'} ({outcome.seconds:.0f} s)", flush=True)
            if outcome.failed:
                print("\n".join(outcome.output.splitlines()[-_TAIL:]), flush=True)
    passed, failed = (sum(getattr(each, name) for each in outcomes) for name in ("passed", "failed"))
    print(f"\n{table(outcomes)}\n\n{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
