"""The operator's own life: what it writes at a start, a change, a restart and a crash, and what it does without CRDs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.naming.kinds import DEPLOYMENT, MODEL, PROMETHEUS_RULE, SERVICE, SERVICE_MONITOR
from operator_testbed import CRD, OWN_CRDS, Bed, model, prometheus_crds, running_bed

pytestmark = pytest.mark.e2e

CHILDREN = 5
"""Deployment, Service, ServiceMonitor, PrometheusRule, dashboard."""
STATUS = "patch monitoredmodels/status"


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane on which no other operator runs, so that this one can be stopped and killed."""
    with running_bed(tmp_path_factory.mktemp("lifecycle"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


def place(bed: Bed, name: str) -> str:
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def test_write_budget_of_one_model_from_creation_to_restart(own_bed: Bed) -> None:
    bed, namespace = own_bed, place(own_bed, "budget")
    with bed.operator("budget-1"):
        bed.apply(model("churn", namespace, model={"version": "v1"}))
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
        created = bed.writes(namespace)
        assert sum(created.values()) - created[STATUS] == CHILDREN, created
        assert 1 <= created[STATUS] <= 2, created

        seen = len(bed.audit())
        bed.apply(model("churn", namespace, model={"version": "v1"}))
        body = bed.get(MODEL, namespace, "churn")
        assert body is not None
        bed.patch(MODEL, namespace, "churn", {"metadata": {"annotations": {"note": "nothing to do with the spec"}}})
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "applying the same again costs nothing"

        seen = len(bed.audit())
        rules = {"ModelLatencyHigh": {"threshold": "2s"}}
        bed.apply(model("churn", namespace, model={"version": "v1"}, monitoring={"alerts": {"rules": rules}}))
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
        changed = bed.writes(namespace, seen)
        assert changed == {"patch prometheusrules": 1, "patch configmaps": 1, STATUS: 1}, changed

    seen = len(bed.audit())
    with bed.operator("budget-2"):
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "a restart costs nothing"
        before = bed.get(DEPLOYMENT, namespace, "churn")
        bed.apply(model("churn", namespace, model={"version": "v2"}))
        bed.wait("rolled out", lambda: bed.get(DEPLOYMENT, namespace, "churn") != before)
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
        assert bed.writes(namespace, seen)["patch deployments"] == 1


def test_what_happened_while_the_operator_was_down_is_made_good(own_bed: Bed) -> None:
    bed, namespace = own_bed, place(own_bed, "down")
    with bed.operator("down-1"):
        for name in ("edited", "deleted", "removed"):
            bed.apply(model(name, namespace))
        for name in ("edited", "deleted", "removed"):
            bed.wait_for(namespace, name, "Ready")
    bed.patch(SERVICE_MONITOR, namespace, "edited", {"metadata": {"labels": {"monitoredmodels.dev/model": "other"}}})
    bed.delete(SERVICE, namespace, "deleted")
    bed.delete(MODEL, namespace, "removed")
    seen = len(bed.audit())
    with bed.operator("down-2"):
        bed.wait("made anew", lambda: bed.get(SERVICE, namespace, "deleted"))

        def label() -> str:
            body = bed.get(SERVICE_MONITOR, namespace, "edited")
            return str(body and body["metadata"]["labels"]["monitoredmodels.dev/model"])

        bed.wait("restored", lambda: label() == "edited")
        bed.quiet(namespace)
        assert bed.writes(namespace, seen) == {"patch services": 1, "patch servicemonitors": 1}
    assert bed.get(MODEL, namespace, "removed") is None


def test_kill_at_any_moment_of_a_creation_ends_the_same_way(own_bed: Bed) -> None:
    """SIGKILL after write k, for each k of a creation; a new operator finishes, and then there is rest."""
    bed = own_bed
    for k in range(1, CHILDREN + 2):
        namespace = place(bed, f"kill-{k}")
        with bed.operator(f"kill-{k}-first") as first:
            bed.apply(model("churn", namespace))
            bed.wait_writes(namespace, k)
            first.kill()
            with bed.operator(f"kill-{k}-second"):
                bed.wait_for(namespace, "churn", "Ready")
                bed.quiet(namespace, 2)
            total = bed.writes(namespace)
            assert total[STATUS] <= 3, total
            # One child at most is written twice: the one whose answer the killed process never read.
            assert sum(total.values()) - total[STATUS] <= CHILDREN + 1, total


def test_spec_stored_under_an_older_schema_is_reported_and_breaks_nothing(own_bed: Bed) -> None:
    """Rules come to a CRD later than objects: what the API server let in then is a condition now."""
    bed, namespace = own_bed, place(own_bed, "older")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/monitoredmodels.monitoredmodels.dev"
    current = yaml.safe_load(CRD.read_text())
    older = without_rules(current)
    with bed.operator("older"):
        bed.apply(model("churn", namespace, replicas=2))
        bed.wait_for(namespace, "churn", "Ready")
        bed.apply(older)
        bad = model("churn", namespace, replicas=2, autoscaling={"maxReplicas": 3})

        def admitted() -> bool:
            status, _ = bed.plane.request("PUT", MODEL.path(namespace, "churn"), {**bad, **version()})
            return status == 200

        def version() -> dict[str, Any]:
            body = bed.get(MODEL, namespace, "churn")
            assert body is not None
            return {"metadata": {**bad["metadata"], "resourceVersion": body["metadata"]["resourceVersion"]}}

        bed.wait("the older schema is in force", admitted)
        found = bed.wait_for(namespace, "churn", "InvalidSpec")
        assert "spec.replicas: set replicas or autoscaling, not both" in found["message"]
        assert bed.condition(namespace, "churn", "Stalled")["status"] == "True"
        deployment = bed.get(DEPLOYMENT, namespace, "churn")
        assert deployment is not None
        assert deployment["spec"]["replicas"] == 2
        bed.apply(current)
        bed.plane.request("PUT", MODEL.path(namespace, "churn"), {**model("churn", namespace, replicas=2), **version()})
        bed.wait_for(namespace, "churn", "Ready")
    assert (
        "x-kubernetes-validations"
        in bed.plane.request("GET", path)[1]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    )


def without_rules(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: without_rules(value) for key, value in schema.items() if key != "x-kubernetes-validations"}
    return [without_rules(item) for item in schema] if isinstance(schema, list) else schema


def test_stop_ends_at_once_and_exits_with_0(own_bed: Bed) -> None:
    bed = own_bed
    with bed.operator("stop") as process:
        began = time.monotonic()
        assert process.terminate(timeout=20) == 0
        assert time.monotonic() - began < 10


def test_missing_crds_block_nothing_and_are_found_when_they_appear(tmp_path: Path) -> None:
    with running_bed(tmp_path, [CRD]) as bed:
        plane, namespace = bed.plane, "bare"
        place(bed, namespace)
        with bed.operator("bare", discoverySeconds=1):
            bed.apply(model("churn", namespace))
            found = bed.wait_for(namespace, "churn", "CRDNotInstalled")
            assert "servicemonitors.monitoring.coreos.com" in found["message"]
            assert bed.wait_for(namespace, "churn", "Ready", kind="WorkloadReady")["status"] == "True"
            for path in prometheus_crds():
                status, answer = plane.request(
                    "POST",
                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                    path.read_text(),
                    content_type="application/yaml",
                )
                assert status == 201, answer
            bed.wait_for(namespace, "churn", "Ready")
            assert bed.get(SERVICE_MONITOR, namespace, "churn")
            assert bed.get(PROMETHEUS_RULE, namespace, "churn")
            crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/prometheusrules.monitoring.coreos.com"
            assert plane.request("DELETE", crd)[0] == 200
            bed.wait_for(namespace, "churn", "CRDNotInstalled")
            assert bed.condition(namespace, "churn", "WorkloadReady")["status"] == "True"


def test_operator_waits_for_its_own_crd(tmp_path: Path) -> None:
    with running_bed(tmp_path, (), controllers=False) as bed:
        process = bed.start_operator("waiting")
        try:
            bed.wait("it says what is missing", lambda: process.logged("kubectl apply -f crds/"))
            assert process.alive()
        finally:
            process.kill()
