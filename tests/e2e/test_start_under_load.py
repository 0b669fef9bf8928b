"""A start with many models on little processor time: the Lease is kept, the probes are answered, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitored_models.naming.kinds import LEASE, MODEL
from operator_testbed import LEASE_NAMESPACE, OWN_CRDS, Bed, model, prometheus_crds, running_bed
from testbed.cpu_quota import limited
from testbed.pages import samples, wait_idle

pytestmark = pytest.mark.e2e

MODELS = 600
CORES = 0.5
STARTS = 3
NAMESPACES = [f"load-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane without controllers, on which the operator has made the children of 600 models."""
    with running_bed(tmp_path_factory.mktemp("crowded"), [*OWN_CRDS, *prometheus_crds()], controllers=False) as bed:
        for name in NAMESPACES:
            bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for number in range(MODELS):
            namespace = NAMESPACES[number % len(NAMESPACES)]
            status, body = bed.plane.request("POST", MODEL.path(namespace), model(f"model-{number}", namespace))
            assert status == 201, body
        with bed.operator("maker") as process:
            wait_idle(process, MODELS, timeout=600)
        yield bed


def test_operator_keeps_its_lease_while_it_starts_on_half_a_core(crowded: Bed) -> None:
    settled = crowded.writes(NAMESPACES)
    for start in range(1, STARTS + 1):
        process = crowded.start_operator(f"start-{start}", leaderElection=True)
        try:
            with limited(process, CORES) as brake:
                print(f"start {start} on {CORES} cores by {brake}")
                idle = wait_idle(process, MODELS, timeout=300)
        finally:
            process.kill()
        log = process.log.read_text()
        assert log.count('"reason": "Leading"') == 1
        assert f"{MODELS} models; kinds" in log
        assert '"level": "ERROR"' not in log
        (looked,) = samples(idle.metrics, "monitored_models_reconcile_duration_seconds_count")
        assert looked[0] == {"outcome": "ok"}
        held = crowded.get(LEASE, LEASE_NAMESPACE, "monitored-models")
        assert held is not None
        assert held["spec"]["leaseTransitions"] == start  # this process took it once, and nobody else did
    assert crowded.writes(NAMESPACES) == settled
