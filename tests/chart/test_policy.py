"""The chart's admission policy on a real API server: which images, how many GPUs, who may notify whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chart.test_objects import VALUE_FILES
from monitored_models.naming.kinds import MODEL, PROFILE
from operator_testbed import Bed, Object, model, profile
from testbed.helm import objects

MAIL = {
    "name": "mail",
    "email": {"to": "a@example.com, b@example.org", "from": "m@example.com", "smarthost": "smtp.example.com:25"},
}
HOOK = {"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}}
SLACK = {"name": "slack", "slack": {"channel": "#risk", "webhookURL": {"name": "slack", "key": "url"}}}
AUTOSCALING = {"minReplicas": 1, "maxReplicas": 5, "targetCPUUtilizationPercentage": 50}
CPU = {"requests": {"cpu": "1"}}
REJECTED = [
    (model("m", "risk", image="docker.io/miner:1"), "spec.image: docker.io/miner:1 is not allowed in this cluster; allowed: registry.example.com/.*"),
    (model("m", "risk", image="evil.com/registry.example.com/m:1"), "spec.image"),
    (model("m", "shop", gpu={"count": 3}), "1 replicas with 3 GPUs in all; namespace shop allows 2 for a model"),
    (model("m", "shop", gpu={"count": 1}, replicas=3), "3 replicas with 3 GPUs"),
    (model("m", "risk", gpu={"count": 2}, autoscaling=AUTOSCALING, resources=CPU), "namespace risk allows 8"),
    (model("m", "shop", monitoring={"notifications": [HOOK]}), "spec.monitoring.notifications: namespace shop may not notify webhook"),
    (profile("p", "shop", notifications=[HOOK]), "spec.notifications: namespace shop may not notify webhook"),
    (profile("p", "risk", notifications=[SLACK]), "may not notify slack"),
    (profile("p", "risk", notifications=[MAIL]), "mail may only go to example.com"),
]  # fmt: skip
ACCEPTED = [
    model("m", "risk", image="registry.example.com/m:1", gpu={"count": 8}),
    model("m", "shop", gpu={"count": 1}, replicas=2),
    model("m", "risk", monitoring={"notifications": [HOOK]}),
    profile("p", "risk", notifications=[HOOK, {**MAIL, "email": {**MAIL["email"], "to": "a@example.com"}}]),  # type: ignore[dict-item]
    profile("p", "shop", alerts={"labels": {"team": "shop"}}),
    model("m", "other", image="docker.io/miner:1", gpu={"count": 64}),
]


@pytest.fixture(scope="module", autouse=True)
def _policy(bed: Bed) -> Iterator[None]:
    for name in ("risk", "shop", "other"):
        labels = {} if name == "other" else {"models": "yes"}
        bed.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            field_manager="policy",
        )
    policy = [each for each in objects(VALUE_FILES["policy"]) if "ValidatingAdmissionPolicy" in each["kind"]]
    old = model("old", "risk", image="docker.io/old:1")
    bed.apply(old)
    for each in policy:
        bed.apply(each)
    # The API server takes a policy into account a moment after it was written.
    bed.wait("the policy", lambda: create(bed, REJECTED[0][0])[0] == 403)
    yield
    for each in reversed(policy):
        assert bed.plane.request("DELETE", bed.plane.path(each))[0] == 200


def test_the_api_server_finds_no_fault_with_the_expressions(bed: Bed) -> None:
    (policy,) = [each for each in objects(VALUE_FILES["policy"]) if each["kind"] == "ValidatingAdmissionPolicy"]

    def checked() -> Object | None:
        status: Object = bed.plane.request("GET", bed.plane.path(policy))[1].get("status", {})
        return status if "observedGeneration" in status else None

    assert bed.wait("the type check", checked).get("typeChecking", {}).get("expressionWarnings", []) == []


@pytest.mark.parametrize(("body", "message"), REJECTED, ids=lambda value: str(value)[:40])
def test_rejected_with_the_field_and_what_is_allowed(bed: Bed, body: Object, message: str) -> None:
    status, answer = create(bed, body)
    assert status == 403, answer
    assert message in answer["message"]


@pytest.mark.parametrize("body", ACCEPTED, ids=lambda value: str(value)[:40])
def test_accepted(bed: Bed, body: Object) -> None:
    status, answer = create(bed, body)
    assert status == 201, answer


def test_what_is_older_than_the_policy_can_be_labelled_but_not_changed(bed: Bed) -> None:
    bed.patch(MODEL, "risk", "old", {"metadata": {"labels": {"team": "risk"}}})
    path = MODEL.path("risk", "old")
    change = {"spec": {"replicas": 2}}
    status, answer = bed.plane.request("PATCH", path, change, content_type="application/merge-patch+json")
    assert status == 403, answer
    assert "spec.image" in answer["message"]


def create(bed: Bed, body: Object) -> tuple[int, Any]:
    """Create an object without storing it."""
    kind = {each.name: each for each in (MODEL, PROFILE)}[body["kind"]]
    return bed.plane.request("POST", f"{kind.path(body['metadata']['namespace'])}?dryRun=All", body)
