"""What an upgrade and a rollback change on models that run: children that differ, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.kube import applied_fields
from monitored_models.naming.kinds import DEPLOYMENT, MODEL, PROMETHEUS_RULE, Kind
from monitored_models.naming.labels import FIELD_MANAGER
from operator_testbed import CRD, OWN_CRDS, ROOT, Bed, model, prometheus_crds, run, running_bed

pytestmark = pytest.mark.e2e

STATUS = "patch monitoredmodels/status"
Object = dict[str, Any]


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane on which no other operator runs, so that this one can be stopped, and CRDs changed."""
    with running_bed(tmp_path_factory.mktemp("upgrade"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


@pytest.fixture
def place(own_bed: Bed, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[:40]
    own_bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return str(name)


def rendered_by_another_version(bed: Bed, kind: Kind, namespace: str, change: Callable[[Object], object]) -> None:
    """Apply a child of the model `churn` as an operator that renders it differently."""
    live = bed.get(kind, namespace, "churn")
    assert live is not None
    body = applied_fields.owned_fields_of(live)
    body |= {"apiVersion": kind.api_version, "kind": kind.name}
    body["metadata"] |= {"namespace": namespace, "name": "churn"}
    change(body)
    bed.apply(body, field_manager=FIELD_MANAGER)


def diff_of_what_is_stored(bed: Bed, namespace: str) -> subprocess.CompletedProcess[str]:
    """What `kubectl get mm -o yaml | mmctl diff -f -` prints."""
    status, listed = bed.plane.request("GET", MODEL.path(namespace))
    assert status == 200
    environment = {**os.environ, "KUBECONFIG": str(bed.plane.kubeconfig)}
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "diff", "-f", "-"]
    return run(command, env=environment, cwd=ROOT, input=yaml.safe_dump(listed))


def container(deployment: Object) -> Object:
    found: Object = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def pods(bed: Bed, namespace: str) -> set[str]:
    status, found = bed.plane.request("GET", f"/api/v1/namespaces/{namespace}/pods")
    assert status == 200
    return {pod["metadata"]["uid"] for pod in found["items"]}


def test_upgrade_writes_the_children_that_differ_and_removes_what_is_no_longer_rendered(
    own_bed: Bed, place: str
) -> None:
    bed, old = own_bed, {"name": "OF_ANOTHER_VERSION", "value": "1"}
    with bed.operator("before"):
        bed.apply(model("churn", place))
        bed.wait_for(place, "churn", "Ready")
        bed.quiet(place)

    def change_pods(body: Object) -> None:
        container(body).setdefault("env", []).append(old)

    rendered_by_another_version(bed, DEPLOYMENT, place, change_pods)
    rendered_by_another_version(bed, PROMETHEUS_RULE, place, lambda body: body["spec"]["groups"].pop())
    changed = bed.get(DEPLOYMENT, place, "churn")
    assert changed is not None
    assert old in container(changed)["env"]
    preview = diff_of_what_is_stored(bed, place)
    assert preview.returncode == 1, preview.stderr
    headings = [line for line in preview.stdout.splitlines() if line.startswith("--- live/")]
    assert headings == [f"--- live/{kind.name}/{place}/churn" for kind in (DEPLOYMENT, PROMETHEUS_RULE)]
    assert "OF_ANOTHER_VERSION" in preview.stdout
    seen = len(bed.audit())
    with bed.operator("after"):
        bed.wait("written", lambda: {"patch deployments", "patch prometheusrules"} <= bed.writes(place, seen).keys())
        bed.wait_for(place, "churn", "Ready")
        bed.quiet(place)
    writes = bed.writes(place, seen)
    del writes[STATUS]
    assert writes == {"patch deployments": 1, "patch prometheusrules": 1}
    upgraded = bed.get(DEPLOYMENT, place, "churn")
    assert upgraded is not None
    assert old not in container(upgraded).get("env", [])


def test_upgrade_that_changes_monitoring_only_keeps_the_pods(own_bed: Bed, place: str) -> None:
    bed = own_bed
    with bed.operator("before-labels"):
        bed.apply(model("churn", place, replicas=2))
        bed.wait_for(place, "churn", "Ready")
        bed.quiet(place)
    before, seen = pods(bed, place), len(bed.audit())
    assert len(before) == 2
    labels = {"release": "kps"}
    with bed.operator("after-labels", prometheusRuleLabels=labels):
        bed.wait("labels", lambda: "kps" in str((bed.get(PROMETHEUS_RULE, place, "churn") or {}).get("metadata")))
        bed.quiet(place)
    assert bed.writes(place, seen) == {"patch prometheusrules": 1}
    assert pods(bed, place) == before


def test_field_of_a_newer_version_is_reported_after_a_rollback_and_the_model_keeps_running(
    own_bed: Bed, place: str
) -> None:
    """It is reported while the CRDs are the newer ones; the older ones drop it."""
    bed, current, newer = own_bed, yaml.safe_load(CRD.read_text()), yaml.safe_load(CRD.read_text())
    schema = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    schema["properties"]["ofTheNextVersion"] = {"type": "string", "maxLength": 10}

    def stored() -> Object:
        return dict((bed.get(MODEL, place, "churn") or {}).get("spec", {}))

    def admitted() -> bool:
        # A server-side apply of an unknown field is an error; a merge patch drops the field until it is known.
        bed.patch(MODEL, place, "churn", {"spec": {"ofTheNextVersion": "x"}})
        return "ofTheNextVersion" in stored()

    with bed.operator("before-rollback"):
        bed.apply(model("churn", place))
        bed.wait_for(place, "churn", "Ready")
    before = pods(bed, place)
    bed.apply(newer)
    try:
        bed.wait("the newer schema is in force", admitted)
        with bed.operator("rolled-back"):
            found = bed.wait_for(place, "churn", "InvalidSpec")
            assert "spec.ofTheNextVersion" in found["message"]
    finally:
        bed.apply(current)
    bed.wait("the older schema is in force", lambda: "ofTheNextVersion" not in stored())
    with bed.operator("with-older-crds"):
        bed.wait_for(place, "churn", "Ready")
    assert pods(bed, place) == before
