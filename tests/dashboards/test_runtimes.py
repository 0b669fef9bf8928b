"""The dashboard of a model of every runtime, over what real servers exposed: no panel is without data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.grafana import View, with_all
from dashboards.rendered_dashboards import queries
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.runtimes import builtin_runtimes
from signals import replay
from signals.replay import Fixture, line
from signals.rules import FIXTURES, ONE_MODEL, groups_of
from testbed import prometheus

pytestmark = pytest.mark.clock

QUIET = {"Alerts", "Alerts over time"}


def told(fixture: Fixture, end: float) -> Iterator[str]:
    """What the operator says of a model beyond what rules read."""
    own = {"namespace": replay.NAMESPACE, "monitored_model": fixture.name}
    of_pods = ("pod_ready", "pod_container_restarts_total", "pod_out_of_memory", "pod_created_timestamp_seconds")
    for at in (end - seconds for seconds in range(600, -1, -30)):
        yield line("monitored_model_condition", {**own, "condition": "Ready", "status": "True"}, 1, at)
        yield line("monitored_model_replicas_ready", own, replay.PODS, at)
        for index in range(replay.PODS):
            for name in of_pods:
                yield line(f"monitored_model_{name}", {**own, "pod": replay.pod(fixture, index)}, 1, at)


@pytest.fixture(scope="module")
def view(past_of_runtimes: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    folder, (past, end) = tmp_path_factory.mktemp("runtimes") / "past", past_of_runtimes
    shutil.copytree(past, folder)
    prometheus.write_history(folder, (sample for fixture in FIXTURES for sample in told(fixture, end)))
    with prometheus.at_the_end(folder, groups_of(ONE_MODEL), end) as server:
        yield View(server, end, 300, 15)


def answered(fixture: Fixture, view: View) -> dict[str, bool]:
    """Title of each panel that asks something, and whether each of its queries has an answer."""
    board = json.loads(dashboard_json(fixture.model))
    seen, found = with_all(board, view), dict[str, bool]()
    for panel, target in queries(board):
        found[panel["title"]] = found.get(panel["title"], True) and bool(seen.asked(target))
    return found


@pytest.mark.parametrize("runtime", sorted(builtin_runtimes()))
def test_panels_of_every_runtime_have_data(runtime: str, view: View) -> None:
    """Each with some version of its server: names change."""
    versions = [answered(fixture, view) for fixture in FIXTURES if fixture.runtime == runtime]
    empty = {title for title in versions[0] if not any(version.get(title) for version in versions)}
    assert empty <= QUIET
