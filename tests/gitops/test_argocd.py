"""Models in git, by a real Argo CD: the example as it is, health, waves, drift, pruning, actions, and the end of an Application."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from gitops import live
from gitops.live import Live
from monitored_models.api import RESTARTED_AT
from monitored_models.naming.kinds import CHILDREN, DEPLOYMENT, MODEL, SERVICE
from operator_testbed import ROOT, Object, model, run
from testbed import clock, debian, tools
from testbed.controlplane import KWOK_NODE

pytestmark = pytest.mark.e2e

UNTOUCHED = 300.0
"""Seconds for which nothing may happen to a synced Application."""
DIFFERS = "Synced -> OutOfSync"
"""In the message of an Event of Argo CD: a difference from git has appeared."""
NAMESPACE = "models"
"""Of the example's models."""


@pytest.fixture(scope="module")
def argo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Argo CD, which has synced the example: CRDs, the operator's rights, and two models."""
    debian.ensure("redis-server", "git")
    directory = tmp_path_factory.mktemp("gitops")
    with live.running(directory) as made:
        live.install_platform(made, directory)
        for name in ("model-churn", "model-fraud", "model-platform"):
            made.wait_states(name, "Synced", "Healthy")
        yield made


@pytest.fixture(scope="module")
def synced(argo: Live) -> tuple[float, dict[str, str]]:
    """When the example's models came to rest, and the resource versions of them and their children then."""
    argo.bed.quiet(NAMESPACE)
    return time.monotonic(), versions(argo, NAMESPACE)


def versions(argo: Live, namespace: str) -> dict[str, str]:
    """Resource versions of the models of a namespace and of all children. Deployments have a status that changes: their generation."""
    found = {}
    for kind in (MODEL, *CHILDREN):
        status, body = argo.bed.plane.request("GET", kind.path(namespace))
        for item in body["items"] if status == 200 else ():
            field = "generation" if kind is DEPLOYMENT else "resourceVersion"
            found[f"{kind.name}/{item['metadata']['name']}"] = str(item["metadata"][field])
    return found


def spec(argo: Live, namespace: str, name: str) -> Any:
    body = argo.bed.get(MODEL, namespace, name)
    assert body is not None
    return body["spec"]


def applied(name: str, wave: int, **fields: Any) -> Object:
    """A model as it is in git, in a wave."""
    body = model(name, "", **fields)
    body["metadata"] = {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}
    return body


def test_example_installs_crds_then_the_operator_then_a_model_per_folder(
    argo: Live, synced: tuple[float, dict[str, str]]
) -> None:
    _, found = synced
    assert {"MonitoredModel/churn", "MonitoredModel/fraud", "Deployment/churn", "PrometheusRule/fraud"} <= found.keys()
    order = [argo.application(name) for name in ("monitored-models-crds", "monitored-models", "model-churn")]
    created = [body["metadata"]["creationTimestamp"] for body in order if body]
    assert len(created) == 3
    assert created == sorted(created)


def test_health_is_that_of_the_model_and_its_message_names_the_cause(argo: Live) -> None:
    selector = {"nodeSelector": {"node.example.com/gpu": "none"}}
    argo.models.commit({"broken/model.yaml": [applied("broken", 0, scheduling=selector)]})
    argo.create("broken", "broken")
    argo.wait_states("broken", "Synced", "Progressing")
    argo.bed.wait("its cause", lambda: "Unschedulable" in health(argo, "broken", "MonitoredModel")["message"])
    argo.bed.patch(MODEL, "broken", "broken", {"metadata": {"annotations": {RESTARTED_AT: "tomorrow"}}})
    argo.wait_states("broken", "Synced", "Degraded")
    assert f"InvalidSpec: metadata.annotations[{RESTARTED_AT}]" in health(argo, "broken", "MonitoredModel")["message"]
    argo.delete("broken")


def health(argo: Live, name: str, kind: str) -> Object:
    """Health of the first object of a kind in an Application's tree."""
    return next(node["health"] for node in argo.tree(name) if node["kind"] == kind)


def test_children_are_in_the_tree_and_outlive_a_sync_that_prunes(argo: Live) -> None:
    argo.models.commit({"two/a.yaml": [applied("kept", 0)], "two/b.yaml": [applied("dropped", 0)]})
    argo.create("two", "two")
    argo.wait_states("two", "Synced", "Healthy")
    argo.bed.quiet("two")
    before = versions(argo, "two")
    nodes = argo.tree("two")
    (root,) = (node["uid"] for node in nodes if (node["kind"], node["name"]) == ("MonitoredModel", "kept"))
    shown = {node["kind"] for node in nodes if root in [parent["uid"] for parent in node.get("parentRefs", ())]}
    assert shown == {"Deployment", "Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert health(argo, "two", "Pod")["status"] == "Healthy"

    revision = argo.models.commit({"two/b.yaml": None})
    argo.wait_states("two", "Synced", "Healthy", revision)
    for kind in (MODEL, *CHILDREN):
        argo.bed.wait_gone(kind, "two", "dropped")
    argo.bed.wait_gone(DEPLOYMENT, "two", "dropped")
    argo.sync("two", "--prune")
    argo.bed.quiet("two")
    assert versions(argo, "two") == {name: version for name, version in before.items() if "dropped" not in name}


def test_wave_waits_until_the_models_of_the_one_before_are_ready(argo: Live) -> None:
    chosen = {"nodeSelector": {"node.example.com/wave": "open"}}
    argo.models.commit({
        "waves/first.yaml": [applied("first", 0, scheduling=chosen)],
        "waves/second.yaml": [applied("second", 1)],
    })  # fmt: skip
    argo.create("waves", "waves")
    waiting = "waiting for healthy state of monitoredmodels.dev/MonitoredModel/first"
    argo.bed.wait("wave 0 in progress", lambda: waiting in argo.message("waves"), live.PATIENCE)
    argo.bed.wait_for("waves", "first", "Unschedulable")
    assert argo.bed.get(MODEL, "waves", "second") is None
    labels = {"metadata": {"labels": {"node.example.com/wave": "open"}}}
    path = f"/api/v1/nodes/{KWOK_NODE}"
    assert argo.bed.plane.request("PATCH", path, labels, content_type="application/merge-patch+json")[0] == 200
    argo.wait_states("waves", "Synced", "Healthy")
    first, second = (argo.bed.get(MODEL, "waves", name) for name in ("first", "second"))
    assert first is not None
    assert second is not None
    (ready,) = (each for each in first["status"]["conditions"] if each["type"] == "Ready")
    assert second["metadata"]["creationTimestamp"] >= ready["lastTransitionTime"]


def test_edit_is_reverted_once_and_the_operator_follows(argo: Live) -> None:
    argo.models.commit({"edited/model.yaml": [applied("edited", 0, replicas=2)]})
    argo.create("edited", "edited")
    argo.wait_states("edited", "Synced", "Healthy")
    argo.bed.quiet("edited")
    seen = len(argo.bed.audit())
    argo.bed.patch(MODEL, "edited", "edited", {"spec": {"replicas": 5}})
    argo.bed.wait("reverted", lambda: spec(argo, "edited", "edited")["replicas"] == 2, live.PATIENCE)
    argo.bed.wait_for("edited", "edited", "Ready")
    argo.wait_states("edited", "Synced", "Healthy")
    argo.bed.quiet("edited", 15)  # Argo CD compares every ten seconds
    patched = [entry for entry in argo.bed.audit()[seen:] if is_patch_of(entry, "edited")]
    assert len(patched) == 2, "one by the test, one by Argo CD"
    assert argo.changes_of_state("edited").count(f"Updated sync status: {DIFFERS}") == 1

    before = versions(argo, "edited")
    argo.bed.patch(SERVICE, "edited", "edited", {"metadata": {"labels": {"monitoredmodels.dev/model": "other"}}})
    argo.bed.wait("the operator restores its child", lambda: label(argo) == "edited")
    argo.bed.quiet("edited")
    after = versions(argo, "edited")
    assert {name for name in after if after[name] != before.get(name)} == {"Service/edited"}


def label(argo: Live) -> str:
    body = argo.bed.get(SERVICE, "edited", "edited")
    return str(body and body["metadata"]["labels"]["monitoredmodels.dev/model"])


def is_patch_of(entry: Object, namespace: str) -> bool:
    """Whether a request changed the spec of a model in a namespace."""
    reference = entry.get("objectRef", {})
    place = (reference.get("resource"), reference.get("namespace"), reference.get("subresource"))
    dry = "dryRun" in entry["requestURI"]
    return place == ("monitoredmodels", namespace, None) and entry["verb"] in ("patch", "update") and not dry


def test_actions_suspend_resume_and_restart_a_model_and_git_leaves_them_alone(argo: Live) -> None:
    argo.models.commit({"actions/model.yaml": [applied("actions", 0)]})
    argo.create("actions", "actions")
    argo.wait_states("actions", "Synced", "Healthy")

    argo.action("actions", "suspend")
    argo.wait_states("actions", "Synced", "Suspended")
    argo.bed.wait("no replicas", lambda: deployment(argo)["spec"]["replicas"] == 0)
    argo.sync("actions")
    assert spec(argo, "actions", "actions")["suspend"] is True

    argo.action("actions", "resume")
    argo.wait_states("actions", "Synced", "Healthy")
    assert deployment(argo)["spec"]["replicas"] == 1

    pods = {node["name"] for node in argo.tree("actions") if node["kind"] == "Pod"}
    argo.action("actions", "restart")
    argo.bed.wait("the pods' annotation", lambda: RESTARTED_AT in pod_annotations(argo))
    argo.bed.wait("other pods", lambda: pods.isdisjoint(running_pods(argo)) and running_pods(argo))
    argo.wait_states("actions", "Synced", "Healthy")
    argo.sync("actions", "--prune")
    body = argo.bed.get(MODEL, "actions", "actions")
    assert body is not None
    assert body["metadata"]["annotations"][RESTARTED_AT] == pod_annotations(argo)[RESTARTED_AT]


def deployment(argo: Live) -> Object:
    body = argo.bed.get(DEPLOYMENT, "actions", "actions")
    assert body is not None
    return body


def pod_annotations(argo: Live) -> Object:
    found: Object = deployment(argo)["spec"]["template"]["metadata"].get("annotations", {})
    return found


def running_pods(argo: Live) -> set[str]:
    status, body = argo.bed.plane.request("GET", "/api/v1/namespaces/actions/pods")
    assert status == 200, body
    return {pod["metadata"]["name"] for pod in body["items"]}


def test_application_ends_with_its_models_when_the_operator_is_gone(argo: Live) -> None:
    argo.models.commit({"ended/model.yaml": [applied("ended", 0)]})
    argo.create("ended", "ended")
    argo.wait_states("ended", "Synced", "Healthy")
    body = argo.bed.get(MODEL, "ended", "ended")
    assert body is not None
    assert "finalizers" not in body["metadata"]
    argo.operator.kill()
    argo.delete("ended")
    argo.bed.wait("no Application", lambda: argo.application("ended") is None, live.PATIENCE)
    assert argo.bed.get(MODEL, "ended", "ended") is None
    for kind in CHILDREN:
        argo.bed.wait_gone(kind, "ended", "ended")
    argo.start_operator()


def test_synced_model_is_left_alone_for_five_minutes(argo: Live, synced: tuple[float, dict[str, str]]) -> None:
    """Argo CD compares every ten seconds meanwhile, the operator starts again, and no difference is ignored by a setting."""
    since, before = synced
    time.sleep(max(0.0, since + UNTOUCHED - time.monotonic()))
    assert versions(argo, NAMESPACE) == before
    for name in ("model-churn", "model-fraud"):
        body = argo.application(name)
        assert body is not None
        assert argo.states(name) == ("Synced", "Healthy")
        assert len(body["status"]["history"]) == 1, "one sync"
        assert "ignoreDifferences" not in body["spec"]
        compared = clock.now() - datetime.fromisoformat(body["status"]["reconciledAt"])
        assert compared.total_seconds() < UNTOUCHED / 2, "and it has compared since"
        changes = argo.changes_of_state(name)
        assert changes
        assert not [message for message in changes if DIFFERS in message]


def test_all_is_removed_as_the_docs_have_it_without_an_operator(argo: Live) -> None:
    """The last test of this file: nothing is left for others."""
    argo.operator.kill()
    page = (ROOT / "docs/gitops.md").read_text()
    found = re.search(r"### Remove it.*?```sh\n(.*?)```", page, re.DOTALL)
    assert found
    environment = {
        "PATH": f"{tools.ensure('kubectl')['kubectl'].parent}:{os.defpath}",
        "KUBECONFIG": str(argo.bed.plane.kubeconfig),
        "HOME": str(argo.bed.directory),
    }
    *commands, crds = found[1].splitlines()
    for command in commands:
        done = run(["sh", "-c", command], cwd=ROOT, env=environment)
        assert done.returncode == 0, done.stderr
    generated = ("model-churn", "model-fraud")
    argo.bed.wait("both gone", lambda: not any(map(argo.application, generated)), live.PATIENCE)
    assert versions(argo, NAMESPACE).keys() <= {"ConfigMap/kube-root-ca.crt"}
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/monitored-models-operator"
    assert argo.bed.plane.request("GET", role)[0] == 404
    assert versions(argo, "two"), "models of another Application"
    assert run(["sh", "-c", crds], cwd=ROOT, env=environment).returncode == 0
    argo.bed.wait("no children", lambda: not versions(argo, "two").keys() - {"ConfigMap/kube-root-ca.crt"})
