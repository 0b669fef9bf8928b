"""Two releases of the chart on a real API server, by `helm install`: pods are admitted, the operator leads, `helm test` passes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.naming.kinds import DEPLOYMENT, LEASE, POD
from operator_testbed import OWN_CRDS, ROOT, Bed, Object, model, prometheus_crds
from testbed.controlplane import ControlPlane
from testbed.helm import CHART, Helm, objects

NAMESPACES = ("first", "second")
FULL_NAME = "mm-monitored-models"
VALUES: dict[str, dict[str, Any]] = {
    "first": {
        "crds": {"enabled": False},
        "metrics": {"serviceMonitor": {"enabled": True}, "rules": {"enabled": True}, "dashboards": {"enabled": True}},
        "networkPolicy": {"enabled": True},
        "admissionPolicy": {"enabled": True, "images": ["registry.example.com/ml/.*"]},
    },
    "second": {"crds": {"enabled": False}, "settings": {"namespaces": ["second"]}, "rbac": {"aggregate": False}},
}
"""One for the whole cluster with everything, one for its namespace."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with both releases, in namespaces that enforce the restricted profile."""
    folder = tmp_path_factory.mktemp("release")
    with ControlPlane(folder, crds=[*OWN_CRDS, *prometheus_crds()]) as plane:
        bed = Bed(plane, folder)
        for name in NAMESPACES:
            restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
            bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}})
            install(bed, name, VALUES[name])
        yield bed


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_pods_of_the_release_are_admitted(cluster: Bed, namespace: str) -> None:
    found = cluster.wait("two pods", lambda: pods(cluster, namespace) if len(pods(cluster, namespace)) == 2 else [])
    for pod in found:
        assert pod["spec"]["serviceAccountName"] == FULL_NAME
        assert "serviceAccountToken" in str(pod["spec"]["volumes"])

    def protected() -> object:
        path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{FULL_NAME}"
        return cluster.plane.request("GET", path)[1].get("status", {}).get("expectedPods") == 2

    cluster.wait("the PodDisruptionBudget counts them", protected)


def test_helm_test_fails_without_a_leader_and_passes_with_one(cluster: Bed) -> None:
    """The script of its pod, with the rights of its pod. The admission policy allows its image in no namespace."""
    tested, environment = pod_of_helm_test(cluster, "first")
    before = run(tested, environment)
    assert before.returncode == 1
    assert "no operator has led yet" in before.stderr

    (settings,) = [
        each for each in objects(VALUES["first"], namespace="first") if "settings.yaml" in each.get("data", {})
    ]
    own = {**yaml.safe_load(settings["data"]["settings.yaml"]), "listen": "127.0.0.1:0"}
    cluster.plane.log_in("operator", "first", FULL_NAME)
    process = cluster.start_operator("operator", kubeconfig=cluster.plane.kubeconfig_for("operator"), **own)
    try:
        cluster.wait("the Lease", lambda: cluster.get(LEASE, "first", FULL_NAME))
        after = run(tested, environment)
        assert after.returncode == 0, after.stderr
        assert "leads; MonitoredModels are accepted, a misspelled field is not" in after.stdout
        cluster.apply(model("churn", "second", image="registry.example.com/ml/churn:1"))
        cluster.wait("the model's Deployment", lambda: cluster.get(DEPLOYMENT, "second", "churn"))
    finally:
        process.kill()


def test_a_change_of_the_settings_rolls_the_pods(cluster: Bed) -> None:
    cluster.wait("two pods", lambda: len(pods(cluster, "second")) == 2)
    old = {each["metadata"]["name"] for each in pods(cluster, "second")}
    settings = {**VALUES["second"]["settings"], "workers": 7}
    install(cluster, "second", {**VALUES["second"], "settings": settings})
    cluster.wait("a new pod", lambda: {each["metadata"]["name"] for each in pods(cluster, "second")} - old)


def install(bed: Bed, namespace: str, values: dict[str, Any]) -> None:
    """Install or upgrade the release `mm` in a namespace, without waiting: no node runs its pods."""
    helm = Helm(bed.plane.kubeconfig, namespace, bed.directory)
    helm.run("upgrade", "--install", "mm", str(CHART), "--values=-", given=yaml.safe_dump(values))


def pods(bed: Bed, namespace: str) -> list[Object]:
    """The pods of the operator."""
    return list(bed.plane.request("GET", POD.path(namespace))[1]["items"])


def pod_of_helm_test(bed: Bed, namespace: str) -> tuple[list[str], dict[str, str]]:
    """The command of the pod of `helm test`, and its environment, with the token of its ServiceAccount."""
    hooks = [each for each in objects(VALUES[namespace], namespace=namespace) if "hook" in str(each["metadata"])]
    (pod,) = [each for each in hooks if each["kind"] == "Pod"]
    for each in hooks:
        if each is not pod:
            bed.apply(each)
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{pod['spec']['serviceAccountName']}"
    token = bed.plane.request("POST", f"{account}/token", {"spec": {}})[1]["status"]["token"]
    folder = bed.directory / "credentials"
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_bytes(bed.plane.ca_file.read_bytes())
    (container,) = pod["spec"]["containers"]
    host, port = bed.plane.url.removeprefix("https://").split(":")
    environment = {each["name"]: each["value"] for each in container["env"]}
    address = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "CREDENTIALS": str(folder)}
    return [sys.executable, *container["command"][1:], *container["args"]], environment | address


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of `helm test`."""
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env=path | environment, text=True, capture_output=True, check=False, cwd=Path(ROOT))
