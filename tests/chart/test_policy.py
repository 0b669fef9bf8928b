"""The chart's admission policy on a real API server: which images, how many GPUs, who may notify whom."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import pytest

from chart.test_objects import VALUE_FILES
from monitored_models.naming.kinds import MODEL, PROFILE
from operator_testbed import Bed, Object, model, profile
from testbed.helm import objects


def mail(**content: str) -> Object:
    """A receiver of mail."""
    email = {"to": "a@example.com", "from": "m@example.com", "smarthost": "smtp.example.com:25", **content}
    return {"name": "mail", "email": email}


HOOK = {"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}}
SLACK = {"name": "slack", "slack": {"channel": "#risk", "webhookURL": {"name": "slack", "key": "url"}}}
AUTOSCALING = {"minReplicas": 1, "maxReplicas": 5, "targetCPUUtilizationPercentage": 50}
CPU = {"requests": {"cpu": "1"}}
REJECTED = [
    (model("m", "risk", image="docker.io/miner:1"), "spec.image: docker.io/miner:1 is not allowed in this cluster; allowed: registry.example.com/.*"),
    (model("m", "risk", image="evil.com/registry.example.com/m:1"), "spec.image"),
    (model("m", "shop", gpu={"count": 3}), "spec.gpu.count: 3 GPUs in all replicas; namespace shop allows 2 for a model"),
    (model("m", "shop", gpu={"count": 1}, replicas=3), "3 GPUs in all replicas"),
    (model("m", "risk", gpu={"count": 2}, autoscaling=AUTOSCALING, resources=CPU), "10 GPUs in all replicas; namespace risk allows 8"),
    (model("m", "shop", resources={"limits": {"nvidia.com/gpu": "1"}}), "spec.resources: namespace shop limits GPUs: name them in spec.gpu"),
    (model("m", "shop", resources={"limits": {"nvidia.com/mig-1g.10gb": "1"}}), "spec.resources"),
    (model("m", "shop", monitoring={"notifications": [HOOK]}), "spec.monitoring.notifications: namespace shop may not notify webhook"),
    (profile("p", "shop", notifications=[HOOK]), "spec.notifications: namespace shop may not notify webhook"),
    (profile("p", "risk", notifications=[SLACK]), "may not notify slack"),
    (profile("p", "risk", notifications=[mail(to="a@example.com, b@example.org")]), "spec.notifications[].email.to: mail may only go to example.com"),
    (profile("p", "risk", notifications=[mail(to="a@notexample.com")]), "[].email.to"),
    (profile("p", "risk", notifications=[mail(smarthost="mail.example.org:25")]), "[].email.smarthost: mail may only be sent through smtp.example.com:25"),
]  # fmt: skip
ACCEPTED = [
    model("m", "risk", image="registry.example.com/m:1", gpu={"count": 8}),
    model("m", "shop", gpu={"count": 1}, replicas=2),
    model("m", "risk", monitoring={"notifications": [HOOK]}),
    model("m", "shop", resources={"limits": {"rdma/hca": "1"}}),
    profile("p", "risk", notifications=[HOOK, mail(), {**mail(to="b@example.com, c@example.com"), "name": "two"}]),
    profile("p", "shop", alerts={"labels": {"team": "shop"}}),
    model("m", "other", image="docker.io/miner:1", gpu={"count": 64}),
]
OLD = model("old", "shop", image="docker.io/old:1", gpu={"count": 2}, replicas=2, monitoring={"notifications": [HOOK]})
OTHER_HOOK = {**HOOK, "name": "other"}
CHANGES = [
    ({"metadata": {"labels": {"team": "risk"}}}, ""),
    ({"spec": {"replicas": 1}}, ""),
    ({"spec": {"suspend": True}}, ""),
    ({"spec": {"image": "registry.example.com/new:1"}}, ""),
    ({"spec": {"monitoring": {"notifications": [HOOK], "drift": {}}}}, ""),
    ({"spec": {"replicas": 3}}, "spec.gpu.count: 6 GPUs in all replicas; namespace shop allows 2"),
    ({"spec": {"image": "docker.io/old:2"}}, "spec.image: docker.io/old:2"),
    ({"spec": {"monitoring": {"notifications": [HOOK, OTHER_HOOK]}}}, "namespace shop may not notify webhook"),
    ({"spec": {"gpu": None, "resources": {"limits": {"nvidia.com/gpu": "2"}}}}, "spec.resources"),
]
"""Changes of that model, and how they are rejected."""


@pytest.fixture(scope="module", autouse=True)
def _policy(bed: Bed) -> Iterator[None]:
    for name in ("risk", "shop", "other"):
        labels = {} if name == "other" else {"models": "yes"}
        bed.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            field_manager="policy",
        )
    policy = [each for each in objects(VALUE_FILES["policy"]) if "ValidatingAdmissionPolicy" in each["kind"]]
    bed.apply(OLD)
    for each in policy:
        bed.apply(each)
    # The API server takes a policy into account a moment after it was written.
    for rejected in (REJECTED[0][0], REJECTED[-1][0]):
        bed.wait("the policy", partial(rejects, bed, rejected))
    yield
    for each in reversed(policy):
        assert bed.plane.request("DELETE", bed.plane.path(each))[0] == 200


def test_the_api_server_finds_no_fault_with_the_expressions(bed: Bed) -> None:
    policies = [each for each in objects(VALUE_FILES["policy"]) if each["kind"] == "ValidatingAdmissionPolicy"]
    assert len(policies) == 2
    for each in policies:
        assert warnings(bed, each) == []
    wrong = deepcopy(policies[0])
    wrong["metadata"]["name"] = "wrong"
    wrong["spec"]["validations"] = [{"expression": "object.spec.imagine == ''"}]
    bed.apply(wrong)
    (found,) = warnings(bed, wrong)
    assert "undefined field 'imagine'" in found["warning"]


@pytest.mark.parametrize(("body", "message"), REJECTED, ids=lambda value: str(value)[:40])
def test_rejected_with_the_field_and_what_is_allowed(bed: Bed, body: Object, message: str) -> None:
    status, answer = create(bed, body)
    assert status == 403, answer
    assert message in answer["message"]


@pytest.mark.parametrize("body", ACCEPTED, ids=lambda value: str(value)[:40])
def test_accepted(bed: Bed, body: Object) -> None:
    status, answer = create(bed, body)
    assert status == 201, answer


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=lambda value: str(value)[:60])
def test_what_is_older_than_the_policy_may_stay_but_not_grow(bed: Bed, change: Object, message: str) -> None:
    answer = patch(bed, "", change)
    if message:
        assert answer[0] == 403, answer
        assert message in answer[1]["message"]
    else:
        assert answer[0] == 200, answer


def test_a_scale_adds_no_replicas_where_gpus_are_limited(bed: Bed) -> None:
    assert patch(bed, "/scale", {"spec": {"replicas": 1}})[0] == 200
    status, answer = patch(bed, "/scale", {"spec": {"replicas": 3}})
    assert status == 403, answer
    assert "spec.replicas: namespace shop limits GPUs: change spec.replicas of the MonitoredModel" in answer["message"]


def warnings(bed: Bed, policy: Object) -> list[Object]:
    """What the API server's type check says of a policy."""

    def checked() -> Object | None:
        status: Object = bed.plane.request("GET", bed.plane.path(policy))[1].get("status", {})
        return status if "typeChecking" in status else None

    return list(bed.wait("the type check", checked)["typeChecking"].get("expressionWarnings", ()))


def patch(bed: Bed, subresource: str, change: Object) -> tuple[int, Any]:
    """Change the old model without storing it."""
    path = f"{MODEL.path('shop', 'old')}{subresource}?dryRun=All"
    return bed.plane.request("PATCH", path, change, content_type="application/merge-patch+json")


def rejects(bed: Bed, body: Object) -> bool:
    """Whether the policy rejects an object."""
    return create(bed, body)[0] == 403


def create(bed: Bed, body: Object) -> tuple[int, Any]:
    """Create an object without storing it."""
    kind = {each.name: each for each in (MODEL, PROFILE)}[body["kind"]]
    return bed.plane.request("POST", f"{kind.path(body['metadata']['namespace'])}?dryRun=All", body)
