"""MonitoredModels as last observed: spec and status as JSON, which takes a fraction of the memory of dicts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..api import DEFAULT_PROFILE, RESTARTED_AT, profile_name, restarted_at
from ..naming.keys import Key
from ..naming.kinds import MODEL
from .live_objects import Body, canonical_json, resource_version
from .object_store import ObjectRef, ObjectStore, one_copy


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A MonitoredModel as its user wrote it."""

    key: Key
    uid: str
    generation: int
    spec: bytes
    profile: str
    """Name of the MonitoringProfile that applies, if one of that name exists."""
    restarted_at: str | None = None
    """The only annotation that is read."""

    def body(self) -> dict[str, Any]:
        """The object, with only the fields that are needed."""
        return {
            "apiVersion": MODEL.api_version,
            "kind": MODEL.name,
            "metadata": {
                "name": self.key.name,
                "namespace": self.key.namespace,
                "uid": self.uid,
                "generation": self.generation,
                **({"annotations": {RESTARTED_AT: self.restarted_at}} if self.restarted_at is not None else {}),
            },
            "spec": json.loads(self.spec),
        }


@dataclass(frozen=True, slots=True)
class ObservedModel:
    """A MonitoredModel as last observed."""

    source: ModelSource
    version: int = field(compare=False)
    deleting: bool
    status: bytes

    @property
    def uid(self) -> str:
        """Uid of the object."""
        return self.source.uid

    def stored_status(self) -> dict[str, Any]:
        """The status as stored by the API server."""
        loaded: dict[str, Any] = json.loads(self.status)
        return loaded


class ModelStore(ObjectStore[ObservedModel]):
    """The known models. Each is its own owner."""

    keeps_tombstones = True  # we write the status

    def owner(self, ref: ObjectRef, _body: Body, /) -> Key:
        """The model itself."""
        _, namespace, name = ref
        return Key(namespace, name)

    def read(self, ref: ObjectRef, body: Body, known: ObservedModel | None, /) -> ObservedModel:
        """Source and status."""
        metadata, (_, namespace, name) = body["metadata"], ref
        source = ModelSource(
            key=Key(namespace, name),
            uid=metadata["uid"],
            generation=metadata.get("generation", 0),
            spec=canonical_json(body.get("spec", {})),
            profile=profile_name(body) or DEFAULT_PROFILE,
            restarted_at=restarted_at(body),
        )
        return ObservedModel(
            source=one_copy(known.source if known else None, source),
            version=resource_version(metadata),
            deleting="deletionTimestamp" in metadata,
            status=canonical_json(body.get("status", {})),
        )
