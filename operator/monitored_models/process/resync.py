"""Full lists into the cache.

At startup, so that a restarted operator knows what exists before it decides anything; and periodically, because a watch
that had to restart never reports which objects were deleted meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from ..base.step_timer import Steps
from ..cache.cluster_cache import ClusterCache
from ..kube.client import KubeClient
from ..naming import labels
from ..naming.keys import OwnerKey
from ..naming.kinds import EVENT, EVENT_FIELD_SELECTOR, USER_AUTHORED_KINDS, Kind, watched_kinds

log = logging.getLogger(__name__)

MANAGED_SELECTOR = f"{labels.MANAGED_BY}={labels.OPERATOR}"
"""Selects children and pods; all other objects of the cluster are irrelevant, and would fill the memory."""


def selectors(kind: Kind) -> tuple[str | None, str | None]:
    """Label selector and field selector for listing and watching a kind."""
    if kind is EVENT:
        return None, EVENT_FIELD_SELECTOR
    return (None if kind in USER_AUTHORED_KINDS else MANAGED_SELECTOR), None


async def resync(
    cache: ClusterCache,
    client: KubeClient,
    served: Collection[Kind],
    namespaces: Collection[str],
    steps: Steps,
    *,
    after_page: Callable[[], None] = lambda: None,
) -> set[OwnerKey]:
    """List every kind once. Returns the models and profiles for which the lists changed the cache."""
    changed: set[OwnerKey] = set()
    for kind in watched_kinds(served):
        by_label, by_field = selectors(kind)
        alive: set[tuple[str, str]] = set()
        # The first list's version: what was created after it may be missing from the later ones too.
        listed_at: int | None = None
        for namespace in namespaces or (None,):
            async for items, version in client.list_pages(kind, namespace, by_label, by_field):
                listed_at = version if listed_at is None else min(listed_at, version)
                for body in items:
                    alive.add((body["metadata"].get("namespace", ""), body["metadata"]["name"]))
                    try:
                        with steps.timed("list_item"):
                            changed.update(cache.observe(kind, body))
                    except Exception:  # one malformed object must not block all others
                        log.exception("%s %s could not be read", kind.name, body["metadata"]["name"])
                    await asyncio.sleep(0)  # a long list must not block watches and workers
                after_page()
        changed.update(cache.prune(kind, alive, listed_at or 0))
    return changed
