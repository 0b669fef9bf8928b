"""The number of replicas that the operator writes, or leaves alone."""

from __future__ import annotations

from ...api import Model
from ...api.live_scale import LiveScale


def replica_count(count: int) -> str:
    """A number of replicas, in words."""
    return f"{count} replica{'' if count == 1 else 's'}"


def replicas(model: Model, live: LiveScale | None) -> int | None:
    """The number to apply, or None to leave it to the autoscaler.

    Giving up a field that nobody else owns makes the API server reset it to 1: a model that is switched to an
    autoscaler at 5 replicas would fall to 1. So the present number is applied until another manager owns it.
    """
    if model.fixed_replicas is not None:
        return model.fixed_replicas
    if live is None or live.count == 0:  # an autoscaler does nothing at 0
        return model.minimum_replicas
    return None if live.owned_by_others else live.count
