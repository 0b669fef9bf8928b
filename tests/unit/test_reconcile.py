"""What a reconcile does about an edit that comes in with the answer to its own status write."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from monitored_models.cluster import Cluster
from monitored_models.exposition import ModelSeries
from monitored_models.kinds import MODEL
from monitored_models.profiles import Profiles
from monitored_models.reconcile import Reconciler
from monitored_models.settings import Settings
from monitored_models.view import Key, View
from monitored_models.wanted import Renderer

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
        view = View()
        view.observe(MODEL, stored(1, 1))  # without an image: the status is all that is written
        clock = asyncio.get_running_loop().time
        cluster, renderer = cast(Cluster, Answers(generation)), Renderer(Settings())
        reconciler = Reconciler(
            view,
            cluster,
            renderer,
            ModelSeries(),
            Profiles(view, cluster, renderer, frozenset(), lambda _: None, recheck_seconds=60),
            frozenset(),
            clock=clock,
            recheck_seconds=60,
        )
        delay = await reconciler.reconcile(KEY)
        assert view.observe(MODEL, stored(generation, 5, image="x")) == []
        return delay

    assert (asyncio.run(reconciling()) is not None) is again
