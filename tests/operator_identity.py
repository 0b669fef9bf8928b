"""The operator's identity in tests: the ServiceAccount and the roles that the chart renders, as `helm install` would create them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from testbed import helm
from testbed.controlplane import ControlPlane

NAMESPACE = SERVICE_ACCOUNT = "monitored-models"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
"""User name in the API server's audit log."""
KINDS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
Object = dict[str, Any]


def install(plane: ControlPlane, values: Mapping[str, Any]) -> None:
    """Create what the operator is and may do, and let the user `operator` be it."""
    bodies = identity(values)
    for namespace in {body["metadata"]["namespace"] for body in bodies if "namespace" in body["metadata"]}:
        plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for body in bodies:
        plane.apply(body)
    plane.log_in("operator", NAMESPACE, SERVICE_ACCOUNT)


def identity(values: Mapping[str, Any]) -> list[Object]:
    """The ServiceAccount, the roles and their bindings of a release of the chart."""
    return [body for body in _rendered(json.dumps(values)) if body["kind"] in KINDS]


@functools.cache
def _rendered(values: str) -> list[Object]:
    """Every object of a release but CRDs; Helm runs once for the same values."""
    own = {**json.loads(values), "crds": {"enabled": False}}
    return helm.objects(own, release=SERVICE_ACCOUNT, namespace=NAMESPACE)
