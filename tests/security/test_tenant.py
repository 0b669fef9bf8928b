"""Someone who may only create MonitoredModels gains pods in that namespace, and nothing else: one test for each way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitored_models.naming.kinds import (
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    MODEL,
    PROFILE,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Kind,
)
from operator_testbed import Bed, model

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("operator")]

TENANT = "tenant"
RBAC = "rbac.authorization.k8s.io"
Object = dict[str, Any]


@pytest.fixture
def mine(bed: Bed, namespace: str) -> str:
    """A namespace in which the tenant may create and read models; nothing enforces a Pod Security Standard there."""
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {}}})
    rule = {"apiGroups": [MODEL.group], "resources": [MODEL.plural], "verbs": ["create", "get", "update", "patch"]}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": TENANT, "namespace": namespace}}
    bed.apply({**role, "rules": [rule]})
    bed.apply(
        {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": TENANT},
            "subjects": [{"kind": "User", "apiGroup": RBAC, "name": TENANT}],
        }
    )
    # The API server authorizes from a cache, which hears of a new role a moment later.
    bed.wait("the role in force", lambda: create(bed, model("churn", namespace), dryRun="All")[0] == 201)
    return namespace


def create(bed: Bed, body: Object, **query: str) -> tuple[int, str]:
    """What the API server says to the tenant."""
    path = MODEL.path(body["metadata"]["namespace"])
    strict = "&".join(f"{key}={value}" for key, value in {"fieldValidation": "Strict", **query}.items())
    status, answer = bed.plane.request("POST", f"{path}?{strict}", body, user=TENANT)
    return status, answer.get("message", "") if isinstance(answer, dict) else answer


def created(bed: Bed, namespace: str, **spec: Any) -> Object:
    """The Deployment of a model that the tenant has created."""
    status, message = create(bed, model("churn", namespace, **spec))
    assert status == 201, message
    return created_already(bed, namespace)


def created_already(bed: Bed, namespace: str) -> Object:
    bed.wait_for(namespace, "churn", "Ready")
    deployment = bed.get(DEPLOYMENT, namespace, "churn")
    assert deployment is not None
    return deployment


def pod_spec(deployment: Object) -> Object:
    return dict(deployment["spec"]["template"]["spec"])


def test_tenant_has_no_other_right(bed: Bed, mine: str) -> None:
    for kind in (*CHILDREN, PROFILE, Kind("", "v1", "Secret", "secrets")):
        assert bed.plane.request("GET", kind.path(mine), user=TENANT)[0] == 403, kind.name
    assert create(bed, model("churn", "default"))[0] == 403


WAYS_IN: dict[str, Object] = {
    "a service account": {"serviceAccountName": "admin"},
    "its token": {"automountServiceAccountToken": True},
    "a path of the host": {"storage": {"volumes": [{"name": "v", "mountPath": "/v", "hostPath": {"path": "/"}}]}},
    "a volume driver": {"storage": {"volumes": [{"name": "v", "mountPath": "/v", "csi": {"driver": "x"}}]}},
    "a Secret as a volume": {
        "storage": {"volumes": [{"name": "v", "mountPath": "/v", "secret": {"secretName": "other"}}]}
    },
    "a projected token": {
        "storage": {
            "volumes": [{"name": "v", "mountPath": "/v", "projected": {"sources": [{"serviceAccountToken": {}}]}}]
        }
    },
    "the host's network": {"hostNetwork": True},
    "the host's processes": {"hostPID": True},
    "the host's memory": {"hostIPC": True},
    "a port of the host": {"hostPort": 80},
    "privileges": {"security": {"privileged": True}},
    "root": {"security": {"runAsUser": 0}},
    "a capability": {"security": {"capabilities": {"add": ["SYS_ADMIN"]}}},
    "a way to more privileges": {"security": {"allowPrivilegeEscalation": True}},
    "a pod template": {"template": {"spec": {"hostNetwork": True}}},
    "a further container": {"sidecars": [{"name": "x", "image": "x"}]},
    "a Secret of another namespace": {
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "namespace": "kube-system"}}}]
    },
    "a claim by a path": {
        "storage": {
            "volumes": [{"name": "v", "mountPath": "/v", "persistentVolumeClaim": {"claimName": "../kube-system/x"}}]
        }
    },
    "another namespace to scrape": {"monitoring": {"scrape": {"namespaceSelector": {"any": True}}}},
    "another address to scrape": {"monitoring": {"scrape": {"path": "/metrics?target=http://10.0.0.1/#"}}},
    "a file of Prometheus": {"monitoring": {"scrape": {"bearerTokenFile": "/var/run/secrets/token"}}},
    "an expression": {"monitoring": {"alerts": {"rules": {"ModelNoData": {"expr": "vector(1)"}}}}},
    "a rule of its own": {"monitoring": {"alerts": {"rules": {"Watchdog": {"enabled": True}}}}},
    "the namespace of an alert": {"monitoring": {"alerts": {"labels": {"namespace": "kube-system"}}}},
    "the model of an alert": {"monitoring": {"alerts": {"labels": {"monitored_model": "other"}}}},
    "the severity of an alert": {"monitoring": {"alerts": {"labels": {"severity": "none"}}}},
    "the name of an alert": {"monitoring": {"alerts": {"labels": {"alertname": "Watchdog"}}}},
    "a label that Prometheus keeps to itself": {"monitoring": {"alerts": {"labels": {"__name__": "up"}}}},
    "series of another namespace": {
        "monitoring": {"signals": {"errors": {"counter": "errors_total", "matchers": {"namespace": "kube-system"}}}}
    },
    "PromQL instead of a name": {"monitoring": {"signals": {"errors": {"counter": 'x"} or up{a="'}}}},
    "PromQL instead of a label": {
        "monitoring": {"signals": {"errors": {"counter": "x", "matchers": {'a="b"} or up{c': "d"}}}}
    },
}


@pytest.mark.parametrize("spec", WAYS_IN.values(), ids=WAYS_IN)
def test_way_in_is_refused_by_name(bed: Bed, mine: str, spec: Object) -> None:
    status, message = create(bed, model("churn", mine, **spec))
    assert status in (400, 422), (status, message)
    field = next(iter(spec))
    innermost = json.dumps(spec).split('"')
    assert field in message or any(word in message for word in innermost if len(word) > 3), message
    assert bed.get(MODEL, mine, "churn") is None


@pytest.mark.parametrize("spec", [w for w in WAYS_IN.values() if next(iter(w)) not in ("storage", "env", "monitoring")])
def test_unknown_field_that_is_let_in_without_strictness_has_no_effect(bed: Bed, mine: str, spec: Object) -> None:
    """`kubectl apply --validate=false` only warns; what is not in the schema is dropped before anyone sees it."""
    status, message = create(bed, model("churn", mine, **spec), fieldValidation="Ignore")
    if status in (400, 422):  # refused all the same
        assert next(iter(spec)) in message
        return
    assert status == 201, message
    pod = pod_spec(created_already(bed, mine))
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert pod["automountServiceAccountToken"] is False
    assert pod.get("serviceAccountName", "default") == "default"
    (container,) = pod["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not any("hostPort" in port for port in container.get("ports", ()))


def test_pods_get_no_identity_towards_the_cluster(bed: Bed, mine: str) -> None:
    pod = pod_spec(created(bed, mine))
    assert pod["automountServiceAccountToken"] is False
    assert pod.get("serviceAccountName", "default") == "default"
    assert pod.get("enableServiceLinks") is False


@pytest.mark.parametrize("kind", [CONFIG_MAP, DEPLOYMENT, PROMETHEUS_RULE, SERVICE_MONITOR], ids=lambda k: k.name)
def test_object_of_the_same_name_stays_as_it_is(bed: Bed, mine: str, kind: Kind) -> None:
    """Also where it already carries the operator's own labels."""
    name = "churn-dashboard" if kind is CONFIG_MAP else "churn"
    labels = {"app.kubernetes.io/managed-by": "monitored-models-operator", "monitoredmodels.dev/model": "churn"}
    body = {**FOREIGN[kind.name], "apiVersion": kind.api_version, "kind": kind.name}
    before = bed.apply({**body, "metadata": {"name": name, "namespace": mine, "labels": labels}})
    create(bed, model("churn", mine))
    bed.wait("a conflict", lambda: "is not this model's" in json.dumps(bed.get(MODEL, mine, "churn")))
    after = bed.get(kind, mine, name)
    assert after is not None
    assert after["metadata"].get("ownerReferences") is None
    assert {key: after[key] for key in ("spec", "data") if key in after} == {
        key: before[key] for key in ("spec", "data") if key in before
    }


FOREIGN: dict[str, Object] = {
    "ConfigMap": {"data": {"mine": "yes"}},
    "Deployment": {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "registry.example.com/c:1"}]},
            },
        }
    },
    "PrometheusRule": {"spec": {"groups": []}},
    "ServiceMonitor": {"spec": {"selector": {}, "endpoints": []}},
}


def test_object_cannot_be_taken_over_by_naming_a_model_as_its_owner(bed: Bed, mine: str) -> None:
    """A child whose owner has the model's name, and another uid, is another model's."""
    owner = {
        "apiVersion": MODEL.api_version, "kind": MODEL.name, "name": "churn", "controller": True,
        "uid": "00000000-0000-0000-0000-000000000001",
    }  # fmt: skip
    metadata = {"name": "churn-dashboard", "namespace": mine, "ownerReferences": [owner]}
    foreign = bed.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mine": "yes"}})
    create(bed, model("churn", mine))
    # The garbage collector takes what has an owner that does not exist; only then is there room for the model's own.
    found: Object = bed.wait("the model's own dashboard", lambda: _of_model(bed, mine))
    assert found["metadata"]["uid"] != foreign["metadata"]["uid"]
    assert "mine" not in found["data"]


def _of_model(bed: Bed, namespace: str) -> Object | None:
    """The dashboard, once its owner is the model that exists."""
    owner, found = bed.get(MODEL, namespace, "churn"), bed.get(CONFIG_MAP, namespace, "churn-dashboard")
    if owner is None or found is None:
        return None
    uids = [each["uid"] for each in found["metadata"].get("ownerReferences", ())]
    return found if uids == [owner["metadata"]["uid"]] else None


def test_labels_and_annotations_of_a_model_reach_no_child(bed: Bed, mine: str) -> None:
    body = model("churn", mine)
    body["metadata"]["labels"] = {"release": "kps", "monitoredmodels.dev/model": "other"}
    body["metadata"]["annotations"] = {"grafana_folder": "../secret"}
    assert create(bed, body)[0] == 201
    bed.wait_for(mine, "churn", "Ready")
    for kind in (DEPLOYMENT, PROMETHEUS_RULE, SERVICE_MONITOR):
        child = bed.get(kind, mine, "churn")
        assert child is not None
        assert child["metadata"]["labels"]["monitoredmodels.dev/model"] == "churn"
        assert "release" not in child["metadata"]["labels"]
        assert "grafana_folder" not in child["metadata"].get("annotations", {})


def test_owner_and_finalizers_of_a_model_give_nothing(bed: Bed, mine: str) -> None:
    """A user may put owners on what they create; children have one owner, and it is the model."""
    body = model("churn", mine)
    body["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Namespace", "name": "kube-system", "uid": "00000000-0000-0000-0000-000000000002"}
    ]
    create(bed, body)
    bed.wait("an end", lambda: bed.get(DEPLOYMENT, mine, "churn") or bed.get(MODEL, mine, "churn") is None)
    if (child := bed.get(DEPLOYMENT, mine, "churn")) is not None:
        assert [owner["kind"] for owner in child["metadata"]["ownerReferences"]] == ["MonitoredModel"]


def test_only_the_models_own_namespace_and_pods_are_scraped(bed: Bed, mine: str) -> None:
    created(bed, mine)
    monitor = bed.get(SERVICE_MONITOR, mine, "churn")
    assert monitor is not None
    assert monitor["spec"].get("namespaceSelector", {}) in ({}, {"matchNames": [mine]})
    assert monitor["spec"]["selector"]["matchLabels"]["monitoredmodels.dev/model"] == "churn"
    text = json.dumps(monitor["spec"])
    for word in ("bearerTokenFile", "tlsConfig", "basicAuth", "authorization", "proxyUrl", 'honorLabels": true'):
        assert word not in text


HUGE: dict[str, Object] = {
    "environment": {"env": [{"name": f"A{n}", "value": "x" * 1000} for n in range(2000)]},
    "a value": {"env": [{"name": "A", "value": "x" * 1_000_000}]},
    "arguments": {"args": ["x" * 1000] * 2000},
    "volumes": {
        "storage": {"volumes": [{"name": f"v{n}", "mountPath": f"/v{n}", "emptyDir": {}} for n in range(2000)]}
    },
    "labels of alerts": {"monitoring": {"alerts": {"labels": {f"l{n}": "x" * 200 for n in range(2000)}}}},
    "matchers": {
        "monitoring": {"signals": {"errors": {"counter": "x", "matchers": {f"l{n}": "x" * 200 for n in range(2000)}}}}
    },
    "a node selector": {"scheduling": {"nodeSelector": {f"k{n}": "v" for n in range(5000)}}},
    "a nesting": {"scheduling": {"affinity": {"podAffinity": {"a": [[[[[[[[{}]]]]]]]]}}}},
}


@pytest.mark.parametrize("spec", HUGE.values(), ids=HUGE)
def test_huge_spec_is_refused_and_disturbs_nobody(bed: Bed, mine: str, spec: Object) -> None:
    status, message = create(bed, model("churn", mine, **spec))
    assert status in (400, 413, 422, 500), status
    assert message
    assert create(bed, model("small", mine))[0] == 201
    bed.wait_for(mine, "small", "Ready")


def test_quota_limits_the_number_of_models(bed: Bed, mine: str) -> None:
    hard = {f"count/{MODEL.plural}.{MODEL.group}": "1"}
    bed.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "q", "namespace": mine},
            "spec": {"hard": hard},
        }
    )
    path = f"/api/v1/namespaces/{mine}/resourcequotas/q"
    bed.wait("quota counted", lambda: bed.plane.request("GET", path)[1].get("status", {}).get("hard") == hard)
    assert create(bed, model("churn", mine))[0] == 201
    status, message = create(bed, model("second", mine))
    assert status == 403
    assert "exceeded quota: q" in message
