"""One MonitoringProfile, from what is wanted to what exists: the same steps as for a model, but for a report.

What a profile has by itself is the AlertmanagerConfig of all its models. It has no status: how it stands is remembered here, and
said in the condition NotificationsReady of each model that is told by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from ..api import InvalidSpec
from ..cache.cluster_cache import View
from ..kube.client import Cluster
from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, PROFILE, TELLING, Kind
from ..plan.desired_state import Renderer
from ..plan.planner import ChildProblem, compare_profile
from ..status.build import Delivery
from .applier import Applier, NamespaceLeaving


@dataclass(frozen=True)
class Profiles:
    """Brings what profiles have by themselves to what they say."""

    view: View
    cluster: Cluster
    renderer: Renderer
    served: Collection[Kind]
    look_again: Callable[[Iterable[Key]], None]
    """Has the models looked at for which a profile now stands otherwise."""
    recheck_seconds: float
    _known: dict[ProfileKey, Delivery] = field(default_factory=dict)

    def delivery(self, key: ProfileKey) -> Delivery | None:
        """How the AlertmanagerConfig of a profile stands; None as long as that is not known."""
        return self._known.get(key)

    async def reconcile(self, key: ProfileKey, *, tolerate: bool = False) -> float | None:
        """Reconcile one profile. Returns seconds after which to look again, or None. Raises ApiError.

        A spec that cannot be understood changes nothing: what an earlier one brought about stays.
        """
        seen = self.view.profile(key)
        if seen is None or seen.deleting:
            self._known.pop(key, None)
            return None
        made = self.renderer.profile(seen)
        if isinstance(made, InvalidSpec):
            return None
        wanted, objects = made
        plan = compare_profile(wanted, self.view.children(key), self.served, self.view.settled(key))
        if plan.creates and key in self._known and await self._is_gone(key, seen.uid, seen.version):
            return None
        try:
            applier = Applier(self.cluster, self.view)
            problems = await applier.execute(key, seen.uid, plan, objects, tolerate=tolerate)
        except NamespaceLeaving:
            return None
        config = next((child.name for child in wanted.children if child.kind in TELLING), None)
        self._remember(key, delivery(self.view, key, config, problems) if config else None)
        return self.recheck_seconds if problems else None

    async def _is_gone(self, key: ProfileKey, uid: str, version: int) -> bool:
        """Whether the profile no longer exists. To be asked when its child vanishes, which may be heard of before."""
        if await self.cluster.exists(PROFILE, key.namespace, key.name, uid):
            return False
        left = self.view.vanished(PROFILE, key.namespace, key.name, version)
        self._known.pop(key, None)
        self.look_again(model for model in left if isinstance(model, Key))
        return True

    def _remember(self, key: ProfileKey, now: Delivery | None) -> None:
        if self._known.get(key) == now:
            return
        if now is None:
            del self._known[key]
        else:
            self._known[key] = now
        self.look_again(self.view.sharing(key))


def delivery(view: View, key: OwnerKey, config: str, problems: Iterable[ChildProblem]) -> Delivery:
    """How an AlertmanagerConfig stands, after it was brought to what it should be."""
    seen = view.child(key, ALERTMANAGER_CONFIG, config)
    return Delivery(
        config=config,
        problems=tuple(problem for problem in problems if problem.kind in TELLING),
        refusal=view.refusal(key, config),
        accepted_by=seen.accepted_by if seen else (),
    )
