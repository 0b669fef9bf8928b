"""Full lists into the view.

At the start, so that a restart knows what exists before it decides anything; and from time to time, since a watch that
had to start anew never tells which objects vanished meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from .cluster import Cluster
from .desired import labels
from .kinds import POD, WATCHED, WRITTEN, Kind
from .view import Key, View

log = logging.getLogger(__name__)

OURS = f"{labels.MANAGED_BY}={labels.OPERATOR}"
"""Selects children and pods; everything else of the cluster is none of our business, and would fill the memory."""


async def resync(view: View, cluster: Cluster, served: Collection[Kind], namespaces: Collection[str]) -> set[Key]:
    """List every kind once. Returns the models around which anything was other than known."""
    changed: set[Key] = set()
    for kind in WATCHED:
        if kind not in served and kind is not POD:
            continue
        alive: set[tuple[str, str]] = set()
        listed_at: int | None = (
            None  # the first list's version: what was made after it may be missing from the later ones too
        )
        for namespace in namespaces or (None,):
            async for items, version in cluster.pages(kind, namespace, None if kind in WRITTEN else OURS):
                listed_at = version if listed_at is None else min(listed_at, version)
                for body in items:
                    alive.add((body["metadata"]["namespace"], body["metadata"]["name"]))
                    try:
                        changed.update(view.observe(kind, body))
                    except Exception:  # one odd object must not keep all others from being served
                        log.exception("%s %s could not be read", kind.name, body["metadata"]["name"])
                await asyncio.sleep(0)  # a long list must not hold up watches and workers
        changed.update(view.retain(kind, alive, listed_at or 0))
    return changed
