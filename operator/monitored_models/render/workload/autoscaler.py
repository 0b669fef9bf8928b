"""The HorizontalPodAutoscaler (optional)."""

from __future__ import annotations

from ...api import Model
from ...naming import object_names
from ...naming.kinds import AUTOSCALER, DEPLOYMENT
from .object_meta import Child, child


def make_autoscaler(model: Model) -> Child | None:
    """Return the autoscaler, or None if the spec has none or the model is suspended."""
    scaling = model.spec.autoscaling
    if scaling is None or model.spec.suspend:
        return None
    return child(
        model,
        AUTOSCALER,
        object_names.workload(model),
        spec={
            "scaleTargetRef": {
                "apiVersion": DEPLOYMENT.api_version,
                "kind": DEPLOYMENT.name,
                "name": object_names.workload(model),
            },
            "minReplicas": scaling.min_replicas,
            "maxReplicas": scaling.max_replicas,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {
                            "type": "Utilization",
                            "averageUtilization": scaling.target_cpu_utilization_percentage,
                        },
                    },
                }
            ],
        },
    )
