"""Reconciles one MonitoringProfile: the same steps as for a model, except the report.

A profile's only child is the AlertmanagerConfig of all its models. A profile has no status: its state is kept here, and
reported in the condition NotificationsReady of each model that notifies through it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..api import InvalidSpec
from ..cache.cluster_cache import ClusterCache
from ..naming.keys import OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, NOTIFICATION_KINDS, PROFILE
from ..plan.child_problems import ChildProblem
from ..plan.planner import plan_profile
from ..status.status_input import NotificationState
from .applier import OwnerTerminating
from .owner import OwnerReconciler


@dataclass(frozen=True, kw_only=True)
class ProfileReconciler(OwnerReconciler[ProfileKey]):
    """Brings the children of MonitoringProfiles to their desired state."""

    KIND = PROFILE

    _states: dict[ProfileKey, NotificationState] = field(default_factory=dict)

    def state(self, key: ProfileKey) -> NotificationState | None:
        """State of a profile's AlertmanagerConfig; None while unknown."""
        return self._states.get(key)

    async def reconcile(self, key: ProfileKey, *, surface_errors: bool = False) -> float | None:
        """Reconcile one profile. Returns seconds until the next reconcile, or None. Raises ApiError.

        An invalid spec changes nothing: the children of an earlier spec stay.
        """
        observed = self.cache.profile(key)
        if observed is None or observed.deleting:
            self.forget(key)
            return None
        rendered = self.renders.profile(observed, self.labels(key.namespace))
        if isinstance(rendered, InvalidSpec):
            return None
        desired, objects = rendered
        plan = plan_profile(desired, self.cache.children(key), self.served, self.cache.accepted_mutations(key))
        try:
            if plan.creates and key in self._states:
                await self.confirm_exists(key, observed.uid, observed.version)
            problems = await self.applier.execute(key, observed.uid, plan, objects, surface_errors=surface_errors)
        except OwnerTerminating:
            return None
        config = next((child.name for child in desired.children if child.kind in NOTIFICATION_KINDS), None)
        self._report(key, notification_state(self.cache, key, config, problems) if config else None)
        return self.recheck_seconds if problems else None

    def forget(self, key: ProfileKey) -> None:
        """Drop the state of a profile that was deleted."""
        self._states.pop(key, None)

    def _report(self, key: ProfileKey, state: NotificationState | None) -> None:
        """Store the state, and enqueue the models that report it if it changed."""
        if self._states.get(key) == state:
            return
        if state is None:
            del self._states[key]
        else:
            self._states[key] = state
        self.enqueue(self.cache.models_using_profile(key))


def notification_state(
    cache: ClusterCache, key: OwnerKey, config: str, problems: Iterable[ChildProblem]
) -> NotificationState:
    """State of an AlertmanagerConfig after it was applied."""
    observed = cache.child(key, ALERTMANAGER_CONFIG, config)
    return NotificationState(
        config=config,
        problems=tuple(problem for problem in problems if problem.kind in NOTIFICATION_KINDS),
        rejection=cache.rejection(key, config),
        accepted_by=observed.accepted_by if observed else (),
    )
