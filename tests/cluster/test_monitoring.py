"""From `helm install` to an alert at a receiver, on a real node: nothing between is imitated.

Prometheus and Alertmanager run in the cluster by prometheus-operator, the kubelet measures the containers, and
metrics-server feeds the autoscaler.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from cluster.conftest import MODELS, OPERATOR_NAMESPACE, Site
from cluster.load import Load, address
from cluster.models import pods, served
from cluster.panels import preview
from cluster.receiver import Receiver, listening
from monitored_models.naming.kinds import MODEL, POD, PROFILE
from operator_testbed import Bed
from testbed.controlplane import NODE
from testbed.prometheus import Prometheus

PATIENCE = 240.0
ALERTS = {name: {"for": "10s"} for name in ("ModelRolloutStuck", "ModelErrorRatioHigh", "ModelReplicasMissing")}
DECIDED_LATER = {"Monitored", "DashboardReady"}
"""Conditions that this version cannot decide here: no Grafana runs, and decision 0007 on Monitored."""


@pytest.fixture(scope="module")
def receiver(site: Site) -> Iterator[Receiver]:
    """Whom the profile of the namespace notifies."""
    with listening(str(site.cluster.sandbox.network.machine)) as receiver:
        secret = {"name": "hook", "namespace": MODELS}
        site.bed.apply({"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"url": receiver.url}})
        webhook = {"url": {"name": "hook", "key": "url"}}
        target = {"name": "hook", "webhook": webhook, "groupWait": "1s", "groupInterval": "5s"}
        spec = {"scrape": {"interval": "5s"}, "alerts": {"rules": ALERTS}, "notifications": [target]}
        metadata = {"name": "default", "namespace": MODELS}
        site.bed.apply({"apiVersion": PROFILE.api_version, "kind": PROFILE.name, "metadata": metadata, "spec": spec})
        yield receiver


@pytest.fixture(scope="module")
def churn(site: Site, receiver: Receiver) -> Iterator[dict[str, Any]]:
    """A model with two replicas, a volume claim and load."""
    _claim(site.bed)
    storage = {"volumes": [{"name": "cache", "mountPath": "/cache", "persistentVolumeClaim": {"claimName": "cache"}}]}
    resources = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    body = served("churn", site.image, replicas=2, storage=storage, resources=resources)
    site.bed.apply(body)
    site.bed.wait_for(MODELS, "churn", "Ready", timeout=PATIENCE)
    with Load(address(site.bed, "churn")):
        yield body
    assert receiver.url


def test_every_condition_that_can_be_decided_is_true(site: Site, churn: dict[str, Any]) -> None:
    def undecided() -> dict[str, Any]:
        conditions = (site.bed.get(MODEL, MODELS, "churn") or {}).get("status", {}).get("conditions", ())
        return {c["type"]: c for c in conditions if c["status"] != "True" and c["type"] not in DECIDED_LATER}

    assert churn
    site.bed.wait("every condition True", lambda: not undecided(), PATIENCE)


def test_every_panel_has_data_of_the_models_own_series(site: Site, churn: dict[str, Any]) -> None:
    with preview([churn], site.prometheus, site.bed.directory) as page:
        _wait(lambda: page.gaps() or None, PATIENCE)
    print(f"from helm install to data in every panel: {time.monotonic() - site.installed:.0f} s")


@pytest.mark.usefixtures("churn")
def test_targets_are_up_and_the_kubelet_measures_cpu_memory_and_disk(site: Site) -> None:
    where = f'{{namespace="{MODELS}",monitored_model="churn"}}'
    prometheus = Prometheus(site.prometheus)
    site.bed.wait("two targets up", lambda: _value(prometheus, f"sum(up{where})") == 2, PATIENCE)
    site.bed.wait(
        "the operator's pods up",
        lambda: _value(prometheus, f'sum(up{{namespace="{OPERATOR_NAMESPACE}"}})') == 2,
        PATIENCE,
    )
    for series in ("cpu_usage", "memory_usage", "disk_usage"):
        query = f"sum(monitored_model:{series}{where})"
        site.bed.wait(query, partial(_value, prometheus, query), PATIENCE)


def test_bad_version_fails_requests_of_nobody_and_alerts_until_it_is_mended(
    site: Site, churn: dict[str, Any], receiver: Receiver
) -> None:
    with Load(address(site.bed, "churn")) as load:
        site.bed.apply({**churn, "spec": {**churn["spec"], "image": "docker.io/local/nothing:2"}})
        site.bed.wait("firing", lambda: receiver.received("ModelRolloutStuck", "churn", "firing"), PATIENCE)
        site.bed.apply(churn)
        site.bed.wait_for(MODELS, "churn", "Ready", timeout=PATIENCE)
        site.bed.wait("resolved", lambda: receiver.received("ModelRolloutStuck", "churn", "resolved"), PATIENCE)
    assert load.answered > 50
    assert load.failures == []


@pytest.mark.usefixtures("churn")
def test_errors_alert_until_they_end(site: Site, receiver: Receiver) -> None:
    site.bed.apply(served("wrong", site.image))
    site.bed.wait_for(MODELS, "wrong", "Ready", timeout=PATIENCE)
    began = time.monotonic()
    with Load(address(site.bed, "wrong"), row=[1], threads=1, pause=0.5) as load:  # too short a row
        site.bed.wait("firing", lambda: receiver.received("ModelErrorRatioHigh", "wrong", "firing"), PATIENCE)
    print(f"from the first failed request to the notification: {time.monotonic() - began:.0f} s")
    assert load.failures
    with Load(address(site.bed, "wrong"), threads=4, pause=0.01):
        site.bed.wait("resolved", lambda: receiver.received("ModelErrorRatioHigh", "wrong", "resolved"), 600)
    site.bed.delete(MODEL, MODELS, "wrong")


@pytest.mark.usefixtures("churn")
def test_killed_pod_that_finds_no_node_alerts_until_it_is_back(site: Site, receiver: Receiver) -> None:
    site.bed.apply(served("killed", site.image))
    site.bed.wait_for(MODELS, "killed", "Ready", timeout=PATIENCE)
    prometheus = Prometheus(site.prometheus)
    up = f'up{{namespace="{MODELS}",monitored_model="killed"}}'
    site.bed.wait("its target up", lambda: _value(prometheus, up) == 1, PATIENCE)
    _cordon(site.bed, unschedulable=True)
    try:
        (pod,) = pods(site.bed, "killed")
        site.bed.delete(POD, MODELS, pod["metadata"]["name"])
        site.bed.wait("firing", lambda: receiver.received("ModelReplicasMissing", "killed", "firing"), PATIENCE)
    finally:
        _cordon(site.bed, unschedulable=False)
    site.bed.wait_for(MODELS, "killed", "Ready", timeout=PATIENCE)
    site.bed.wait("resolved", lambda: receiver.received("ModelReplicasMissing", "killed", "resolved"), PATIENCE)
    site.bed.delete(MODEL, MODELS, "killed")


@pytest.mark.usefixtures("receiver")
def test_autoscaler_scales_by_the_load(site: Site) -> None:
    resources = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "300m", "memory": "512Mi"}}
    autoscaling = {"minReplicas": 1, "maxReplicas": 2, "targetCPUUtilizationPercentage": 50}
    site.bed.apply(served("scaled", site.image, resources=resources, autoscaling=autoscaling))
    site.bed.wait_for(MODELS, "scaled", "Ready", timeout=PATIENCE)
    with Load(address(site.bed, "scaled"), pause=0.01, rows=200):
        site.bed.wait("two pods", lambda: len(pods(site.bed, "scaled")) == 2, PATIENCE)
        site.bed.wait("two replicas in the status", lambda: _replicas(site.bed, "scaled") == 2, PATIENCE)
        site.bed.wait_for(MODELS, "scaled", "Ready", timeout=PATIENCE)
    site.bed.delete(MODEL, MODELS, "scaled")


def _claim(bed: Bed) -> None:
    """A volume of this node's disk, whose use the kubelet measures."""
    affinity = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeMode": "Filesystem"}
    folder = bed.directory / "volume"
    folder.mkdir(mode=0o777, exist_ok=True)
    volume = {
        **common,
        "capacity": {"storage": "1Gi"},
        "local": {"path": str(folder)},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [affinity]}},
    }
    claim = {**common, "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "cache"}
    bed.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "cache"}, "spec": volume})
    metadata = {"name": "cache", "namespace": MODELS}
    bed.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim})


def _cordon(bed: Bed, *, unschedulable: bool) -> None:
    patch = {"spec": {"unschedulable": unschedulable}}
    status, answer = bed.plane.request(
        "PATCH", f"/api/v1/nodes/{NODE}", patch, content_type="application/merge-patch+json"
    )
    assert status == 200, answer


def _replicas(bed: Bed, name: str) -> int:
    """Replicas in a model's status."""
    return int((bed.get(MODEL, MODELS, name) or {}).get("status", {}).get("replicas", 0))


def _value(prometheus: Prometheus, query: str) -> float:
    """The value of a query with one result; 0 where it has none."""
    samples = prometheus.query(query)
    return float(samples[0]["value"][1]) if samples else 0.0


def _wait(gaps: Any, timeout: float) -> None:
    """Wait until nothing is missing, and say what is when it takes too long."""
    deadline = time.monotonic() + timeout
    while missing := gaps():
        assert time.monotonic() < deadline, missing
        time.sleep(2)
