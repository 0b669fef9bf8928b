"""Full lists into the view.

At the start, so that a restart knows what exists before it decides anything; and from time to time, since a watch that
had to start anew never tells which objects vanished meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from ..base.step_timer import Steps
from ..cache.cluster_cache import ClusterCache
from ..kube.client import KubeClient
from ..naming import labels
from ..naming.keys import OwnerKey
from ..naming.kinds import EVENT, EVENT_FIELD_SELECTOR, USER_AUTHORED_KINDS, Kind, watched_kinds

log = logging.getLogger(__name__)

MANAGED_SELECTOR = f"{labels.MANAGED_BY}={labels.OPERATOR}"
"""Selects children and pods; everything else of the cluster is none of our business, and would fill the memory."""


def selectors(kind: Kind) -> tuple[str | None, str | None]:
    """Label and field selector of what is listed and watched of a kind."""
    if kind is EVENT:
        return None, EVENT_FIELD_SELECTOR
    return (None if kind in USER_AUTHORED_KINDS else MANAGED_SELECTOR), None


async def resync(
    view: ClusterCache, cluster: KubeClient, served: Collection[Kind], namespaces: Collection[str], steps: Steps
) -> set[OwnerKey]:
    """List every kind once. Returns the models and profiles around which anything was other than known."""
    changed: set[OwnerKey] = set()
    for kind in watched_kinds(served):
        by_label, by_field = selectors(kind)
        alive: set[tuple[str, str]] = set()
        listed_at: int | None = (
            None  # the first list's version: what was made after it may be missing from the later ones too
        )
        for namespace in namespaces or (None,):
            async for items, version in cluster.list_pages(kind, namespace, by_label, by_field):
                listed_at = version if listed_at is None else min(listed_at, version)
                for body in items:
                    alive.add((body["metadata"]["namespace"], body["metadata"]["name"]))
                    try:
                        with steps.timed("list_item"):
                            changed.update(view.observe(kind, body))
                    except Exception:  # one odd object must not keep all others from being served
                        log.exception("%s %s could not be read", kind.name, body["metadata"]["name"])
                    await asyncio.sleep(0)  # a long list must not hold up watches and workers
        changed.update(view.prune(kind, alive, listed_at or 0))
    return changed
