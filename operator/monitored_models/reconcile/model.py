"""Reconciles one model from desired to observed state: parse, render, plan, apply, report. Read this file first.

The queue calls `reconcile` with the key of a model, never with an event: it starts from the observed state, so that
running it twice, late or after a restart has the same result. An invalid spec becomes a condition and is not retried;
an API server error is raised, and the queue backs off.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ..api import InvalidSpec, Model
from ..base.step_timer import Steps
from ..cache.children import ObservedChild
from ..cache.models import ObservedModel
from ..integrations.grafana.dashboard_check import DashboardCheck, last_version_change
from ..integrations.grafana.tracker import DashboardTracker
from ..kube.errors import ApiError
from ..naming.conditions import DASHBOARD_READY
from ..naming.keys import Key, ProfileKey
from ..naming.kinds import CONFIG_MAP, DEPLOYMENT, MODEL, NOTIFICATION_KINDS
from ..naming.object_names import dashboard_uid
from ..plan.child_problems import ChildProblem
from ..plan.desired_state import DesiredState
from ..plan.planner import is_owned_by, plan_model
from ..plan.render_cache import RenderInput
from ..status.build import build_invalid_status, build_status, stored_dashboard_check
from ..status.status_input import NotificationState, NotificationsUnknown, StatusInput
from ..telemetry.model_metrics import ModelMetrics, render_model_metrics
from .applier import OwnerTerminating
from .owner import OwnerReconciler
from .profile import ProfileReconciler, notification_state
from .render_thread import run_render
from .status_writer import IMMEDIATELY, StatusWriter


@dataclass(frozen=True, kw_only=True)
class ModelReconciler(OwnerReconciler[Key]):
    """Brings models to their desired state."""

    KIND = MODEL

    status_writer: StatusWriter
    metrics: ModelMetrics
    profiles: ProfileReconciler
    steps: Steps
    dashboards: DashboardTracker | None = None
    """What Grafana reports about dashboards; None if Grafana is not configured."""

    async def reconcile(self, key: Key, *, surface_errors: bool = False) -> float | None:
        """Reconcile one model. Returns seconds until the next reconcile, or None. Raises ApiError."""
        observed = self.cache.model(key)
        if observed is None or observed.deleting:
            self.forget(key)
            return None
        deployment = self._deployment(observed)
        inputs = RenderInput(
            observed.source,
            self.cache.profile_of(observed.source),
            deployment.scale if deployment else None,
            self.labels(key.namespace),
        )
        desired = await run_render(self.renders.desired_state, inputs, self.steps)
        if self.cache.model(key) is not observed:
            return IMMEDIATELY  # it changed while the other thread rendered it
        try:
            if isinstance(desired, InvalidSpec):
                return await self._report_invalid(observed, desired)
            problems = await self._apply(observed, inputs, desired, surface_errors=surface_errors)
            return await self._report(observed, desired, problems)
        except OwnerTerminating:
            return None

    def forget(self, key: Key) -> None:
        """Drop everything kept in memory about a model that was deleted."""
        self.status_writer.forget(key)
        self.metrics.drop(key)
        if self.dashboards:
            self.dashboards.drop(key)

    # --- plan and apply ---

    async def _apply(
        self, observed: ObservedModel, inputs: RenderInput, desired: DesiredState, *, surface_errors: bool
    ) -> list[ChildProblem]:
        """Plan and execute the steps from the observed to the desired children. Returns what could not be applied."""
        key = observed.source.key
        with self.steps.timed("compare"):
            plan = plan_model(desired, self.cache.children(key), self.served, self.cache.accepted_mutations(key))
        if plan.creates and _is_reported(observed, observed.stored_status()):
            await self.confirm_exists(key, observed.uid, observed.version)
        objects = await run_render(self.renders.objects, inputs, self.steps) if plan.steps else {}
        return await self.applier.execute(key, observed.uid, plan, objects, surface_errors=surface_errors)

    # --- report ---

    async def _report(
        self, observed: ObservedModel, desired: DesiredState, problems: list[ChildProblem]
    ) -> float | None:
        key, stored, deployment = observed.source.key, observed.stored_status(), self._deployment(observed)
        workload = deployment.workload if deployment else None
        if workload and not workload.current and not problems and _is_reported(observed, stored):
            return None  # just scaled: the counts are outdated until the Deployment's controller has caught up
        status_input = StatusInput(
            desired,
            workload,
            self.cache.pods(key),
            problems,
            checks={DASHBOARD_READY: self._check_dashboard(key, desired, stored)},
            notifications=self._notification_state(key, desired, problems),
        )
        with self.steps.timed("report"):
            new = build_status(status_input, stored, _now())
        delay = await self._record(observed, desired.model, stored, new)
        return min((after for after in (delay, self.recheck_seconds if problems else None) if after), default=None)

    async def _report_invalid(self, observed: ObservedModel, invalid: InvalidSpec) -> float | None:
        stored, deployment = observed.stored_status(), self._deployment(observed)
        workload = deployment.workload if deployment else None
        new = build_invalid_status(invalid, observed.source.generation, workload, stored, _now())
        return await self._record(observed, None, stored, new)

    async def _record(
        self, observed: ObservedModel, model: Model | None, stored: dict[str, Any], new: dict[str, Any]
    ) -> float | None:
        """Export a status as metrics, write it, and annotate its version change in Grafana."""
        key = observed.source.key
        self.metrics.put(key, render_model_metrics(key, model, new, self.cache.pods(key)))
        try:
            delay = await self.status_writer.write(observed, stored, new)
        except ApiError as error:
            if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                await self.confirm_exists(key, observed.uid, observed.version)
            raise
        # Only what is stored outlives this process: a version change is annotated once its status is written.
        if self.dashboards and model and (written := self.cache.model(key)):
            change = last_version_change(key, dashboard_uid(model), written.stored_status())
            if change:
                self.dashboards.enqueue_annotation(change)
        return delay

    # --- input of the status ---

    def _deployment(self, observed: ObservedModel) -> ObservedChild | None:
        """The live Deployment, unless it has another owner."""
        key = observed.source.key
        live = self.cache.child(key, DEPLOYMENT, key.name)
        return live if live and is_owned_by(live.owner_uid, live.applied, observed.uid) else None

    def _check_dashboard(self, key: Key, desired: DesiredState, stored: dict[str, Any]) -> DashboardCheck | None:
        """The check of the dashboard; None if Grafana is not configured or the model has no dashboard."""
        if self.dashboards is None:
            return None
        if not any(child.kind is CONFIG_MAP for child in desired.children):
            self.dashboards.drop(key)
            return None
        return self.dashboards.track_and_evaluate(key, dashboard_uid(desired.model), stored_dashboard_check(stored))

    def _notification_state(
        self, key: Key, desired: DesiredState, problems: Collection[ChildProblem]
    ) -> NotificationState | NotificationsUnknown | None:
        """State of the notifications for the model's alerts: its own configuration, its profile's, or None."""
        if desired.alertmanager_config is None:
            return None
        if any(child.kind in NOTIFICATION_KINDS for child in desired.children):
            return notification_state(self.cache, key, desired.alertmanager_config, problems)
        assert desired.model.monitoring_profile
        return (
            self.profiles.state(ProfileKey(key.namespace, desired.model.monitoring_profile)) or NotificationsUnknown()
        )


def _is_reported(observed: ObservedModel, stored: dict[str, Any]) -> bool:
    """Whether the stored status is about the present generation."""
    return bool(stored.get("observedGeneration") == observed.source.generation)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
