"""Fixtures shared by the tests that need a control plane: one for the whole session, a namespace for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubernetes_bed import ROOT, Bed, grant_operator
from testbed import tools
from testbed.controlplane import ControlPlane
from testbed.processes import Process

WANTED_CRDS = ("servicemonitors", "prometheusrules", "podmonitors", "probes", "_prometheuses")
_numbers = itertools.count(1)


def prometheus_crds() -> list[Path]:
    """The few CRDs of prometheus-operator that tests use: all ten take the API server seconds."""
    return [path for path in tools.prometheus_operator_crds() if any(wanted in path.name for wanted in WANTED_CRDS)]


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with controllers and one simulated node, our CRD and prometheus-operator's."""
    directory = tmp_path_factory.mktemp("controlplane")
    crds = [ROOT / "crds/monitoredmodels.yaml", *prometheus_crds()]
    with ControlPlane(directory, controllers=True, kwok=True, crds=crds) as plane:
        grant_operator(plane)
        yield Bed(plane, directory)


@pytest.fixture(scope="session")
def operator(bed: Bed) -> Iterator[Process]:
    """One operator for all tests that do not stop it."""
    with bed.operator() as process:
        yield process


@pytest.fixture
def namespace(bed: Bed) -> str:
    """A namespace that enforces the restricted Pod Security Standard."""
    name = f"test-{next(_numbers)}"
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforce}})
    return name
