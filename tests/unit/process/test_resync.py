"""A resync lists kinds in an order in which the cache has what a reconcile decides from before it has the owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from monitored_models.base.step_timer import Steps
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.kube.client import KubeClient
from monitored_models.naming.keys import OwnerKey
from monitored_models.naming.kinds import (
    ALERTMANAGER_CONFIG,
    CHILDREN,
    EVENT,
    MODEL,
    OBSERVED_BEFORE,
    POD,
    PROFILE,
    SERVICE,
    WATCHED,
    Kind,
    watched_kinds,
)
from monitored_models.process.resync import resync
from unit.cache.test_cluster_cache import CHURN, child_body, model_body, pod_body
from unit.render.notifications.test_notifications import CONFIG, GOLD, config_body, event_body, profile_body
from unit.specs import JSON

OBJECTS: dict[Kind, JSON] = {
    MODEL: {**model_body(), "spec": {"image": "a:1", "monitoring": {"profile": GOLD.name}}},
    PROFILE: profile_body(),
    EVENT: event_body(),
    POD: pod_body("p"),
    ALERTMANAGER_CONFIG: config_body(),
    SERVICE: child_body(),
}


class Cluster:
    """An API server with one object of some kinds."""

    async def list_pages(self, kind: Kind, *_: Any) -> AsyncIterator[tuple[list[JSON], int]]:
        yield [OBJECTS[kind]] if kind in OBJECTS else [], 20


class RecordingCache(ClusterCache):
    """Records what is known of an owner when it is observed."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Kind, Any] = {}

    def observe(self, kind: Kind, body: Any) -> list[OwnerKey]:
        if kind is PROFILE:
            self.known[kind] = list(self.children(GOLD)), self.rejection(GOLD, CONFIG)
        elif kind is MODEL:
            self.known[kind] = list(self.children(CHURN)), len(self.pods(CHURN)), self.profile(GOLD) is not None
        return super().observe(kind, body)


def test_everything_that_a_reconcile_decides_from_is_cached_before_its_owner() -> None:
    cache, served = RecordingCache(), (*CHILDREN, PROFILE, MODEL)
    asyncio.run(resync(cache, cast(KubeClient, Cluster()), served, (), Steps()))
    assert cache.known == {
        PROFILE: ([(ALERTMANAGER_CONFIG, CONFIG)], "no such Secret"),
        MODEL: ([(SERVICE, "churn")], 1, True),
    }


@pytest.mark.parametrize(("kind", "before"), OBSERVED_BEFORE.items(), ids=[kind.name for kind in OBSERVED_BEFORE])
def test_kind_is_listed_after_those_that_it_needs(kind: Kind, before: tuple[Kind, ...]) -> None:
    position = {kind: index for index, kind in enumerate(watched_kinds(WATCHED))}
    assert all(position[needed] < position[kind] for needed in before)


def test_each_kind_is_listed_once() -> None:
    assert sorted(kind.name for kind in WATCHED) == sorted(
        kind.name for kind in (*CHILDREN, POD, EVENT, PROFILE, MODEL)
    )
