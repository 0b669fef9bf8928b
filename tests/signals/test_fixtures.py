"""Every runtime's signals on a real Prometheus: what its server exposes, through the rendered rules, in both scopes.

One Prometheus has evaluated the PrometheusRule of each fixture's model, another the rules of a fleet, over the same past.
The expected values were computed from the pages by other means than PromQL.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitored_models.render.rules.catalogue import CATALOGUE, PREFIX, offers
from monitored_models.render.rules.context import context
from monitored_models.runtimes import builtin_runtimes
from signals import replay
from signals.replay import Fixture
from signals.rules import FIXTURES, SCOPES, groups_of
from testbed import prometheus

pytestmark = pytest.mark.clock

TOLERANCE = 0.02
"""A rate over five minutes ends some seconds before its window does, and Prometheus extrapolates."""
SUMMED = (
    "inference_throughput",
    "inference_errors",
    "token_throughput",
    "prompt_token_throughput",
    "queue_length",
    "model_labels:count",
)
"""What two pods do together; everything else is the same for both."""
COUNTED = ("model_labels:count",)
"""Increases over a window longer than the past there is."""
SAID = ("cpu_usage", "memory_usage", "disk_usage")
"""What a server says itself, and the kubelet says better."""


@dataclass(frozen=True)
class Recorded:
    """The recorded series of all fixtures."""

    samples: list[dict[str, Any]]

    def of(self, fixture: Fixture, name: str, label: str | None = None) -> Any:
        """Value of a series of a fixture's model, or its values by a label; None where there is none."""
        found = {
            sample["metric"].get(label, "") if label else "": float(sample["value"][1])
            for sample in self.samples
            if sample["metric"]["monitored_model"] == fixture.name and sample["metric"]["__name__"] == PREFIX + name
        }
        return (found if label else found[""]) if found else None

    def names(self, fixture: Fixture) -> set[str]:
        """Series of a fixture's model that have data."""
        return {
            sample["metric"]["__name__"]
            for sample in self.samples
            if sample["metric"]["monitored_model"] == fixture.name
        }


@pytest.fixture(scope="module")
def recorded(past_of_runtimes: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recorded]:
    folder, (past, end) = tmp_path_factory.mktemp("signals"), past_of_runtimes
    found = {}
    for scope in SCOPES:
        shutil.copytree(past, folder / scope)
        with prometheus.at_the_end(folder / scope, groups_of(scope), end) as server:
            found[scope] = Recorded(server.query(f'{{__name__=~"{PREFIX}.+"}}', time=str(end)))
    return found


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_fixture_yields_its_values(fixture: Fixture, scope: str, recorded: dict[str, Recorded]) -> None:
    found, wrong = recorded[scope], {}
    for name, expected in fixture.expected.items():
        if name in SAID:
            continue
        if isinstance(expected, list):  # versions
            shown = set(found.of(fixture, name, "version") or ())
            right = shown == set(map(str, expected))
        elif isinstance(expected, dict):  # by feature
            shown = found.of(fixture, name, "feature")
            right = shown == pytest.approx(expected, rel=TOLERANCE)
        else:
            shown = found.of(fixture, name)
            # An increase over a longer window than the past is extrapolated at both ends, by half a scrape each.
            tolerance = TOLERANCE + (replay.STEP / replay.MINUTES / 60 if name in COUNTED else 0)
            right = shown == pytest.approx(whole(name, expected, fixture), rel=tolerance)
        if not right:
            wrong[name] = (shown, expected)
    assert not wrong


def whole(name: str, expected: float, fixture: Fixture) -> float:
    """What all pods come to."""
    factor = replay.PODS if name in SUMMED else 1
    return expected * factor * (replay.MINUTES * 60 / fixture.about["seconds"] if name in COUNTED else 1)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_resources_and_versions_are_there_for_every_runtime(
    fixture: Fixture, scope: str, recorded: dict[str, Recorded]
) -> None:
    found = recorded[scope]
    assert found.of(fixture, "cpu_usage") == pytest.approx(replay.PODS * replay.CPU_CORES, rel=TOLERANCE)
    assert found.of(fixture, "memory_usage") == replay.PODS * replay.MEMORY_BYTES
    assert found.of(fixture, "disk_usage") == replay.PODS * replay.WRITTEN_BYTES + replay.USED_BYTES
    assert found.of(fixture, "disk_usage:ratio") == replay.USED_BYTES / replay.CAPACITY_BYTES
    assert found.of(fixture, "model_version", "monitored_model_version") == {"v1": replay.PODS}
    assert found.of(fixture, "model_update_time") is not None


QUALITY = {entry.series for entry in CATALOGUE if entry.group == "quality"}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("runtime", sorted(builtin_runtimes()))
def test_whatever_a_profile_offers_some_version_of_its_server_gives(
    runtime: str, scope: str, recorded: dict[str, Recorded]
) -> None:
    """And nothing that it says is unavailable."""
    versions = [fixture for fixture in FIXTURES if fixture.runtime == runtime]
    assert versions, "a runtime without a fixture"
    given = set().union(*(recorded[scope].names(fixture) for fixture in versions))
    offered = {offer.entry.series for offer in offers(context(versions[0].model)) if offer.expression}
    # Quality is offered by every server that runs its authors' code; only the instrumented fixtures have some.
    assert offered - given <= (set() if runtime == "custom" else QUALITY)
    assert given <= offered


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_both_scopes_say_the_same(fixture: Fixture, recorded: dict[str, Recorded]) -> None:
    assert recorded["one model"].names(fixture) == recorded["fleet"].names(fixture)
