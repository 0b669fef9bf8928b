"""The Deployment: how many pods there are and how they are replaced. What a pod is stands in `pod.py`."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import DEPLOYMENT
from . import pod
from .object_meta import Child, child

HISTORY = 3
"""Old ReplicaSets kept for `kubectl rollout undo`."""


def make_deployment(model: Model, replicas: int | None) -> Child:
    """The Deployment. `replicas` None leaves the number to whoever owns it, an autoscaler that has taken over."""
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
            "progressDeadlineSeconds": rollout.progress_deadline_seconds or model.profile.progress_deadline_seconds,
            "revisionHistoryLimit": HISTORY,
            "template": pod.template(model),
        },
    )
