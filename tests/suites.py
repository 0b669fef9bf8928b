"""How the suites share the machine: which files workers take first, and a table of minutes by suite at the end.

A suite is a folder in tests/. With several workers a file is what one of them takes as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

TESTS = Path(__file__).parent
FIRST = (
    "gitops/test_argocd.py",
    "e2e/test_start_under_load.py",
    "spec_mutations/test_mutations.py",
    "e2e/test_lifecycle.py",
    "promtool/test_alerts.py",
    "e2e/test_grafana.py",
    "fault_injection/test_watches_and_starts.py",
    "e2e/test_notifications.py",
    "fault_injection/test_kills.py",
    "e2e/test_reconcile.py",
    "e2e/test_selectors.py",
    "alerting/test_storm.py",
    "e2e/test_profiles.py",
    "alerting/test_delivery.py",
    "fault_injection/test_answers.py",
    "preview/test_preview.py",
    "e2e/test_busy.py",
    "e2e/test_leader.py",
    "dashboards/test_runtimes.py",
    "security/test_tenant.py",
    "e2e/test_cli.py",
    "dashboards/test_queries.py",
    "e2e/test_fairness.py",
    "signals/test_fixtures.py",
    "security/test_injection.py",
    "e2e/test_grafana_dashboards.py",
    "e2e/test_prometheus_operator.py",
    "e2e/test_metrics_access.py",
)
"""Files that take long, longest first, by the table at the end of a run.

What is left when the last long file starts is all that workers can share: a long file that starts late is what everyone waits for.
"""


def order(items: list[pytest.Item]) -> None:
    """Put the tests of long files first; all others keep their order."""
    ranks = {TESTS / name: rank for rank, name in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(FIRST)))


@dataclass
class Spent:
    """What a suite has taken."""

    tests: set[str] = field(default_factory=set)
    seconds: float = 0.0
    files: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def spent(reports: Iterable[object]) -> dict[str, Spent]:
    """Tests and seconds by suite, the setup and the teardown of a test included; the suite that took longest comes first."""
    found: defaultdict[str, Spent] = defaultdict(Spent)
    for report in reports:
        if isinstance(report, pytest.TestReport):
            file = PurePosixPath(report.nodeid.partition("::")[0])
            suite = found[file.parts[1] if file.parts[0] == TESTS.name else file.parts[0]]
            suite.tests.add(report.nodeid)
            suite.seconds += report.duration
            suite.files[file.name] += report.duration
    return dict(sorted(found.items(), key=lambda each: -each[1].seconds))


def table(suites: dict[str, Spent], wall_seconds: float) -> list[str]:
    """Minutes by suite, and the file of each that took longest."""
    lines = [f"{'suite':<12}{'tests':>7}{'minutes':>9}   its longest file"]
    for name, suite in suites.items():
        file = max(suite.files, key=suite.files.__getitem__)
        lines.append(f"{name:<12}{len(suite.tests):>7}{suite.seconds / 60:>9.1f}   {suite.files[file] / 60:.1f} {file}")
    tests, seconds = sum(len(each.tests) for each in suites.values()), sum(each.seconds for each in suites.values())
    lines.append(f"{'all':<12}{tests:>7}{seconds / 60:>9.1f}   in {wall_seconds / 60:.1f} minutes by the clock")
    return lines
