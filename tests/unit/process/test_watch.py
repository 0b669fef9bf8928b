"""What follows from a watch event: which models are looked at, and what goes before what."""

from __future__ import annotations

import asyncio

from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.naming.keys import OwnerKey
from monitored_models.naming.kinds import MODEL, PROFILE
from monitored_models.process.watch import enqueue, operator_settings, update_cache
from monitored_models.reconcile.workqueue import WorkQueue
from unit.specs import JSON, MINIMAL


def seen(kind_name: str, version: int, spec: JSON) -> JSON:
    metadata = {"name": kind_name, "namespace": "risk", "uid": kind_name, "resourceVersion": str(version)}
    return {"metadata": {**metadata, "generation": 1}, "spec": spec}


async def worked(queue: WorkQueue[OwnerKey], count: int) -> list[str]:
    """Names of so many keys, in the order in which they are worked on."""
    done: list[str] = []

    async def handle(key: OwnerKey) -> None:
        done.append(key.name)
        if len(done) == count:
            queue.close()

    async with asyncio.timeout(5):
        await queue.work(handle)
    return done


def test_edit_of_one_model_goes_before_all_that_share_a_changed_profile() -> None:
    async def main() -> list[str]:
        view, queue = ClusterCache(), WorkQueue[OwnerKey]()
        for name in "abc":
            update_cache(view, MODEL, None, seen(name, 1, MINIMAL))
        profiles: list[tuple[str, int, JSON]] = [("ADDED", 2, {"drift": {}}), ("MODIFIED", 3, {}), ("DELETED", 4, {})]
        for event, version, spec in profiles:
            enqueue(queue, PROFILE, event, update_cache(view, PROFILE, event, seen("default", version, spec)))
        enqueue(
            queue, MODEL, "MODIFIED", update_cache(view, MODEL, "MODIFIED", seen("c", 5, {**MINIMAL, "port": 9000}))
        )
        return await worked(queue, 4)

    assert asyncio.run(main()) == ["c", "default", "a", "b"]


def test_kopf_never_kills_a_process_that_goes_on_after_it() -> None:
    """Its timer would go on when a kind is removed, and end a healthy leader ten minutes later."""
    assert operator_settings().process.ultimate_exiting_timeout is None
