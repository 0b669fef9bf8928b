"""What the reconcilers of all kinds of owners share: their parts, and how they notice that an owner was deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from ..cache.cluster_cache import ClusterCache
from ..naming.keys import Key, ProfileKey
from ..naming.kinds import Kind
from ..plan.render_cache import RenderCache
from ..settings import NO_LABELS, FoundLabels
from .applier import Applier, OwnerTerminating

K = TypeVar("K", Key, ProfileKey)


@dataclass(frozen=True, kw_only=True)
class OwnerReconciler(ABC, Generic[K]):
    """Brings the owners of one kind to their desired state."""

    KIND: ClassVar[Kind]

    applier: Applier
    renders: RenderCache
    served: Collection[Kind]
    """Kinds that the cluster serves."""
    enqueue: Callable[[Iterable[Key]], None]
    """Enqueues models whose state depends on the owner."""
    recheck_seconds: float
    """Time until an obstacle that no watch reports is checked again: a foreign object, a missing permission."""
    labels: Callable[[str], FoundLabels] = lambda _namespace: NO_LABELS
    """Labels that the selectors in the cluster require of the children in a namespace."""

    @property
    def cache(self) -> ClusterCache:
        """The observed state."""
        return self.applier.cache

    @abstractmethod
    async def reconcile(self, key: K, *, surface_errors: bool = False) -> float | None:
        """Reconcile one owner. Returns seconds until the next reconcile, or None. Raises ApiError.

        `surface_errors` reports API server errors as a condition, for when retries have not helped.
        """

    @abstractmethod
    def forget(self, key: K) -> None:
        """Drop everything kept in memory about an owner that was deleted."""

    async def confirm_exists(self, key: K, uid: str, version: int) -> None:
        """Ask the API server for the owner. Raises OwnerTerminating, after forgetting it, if it no longer exists.

        Called when children disappear: after an owner is deleted, the operator may see the garbage collector delete its
        children before it sees the owner's own deletion, and it must not recreate them.
        """
        if await self.applier.client.exists(self.KIND, key.namespace, key.name, uid):
            return
        affected = self.cache.remove(self.KIND, key.namespace, key.name, version)
        self.forget(key)
        self.enqueue(other for other in affected if isinstance(other, Key) and other != key)
        raise OwnerTerminating
