"""What the roles of the chart permit: to the operator exactly what they list, and to people what their roles are for."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from monitored_models.codegen.rbac import lease_rules, optional_rules, rules
from monitored_models.naming.kinds import MODEL, PROFILE
from operator_identity import NAMESPACE, OPERATOR, SERVICE_ACCOUNT, identity
from operator_testbed import ROOT, Bed
from testbed.used_rights import Right, rights_of

pytestmark = pytest.mark.e2e

RBAC = "rbac.authorization.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1"
Object = dict[str, Any]
BOTH = (MODEL.plural, PROFILE.plural)
READS = {(resource, verb) for resource in BOTH for verb in ("get", "list", "watch")} | {
    (f"{MODEL.plural}/status", "get")
}
CHANGES = {
    *((resource, verb) for resource in BOTH for verb in ("create", "update", "patch", "delete", "deletecollection")),
    *((f"{MODEL.plural}/scale", verb) for verb in ("get", "update", "patch")),
}
NEVER = {(f"{resource}/{part}", "update") for resource in BOTH for part in ("status", "finalizers")}
PEOPLE = {"view": READS, "edit": READS | CHANGES, "admin": READS | CHANGES}


@pytest.mark.parametrize("where", ["the chart", "config/rbac.yaml"])
def test_operator_gets_exactly_the_generated_rules(where: str) -> None:
    bodies = identity({}) if where == "the chart" else list(yaml.safe_load_all((ROOT / where).read_text()))
    bound = {
        body["metadata"].get("namespace"): body["roleRef"]
        for body in bodies
        if {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE} in body.get("subjects", ())
    }
    found = {
        body["metadata"].get("namespace"): body["rules"]
        for body in bodies
        if {"kind": body["kind"], "name": body["metadata"]["name"]}.items()
        <= bound.get(body["metadata"].get("namespace"), {}).items()
    }
    assert found == {None: rules(), NAMESPACE: lease_rules()}


def test_operators_rules_are_few() -> None:
    """No wildcard, no Secret, no pod that it could create, no permission on permissions."""
    for rule in (*rules(), *lease_rules(), *(rule for several in optional_rules().values() for rule in several)):
        assert "*" not in json.dumps(rule)
        forbidden = {"secrets", "serviceaccounts", "pods/exec", "nodes", "roles", "clusterroles"}
        assert not forbidden & {*rule["resources"]}
        if "pods" in rule["resources"]:
            assert set(rule["verbs"]) == {"list", "watch"}
        assert not {"escalate", "bind", "impersonate", "deletecollection"} & {*rule["verbs"]}


def test_api_server_permits_the_operator_its_roles_and_no_more(bed: Bed, namespace: str) -> None:
    everyone = reviewed(bed, namespace, "tenant")
    assert reviewed(bed, namespace, "operator") - everyone == set(rights_of(rules()))
    assert reviewed(bed, NAMESPACE, "operator") - everyone == set(rights_of([*rules(), *lease_rules()]))
    for resource, verb in (
        ("secrets", "get"),
        ("pods", "create"),
        ("serviceaccounts/token", "create"),
        ("nodes", "list"),
    ):
        assert not allowed(bed, OPERATOR, namespace, Right("", resource, verb))


def reviewed(bed: Bed, namespace: str, user: str) -> set[Right]:
    """Every right in a namespace, as the API server lists them to the user."""
    review = {"spec": {"namespace": namespace}}
    status, answer = bed.plane.request("POST", f"{REVIEWS}/selfsubjectrulesreviews", review, user=user)
    assert (status, answer["status"]["incomplete"]) == (201, False), answer
    return set(rights_of(answer["status"]["resourceRules"]))


@pytest.fixture(scope="module")
def people(bed: Bed) -> str:
    """A namespace in which three users each have the cluster role of their name."""
    namespace = "people"
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for role in PEOPLE:
        bed.apply(
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": role, "namespace": namespace},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "User", "apiGroup": RBAC, "name": role}],
            }
        )
    # Controllers add the chart's rules to the cluster's roles.
    bed.wait("the roles", lambda: all(may(bed, namespace, role, MODEL.plural, "list") for role in PEOPLE))
    bed.wait("the roles", lambda: may(bed, namespace, "admin", MODEL.plural, "create"))
    return namespace


@pytest.mark.parametrize("role", PEOPLE)
def test_clusters_own_roles_include_models_and_profiles(bed: Bed, people: str, role: str) -> None:
    asked = READS | CHANGES | NEVER
    assert {each for each in asked if may(bed, people, role, *each)} == PEOPLE[role]
    assert not may(bed, "default", role, MODEL.plural, "get")


def may(bed: Bed, namespace: str, user: str, resource: str, verb: str) -> bool:
    return allowed(bed, user, namespace, Right(MODEL.group, resource, verb))


def allowed(bed: Bed, user: str, namespace: str, right: Right) -> bool:
    """What the API server would decide about a request of a user."""
    resource, _, subresource = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb}
    review = {"spec": {"user": user, "resourceAttributes": {**asked, "namespace": namespace}}}
    status, answer = bed.plane.request("POST", f"{REVIEWS}/subjectaccessreviews", review)
    assert status == 201, answer
    return bool(answer["status"]["allowed"])
