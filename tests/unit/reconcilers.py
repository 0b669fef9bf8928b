"""The reconcilers, with a cache and an API server of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, cast

from monitored_models.base.step_timer import Steps
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.kube.client import KubeClient
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import CHILDREN, Kind
from monitored_models.plan.render_cache import RenderCache
from monitored_models.reconcile.applier import Applier
from monitored_models.reconcile.model import ModelReconciler
from monitored_models.reconcile.profile import ProfileReconciler
from monitored_models.reconcile.status_writer import StatusWriter
from monitored_models.settings import Settings
from monitored_models.telemetry.model_metrics import ModelMetrics


def profile_reconciler(
    cache: ClusterCache,
    client: object,
    *,
    renders: RenderCache | None = None,
    served: Collection[Kind] = frozenset(CHILDREN),
    enqueue: Callable[[Iterable[Key]], None] = lambda _: None,
) -> ProfileReconciler:
    """Of the running event loop, or of any."""
    api = cast(KubeClient, client)
    return ProfileReconciler(
        applier=Applier(api, cache),
        renders=renders or RenderCache(Settings()),
        served=served,
        enqueue=enqueue,
        recheck_seconds=120.0,
    )


def model_reconciler(
    cache: ClusterCache,
    client: object,
    *,
    renders: RenderCache | None = None,
    clock: Callable[[], float] = lambda: 1000.0,
    **options: Any,
) -> ModelReconciler:
    """With a reconciler of profiles beside it."""
    api, renders = cast(KubeClient, client), renders or RenderCache(Settings())
    return ModelReconciler(
        applier=Applier(api, cache),
        renders=renders,
        served=frozenset(CHILDREN),
        enqueue=lambda _: None,
        recheck_seconds=120.0,
        status_writer=StatusWriter(cache, api, clock),
        metrics=ModelMetrics(),
        profiles=profile_reconciler(cache, client, renders=renders),
        steps=Steps(),
        **options,
    )
