"""One reconcile: an edit that comes in with the answer to its own status write, and a spec that takes long to read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from monitored_models.api import InvalidSpec
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import MODEL
from monitored_models.plan.desired_state import DesiredState
from monitored_models.plan.render_cache import RenderCache, RenderInput
from monitored_models.reconcile.render_thread import LARGE_BYTES
from monitored_models.reconcile.status_writer import IMMEDIATELY
from monitored_models.settings import Settings
from unit.reconcilers import model_reconciler

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


@pytest.mark.parametrize(("generation", "again"), [(1, False), (2, True)], ids=["as it was", "edited"])
def test_edit_that_comes_with_the_answer_to_a_status_write_is_looked_at(generation: int, *, again: bool) -> None:
    """Its event comes later, with a version that is known by then, and would move nothing."""

    async def reconciling() -> float | None:
        view = ClusterCache()
        view.observe(MODEL, stored(1, 1))  # without an image: the status is all that is written
        delay = await model_reconciler(view, Answers(generation)).reconcile(KEY)
        assert view.observe(MODEL, stored(generation, 5, image="x")) == []
        return delay

    assert (asyncio.run(reconciling()) is not None) is again


class Noting(RenderCache):
    """Notes the threads in which specs are rendered."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.threads: list[int] = []

    def desired_state(self, inputs: RenderInput) -> DesiredState | InvalidSpec:
        self.threads.append(threading.get_ident())
        return super().desired_state(inputs)


@pytest.mark.parametrize("large", [False, True])
def test_large_spec_is_read_outside_of_the_event_loop(large: bool) -> None:
    async def reconciling() -> tuple[list[int], int]:
        view, renders = ClusterCache(), Noting()
        env = [
            {"name": "TEXT", "value": "x" * LARGE_BYTES * large}
        ]  # without an image it is invalid: nothing is applied
        view.observe(MODEL, stored(1, 1, env=env))
        await model_reconciler(view, Answers(1), renders=renders).reconcile(KEY)
        return renders.threads, threading.get_ident()

    threads, own = asyncio.run(reconciling())
    assert [thread != own for thread in threads] == [large]


class Slow(RenderCache):
    """Something happens to the model while its large spec is rendered."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(Settings())
        self._meanwhile = meanwhile

    def desired_state(self, inputs: RenderInput) -> DesiredState | InvalidSpec:
        self._meanwhile()
        return super().desired_state(inputs)


def test_model_that_changed_while_it_was_rendered_is_reconciled_again_before_anything_is_written() -> None:
    view = ClusterCache()
    view.observe(MODEL, stored(1, 1, env=[{"name": "TEXT", "value": "x" * LARGE_BYTES}]))
    renders = Slow(lambda: view.observe(MODEL, stored(2, 2, image="x")))
    no_writes = cast(Any, object())
    assert asyncio.run(model_reconciler(view, no_writes, renders=renders).reconcile(KEY)) == IMMEDIATELY


def test_model_that_was_deleted_while_it_was_rendered_is_forgotten() -> None:
    view = ClusterCache()
    view.observe(MODEL, stored(1, 1, env=[{"name": "TEXT", "value": "x" * LARGE_BYTES}]))
    renders = Slow(lambda: view.remove(MODEL, KEY.namespace, KEY.name, 2))
    reconciler = model_reconciler(view, cast(Any, object()), renders=renders)
    assert asyncio.run(reconciler.reconcile(KEY)) == IMMEDIATELY
    assert asyncio.run(reconciler.reconcile(KEY)) is None
