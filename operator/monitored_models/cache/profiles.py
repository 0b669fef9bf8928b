"""MonitoringProfiles as last observed.

The operator never writes to a profile, so no response can arrive after its deletion: a deleted profile leaves no
tombstone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ..api import ProfileSpec
from ..naming.keys import ProfileKey
from .live_objects import Body, canonical_json, resource_version
from .object_store import ObjectRef, ObjectStore, one_copy


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """A MonitoringProfile as its user wrote it; the spec as JSON, so that it can be the key of a cache."""

    name: str
    spec: bytes

    def profile_spec(self) -> ProfileSpec:
        """The profile as the parser takes it."""
        return ProfileSpec(self.name, json.loads(self.spec))


@dataclass(frozen=True, slots=True)
class ObservedProfile:
    """A MonitoringProfile as last observed."""

    source: ProfileSource
    namespace: str
    uid: str
    version: int = field(compare=False)
    deleting: bool


class ProfileStore(ObjectStore[ObservedProfile]):
    """The known profiles. Each is its own owner."""

    def owner(self, ref: ObjectRef, _body: Body, /) -> ProfileKey:
        """The profile itself."""
        _, namespace, name = ref
        return ProfileKey(namespace, name)

    def read(self, ref: ObjectRef, body: Body, known: ObservedProfile | None, /) -> ObservedProfile:
        """The source."""
        metadata, (_, namespace, name) = body["metadata"], ref
        return ObservedProfile(
            source=one_copy(known.source if known else None, ProfileSource(name, canonical_json(body.get("spec", {})))),
            namespace=namespace,
            uid=metadata["uid"],
            version=resource_version(metadata),
            deleting="deletionTimestamp" in metadata,
        )
