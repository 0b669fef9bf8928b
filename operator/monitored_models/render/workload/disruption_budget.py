"""The PodDisruptionBudget, on request."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import DISRUPTION_BUDGET
from .object_meta import Child, child


def make_disruption_budget(model: Model) -> Child | None:
    """The budget, or None where the spec asks for none."""
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
            # A pod that is not ready protects nothing, and must not hold up a drain.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    )
