"""The chart's rights for people are added to the cluster roles view, edit and admin."""

from __future__ import annotations

import pytest

from monitored_models.naming.kinds import MODEL
from operator_testbed import Bed, model
from testbed.helm import objects


@pytest.fixture(scope="module", autouse=True)
def _roles(bed: Bed) -> None:
    for each in objects({}):
        if each["kind"] == "ClusterRole":
            bed.apply(each)


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("view", True, False), ("edit", True, True), ("admin", True, True)]
)
def test_people_with_the_role_in_a_namespace(bed: Bed, role: str, reads: bool, writes: bool) -> None:
    namespace = f"people-{role}"
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    bed.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "tenant"}],
        }
    )
    path = MODEL.path(namespace)
    bed.wait("the role", lambda: (bed.plane.request("GET", path, user="tenant")[0] == 200) is reads)
    status, answer = bed.plane.request("POST", path, model("m", namespace), user="tenant")
    assert status == (201 if writes else 403), answer
    scale = {"spec": {"replicas": 2}}
    status, answer = bed.plane.request(
        "PATCH", f"{path}/m/scale", scale, content_type="application/merge-patch+json", user="tenant"
    )
    assert status == (200 if writes else 403), answer
    assert (
        bed.plane.request(
            "PATCH", f"{path}/m/status", scale, content_type="application/merge-patch+json", user="tenant"
        )[0]
        == 403
    )
    assert bed.plane.request("GET", MODEL.path("default"), user="tenant")[0] == 403
