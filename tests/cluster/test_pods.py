"""What only a real node can show of models: restricted pods that run, rollouts that lose no request, what the kubelet reports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.conftest import MODELS, Site
from cluster.load import Load, address, post
from cluster.models import pods, served
from monitored_models.naming.kinds import MODEL
from operator_testbed import Bed


def test_restricted_pod_with_a_read_only_image_runs_and_serves(site: Site) -> None:
    bed = site.bed
    storage = {"sharedMemory": "64Mi"}
    bed.apply(served("locked", site.image, security={"readOnlyRootFilesystem": True}, storage=storage))
    bed.wait_for(MODELS, "locked", "Ready")
    assert json.loads(post(address(bed, "locked")))["predictions"] in ([0], [1])
    bed.delete(MODEL, MODELS, "locked")


def test_rollout_and_scaling_lose_no_request(site: Site) -> None:
    bed = site.bed
    bed.apply(served("busy", site.image, replicas=2))
    bed.wait_for(MODELS, "busy", "Ready")
    with Load(address(bed, "busy")) as load:
        for version in ("2", "3"):
            bed.apply(served("busy", site.image, replicas=2, model={"name": "churn", "version": version}))
            wait_for_version(bed, "busy", version)
            bed.wait_for(MODELS, "busy", "Ready")
        bed.apply(served("busy", site.image, replicas=1, model={"name": "churn", "version": "3"}))
        bed.wait("one pod", lambda: len(pods(bed, "busy")) == 1, 60)
    assert load.answered > 200
    assert load.failures == []
    bed.delete(MODEL, MODELS, "busy")


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
    site: Site, name: str, spec: dict[str, Any], reason: str, named: str
) -> None:
    bed = site.bed
    bed.apply(served(name, **{"image": site.image, **spec}))
    assert named in bed.wait_for(MODELS, name, reason, timeout=120)["message"]
    bed.delete(MODEL, MODELS, name)


def wait_for_version(bed: Bed, name: str, version: str) -> None:
    def there() -> bool:
        return {pod["metadata"]["labels"]["monitoredmodels.dev/version"] for pod in pods(bed, name)} == {version}

    bed.wait(f"no pod but of version {version}", there, 90)
