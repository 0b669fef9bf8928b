"""Fixtures shared by files: a control plane for the whole session, with a namespace for each test, and a past of every runtime.

With several workers each has a session of its own, and with it a control plane of its own.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from operator_testbed import OWN_CRDS, Bed, prometheus_crds, running_bed
from signals import replay
from testbed import clock, prometheus
from testbed.processes import Process

_numbers = itertools.count(1)
_BEGAN = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_BEGAN] = time.monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # alone, short files first tell sooner what is wrong
        suites.order(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    spent = suites.spent(report for reports in terminalreporter.stats.values() for report in reports)
    if len(spent) > 1:
        terminalreporter.section("minutes by suite")
        for line in suites.table(spent, time.monotonic() - config.stash[_BEGAN]):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with controllers and one simulated node, our CRD and prometheus-operator's."""
    with running_bed(tmp_path_factory.mktemp("controlplane"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


@pytest.fixture(scope="module")
def operator(bed: Bed) -> Iterator[Process]:
    """One operator for all tests of a file that do not stop it."""
    with bed.operator() as process:
        yield process


@pytest.fixture
def namespace(bed: Bed) -> str:
    """A namespace that enforces the restricted Pod Security Standard."""
    name = f"test-{next(_numbers)}"
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforce}})
    return name


@pytest.fixture(scope="session")
def past_of_runtimes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a Prometheus with the past of every fixture, to be copied, and the end of that past."""
    folder, end = tmp_path_factory.mktemp("runtimes-past"), clock.end()

    def samples() -> Iterator[str]:
        for fixture in replay.fixtures():
            yield from replay.history(fixture, end)
        yield from replay.claims(end)

    prometheus.write_history(folder, samples())
    return folder, end
