"""The observed state: models, their profiles, children and pods. In memory only; digests and status, not bodies.

Watch events, the lists of a resync and the responses to our own writes all enter through `observe` and `forget`. Each
kind has a store, which ignores late events (`object_store`). The cache dispatches by kind, joins what belongs to one
owner, and answers which owners to reconcile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, CHILDREN, EVENT, MODEL, POD, PROFILE, Kind
from .children import ChildStore, ObservedChild
from .live_objects import Body, resource_version
from .models import ModelSource, ModelStore, ObservedModel
from .object_store import Change, ObjectStore
from .pods import PodStore
from .profiles import ObservedProfile, ProfileSource, ProfileStore
from .rejections import RejectionStore
from .workload_status import PodStatus


class Watched(NamedTuple):
    """How a kind is cached."""

    store: ObjectStore[Any]
    on_change: Callable[[Change[Any]], list[OwnerKey]] = Change.owners
    """Called with each change in the store. Returns the owners to reconcile."""


class ClusterCache:
    """The known models, each with its children and pods, and the profiles that they use."""

    def __init__(self) -> None:
        self._models, self._profiles, self._children, self._pods = (
            ModelStore(),
            ProfileStore(),
            ChildStore(),
            PodStore(),
        )
        self._rejections = RejectionStore(self._children.owner_of)
        self._accepted_mutations: dict[OwnerKey, dict[tuple[Kind, str], tuple[str, str]]] = {}
        """Digests of a rendering and of the object stored for it, where an admission policy changes objects."""
        self.watched: dict[Kind, Watched] = {
            MODEL: Watched(self._models),
            PROFILE: Watched(self._profiles, self._on_profile),
            POD: Watched(self._pods),
            EVENT: Watched(self._rejections),
            **dict.fromkeys(CHILDREN, Watched(self._children)),
            ALERTMANAGER_CONFIG: Watched(self._children, self._on_alertmanager_config),
        }

    # --- reading ---

    def keys(self) -> list[Key]:
        """Keys of all models that exist."""
        return [model.source.key for model in self._models]

    def owners(self) -> list[OwnerKey]:
        """Keys of all models and profiles that exist."""
        return [*self.keys(), *(ProfileKey(each.namespace, each.source.name) for each in self._profiles)]

    def count(self) -> int:
        """Number of models that exist. Safe to call from another thread."""
        return len(self._models)

    def model(self, key: Key) -> ObservedModel | None:
        """A model, or None if none of that name exists."""
        return self._models.get(MODEL, key.namespace, key.name)

    def profile_of(self, source: ModelSource) -> ProfileSource | None:
        """The MonitoringProfile of a model; None if the one that applies does not exist."""
        known = self._profiles.get(PROFILE, source.key.namespace, source.profile)
        return known.source if known else None

    def profile(self, key: ProfileKey) -> ObservedProfile | None:
        """A MonitoringProfile, or None if none of that name exists."""
        return self._profiles.get(PROFILE, key.namespace, key.name)

    def models_using_profile(self, profile: ProfileKey) -> list[Key]:
        """Models that use a profile. This visits every model: profiles change rarely, so no index is kept."""
        used = (profile.namespace, profile.name)
        sources = (model.source for model in self._models)
        return [source.key for source in sources if (source.key.namespace, source.profile) == used]

    def rejection(self, key: OwnerKey, name: str) -> str | None:
        """Why prometheus-operator rejected the current version of an AlertmanagerConfig of ours; None if unknown."""
        return self._rejections.text_about(key.namespace, self.child(key, ALERTMANAGER_CONFIG, name))

    def children(self, key: OwnerKey) -> dict[tuple[Kind, str], ObservedChild]:
        """Children of a model or a profile, by kind and name."""
        return {(kind, name): child for (kind, _, name), child in self._children.of(key).items()}

    def child(self, key: OwnerKey, kind: Kind, name: str) -> ObservedChild | None:
        """A child of a model or a profile, or None."""
        return self._children.of(key).get((kind, key.namespace, name))

    def pods(self, key: Key) -> list[PodStatus]:
        """Pods of a model, oldest first."""
        return sorted(self._pods.of(key).values(), key=lambda pod: pod.created)

    def accepted_mutations(self, key: OwnerKey) -> dict[tuple[Kind, str], tuple[str, str]]:
        """Children that the API server stores changed: digests of the rendering and of the stored object."""
        return dict(self._accepted_mutations.get(key, {}))

    # --- writing ---

    def observe(self, kind: Kind, body: Body) -> list[OwnerKey]:
        """Store an observed object. Returns the keys to reconcile: none if nothing changed."""
        watched = self.watched[kind]
        change = watched.store.observe(kind, body)
        return self._follow(watched, (change,)) if change else []

    def forget(self, kind: Kind, body: Body) -> list[OwnerKey]:
        """Remove a deleted object. Returns the keys to reconcile."""
        metadata = body["metadata"]
        return self.remove(kind, metadata.get("namespace", ""), metadata["name"], resource_version(metadata))

    def remove(self, kind: Kind, namespace: str, name: str, version: int) -> list[OwnerKey]:
        """Remove an object that was deleted at this version. Returns the keys to reconcile."""
        watched = self.watched[kind]
        change = watched.store.remove(kind, namespace, name, version)
        return self._follow(watched, (change,)) if change else []

    def prune(self, kind: Kind, alive: set[tuple[str, str]], listed_at: int) -> list[OwnerKey]:
        """Remove what a full list of a kind lacks: deletions that the watch missed. Returns the keys to reconcile."""
        watched = self.watched[kind]
        return self._follow(watched, watched.store.prune(kind, alive, listed_at))

    def accept_mutation(self, key: OwnerKey, kind: Kind, name: str, rendering: str | None, answer: str) -> None:
        """Remember that the API server stores this rendering as `answer`; None: it stores renderings unchanged."""
        if rendering is None:
            self._accepted_mutations.get(key, {}).pop((kind, name), None)
        elif self._is_known(key):  # else the owner was deleted meanwhile
            self._accepted_mutations.setdefault(key, {})[kind, name] = (rendering, answer)

    # --- inside ---

    def _follow(self, watched: Watched, changes: Iterable[Change[Any]]) -> list[OwnerKey]:
        """What follows from changes: the keys to reconcile. Nothing stays of an owner that has lost its last object."""
        keys = []
        for change in changes:
            keys += watched.on_change(change)
            if change.former_owner is not None and not self._is_known(change.former_owner):
                self._accepted_mutations.pop(change.former_owner, None)
                for each in self.watched.values():
                    each.store.drop_tombstones(change.former_owner)
        return keys

    def _is_known(self, key: OwnerKey) -> bool:
        """Whether an owner exists, or an object of it."""
        return any(watched.store.of(key) for watched in self.watched.values())

    def _on_profile(self, change: Change[ObservedProfile]) -> list[OwnerKey]:
        """The profile, and its models if what they inherit has changed."""
        before, after = (profile and profile.source for profile in (change.before, change.after))
        _, namespace, name = change.ref
        models = self.models_using_profile(ProfileKey(namespace, name)) if before != after else []
        return [*change.owners(), *models]

    def _on_alertmanager_config(self, change: Change[ObservedChild]) -> list[OwnerKey]:
        """Its owner, also when a new version of the same content ends a rejection: prometheus-operator checks it again."""
        _, namespace, name = change.ref
        if change.former_owner is not None:
            self._rejections.drop(namespace, name)
        owners = change.owners()
        if owners or change.owner is None:
            return owners
        rejection, now = (self._rejections.text_about(namespace, child) for child in (change.before, change.after))
        return [change.owner] if rejection not in (None, now) else []
