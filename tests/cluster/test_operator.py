"""The operator as a chart's release: a lost leader, an upgrade, an uninstall. Models keep serving meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import FULL_NAME, MODELS, OPERATOR_NAMESPACE, RELEASE, Site
from cluster.load import Load, address
from cluster.models import pods, served
from monitored_models.naming.kinds import CHILDREN, LEASE, MODEL, POD
from operator_testbed import Bed
from testbed.prometheus import Prometheus

PATIENCE = 240.0
FIRST_CHART = Path(__file__).parents[1] / "upgrade/released/0.1.0/monitored-models-0.1.0.tgz"
"""The first chart that worked."""
RELEASE_SELECTOR = f"app.kubernetes.io/instance={RELEASE}"


def test_lost_leader_is_replaced_and_models_keep_serving(site: Site) -> None:
    bed = site.bed
    bed.apply(served("steady", site.image, replicas=2))
    bed.wait_for(MODELS, "steady", "Ready", timeout=PATIENCE)
    before = versions(bed, "steady")
    leader = holder(bed)
    with Load(address(bed, "steady")) as load:
        began = time.monotonic()
        status, answer = bed.plane.request(
            "DELETE", f"{POD.path(OPERATOR_NAMESPACE)}/{pod_of(leader)}?gracePeriodSeconds=0"
        )
        assert status == 200, answer
        bed.wait("another leader", lambda: holder(bed) not in ("", leader), PATIENCE)
        print(f"from a killed leader to the next: {time.monotonic() - began:.0f} s")
        bed.apply(served("steady", site.image, replicas=2, model={"name": "churn", "version": "2"}))
        bed.wait_for(MODELS, "steady", "Ready", timeout=PATIENCE)
    assert load.answered > 10
    assert load.failures == []
    assert versions(bed, "steady").keys() == before.keys()


def test_upgrade_rolls_the_operator_and_writes_to_no_model(site: Site) -> None:
    bed = site.bed
    bed.apply(served("steady", site.image, replicas=2, model={"name": "churn", "version": "2"}))
    bed.wait_for(MODELS, "steady", "Ready", timeout=PATIENCE)
    bed.wait("both operators ready", lambda: ready_operators(bed) == 2, PATIENCE)
    old = operator_pods(bed)
    site.bed.quiet(MODELS)
    before, seen = versions(bed, "steady"), len(bed.audit())
    with Load(address(bed, "steady")) as load:
        began = time.monotonic()
        settings = {**site.values["settings"], "workers": 8}
        site.helm.install(RELEASE, {**site.values, "settings": settings})
        print(f"helm upgrade took {time.monotonic() - began:.0f} s")
        bed.wait("a new leader", lambda: pod_of(holder(bed)) in operator_pods(bed) - old, PATIENCE)
        time.sleep(10)  # time for writes that must not come
    assert not old & operator_pods(bed)
    assert load.failures == []
    assert versions(bed, "steady") == before
    assert [each for each in bed.writes(MODELS, seen) if not each.endswith("/status")] == []


def test_monitoring_keeps_working_without_the_operator(site: Site) -> None:
    bed, prometheus = site.bed, Prometheus(site.prometheus)
    query = f'monitored_model:inference_throughput{{namespace="{MODELS}",monitored_model="steady"}}'
    scale(bed, 0)
    try:
        bed.wait("no operator", lambda: not operator_pods(bed), PATIENCE)
        with Load(address(bed, "steady")) as load:
            bed.wait("throughput", lambda: prometheus.query(f"{query} > 1"), PATIENCE)
        assert load.failures == []
    finally:
        scale(bed, 2)
    bed.wait("both operators ready", lambda: ready_operators(bed) == 2, PATIENCE)


def test_helm_test_passes(site: Site) -> None:
    if "hook" not in site.helm.run("get", "hooks", RELEASE):
        pytest.fail("the chart has no test")
    assert "Succeeded" in site.helm.run("test", RELEASE, "--timeout=120s")


def test_uninstall_keeps_models_and_the_first_chart_adopts_them_and_is_upgraded_from(site: Site) -> None:
    bed = site.bed
    before = versions(bed, "steady")
    with Load(address(bed, "steady")) as load:
        site.helm.uninstall(RELEASE)
        bed.wait("nothing of the release but CRDs", lambda: leftovers(bed) == [], PATIENCE)
        assert bed.get(MODEL, MODELS, "steady")
        site.helm.install(RELEASE, {name: site.values[name] for name in ("imageRegistry", "settings")}, FIRST_CHART)
        bed.apply(served("steady", site.image, replicas=2, model={"name": "churn", "version": "3"}))
        bed.wait_for(MODELS, "steady", "Ready", timeout=PATIENCE)
        bed.quiet(MODELS)
        running = versions(bed, "steady")
        site.helm.install(RELEASE, site.values)
        bed.wait("both operators ready", lambda: ready_operators(bed) == 2, PATIENCE)
        bed.wait_for(MODELS, "steady", "Ready", timeout=PATIENCE)
    assert load.failures == []
    assert versions(bed, "steady") == running
    assert running.keys() == before.keys()


def test_uninstall_removes_models_when_told_so(site: Site) -> None:
    bed = site.bed
    site.helm.install(RELEASE, {**site.values, "crds": {"keep": False}})
    site.helm.uninstall(RELEASE)
    bed.wait("no CRD", lambda: bed.plane.request("GET", MODEL.path(MODELS))[0] == 404, PATIENCE)
    bed.wait("no pod of a model", lambda: not pods(bed, "steady"), PATIENCE)
    for kind in CHILDREN:
        status, found = bed.plane.request("GET", kind.path(MODELS))
        names = [each["metadata"]["name"] for each in (found["items"] if status == 200 else ())]
        assert [name for name in names if name.startswith("steady")] == [], kind.name
    assert leftovers(bed) == []


def holder(bed: Bed) -> str:
    """Who holds the Lease; empty when nobody does."""
    lease = bed.get(LEASE, OPERATOR_NAMESPACE, FULL_NAME)
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")


def pod_of(identity: str) -> str:
    """The pod's name in a holder's identity."""
    return identity.rsplit("-", 2)[0]


def operator_pods(bed: Bed) -> set[str]:
    """Names of the operator's pods."""
    return {each["metadata"]["name"] for each in _pods(bed)}


def ready_operators(bed: Bed) -> int:
    """How many of the operator's pods are ready."""
    conditions = [{c["type"]: c["status"] for c in each["status"].get("conditions", ())} for each in _pods(bed)]
    return sum(each.get("Ready") == "True" for each in conditions)


def scale(bed: Bed, replicas: int) -> None:
    """Set the replicas of the operator's Deployment."""
    path = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/{FULL_NAME}"
    patch = {"spec": {"replicas": replicas}}
    status, answer = bed.plane.request("PATCH", path, patch, content_type="application/merge-patch+json")
    assert status == 200, answer


def versions(bed: Bed, name: str) -> dict[str, str]:
    """Uid and generation of each of a model's children."""
    found = {}
    for kind in CHILDREN:
        if (body := bed.get(kind, MODELS, name)) is not None:
            found[kind.name] = f"{body['metadata']['uid']}/{body['metadata'].get('generation', '')}"
    return found


def leftovers(bed: Bed) -> list[str]:
    """Objects of the release, of every kind that the API serves, apart from CRDs."""
    names = []
    for collection in collections(bed):
        status, found = bed.plane.request("GET", f"{collection}?labelSelector={RELEASE_SELECTOR}")
        if status == 200 and not collection.endswith("/customresourcedefinitions"):
            names += [f"{collection}/{each['metadata']['name']}" for each in found["items"]]
    return names


def collections(bed: Bed) -> list[str]:
    """The path of each list that the API serves."""
    _, groups = bed.plane.request("GET", "/apis")
    paths = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups["groups"])]
    return [
        f"{path}/{resource['name']}"
        for path in paths
        for resource in _resources(bed, path)
        if "list" in resource["verbs"] and "/" not in resource["name"]
    ]


def _resources(bed: Bed, path: str) -> list[dict[str, Any]]:
    status, served_there = bed.plane.request("GET", path)
    found: list[dict[str, Any]] = served_there["resources"] if status == 200 else []
    return found


def _pods(bed: Bed) -> list[dict[str, Any]]:
    query = f"?labelSelector={RELEASE_SELECTOR},app.kubernetes.io/name=monitored-models"
    items: list[dict[str, Any]] = bed.plane.request("GET", POD.path(OPERATOR_NAMESPACE) + query)[1]["items"]
    return [each for each in items if "deletionTimestamp" not in each["metadata"]]
