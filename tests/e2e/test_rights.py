"""Rights that no other test uses, and roles in namespaces instead of the cluster.

The control plane of this file enables OwnerReferencesPermissionEnforcement, as some distributions do. That plugin checks
rights that no audit log has: these tests take one away, see the plugin refuse the operator, and restore it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitored_models.naming import object_names
from monitored_models.naming.kinds import (
    ALERTMANAGER_CONFIG,
    AUTOSCALER,
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRAFANA_DASHBOARD,
    MODEL,
    NETWORK_POLICY,
    PROFILE,
    PROMETHEUS_RULE,
    SELECTING_KINDS,
    SERVICE,
    SERVICE_MONITOR,
    Kind,
)
from operator_identity import OPERATOR, SERVICE_ACCOUNT
from operator_testbed import ON_REQUEST, OWN_CRDS, Bed, Object, model, profile, prometheus_crds, running_bed
from testbed.used_rights import Right, record

pytestmark = pytest.mark.e2e

NAMESPACES = ["foreign", "owner-of-deployments", "owner-of-services", "finalizers-of-model", "finalizers-of-profile"]
GRAFANA_CRD = Path(__file__).parent / "grafanadashboards.yaml"
SETTINGS: Object = {
    "namespaces": NAMESPACES,
    "recheckSeconds": 2,
    "grafanaOperator": {"instanceSelector": {"matchLabels": {"dashboards": "grafana"}}},
}
SELECTOR = {"matchLabels": {"app": "theirs"}}
TEMPLATE = {
    "metadata": {"labels": {"app": "theirs"}},
    "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}]},
}
FOREIGN: dict[Kind, Object] = {
    DEPLOYMENT: {"spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}},
    SERVICE: {"spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80, "protocol": "TCP"}]}},
    SERVICE_MONITOR: {"spec": {"selector": SELECTOR, "endpoints": []}},
    PROMETHEUS_RULE: {"spec": {"groups": []}},
    CONFIG_MAP: {"data": {"theirs": "yes"}},
    GRAFANA_DASHBOARD: {"spec": {"instanceSelector": SELECTOR}},
    AUTOSCALER: {
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}}
    },
    DISRUPTION_BUDGET: {"spec": {"minAvailable": 1, "selector": SELECTOR}},
    NETWORK_POLICY: {"spec": {"podSelector": SELECTOR}},
    ALERTMANAGER_CONFIG: {"spec": {"receivers": [{"name": "theirs"}]}},
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with that plugin, on which the operator serves some namespaces and has no ClusterRole."""
    with running_bed(
        tmp_path_factory.mktemp("rights"),
        [*OWN_CRDS, *prometheus_crds(), GRAFANA_CRD],
        controllers=False,
        api_flags=("--enable-admission-plugins=OwnerReferencesPermissionEnforcement",),
        values={"settings": {"namespaces": NAMESPACES}},
    ) as bed:
        roles = bed.plane.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")[1]["items"]
        assert not [role for role in roles if SERVICE_ACCOUNT in str(role.get("subjects"))]
        # It asks in the cluster first, then in its namespaces.
        bed.expected_denials |= {f"list {kind.plural}.{kind.group} in the cluster" for kind in SELECTING_KINDS}
        with bed.operator("strict", **SETTINGS):
            yield bed


def test_foreign_object_of_each_kind_is_found_and_left_alone(strict: Bed) -> None:
    bed, namespace = strict, "foreign"
    assert FOREIGN.keys() == set(CHILDREN)
    before = {}
    for kind, body in FOREIGN.items():
        name = "churn-dashboard" if kind in (CONFIG_MAP, GRAFANA_DASHBOARD) else "churn"
        metadata = {"name": name, "namespace": namespace}
        before[kind] = bed.apply({"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **body})
    bed.apply(model("churn", namespace, **ON_REQUEST))
    bed.wait("a look at each object", lambda: looked_at(bed, namespace) == {kind.plural for kind in CHILDREN})
    bed.wait_for(namespace, "churn", "NameConflict")
    for kind, theirs in before.items():
        assert bed.get(kind, namespace, theirs["metadata"]["name"]) == theirs


def looked_at(bed: Bed, namespace: str) -> set[str]:
    """Resources of which the operator has read a single object, apart from the model."""
    references = [
        entry["objectRef"]
        for entry in bed.audit()
        if entry["user"]["username"] == OPERATOR and entry["verb"] == "get" and "objectRef" in entry
    ]
    return {each["resource"] for each in references if each["namespace"] == namespace} - {MODEL.plural}


@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE], ids=lambda kind: kind.plural)
def test_owner_reference_is_restored_by_who_may_delete_the_child(strict: Bed, kind: Kind) -> None:
    bed, namespace = strict, f"owner-of-{kind.plural}"
    bed.apply(model("churn", namespace))
    owned = bed.wait("the child", lambda: bed.get(kind, namespace, "churn"))["metadata"]["ownerReferences"]
    right = Right(kind.group, kind.plural, "delete")
    with without(bed, namespace, right):
        bed.patch(kind, namespace, "churn", {"metadata": {"ownerReferences": None}})
        bed.wait(
            "refusal", lambda: refused(bed, namespace, kind, "cannot set an ownerRef on a resource you can't delete")
        )

    def owners() -> object:
        return (bed.get(kind, namespace, "churn") or {})["metadata"].get("ownerReferences")

    bed.wait("the owner reference", lambda: owners() == owned)
    record([right])


@pytest.mark.parametrize("owner", [MODEL, PROFILE], ids=["model", "profile"])
def test_children_that_block_the_deletion_of_their_owner_need_its_finalizers(strict: Bed, owner: Kind) -> None:
    bed, namespace = strict, f"finalizers-of-{'model' if owner is MODEL else 'profile'}"
    right = Right(owner.group, f"{owner.plural}/finalizers", "update")
    child, name = (DEPLOYMENT, "gold") if owner is MODEL else (ALERTMANAGER_CONFIG, object_names.notifications("gold"))
    with without(bed, namespace, right):
        if owner is MODEL:
            bed.apply(model("gold", namespace))
        else:
            bed.apply(profile("gold", namespace, **ON_REQUEST["monitoring"]))
        bed.wait("refusal", lambda: refused(bed, namespace, child, "a resource you can't set finalizers on"))
        assert bed.get(child, namespace, name) is None
        if owner is MODEL:
            assert "give the operator this right" in bed.wait_for(namespace, "gold", "Forbidden")["message"]
    made = bed.wait("the child", lambda: bed.get(child, namespace, name))
    assert [each["blockOwnerDeletion"] for each in made["metadata"]["ownerReferences"]] == [True]
    record([right])


def refused(bed: Bed, namespace: str, kind: Kind, why: str) -> bool:
    """Whether the API server has refused the operator a write for a reason."""
    return any(
        entry["user"]["username"] == OPERATOR
        and entry["responseStatus"]["code"] == 403
        and (entry["objectRef"].get("namespace"), entry["objectRef"]["resource"]) == (namespace, kind.plural)
        and why in entry["responseStatus"]["message"]
        for entry in bed.audit()
    )


@contextmanager
def without(bed: Bed, namespace: str, right: Right) -> Iterator[None]:
    """Take a right away from the operator's Role in a namespace while inside."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{SERVICE_ACCOUNT}"
    rules = bed.plane.request("GET", path)[1]["rules"]
    fewer: list[Object] = []
    for rule in rules:
        if rule["apiGroups"] == [right.group] and right.resource in rule["resources"]:
            others = [resource for resource in rule["resources"] if resource != right.resource]
            verbs = [verb for verb in rule["verbs"] if verb != right.verb]
            parts = [{**rule, "resources": others}, {**rule, "resources": [right.resource], "verbs": verbs}]
            fewer += [part for part in parts if part["resources"] and part["verbs"]]
        else:
            fewer.append(rule)
    _set_rules(bed, path, fewer)
    bed.wait(f"no right to {right}", lambda: not _may(bed, namespace, right))
    yield
    _set_rules(bed, path, rules)
    bed.wait(f"the right to {right}", lambda: _may(bed, namespace, right))


def _set_rules(bed: Bed, path: str, rules: list[Object]) -> None:
    status, answer = bed.plane.request("PATCH", path, {"rules": rules}, content_type="application/merge-patch+json")
    assert status == 200, answer


def _may(bed: Bed, namespace: str, right: Right) -> bool:
    """What the API server says to the operator itself: it decides from a cache, which a change reaches a moment later."""
    resource, _, subresource = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb}
    review = {"spec": {"resourceAttributes": {**asked, "namespace": namespace}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return bool(bed.plane.request("POST", path, review, user="operator")[1]["status"]["allowed"])
