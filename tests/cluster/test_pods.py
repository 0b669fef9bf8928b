"""What only a real node can show: restricted pods that run, rollouts that lose no request, what the kubelet reports.

Needs root, for containers; `make test-cluster` runs it, and `.ci/run` where it is root.
"""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Self

import images
import pytest

from monitored_models.naming.kinds import MODEL, POD, SERVICE
from operator_testbed import OWN_CRDS, Bed, grant_operator, prometheus_crds
from testbed.node import OneNodeCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a node runs containers, which needs root: make test-cluster")

READY_PROBES = {
    "startup": {"path": "/health/live", "periodSeconds": 1, "failureThreshold": 120},
    "readiness": {"path": "/health/ready", "periodSeconds": 1},
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bed, str]]:
    """A cluster of one real node with the operator on it, and the name of an image that serves a model."""
    crds = [*OWN_CRDS, *prometheus_crds()]
    with OneNodeCluster("tests", crds=crds) as cluster:
        image = cluster.import_image(images.model())
        grant_operator(cluster.control_plane)
        bed = Bed(cluster.control_plane, tmp_path_factory.mktemp("node"))
        enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models", "labels": enforce}})
        with bed.operator():
            yield bed, image


def served(name: str, image: str, **spec: Any) -> dict[str, Any]:
    """A MonitoredModel of the demo's server."""
    given = {
        "image": image,
        "model": {"name": "churn", "version": "1"},
        "probes": READY_PROBES,
        "rollout": {"drainSeconds": 3, "terminationGracePeriodSeconds": 20},
        **spec,
    }
    metadata = {"name": name, "namespace": "models"}
    return {"apiVersion": MODEL.api_version, "kind": MODEL.name, "metadata": metadata, "spec": given}


def test_restricted_pod_with_a_read_only_image_runs_and_serves(node: tuple[Bed, str]) -> None:
    bed, image = node
    storage = {"sharedMemory": "64Mi"}
    bed.apply(served("locked", image, security={"readOnlyRootFilesystem": True}, storage=storage))
    bed.wait_for("models", "locked", "Ready", timeout=90)
    assert json.loads(post(address(bed, "locked")))["predictions"] in ([0], [1])


def test_rollout_and_scaling_lose_no_request(node: tuple[Bed, str]) -> None:
    bed, image = node
    bed.apply(served("busy", image, replicas=2))
    bed.wait_for("models", "busy", "Ready", timeout=90)
    with Load(address(bed, "busy")) as load:
        for version in ("2", "3"):
            bed.apply(served("busy", image, replicas=2, model={"name": "churn", "version": version}))
            wait_for_version(bed, "busy", version)
            bed.wait_for("models", "busy", "Ready", timeout=90)
        bed.apply(served("busy", image, replicas=1, model={"name": "churn", "version": "3"}))
        bed.wait("one pod", lambda: len(pods(bed, "busy")) == 1, 60)
    assert load.answered > 200
    assert load.failures == []


@pytest.mark.parametrize(
    ("name", "spec", "reason", "named"),
    [
        ("no-image", {"image": "docker.io/local/nothing:1"}, "ImagePullFailed", "spec.image"),
        (
            "no-key",
            {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "token"}}}]},
            "ContainerConfigInvalid",
            'secret "nowhere" not found',
        ),
        ("crash", {"command": ["python3", "-c", "raise SystemExit(7)"]}, "CrashLooping", "exit code 7"),
        (
            "greedy",
            {"command": ["python3", "-c", "x = bytearray(10**9)"], "resources": {"limits": {"memory": "64Mi"}}},
            "OutOfMemory",
            "spec.resources.limits.memory",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_kubelet_reports_becomes_a_reason(
    node: tuple[Bed, str], name: str, spec: dict[str, Any], reason: str, named: str
) -> None:
    bed, image = node
    bed.apply(served(name, **{"image": image, **spec}))
    assert named in bed.wait_for("models", name, reason, timeout=120)["message"]
    bed.delete(MODEL, "models", name)


class Load:
    """Requests one after the other, each on a connection of its own, until the context ends."""

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.wait(0.05):
            try:
                post(self._url)
                self.answered += 1
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(str(error))


def post(url: str) -> bytes:
    body = json.dumps({"instances": [[12, 70, 3, 6]]}).encode()
    request = urllib.request.Request(f"{url}/predict", body)  # noqa: S310 (always http)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return bytes(answer.read())


def address(bed: Bed, name: str) -> str:
    """The Service's own address, which kube-proxy serves on this machine too."""
    service = bed.get(SERVICE, "models", name)
    assert service is not None
    return f"http://{service['spec']['clusterIP']}:8080"


def pods(bed: Bed, name: str) -> list[dict[str, Any]]:
    query = f"?labelSelector=monitoredmodels.dev/model={name}"
    items: list[dict[str, Any]] = bed.plane.request("GET", POD.path("models") + query)[1]["items"]
    return items


def wait_for_version(bed: Bed, name: str, version: str) -> None:
    def there() -> bool:
        return {pod["metadata"]["labels"]["monitoredmodels.dev/version"] for pod in pods(bed, name)} == {version}

    bed.wait(f"no pod but of version {version}", there, 90)
