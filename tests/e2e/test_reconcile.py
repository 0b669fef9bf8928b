"""What the operator promises about objects, each promise on a real API server with real controllers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from monitored_models.naming.kinds import (
    AUTOSCALER,
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRAFANA_DASHBOARD,
    MODEL,
    NETWORK_POLICY,
    POD,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_MONITOR,
)
from operator_testbed import ON_REQUEST, Bed, model
from testbed import tools
from testbed.processes import Process

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("operator")]


def test_model_becomes_ready_with_all_its_children(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, model={"version": "v1"}, **ON_REQUEST))
    ready = bed.wait_for(namespace, "churn", "Ready")
    assert ready["status"] == "True"
    assert ready["message"] == "2 of 2 replicas ready; ServiceMonitor, 41 rules, dashboard in place"
    for kind in (kind for kind in CHILDREN if kind is not GRAFANA_DASHBOARD):  # only where the settings ask for it
        name = "churn-dashboard" if kind is CONFIG_MAP else "churn"
        child = bed.get(kind, namespace, name)
        assert child is not None, kind
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("MonitoredModel", "churn", True)
    body = bed.get(MODEL, namespace, "churn")
    assert body is not None
    status = body["status"]
    assert status["observedGeneration"] == body["metadata"]["generation"]
    assert status["endpoint"] == f"http://churn.{namespace}.svc:8080"
    assert status["selector"] == "monitoredmodels.dev/model=churn"
    assert status["monitoring"]["serviceMonitor"] == "churn"
    assert bed.condition(namespace, "churn", "Monitored")["reason"] == "NotVerified"
    assert not bed.condition(namespace, "churn", "Reconciling")
    # The operator leaves no trace of itself on what the user wrote.
    assert "annotations" not in body["metadata"]
    assert "finalizers" not in body["metadata"]


def test_pods_pass_the_restricted_standard_and_know_their_version(bed: Bed, namespace: str) -> None:
    gpu = {"gpu": {"count": 1}, "security": {"readOnlyRootFilesystem": True}, "storage": {"sharedMemory": "1Gi"}}
    bed.apply(model("churn", namespace, model={"version": "v1"}, **gpu))
    bed.wait_for(namespace, "churn", "Ready")
    (pod,) = pods(bed, namespace)
    assert pod["metadata"]["labels"]["monitoredmodels.dev/version"] == "v1"
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert bed.get(MODEL, namespace, "churn")["status"]["gpu"] == {"requested": 1}  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "name", "edit"),
    [
        (DEPLOYMENT, "churn", {"spec": {"replicas": 3}}),
        (DEPLOYMENT, "churn", {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}}),
        (DEPLOYMENT, "churn", {"metadata": {"ownerReferences": None}}),
        (SERVICE, "churn", {"metadata": {"labels": {"monitoredmodels.dev/model": None}}}),
        (SERVICE, "churn", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
        (SERVICE, "churn", {"spec": {"selector": {"app": "other"}}}),
        (SERVICE_MONITOR, "churn", {"spec": {"endpoints": [{"port": "http", "interval": "5s"}]}}),
        (PROMETHEUS_RULE, "churn", {"spec": {"groups": []}}),
        (CONFIG_MAP, "churn-dashboard", {"metadata": {"labels": {"grafana_dashboard": "0"}}}),
        (CONFIG_MAP, "churn-dashboard", {"data": None}),
    ],
    ids=lambda value: value.name if hasattr(value, "plural") else str(value),
)
def test_edited_child_is_restored(bed: Bed, namespace: str, kind: Any, name: str, edit: Any) -> None:
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    before = bed.get(kind, namespace, name)
    assert before is not None
    edited = bed.patch(kind, namespace, name, edit)
    assert substance(edited) != substance(before)
    bed.wait("restored", lambda: substance(bed.get(kind, namespace, name)) == substance(before))


def test_foreign_labels_annotations_and_fields_on_children_survive(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    foreign = {"metadata": {"annotations": {"team": "risk"}, "labels": {"team": "risk"}}}
    for kind, name in ((DEPLOYMENT, "churn"), (PROMETHEUS_RULE, "churn"), (CONFIG_MAP, "churn-dashboard")):
        bed.patch(kind, namespace, name, foreign)
    bed.apply(model("churn", namespace, model={"version": "v2"}, port=9000))
    bed.wait_for(namespace, "churn", "Ready")
    for kind, name in ((DEPLOYMENT, "churn"), (PROMETHEUS_RULE, "churn"), (CONFIG_MAP, "churn-dashboard")):
        child = bed.get(kind, namespace, name)
        assert child is not None
        assert child["metadata"]["annotations"]["team"] == "risk"
        assert child["metadata"]["labels"]["team"] == "risk"


@pytest.mark.parametrize(
    "kind", [kind for kind in CHILDREN if kind is not GRAFANA_DASHBOARD], ids=lambda kind: kind.name
)
def test_deleted_child_comes_back(bed: Bed, namespace: str, kind: Any) -> None:
    name = "churn-dashboard" if kind is CONFIG_MAP else "churn"
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Ready")
    before = bed.get(kind, namespace, name)
    assert before is not None
    bed.delete(kind, namespace, name)
    uid = before["metadata"]["uid"]
    bed.wait("made anew", lambda: (found := bed.get(kind, namespace, name)) and found["metadata"]["uid"] != uid)
    bed.wait_for(namespace, "churn", "Ready")


def test_children_that_are_switched_off_are_deleted(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Ready")
    off = {"scrape": {"enabled": False}}
    bed.apply(model("churn", namespace, monitoring=off))
    gone = (AUTOSCALER, DISRUPTION_BUDGET, NETWORK_POLICY, SERVICE_MONITOR, PROMETHEUS_RULE)
    for kind in gone:
        bed.wait_gone(kind, namespace, "churn")
    bed.wait_gone(CONFIG_MAP, namespace, "churn-dashboard")
    ready = bed.wait_for(namespace, "churn", "Ready")
    assert "switched off" in ready["message"]
    bed.apply(model("churn", namespace))
    bed.wait("monitoring is back", lambda: bed.get(SERVICE_MONITOR, namespace, "churn"))


def test_foreign_object_of_the_same_name_is_left_alone(bed: Bed, namespace: str) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "churn", "namespace": namespace},
        "spec": {"selector": {"app": "someone-else"}, "ports": [{"port": 80, "protocol": "TCP"}]},
    }
    before = bed.apply(foreign)
    bed.apply(model("churn", namespace))
    found = bed.wait_for(namespace, "churn", "NameConflict")
    assert "Service churn exists and is not this model's" in found["message"]
    after = bed.get(SERVICE, namespace, "churn")
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert bed.get(DEPLOYMENT, namespace, "churn"), "the other children are made all the same"
    assert bed.condition(namespace, "churn", "MonitoringApplied")["status"] == "True"
    assert bed.condition(namespace, "churn", "Stalled")["status"] == "True"


def test_child_of_another_model_is_not_taken_over(bed: Bed, namespace: str) -> None:
    """`churn-dashboard` as a model of its own has a Deployment of that name, `churn` a ConfigMap: no clash."""
    bed.apply(model("churn", namespace))
    bed.apply(model("churn-dashboard", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.wait_for(namespace, "churn-dashboard", "Ready")


def test_suspended_model_has_no_pods_and_no_alerts_and_resumes(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(model("churn", namespace, suspend=True, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Suspended")
    bed.wait("no pods", lambda: not pods(bed, namespace))
    assert bed.get(AUTOSCALER, namespace, "churn") is None
    rule = bed.get(PROMETHEUS_RULE, namespace, "churn")
    assert rule is not None
    assert rule["spec"]["groups"]
    assert not [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    assert not bed.condition(namespace, "churn", "Stalled")
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Ready")
    assert len(pods(bed, namespace)) == 2


def test_switching_to_an_autoscaler_loses_no_replica_and_leaves_the_number_to_it(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, replicas=5))
    bed.wait_for(namespace, "churn", "Ready")
    scaled = {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}, "resources": {"requests": {"cpu": "100m"}}}
    bed.apply(model("churn", namespace, **scaled))
    bed.wait("autoscaler", lambda: bed.get(AUTOSCALER, namespace, "churn"))
    bed.wait_for(namespace, "churn", "Ready")
    assert replicas(bed, namespace) == 5
    scale_deployment(bed, namespace, 7)  # as the autoscaler does, by the scale subresource
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(model("churn", namespace, model={"version": "v2"}, **scaled))
    bed.wait("new version", lambda: bed.get(MODEL, namespace, "churn")["status"].get("version") == "v2")  # type: ignore[index]
    bed.wait_for(namespace, "churn", "Ready")
    assert replicas(bed, namespace) == 7
    bed.apply(model("churn", namespace, replicas=3, model={"version": "v2"}))
    bed.wait("the spec decides again", lambda: replicas(bed, namespace) == 3)


def test_scale_subresource_scales_the_model(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, replicas=1))
    bed.wait_for(namespace, "churn", "Ready")
    path = MODEL.path(namespace, "churn", "scale")
    status, body = bed.plane.request(
        "PATCH", path, {"spec": {"replicas": 3}}, content_type="application/merge-patch+json"
    )
    assert status == 200, body
    bed.wait_for(namespace, "churn", "Ready")
    bed.wait("3 replicas", lambda: replicas(bed, namespace) == 3)
    status, scale = bed.plane.request("GET", path)
    assert scale["status"] == {"replicas": 3, "selector": "monitoredmodels.dev/model=churn"}


def test_deleted_model_leaves_nothing_behind(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait_for(namespace, "churn", "Ready")
    bed.delete(MODEL, namespace, "churn")
    for kind in CHILDREN:
        bed.wait_gone(kind, namespace, "churn-dashboard" if kind is CONFIG_MAP else "churn")
    bed.wait("no pods", lambda: not pods(bed, namespace))


def test_model_recreated_under_the_same_name_gets_children_of_its_own(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.delete(MODEL, namespace, "churn")
    again = bed.apply(model("churn", namespace, port=9001))
    bed.wait_for(namespace, "churn", "Ready")
    for kind in (DEPLOYMENT, SERVICE, SERVICE_MONITOR, PROMETHEUS_RULE):
        child = bed.get(kind, namespace, "churn")
        assert child is not None
        assert [o["uid"] for o in child["metadata"]["ownerReferences"]] == [again["metadata"]["uid"]]


def test_table_of_kubectl_get_reads_well(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, model={"version": "v1"}))
    bed.wait_for(namespace, "churn", "Ready")
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    _, table = bed.plane.request("GET", MODEL.path(namespace), accept=accept)
    columns = [column["name"] for column in table["columnDefinitions"]]
    assert columns == ["Name", "Ready", "Reason", "Runtime", "Version", "Replicas", "GPUs", "Metrics", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:8] == ["churn", "True", "Ready", "custom", "v1", "1/1", 0, "Unknown"]


def test_events_tell_transitions_of_ready_and_nothing_else(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(model("churn", namespace, suspend=True))
    bed.wait_for(namespace, "churn", "Suspended")
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    told = bed.wait("three events", lambda: len(found := events(bed, namespace)) >= 3 and found)
    assert told == [("Normal", "Ready"), ("Normal", "Suspended"), ("Normal", "Ready")]


def test_any_text_that_is_admitted_reaches_the_children(bed: Bed, namespace: str) -> None:
    text = "Churn 😀 é \u0085\u2028\ufeff {{ x }} ${y} \"'\\\\ # : ["
    env = [{"name": "NOTE", "value": text + "\n\ttabs\u007f"}]
    alerts = {"labels": {"note": text}}
    body = model("churn", namespace, model={"name": text}, env=env, args=[text], monitoring={"alerts": alerts})
    status, answer = bed.plane.request("POST", MODEL.path(namespace), body)
    assert status == 201, answer
    bed.wait_for(namespace, "churn", "Ready")
    (pod,) = pods(bed, namespace)
    given = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
    assert given["NOTE"] == env[0]["value"]
    assert given["MODEL_NAME"] == text.replace("$", "$$")
    seen = len(bed.audit())
    bed.quiet(namespace)
    assert not bed.writes(namespace, seen)


def test_pod_that_was_evicted_does_not_make_a_serving_model_unready(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, replicas=2))
    bed.wait_for(namespace, "churn", "Ready")
    failed = pods(bed, namespace)[0]["metadata"]["name"]
    status = {"status": {"phase": "Failed", "reason": "Evicted", "conditions": [{"type": "Ready", "status": "False"}]}}
    code, answer = bed.plane.request(
        "PATCH", POD.path(namespace, failed, "status"), status, content_type="application/merge-patch+json"
    )
    assert code == 200, answer
    bed.wait("a pod in its place", lambda: len(pods(bed, namespace)) == 3)
    bed.quiet(namespace, 2)
    assert bed.condition(namespace, "churn")["status"] == "True"


def test_autoscaling_step_does_not_make_the_model_unready(bed: Bed, namespace: str) -> None:
    scaled = {"autoscaling": {"minReplicas": 1, "maxReplicas": 9}, "resources": {"requests": {"cpu": "100m"}}}
    bed.apply(model("churn", namespace, **scaled))
    bed.wait_for(namespace, "churn", "Ready")
    since = bed.condition(namespace, "churn")["lastTransitionTime"]
    for count in (4, 2, 6):
        scale_deployment(bed, namespace, count)
        bed.wait(f"{count} pods", partial(has_pods, bed, namespace, count))
    bed.quiet(namespace, 2)
    assert bed.condition(namespace, "churn")["lastTransitionTime"] == since
    assert len(events(bed, namespace)) == 1


@pytest.mark.skipif(
    tools.group_of("kube-apiserver") != "kubernetes",
    reason="the policy that changes the children, a MutatingAdmissionPolicy, is v1 as of Kubernetes 1.36",
)
def test_admission_policy_that_changes_children_causes_no_endless_writes(bed: Bed, namespace: str) -> None:
    """A registry mirror: what the API server makes of a rendering counts as the rendering."""
    mirror(bed, namespace)
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.quiet(namespace)
    (pod,) = pods(bed, namespace)
    assert pod["spec"]["containers"][0]["image"].startswith("mirror.example.com/")
    assert bed.writes(namespace)["patch deployments"] == 1
    bed.plane.request("DELETE", POD.path(namespace, pod["metadata"]["name"]))
    bed.quiet(namespace)
    assert bed.writes(namespace)["patch deployments"] == 1


# --- what is wrong is said ---


def test_volume_claim_that_does_not_exist_is_named(bed: Bed, namespace: str) -> None:
    volume = {"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "nowhere"}}
    bed.apply(model("churn", namespace, storage={"volumes": [volume]}))
    found = bed.wait_for(namespace, "churn", "Unschedulable")
    assert '"nowhere" not found' in found["message"]
    assert "spec.storage" in found["message"]


def test_impossible_gpu_request_is_named(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace, gpu={"count": 1, "resourceName": "nvidia.com/mig-9g.99gb"}))
    found = bed.wait_for(namespace, "churn", "Unschedulable")
    assert "nvidia.com/mig-9g.99gb" in found["message"]


def test_rollout_that_cannot_be_scheduled_names_max_surge(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(model("churn", namespace, gpu={"count": 1, "resourceName": "nvidia.com/mig-9g.99gb"}))
    assert "spec.rollout.maxSurge" in bed.wait_for(namespace, "churn", "RolloutBlocked")["message"]
    assert len([p for p in pods(bed, namespace) if p["status"]["phase"] == "Running"]) == 1


def test_child_that_the_api_server_rejects_is_reported_in_its_words(bed: Bed, namespace: str) -> None:
    resources = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    bed.apply(model("churn", namespace, resources=resources))
    found = bed.wait_for(namespace, "churn", "Rejected")
    assert "must be less than or equal to memory limit" in found["message"]
    bed.apply(model("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")


def test_quota_that_refuses_pods_is_reported(bed: Bed, namespace: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": {"hard": {"pods": "0"}},
    }
    bed.apply(quota)
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/none"
    bed.wait("quota counted", lambda: bed.plane.request("GET", path)[1].get("status", {}).get("hard"))
    bed.apply(model("churn", namespace))
    assert "exceeded quota" in bed.wait_for(namespace, "churn", "PodsRefused")["message"]


def test_operator_is_still_alive_and_has_logged_no_traceback(operator: Process) -> None:
    assert operator.alive()
    assert "Traceback" not in operator.tail(10_000)


# --- helpers ---


def substance(body: Any) -> Any:
    """An object without what the API server counts up."""
    if body is None:
        return None
    metadata = {k: v for k, v in body["metadata"].items() if k in ("labels", "annotations", "ownerReferences", "uid")}
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return {"metadata": metadata, **{k: v for k, v in body.items() if k in ("spec", "data")}}


def pods(bed: Bed, namespace: str) -> list[Any]:
    items: list[Any] = bed.plane.request("GET", POD.path(namespace))[1]["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def has_pods(bed: Bed, namespace: str, count: int) -> bool:
    return len(pods(bed, namespace)) == count


def replicas(bed: Bed, namespace: str) -> int:
    body = bed.get(DEPLOYMENT, namespace, "churn")
    assert body is not None
    return int(body["spec"]["replicas"])


def scale_deployment(bed: Bed, namespace: str, count: int) -> None:
    status, body = bed.plane.request(
        "PATCH",
        DEPLOYMENT.path(namespace, "churn", "scale") + "?fieldManager=kube-controller-manager",
        {"spec": {"replicas": count}},
        content_type="application/merge-patch+json",
    )
    assert status == 200, body


def mirror(bed: Bed, namespace: str) -> None:
    """Rewrite the images of Deployments in a namespace, as companies do."""
    group = "admissionregistration.k8s.io/v1"
    expression = (
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: "
        "object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, "
        'image: "mirror.example.com/model:1"})}}}}'
    )
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    policy = {
        "apiVersion": group,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": f"mirror-{namespace}"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    }
    binding = {
        "apiVersion": group,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": f"mirror-{namespace}"},
        "spec": {
            "policyName": f"mirror-{namespace}",
            "matchResources": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            },
        },
    }
    bed.apply(policy)
    bed.apply(binding)
    probe = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "probe", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "replicas": 0,
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}},
        },
    }

    def in_force() -> bool:
        status, body = bed.plane.request("POST", f"{DEPLOYMENT.path(namespace)}?dryRun=All", probe)
        return status == 201 and body["spec"]["template"]["spec"]["containers"][0]["image"].startswith("mirror.")

    bed.wait("policy in force", in_force)


def events(bed: Bed, namespace: str) -> list[tuple[str, str]]:
    items = bed.plane.request("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")[1]["items"]
    ours = [e for e in items if e["regarding"]["kind"] == MODEL.name]
    return [(e["type"], e["reason"]) for e in sorted(ours, key=lambda e: e["eventTime"])]
