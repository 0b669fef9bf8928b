"""Every object of the chart is accepted by a real API server under strict validation, and asks for no more than it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.test_values import DIGEST, EVERYTHING, merged
from monitored_models.settings import load
from operator_testbed import Bed
from testbed.helm import Object, objects

NAMESPACED: dict[str, Any] = {
    "settings": {"namespaces": ["risk", "shop", "risk"]},
    "crds": {"enabled": False},
    "rbac": {"aggregate": False},
}
VALUE_FILES: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": EVERYTHING,
    "namespaced": NAMESPACED,
    "minimal": {
        "replicaCount": 1,
        "crds": {"enabled": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "someone"},
        "podDisruptionBudget": {"enabled": False},
    },
    "air-gapped": {
        "imageRegistry": "mirror.example.com/a",
        "image": {"digest": DIGEST},
        "imagePullSecrets": [{"name": "registry"}],
    },
    "policy": {
        "admissionPolicy": {
            "enabled": True,
            "images": ["registry.example.com/.*"],
            "gpus": {"default": 2, "namespaces": {"risk": 8}},
            "receivers": {"slack": [], "pagerDuty": ["risk"], "email": ["risk"], "webhook": ["risk"]},
            "emailDomains": ["example.com"],
            "smarthosts": ["smtp.example.com:25"],
            "namespaceSelector": {"matchLabels": {"models": "yes"}},
        }
    },
}
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}
NAMESPACE = "monitored-models"


@pytest.fixture(scope="module", autouse=True)
def _namespaces(bed: Bed) -> None:
    for name in (NAMESPACE, "risk", "shop", "second"):
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}})


@pytest.mark.parametrize("name", VALUE_FILES)
def test_objects_are_accepted_under_strict_validation(bed: Bed, name: str) -> None:
    found = objects(VALUE_FILES[name])
    assert found
    accept(bed, found)


def test_pods_run_in_a_namespace_that_enforces_the_restricted_profile(bed: Bed) -> None:
    """The operator's, and that of `helm test`."""
    (deployment,) = of_kind(objects({}), "Deployment")
    (tested,) = of_kind(objects({}), "Pod")
    pod = deployment["spec"]["template"]
    for name, each in (("operator", pod), ("test", tested)):
        metadata = {"name": name, "namespace": NAMESPACE}
        spec = {**each["spec"], "serviceAccountName": "default"}
        dry_run(bed, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_two_releases_share_no_object(bed: Bed) -> None:
    first = objects({})
    second = objects({"crds": {"enabled": False}}, release="mm", namespace="second")
    names = [
        {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in found}
        for found in (first, second)
    ]
    assert names[0] & names[1] == set()
    accept(bed, second)


@pytest.mark.parametrize("name", VALUE_FILES)
def test_roles_have_no_wildcards_secrets_exec_or_rights_on_rights(name: str) -> None:
    rules = [rule for each in objects(VALUE_FILES[name]) for rule in each.get("rules") or ()]
    resources = {resource for rule in rules for resource in rule.get("resources", ())}
    words = resources | {word for rule in rules for key in ("verbs", "apiGroups") for word in rule.get(key, ())}
    assert "*" not in words
    assert not words & {"escalate", "bind", "impersonate"}
    assert not resources & {"secrets", "pods/exec", "nodes", "serviceaccounts", "serviceaccounts/token"}
    assert "rbac.authorization.k8s.io" not in words


def test_namespaced_mode_has_no_rights_outside_of_its_namespaces() -> None:
    found = objects(NAMESPACED)
    assert not [each for each in found if each["kind"] in CLUSTER_WIDE]
    places = {each["metadata"]["namespace"] for each in of_kind(found, "Role") if "hook" not in str(each["metadata"])}
    assert places == {"risk", "shop", NAMESPACE}
    bound = [each["metadata"]["namespace"] for each in of_kind(found, "RoleBinding")]
    assert sorted(bound) == sorted(["risk", "shop", NAMESPACE, NAMESPACE])  # its Lease, and `helm test`
    (settings,) = [each for each in of_kind(found, "ConfigMap") if "settings.yaml" in each["data"]]
    assert yaml.safe_load(settings["data"]["settings.yaml"])["namespaces"] == NAMESPACED["settings"]["namespaces"]


@pytest.mark.parametrize("name", VALUE_FILES)
def test_operator_accepts_the_settings(name: str, tmp_path: Path) -> None:
    (settings,) = [each for each in of_kind(objects(VALUE_FILES[name]), "ConfigMap") if "settings.yaml" in each["data"]]
    file = tmp_path / "settings.yaml"
    file.write_text(settings["data"]["settings.yaml"])
    assert load(file).leader_election


def test_only_pods_of_the_operator_are_selected() -> None:
    """The pod of `helm test` would block evictions, and Prometheus would scrape it."""
    found = objects(merged(EVERYTHING, {"extraObjects": []}))
    selectors = [
        selector.get("matchLabels", selector)
        for each in found
        for name in ("selector", "podSelector")
        if (selector := each.get("spec", {}).get(name))
    ]
    assert len(selectors) == len({"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"})
    (deployment,), (tested,) = of_kind(found, "Deployment"), of_kind(found, "Pod")
    for selector in selectors:
        assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        assert not selector.items() <= tested["metadata"]["labels"].items()


def test_only_pods_that_ask_for_it_get_a_token() -> None:
    found = objects({})
    (deployment,), (tested,) = of_kind(found, "Deployment"), of_kind(found, "Pod")
    assert [each["automountServiceAccountToken"] for each in of_kind(found, "ServiceAccount")] == [False, False]
    assert [each["automountServiceAccountToken"] for each in (deployment["spec"]["template"]["spec"], tested["spec"])]


def test_crds_are_kept_unless_told_otherwise() -> None:
    for keep in (True, False):
        for crd in of_kind(objects({"crds": {"keep": keep}}), "CustomResourceDefinition"):
            assert (crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep") is keep


def test_everything_includes_every_kind_of_object() -> None:
    kinds = {each["kind"] for each in objects(merged(EVERYTHING, {"extraObjects": []}))}
    assert {
        "ServiceMonitor",
        "PrometheusRule",
        "GrafanaDashboard",
        "NetworkPolicy",
        "ValidatingAdmissionPolicy",
    } <= kinds


def of_kind(found: list[Object], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [each for each in found if each["kind"] == kind]


def accept(bed: Bed, found: list[Object]) -> None:
    """Have the API server validate all objects. Service accounts are stored, because pods are refused without."""
    for each in of_kind(found, "ServiceAccount"):
        bed.apply(each)
    for each in found:
        dry_run(bed, each)


def dry_run(bed: Bed, body: Object) -> None:
    """Have the API server validate an object strictly, without storing it."""
    query = "dryRun=All&fieldValidation=Strict&fieldManager=helm&force=true"
    status, answer = bed.plane.request(
        "PATCH", f"{bed.plane.path(body)}?{query}", body, content_type="application/apply-patch+yaml"
    )
    assert status in (200, 201), f"{body['kind']}: {answer['message']}"
