"""The number of replicas as the cluster has it, and who decided it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LiveScale:
    """What a live Deployment says of its number of replicas."""

    count: int
    owned_by_others: bool
    """Whether a field manager other than this operator owns the number, as an autoscaler does once it has scaled."""
