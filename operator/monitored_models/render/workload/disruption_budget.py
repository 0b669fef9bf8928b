"""The PodDisruptionBudget (optional)."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import DISRUPTION_BUDGET
from .object_meta import Child, child


def make_disruption_budget(model: Model) -> Child | None:
    """Return the PodDisruptionBudget, or None if the spec has none."""
    given = model.spec.disruption_budget
    if given is None:
        return None
    limits = {"minAvailable": given.min_available, "maxUnavailable": given.max_unavailable}
    return child(
        model,
        DISRUPTION_BUDGET,
        object_names.workload(model),
        spec={
            **{name: limit for name, limit in limits.items() if limit is not None},
            "selector": {"matchLabels": labels.selector(model)},
            # A pod that is not ready serves no requests, so it must not block a drain.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    )
