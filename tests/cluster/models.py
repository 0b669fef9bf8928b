"""Models for the node: the demo's server in a namespace that enforces the restricted profile."""

from __future__ import annotations

from typing import Any

from monitored_models.naming.kinds import MODEL, POD
from operator_testbed import Bed

NAMESPACE = "models"
PROBES = {
    "startup": {"path": "/health/live", "periodSeconds": 1, "failureThreshold": 120},
    # A busy machine answers late, and these tests count the requests that fail.
    "readiness": {"path": "/health/ready", "periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 5},
}


def served(name: str, image: str, **spec: Any) -> dict[str, Any]:
    """A MonitoredModel of the demo's server."""
    content = {
        "image": image,
        "model": {"name": "churn", "version": "1"},
        "probes": PROBES,
        "rollout": {"drainSeconds": 3, "terminationGracePeriodSeconds": 20},
        **spec,
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": MODEL.api_version, "kind": MODEL.name, "metadata": metadata, "spec": content}


def pods(bed: Bed, name: str) -> list[dict[str, Any]]:
    """The pods of a model."""
    query = f"?labelSelector=monitoredmodels.dev/model={name}"
    items: list[dict[str, Any]] = bed.plane.request("GET", POD.path(NAMESPACE) + query)[1]["items"]
    return items
