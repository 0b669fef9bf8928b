"""The replica count that the operator applies, unless an autoscaler owns it."""

from __future__ import annotations

from ...api import Model
from ...api.live_scale import LiveScale


def replica_count(count: int) -> str:
    """Format a replica count as text."""
    return f"{count} replica{'' if count == 1 else 's'}"


def replicas(model: Model, live: LiveScale | None) -> int | None:
    """Return the replica count to apply, or None to leave it to the autoscaler.

    If the operator gives up the field while no other manager owns it, the API server resets it to 1: a model with 5
    replicas would drop to 1 when it switches to an autoscaler. So the operator applies the live count until another
    manager owns the field.
    """
    if model.fixed_replicas is not None:
        return model.fixed_replicas
    if live is None or live.count == 0:  # an autoscaler does nothing at 0
        return model.minimum_replicas
    return None if live.owned_by_others else live.count
