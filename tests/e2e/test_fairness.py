"""One bad model, or one namespace that cannot be served, never slows the others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from fault_injection.proxy import FAULTS, Call, Proxy, Trap
from monitored_models.naming.kinds import MODEL
from monitored_models.settings import Settings
from operator_testbed import Bed, model

pytestmark = pytest.mark.e2e

CROWD = 3 * Settings().workers
"""More models than there are workers."""
TIMEOUT, PROMPT_SECONDS = 20.0, 8.0
"""A request that hangs does so for the one; the others are served within the other, as on any day."""


@pytest.fixture
def proxy(bed: Bed) -> Iterator[Proxy]:
    with Proxy(bed.plane) as made:
        yield made


@pytest.fixture
def neighbour(bed: Bed, namespace: str) -> str:
    name = f"{namespace}-neighbour"
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def served_promptly(bed: Bed, namespace: str) -> None:
    began = time.monotonic()
    bed.apply(model("good", namespace))
    bed.wait_for(namespace, "good", "Ready")
    assert time.monotonic() - began < PROMPT_SECONDS


@pytest.mark.parametrize("fault", ["timeout-before", "500", "reset-before"])
def test_namespace_whose_requests_fail_holds_up_no_other(
    bed: Bed, proxy: Proxy, namespace: str, neighbour: str, fault: str
) -> None:
    kubeconfig = proxy.kubeconfig("operator", bed.directory / f"{namespace}.kubeconfig")

    def theirs(call: Call) -> bool:
        return call.write and call.namespace == namespace

    served = {"namespaces": [namespace, neighbour], "requestTimeoutSeconds": TIMEOUT}
    with (
        proxy.trap(Trap(theirs, 1, FAULTS[fault], times=1_000_000)) as trap,
        bed.operator(f"fair-{namespace}", kubeconfig=kubeconfig, **served),
    ):
        for number in range(CROWD):
            bed.apply(model(f"bad-{number}", namespace))
        bed.wait("requests that fail", lambda: len(trap.sprung) >= Settings().workers // 2)
        for _ in range(2):
            served_promptly(bed, neighbour)
            bed.delete(MODEL, neighbour, "good")
            bed.wait_gone(MODEL, neighbour, "good")


def test_namespace_without_permission_holds_up_no_other(bed: Bed, namespace: str, neighbour: str) -> None:
    """The operator may do nothing in a namespace but read: its models say so, and the others are served."""
    for name in (namespace, neighbour):
        bed.apply(model("old", name))
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {"name": f"no-{namespace}"},
    }
    bed.apply(
        {
            **policy,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": ["apps", "", "monitoring.coreos.com"],
                            "apiVersions": ["*"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": [
                                "deployments",
                                "services",
                                "configmaps",
                                "prometheusrules",
                                "servicemonitors",
                            ],
                        }
                    ]
                },
                "validations": [{"expression": f"object.metadata.namespace != '{namespace}'", "message": "not here"}],
            },
        }
    )
    bed.apply(
        {
            **policy,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {"policyName": f"no-{namespace}", "validationActions": ["Deny"]},
        }
    )
    try:
        time.sleep(2)  # a policy takes a moment to be heard of
        with bed.operator(f"fair-{namespace}", namespaces=[namespace, neighbour]):
            for number in range(CROWD):
                bed.apply(model(f"bad-{number}", namespace))
            served_promptly(bed, neighbour)
            refused = bed.wait_for(namespace, "bad-0", "Rejected")
            assert "not here" in refused["message"]
    finally:
        for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
            bed.plane.request("DELETE", f"/apis/admissionregistration.k8s.io/v1/{kind}/no-{namespace}")


def test_model_that_can_never_be_right_holds_up_no_other(bed: Bed, namespace: str, neighbour: str) -> None:
    with bed.operator(f"fair-{namespace}", namespaces=[namespace, neighbour]):
        for number in range(CROWD):
            pulled = {"runtimeClassName": "Not A Name", "priorityClassName": f"missing-{number}"}
            answer = bed.plane.request(
                "POST", MODEL.path(namespace), model(f"bad-{number}", namespace, scheduling=pulled)
            )
            assert answer[0] in (201, 422)
            bed.apply(model(f"odd-{number}", namespace, scheduling={"priorityClassName": "missing"}))
        served_promptly(bed, neighbour)
