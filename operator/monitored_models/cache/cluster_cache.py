"""The observed state: models, their profiles, children and pods. In memory only; digests and status, not bodies.

Watch events, the lists of a resync and the responses to our own writes all enter through `observe` and `forget`. Events
can be late: the cache ignores any object whose resource version is not newer than the known one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..api import DEFAULT_PROFILE, profile_name
from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, EVENT, MODEL, POD, PROFILE, Kind
from .live_objects import (
    Body,
    ModelSource,
    ObservedChild,
    ObservedModel,
    canonical_json,
    observed_child,
    owner_key,
    resource_version,
)
from .profiles import ObservedProfile, ProfileSource, ProfileStore
from .rejections import RejectionStore
from .workload_status import PodStatus, pod_status

ObjectRef = tuple[Kind, str, str]
"""Kind, namespace and name of an object."""


@dataclass
class _Entry:
    """Everything known about one model, or one profile."""

    model: ObservedModel | None = None
    children: dict[tuple[Kind, str], ObservedChild] = field(default_factory=dict)
    pods: dict[str, tuple[int, PodStatus]] = field(default_factory=dict)
    accepted_mutations: dict[tuple[Kind, str], tuple[str, str]] = field(default_factory=dict)
    """Digests of a rendering and of the object stored for it, where an admission policy changes objects."""
    tombstones: dict[ObjectRef, int] = field(default_factory=dict)
    """Versions at which objects were deleted: the response to an earlier write can arrive after the deletion."""


class ClusterCache:
    """The known models, each with its children and pods, and the profiles that they use."""

    def __init__(self) -> None:
        self._entries: dict[OwnerKey, _Entry] = {}
        self._owner_index: dict[ObjectRef, OwnerKey] = {}
        self._profiles = ProfileStore()
        self._refusals = RejectionStore()

    # --- reading ---

    def keys(self) -> list[Key]:
        """Keys of all models that exist."""
        return [entry.model.source.key for entry in self._entries.values() if entry.model is not None]

    def count(self) -> int:
        """Number of models that exist. Safe to call from another thread."""
        return sum(entry.model is not None for entry in list(self._entries.values()))

    def model(self, key: Key) -> ObservedModel | None:
        """A model, or None if none of that name exists."""
        entry = self._entries.get(key)
        return entry.model if entry else None

    def profile_of(self, source: ModelSource) -> ProfileSource | None:
        """The MonitoringProfile of a model; None if the one that applies does not exist."""
        known = self._profiles.get((source.key.namespace, source.profile))
        return known.source if known else None

    def profile(self, key: ProfileKey) -> ObservedProfile | None:
        """A MonitoringProfile, or None if none of that name exists."""
        return self._profiles.get((key.namespace, key.name))

    def rejection(self, key: OwnerKey, name: str) -> str | None:
        """Why prometheus-operator rejected the current version of an AlertmanagerConfig of ours; None if unknown."""
        seen = self.child(key, ALERTMANAGER_CONFIG, name)
        if seen is None or seen.rejection or seen.accepted_by:  # its own status takes precedence over an Event
            return seen.rejection if seen else None
        known = self._refusals.get((key.namespace, name))
        return known.text if known and known.still_about(seen.uid, seen.version) else None

    def children(self, key: OwnerKey) -> dict[tuple[Kind, str], ObservedChild]:
        """Children of a model or a profile, by kind and name."""
        entry = self._entries.get(key)
        return dict(entry.children) if entry else {}

    def child(self, key: OwnerKey, kind: Kind, name: str) -> ObservedChild | None:
        """A child of a model or a profile, or None."""
        entry = self._entries.get(key)
        return entry.children.get((kind, name)) if entry else None

    def pods(self, key: Key) -> list[PodStatus]:
        """Pods of a model, oldest first."""
        entry = self._entries.get(key)
        return sorted((facts for _, facts in entry.pods.values()), key=lambda f: f.created) if entry else []

    # --- writing ---

    def observe(self, kind: Kind, body: Body) -> list[OwnerKey]:
        """Store an observed object. Returns the keys to reconcile: none if nothing changed."""
        metadata = body["metadata"]
        version, identity = resource_version(metadata), (kind, metadata["namespace"], metadata["name"])
        if kind is PROFILE:
            return self._observe_profile(body, version)
        if kind is EVENT:
            return self._refused(self._refusals.observe(body, version))
        key = owner_key(kind, body)
        before = self._owner_index.get(identity)
        if before is not None and self._known_version(identity) >= version > 0:
            return []  # late, or the echo of our own write: the same version is the same object
        left = [before] if before not in (None, key) and self._remove(identity, version) else []
        if key is None:
            return left
        entry = self._entries.setdefault(key, _Entry())
        if entry.tombstones.get(identity, -1) >= version > 0:
            return left
        entry.tombstones.pop(identity, None)
        self._owner_index[identity] = key
        if kind is MODEL:
            changed = self._observe_model(entry, body, version)
        elif kind is POD:
            changed = self._observe_pod(entry, body, version)
        else:
            refused = self.rejection(key, identity[2]) if kind is ALERTMANAGER_CONFIG else None
            changed = self._observe_child(entry, kind, body, version)
            # prometheus-operator checks each version again, so its rejection of the previous one no longer counts.
            changed = changed or (refused is not None and refused != self.rejection(key, identity[2]))
        return [*left, key] if changed else left

    def accept_mutation(self, key: OwnerKey, kind: Kind, name: str, rendering: str | None, answer: str) -> None:
        """Remember that the API server stores this rendering as `answer`; None: it stores renderings unchanged."""
        entry = self._entries.get(key)
        if entry is None:  # the owner was deleted meanwhile
            return
        if rendering is None:
            entry.accepted_mutations.pop((kind, name), None)
        else:
            entry.accepted_mutations[kind, name] = (rendering, answer)

    def accepted_mutations(self, key: OwnerKey) -> dict[tuple[Kind, str], tuple[str, str]]:
        """Children that the API server stores changed: digests of the rendering and of the stored object."""
        entry = self._entries.get(key)
        return dict(entry.accepted_mutations) if entry else {}

    def forget(self, kind: Kind, body: Body) -> list[OwnerKey]:
        """Remove a deleted object. Returns the keys to reconcile."""
        metadata = body["metadata"]
        return self.remove(kind, metadata["namespace"], metadata["name"], resource_version(metadata))

    def remove(self, kind: Kind, namespace: str, name: str, version: int) -> list[OwnerKey]:
        """Remove an object that was deleted at this version. Returns the keys to reconcile."""
        if kind is PROFILE:
            return self._profile_gone(ProfileKey(namespace, name), version)
        if kind is EVENT:
            return self._refused(self._refusals.vanished(namespace, name))
        identity = (kind, namespace, name)
        if identity in self._owner_index and self._known_version(identity) > version > 0:
            return []  # a late event of an earlier object of this name
        key = self._remove(identity, version)
        return [key] if key else []

    def prune(self, kind: Kind, alive: set[tuple[str, str]], listed_at: int) -> list[OwnerKey]:
        """Remove what a full list of a kind lacks: deletions that the watch missed. Returns the keys to reconcile."""
        if kind in (PROFILE, EVENT):
            gone = (self._profiles if kind is PROFILE else self._refusals).missing_from(alive, listed_at)
            return [key for place in gone for key in self.remove(kind, *place, listed_at)]
        held = [identity for identity in self._owner_index if identity[0] is kind and identity[1:] not in alive]
        lost = [identity for identity in held if self._known_version(identity) <= listed_at]
        return [key for identity in lost if (key := self._remove(identity, listed_at))]

    # --- inside ---

    def _observe_profile(self, body: Body, version: int) -> list[OwnerKey]:
        metadata = body["metadata"]
        key = ProfileKey(metadata["namespace"], metadata["name"])
        source = ProfileSource(key.name, canonical_json(body.get("spec", {})))
        seen = ObservedProfile(source, key.namespace, metadata["uid"], version, "deletionTimestamp" in metadata)
        news = self._profiles.observe((key.namespace, key.name), seen)
        self._entries.setdefault(key, _Entry())
        return [*([key] if news.any else []), *(self.models_using_profile(key) if news.spec else [])]

    def _profile_gone(self, key: ProfileKey, version: int) -> list[OwnerKey]:
        if not self._profiles.vanished((key.namespace, key.name), version):
            return []
        self._drop_if_empty(key)
        return [key, *self.models_using_profile(key)]

    def _refused(self, config: tuple[str, str] | None) -> list[OwnerKey]:
        """The owner of a rejected AlertmanagerConfig. Rejections of others are dropped: anyone may post Events."""
        if config is None:
            return []
        holder = self._owner_index.get((ALERTMANAGER_CONFIG, *config))
        if holder is None:
            self._refusals.forget(config)
            return []
        return [holder]

    def models_using_profile(self, profile: ProfileKey) -> list[Key]:
        """Models that use a profile. This visits every model: profiles change rarely, so no index is kept."""
        wanted = (profile.namespace, profile.name)
        sources = (entry.model.source for entry in self._entries.values() if entry.model)
        return [source.key for source in sources if (source.key.namespace, source.profile) == wanted]

    def _observe_model(self, entry: _Entry, body: Body, version: int) -> bool:
        metadata, known = body["metadata"], entry.model
        source = ModelSource(
            key=Key(metadata["namespace"], metadata["name"]),
            uid=metadata["uid"],
            generation=metadata.get("generation", 0),
            spec=canonical_json(body.get("spec", {})),
            profile=profile_name(body) or DEFAULT_PROFILE,
        )
        if known and known.source == source:
            source = known.source  # one copy of a spec, however often its status changes
        seen = ObservedModel(source, version, "deletionTimestamp" in metadata, canonical_json(body.get("status", {})))
        entry.model = seen
        return known is None or replace(known, version=version) != seen

    def _observe_child(self, entry: _Entry, kind: Kind, body: Body, version: int) -> bool:
        seen = observed_child(kind, body)
        known = entry.children.get((kind, seen.name))
        entry.children[kind, seen.name] = seen
        return known is None or replace(known, version=version) != seen

    def _observe_pod(self, entry: _Entry, body: Body, version: int) -> bool:
        facts = pod_status(body)
        known = entry.pods.get(facts.name)
        entry.pods[facts.name] = (version, facts)
        return known is None or known[1] != facts

    def _known_version(self, identity: ObjectRef) -> int:
        kind, _, name = identity
        entry = self._entries[self._owner_index[identity]]
        if kind is MODEL:
            return entry.model.version if entry.model else 0
        return entry.pods[name][0] if kind is POD else entry.children[kind, name].version

    def _remove(self, identity: ObjectRef, version: int) -> OwnerKey | None:
        kind, namespace, name = identity
        key = self._owner_index.pop(identity, None)
        if key is None:
            return None
        entry = self._entries[key]
        if kind is not POD:  # we never write pods, so no response can be late, and their number is unbounded
            entry.tombstones[identity] = version
        if kind is MODEL:
            entry.model = None
        elif kind is POD:
            del entry.pods[name]
        else:
            del entry.children[kind, name]
        if kind is ALERTMANAGER_CONFIG:
            self._refusals.forget((namespace, name))
        self._drop_if_empty(key)
        return key

    def _drop_if_empty(self, key: OwnerKey) -> None:
        """Drop the entry of a deleted model or profile once it is empty."""
        entry = self._entries.get(key)
        exists = self.profile(key) if isinstance(key, ProfileKey) else entry and entry.model
        if entry and not exists and not entry.children and not entry.pods:
            del self._entries[key]
