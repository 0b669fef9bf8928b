"""The Deployment: replica count and rollout strategy. `pod.py` defines the pod template."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import DEPLOYMENT
from . import pod
from .object_meta import Child, child

HISTORY = 3
"""Number of old ReplicaSets, for `kubectl rollout undo`."""


def make_deployment(model: Model, replicas: int | None) -> Child:
    """Return the Deployment. If `replicas` is None, the autoscaler that owns the field decides."""
    rollout = model.spec.rollout
    count = {} if replicas is None else {"replicas": replicas}
    return child(
        model,
        DEPLOYMENT,
        object_names.workload(model),
        spec={
            **count,
            "selector": {"matchLabels": labels.selector(model)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": rollout.max_surge, "maxUnavailable": rollout.max_unavailable},
            },
            "progressDeadlineSeconds": rollout.progress_deadline_seconds or model.runtime.progress_deadline_seconds,
            "revisionHistoryLimit": HISTORY,
            "template": pod.template(model),
        },
    )
