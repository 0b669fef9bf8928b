"""CPU, memory and disk usage of a model's pods, from kubelet series, which have pod and claim labels but no model."""

from __future__ import annotations

from ...naming import labels
from .scope import Scope

_CONTAINERS = 'container!="",container!="POD"'


def cpu(scope: Scope) -> str:
    """CPU in use, in cores."""
    used = scope.over_pods(f"rate(container_cpu_usage_seconds_total{{{_CONTAINERS}}}[$window])")
    return f"sum by ({labels.BY_MODEL}) ({used})"


def memory(scope: Scope) -> str:
    """Working set in bytes: memory that cannot be reclaimed at once. The out-of-memory killer uses this value."""
    return f"sum by ({labels.BY_MODEL}) ({scope.over_pods(f'container_memory_working_set_bytes{{{_CONTAINERS}}}')})"


def disk(scope: Scope) -> str:
    """Bytes used in the model's volume claims and in the containers' own filesystems."""
    written = scope.over_pods(f"container_fs_usage_bytes{{{_CONTAINERS}}}")
    claims = scope.over_claims("max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes)")
    if claims is None:
        return f"sum by ({labels.BY_MODEL}) ({written})"
    return f"sum by ({labels.BY_MODEL}) ({written} or {claims})"


def disk_ratio(scope: Scope) -> str | None:
    """Used share of the fullest claim, 0 to 1; None if there is no claim."""
    used, capacity = (
        scope.over_claims(f"max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_{part}_bytes)")
        for part in ("used", "capacity")
    )
    if used is None or capacity is None:
        return None
    return f"max by ({labels.BY_MODEL}) ({used} / {capacity})"
