"""Reconciles one MonitoringProfile: the same steps as for a model, except the report.

A profile's only child is the AlertmanagerConfig of all its models. A profile has no status: its state is kept here, and
reported in the condition NotificationsReady of each model that notifies through it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from ..api import InvalidSpec
from ..cache.cluster_cache import ClusterCache
from ..kube.client import KubeClient
from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, NOTIFICATION_KINDS, PROFILE, Kind
from ..plan.desired_state import Renderer
from ..plan.planner import ChildProblem, plan_profile
from ..status.status_input import NotificationState
from .applier import Applier, NamespaceTerminating


@dataclass(frozen=True)
class ProfileReconciler:
    """Brings the children of profiles to their desired state."""

    view: ClusterCache
    cluster: KubeClient
    renderer: Renderer
    served: Collection[Kind]
    enqueue_models: Callable[[Iterable[Key]], None]
    """Enqueues the models that use a profile whose state has changed."""
    recheck_seconds: float
    _known: dict[ProfileKey, NotificationState] = field(default_factory=dict)

    def delivery(self, key: ProfileKey) -> NotificationState | None:
        """State of a profile's AlertmanagerConfig; None while unknown."""
        return self._known.get(key)

    async def reconcile(self, key: ProfileKey, *, tolerate: bool = False) -> float | None:
        """Reconcile one profile. Returns seconds until the next reconcile, or None. Raises ApiError.

        An invalid spec changes nothing: the children of an earlier spec stay.
        """
        seen = self.view.profile(key)
        if seen is None or seen.deleting:
            self._known.pop(key, None)
            return None
        made = self.renderer.profile(seen)
        if isinstance(made, InvalidSpec):
            return None
        wanted, objects = made
        plan = plan_profile(wanted, self.view.children(key), self.served, self.view.accepted_mutations(key))
        if plan.creates and key in self._known and await self._is_gone(key, seen.uid, seen.version):
            return None
        try:
            applier = Applier(self.cluster, self.view)
            problems = await applier.execute(key, seen.uid, plan, objects, tolerate=tolerate)
        except NamespaceTerminating:
            return None
        config = next((child.name for child in wanted.children if child.kind in NOTIFICATION_KINDS), None)
        self._store_and_enqueue(key, notification_state(self.view, key, config, problems) if config else None)
        return self.recheck_seconds if problems else None

    async def _is_gone(self, key: ProfileKey, uid: str, version: int) -> bool:
        """Whether the profile no longer exists. Called when its child disappears, which may be seen first."""
        if await self.cluster.exists(PROFILE, key.namespace, key.name, uid):
            return False
        left = self.view.remove(PROFILE, key.namespace, key.name, version)
        self._known.pop(key, None)
        self.enqueue_models(model for model in left if isinstance(model, Key))
        return True

    def _store_and_enqueue(self, key: ProfileKey, now: NotificationState | None) -> None:
        if self._known.get(key) == now:
            return
        if now is None:
            del self._known[key]
        else:
            self._known[key] = now
        self.enqueue_models(self.view.models_using_profile(key))


def notification_state(
    view: ClusterCache, key: OwnerKey, config: str, problems: Iterable[ChildProblem]
) -> NotificationState:
    """State of an AlertmanagerConfig after it was applied."""
    seen = view.child(key, ALERTMANAGER_CONFIG, config)
    return NotificationState(
        config=config,
        problems=tuple(problem for problem in problems if problem.kind in NOTIFICATION_KINDS),
        refusal=view.rejection(key, config),
        accepted_by=seen.accepted_by if seen else (),
    )
