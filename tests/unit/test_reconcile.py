"""One reconcile: an edit that comes in with the answer to its own status write, and a spec that takes long to read."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from monitored_models.api import InvalidSpec, Model
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.cache.models import ModelSource
from monitored_models.cache.profiles import ProfileSource
from monitored_models.kube.client import KubeClient
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import MODEL
from monitored_models.plan.desired_state import Renderer
from monitored_models.reconcile.model import LARGE_BYTES, Reconciler
from monitored_models.reconcile.profile import ProfileReconciler
from monitored_models.settings import Settings
from monitored_models.telemetry.model_metrics import ModelMetrics

KEY = Key("a", "churn")


def stored(generation: int, version: int, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "a", "uid": "u", "generation": generation}
    return {"metadata": {**metadata, "resourceVersion": str(version)}, "spec": spec}


class Answers:
    """An API server on which the model is edited before a status arrives, or is not."""

    def __init__(self, generation: int) -> None:
        self._generation = generation

    async def apply_status(self, _namespace: str, _name: str, _uid: str, status: dict[str, Any]) -> dict[str, Any]:
        return {**stored(self._generation, 9, image="x"), "status": status}

    async def create_event(self, *_: object) -> None: ...


def reconciler(view: ClusterCache, renderer: Renderer, generation: int = 1) -> Reconciler:
    """Of the running event loop; the status of the answer is of this generation."""
    cluster = cast(KubeClient, Answers(generation))
    return Reconciler(
        view,
        cluster,
        renderer,
        ModelMetrics(),
        ProfileReconciler(view, cluster, renderer, frozenset(), lambda _: None, recheck_seconds=60),
        frozenset(),
        clock=asyncio.get_running_loop().time,
        recheck_seconds=60,
    )


@pytest.mark.parametrize(("generation", "again"), [(1, False), (2, True)], ids=["as it was", "edited"])
def test_edit_that_comes_with_the_answer_to_a_status_write_is_looked_at(generation: int, *, again: bool) -> None:
    """Its event comes later, with a version that is known by then, and would move nothing."""

    async def reconciling() -> float | None:
        view = ClusterCache()
        view.observe(MODEL, stored(1, 1))  # without an image: the status is all that is written
        delay = await reconciler(view, Renderer(Settings()), generation).reconcile(KEY)
        assert view.observe(MODEL, stored(generation, 5, image="x")) == []
        return delay

    assert (asyncio.run(reconciling()) is not None) is again


class Noting(Renderer):
    """Notes the threads in which specs are parsed for the first time."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.threads: list[int] = []

    def parse(self, source: ModelSource, shared: ProfileSource | None) -> Model | InvalidSpec:
        self.threads.append(threading.get_ident())
        return super().parse(source, shared)


@pytest.mark.parametrize("large", [False, True])
def test_large_spec_is_read_outside_of_the_event_loop(large: bool) -> None:
    async def reconciling() -> tuple[list[int], int]:
        view, renderer = ClusterCache(), Noting()
        env = [
            {"name": "TEXT", "value": "x" * LARGE_BYTES * large}
        ]  # without an image it is invalid: nothing is applied
        view.observe(MODEL, stored(1, 1, env=env))
        await reconciler(view, renderer).reconcile(KEY)
        return renderer.threads, threading.get_ident()

    threads, own = asyncio.run(reconciling())
    assert (threads[0] != own) is large
    assert threads[-1] == own  # where the result is remembered
