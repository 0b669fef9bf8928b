"""One control plane for the chart's tests, with the kinds of prometheus-operator and grafana-operator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from operator_testbed import ROOT, Bed, prometheus_crds
from testbed.controlplane import ControlPlane


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with controllers, and without nodes."""
    folder = tmp_path_factory.mktemp("chart")
    crds = [*prometheus_crds(), ROOT / "tests/e2e/grafanadashboards.yaml", *(ROOT / "crds").glob("*.yaml")]
    with ControlPlane(folder, crds=crds) as plane:
        yield Bed(plane, folder)
