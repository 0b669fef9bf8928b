"""Reconciles one model from desired to observed state: parse, render, plan, apply, report. Read this file first.

The queue calls `reconcile` with the key of a model, never with an event: it starts from the observed state, so that
running it twice, late or after a restart has the same result. An invalid spec becomes a condition and is not retried;
an API server error is raised, and the queue backs off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ..api import InvalidSpec, Model, Problem
from ..api.live_scale import LiveScale
from ..base.step_timer import Steps
from ..cache.children import ObservedChild
from ..cache.cluster_cache import ClusterCache
from ..cache.models import ModelSource, ObservedModel
from ..cache.profiles import ProfileSource
from ..cache.workload_status import DeploymentStatus
from ..integrations.grafana.dashboard_check import DashboardCheck, last_version_change
from ..integrations.grafana.tracker import DashboardTracker
from ..kube.client import ApiError, KubeClient
from ..naming.keys import Key, ProfileKey
from ..naming.kinds import CONFIG_MAP, DEPLOYMENT, MODEL, NOTIFICATION_KINDS, Kind
from ..naming.object_names import dashboard_uid
from ..plan.desired_state import DesiredState, Renderer
from ..plan.planner import ChildProblem, is_owned_by, plan_model
from ..render.children import Child
from ..status import events
from ..status.build import build_invalid_status, build_status, dashboard_verdict
from ..status.changes import changed, condition
from ..status.status_input import NotificationState, NotificationsUnknown, StatusInput
from ..telemetry.logs import about
from ..telemetry.model_metrics import ModelMetrics, render_model_metrics
from .applier import Applier, NamespaceTerminating
from .profile import ProfileReconciler, notification_state

STATUS_DEBOUNCE = 2.0
"""Condition changes within this time become one status write."""
COUNTS_DEBOUNCE = 30.0
"""A change of only counts or messages waits this long for a more important one."""
LARGE_BYTES = 16_384
"""Larger specs are parsed and rendered in a thread: they take up to a second, smaller ones some milliseconds."""
IMMEDIATELY = 0.01
"""Seconds until an immediate requeue."""

_LARGE_SPECS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-spec")
"""One thread: with several, the event loop would get a small share of the interpreter only."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reconciler:
    """Brings models to their desired state."""

    view: ClusterCache
    cluster: KubeClient
    renderer: Renderer
    series: ModelMetrics
    profiles: ProfileReconciler
    served: Collection[Kind]
    clock: Callable[[], float]
    """Monotonic seconds."""
    recheck_seconds: float
    """Time until an obstacle that no watch reports is checked again: a foreign object, a missing permission."""
    dashboards: DashboardTracker | None = None
    """What Grafana reports about dashboards; None if Grafana is not configured."""
    steps: Steps = field(default_factory=Steps)
    _written: dict[Key, float] = field(default_factory=dict)
    """When the status of each model was last written."""

    async def reconcile(self, key: Key, *, tolerate: bool = False) -> float | None:
        """Reconcile one model. Returns seconds until the next reconcile, or None. Raises ApiError.

        `tolerate` reports API server errors as a condition, for when retries have not helped.
        """
        await self._prepare(key)
        observed = self.view.model(key)
        if observed is None or observed.deleting:
            self._forget(key)
            return None
        now, stored = _timestamp(datetime.now(UTC)), observed.stored_status()

        source, shared = observed.source, self.view.profile_of(observed.source)
        live = self._deployment(key, observed)
        scale = live.scale if live else None
        with self.steps.timed("parse_and_render"):
            wanted = self._wanted(source, shared, scale)
        if isinstance(wanted, InvalidSpec):
            return await self._report_invalid(key, observed, stored, wanted, now)
        model = wanted.model

        with self.steps.timed("compare"):
            plan = plan_model(wanted, self.view.children(key), self.served, self.view.accepted_mutations(key))
        reported = stored.get("observedGeneration") == model.generation
        if reported and plan.creates and await self._confirm_deleted(key, observed):
            return None
        objects = await self._objects(source, shared, scale) if plan.steps else {}
        try:
            applier = Applier(self.cluster, self.view)
            problems = await applier.execute(key, model.uid, plan, objects, tolerate=tolerate)
        except NamespaceTerminating:
            return None
        workload = self._workload(key, observed)
        if workload and not workload.current and not problems and reported:
            return None  # just scaled: the counts are outdated until the Deployment's controller has caught up
        verdict = self._verdict(key, wanted, stored)
        told = self._delivery(key, wanted, problems)
        situation = StatusInput(wanted, workload, self.view.pods(key), problems, dashboard=verdict, delivery=told)
        with self.steps.timed("report"):
            new = build_status(situation, stored, now)
        again = await self._report(key, observed, model, stored, new)
        return min((delay for delay in (again, self.recheck_seconds if problems else None) if delay), default=None)

    async def _prepare(self, key: Key) -> None:
        """Render a large spec in a thread, where it does not block the event loop. The renderer caches the result."""
        observed = self.view.model(key)
        if observed is None or observed.deleting:
            return
        source, shared = observed.source, self.view.profile_of(observed.source)
        if _is_large(source, shared):
            live = self._deployment(key, observed)
            loop, scale = asyncio.get_running_loop(), live.scale if live else None
            await loop.run_in_executor(_LARGE_SPECS, self._wanted, source, shared, scale)

    async def _objects(
        self, source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None
    ) -> dict[tuple[Kind, str], Child]:
        """The objects to apply. They are rendered again if the renderer no longer caches them."""
        if _is_large(source, shared):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_LARGE_SPECS, self.renderer.objects, source, shared, scale)
        with self.steps.timed("parse_and_render"):
            return self.renderer.objects(source, shared, scale)

    def _wanted(
        self, source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None
    ) -> DesiredState | InvalidSpec:
        model = self.renderer.parse(source, shared)
        if isinstance(model, InvalidSpec):
            return model
        try:
            return self.renderer.desired_state(source, shared, scale)
        except ValueError as error:  # a text that validation should have rejected
            return InvalidSpec((Problem("spec", str(error)),))

    def _delivery(
        self, key: Key, wanted: DesiredState, problems: Collection[ChildProblem]
    ) -> NotificationState | NotificationsUnknown | None:
        """State of the notifications for the model's alerts: its own configuration, its profile's, or None."""
        if wanted.alertmanager_config is None:
            return None
        if any(child.kind in NOTIFICATION_KINDS for child in wanted.children):
            return notification_state(self.view, key, wanted.alertmanager_config, problems)
        assert wanted.model.shared
        return self.profiles.delivery(ProfileKey(key.namespace, wanted.model.shared)) or NotificationsUnknown()

    def _forget(self, key: Key) -> None:
        self._written.pop(key, None)
        self.series.drop(key)
        if self.dashboards:
            self.dashboards.drop(key)

    async def _confirm_deleted(self, key: Key, observed: ObservedModel) -> bool:
        """Whether the model no longer exists; if so, forget it.

        Called when children disappear: after a model is deleted, the operator may see the garbage collector delete its
        children before it sees the model's own deletion, and it must not recreate them.
        """
        if await self.cluster.exists(MODEL, key.namespace, key.name, observed.uid):
            return False
        self.view.remove(MODEL, key.namespace, key.name, observed.version)
        self._forget(key)
        return True

    def _deployment(self, key: Key, owner: ObservedModel) -> ObservedChild | None:
        live = self.view.children(key).get((DEPLOYMENT, key.name))
        return live if live and is_owned_by(live.owner_uid, live.applied, owner.uid) else None

    def _workload(self, key: Key, owner: ObservedModel) -> DeploymentStatus | None:
        live = self._deployment(key, owner)
        return live.workload if live else None

    def _verdict(self, key: Key, wanted: DesiredState, stored: dict[str, Any]) -> DashboardCheck | None:
        """The check of the dashboard; None if Grafana is not configured or the model has no dashboard."""
        if self.dashboards and not any(child.kind is CONFIG_MAP for child in wanted.children):
            self.dashboards.drop(key)
        elif self.dashboards:
            return self.dashboards.track_and_evaluate(key, dashboard_uid(wanted.model), dashboard_verdict(stored))
        return None

    def _queue_annotation(self, key: Key, model: Model | None, stored: dict[str, Any]) -> None:
        """Enqueue an annotation for the last version change once the status, which outlives this process, has it."""
        if self.dashboards and model and (found := last_version_change(key, dashboard_uid(model), stored)):
            self.dashboards.enqueue_annotation(found)

    async def _report_invalid(
        self, key: Key, observed: ObservedModel, stored: dict[str, Any], invalid: InvalidSpec, now: str
    ) -> float | None:
        workload = self._workload(key, observed)
        new = build_invalid_status(invalid, observed.source.generation, workload, stored, now)
        return await self._report(key, observed, None, stored, new)

    async def _report(
        self, key: Key, observed: ObservedModel, model: Model | None, stored: dict[str, Any], new: dict[str, Any]
    ) -> float | None:
        """Write the status if it changed and enough time has passed. Returns seconds to wait if not enough has."""
        self.series.put(key, render_model_metrics(key, model, new, self.view.pods(key)))
        if not changed(stored, new):
            self._queue_annotation(key, model, stored)
            return None
        if wait := self._status_delay(key, stored, new):
            return wait
        try:
            body = await self.cluster.apply_status(key.namespace, key.name, observed.uid, new)
        except ApiError as error:
            if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT) and await self._confirm_deleted(key, observed):
                return None
            raise
        self._written[key] = self.clock()
        self.view.observe(MODEL, body)
        self._queue_annotation(key, model, new)
        ready = condition(new, "Ready")
        log.info(
            "Ready is %s (%s): %s",
            ready["status"],
            ready["reason"],
            ready["message"],
            extra=about(key, ready["reason"]),
        )
        await self._emit_event(key, observed.uid, stored, new)
        # The response may carry a concurrent edit; its own watch event is then not newer, and enqueues nothing.
        return IMMEDIATELY if body["metadata"].get("generation", 0) != observed.source.generation else None

    def _status_delay(self, key: Key, stored: dict[str, Any], new: dict[str, Any]) -> float | None:
        if stored.get("observedGeneration") != new["observedGeneration"]:
            return None
        minor = not changed(stored, new, in_substance=True)
        due = self._written.get(key, float("-inf")) + (COUNTS_DEBOUNCE if minor else STATUS_DEBOUNCE)
        return due - self.clock() if due > self.clock() else None

    async def _emit_event(self, key: Key, uid: str, stored: dict[str, Any], new: dict[str, Any]) -> None:
        event = events.ready_event(key, uid, stored, new, datetime.now(UTC))
        if event is None:
            return
        try:
            await self.cluster.create_event(key.namespace, event)
        except ApiError as error:  # an Event is optional: the status has the same content
            log.warning("event not posted: %s", error, extra=about(key, error.reason))


def _is_large(source: ModelSource, shared: ProfileSource | None) -> bool:
    return len(source.spec) + (len(shared.spec) if shared else 0) > LARGE_BYTES


def _timestamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
