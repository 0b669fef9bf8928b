"""What the cache keeps of an object: digests and status instead of bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..api import KIND, PROFILE_KIND
from ..api.live_scale import LiveScale
from ..kube import applied_fields as digest
from ..naming import labels
from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, CHILDREN, DEPLOYMENT, MODEL, Kind
from ..naming.labels import FIELD_MANAGER
from .workload_status import DeploymentStatus, deployment_status

Body = Mapping[str, Any]


@dataclass(frozen=True)
class ModelSource:
    """A MonitoredModel as its user wrote it; the spec as JSON, which takes a fraction of the memory of dicts."""

    key: Key
    uid: str
    generation: int
    spec: bytes
    profile: str
    """Name of the MonitoringProfile that applies, if one of that name exists."""

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
            },
            "spec": json.loads(self.spec),
        }


@dataclass(frozen=True)
class ObservedModel:
    """A MonitoredModel as last observed."""

    source: ModelSource
    version: int
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


@dataclass(frozen=True)
class ObservedChild:
    """A child as last observed."""

    kind: Kind
    name: str
    uid: str
    version: int
    owner_uid: str | None
    """Uid of its controlling owner, a model or a profile; None if nothing controls it."""
    digest: str
    applied: bool
    """Whether this operator has applied fields of it."""
    deleting: bool = False
    scale: LiveScale | None = None
    workload: DeploymentStatus | None = None
    accepted_by: tuple[str, ...] = ()
    """Alertmanagers that have accepted an AlertmanagerConfig, where prometheus-operator reports that at all."""
    rejection: str | None = None
    """Why prometheus-operator rejected it, where it reports that in the status."""


def observed_child(kind: Kind, body: Body) -> ObservedChild:
    """The parts of a child that the cache keeps."""
    metadata = body["metadata"]
    deployment = kind is DEPLOYMENT
    return ObservedChild(
        kind=kind,
        name=metadata["name"],
        uid=metadata["uid"],
        version=resource_version(metadata),
        owner_uid=controller_uid(metadata),
        digest=digest.digest_live(body),
        applied=applied_by_us(metadata),
        deleting="deletionTimestamp" in metadata,
        scale=LiveScale(body["spec"].get("replicas", 1), digest.owned_by_others(body, "spec", "replicas"))
        if deployment
        else None,
        workload=deployment_status(body) if deployment else None,
        **(_verdict(body) if kind is ALERTMANAGER_CONFIG else {}),
    )


def _verdict(body: Body) -> dict[str, Any]:
    """What prometheus-operator after 0.85 reports in the status, per Alertmanager."""
    accepted, refusal = [], None
    for binding in body.get("status", {}).get("bindings", ()):
        for condition in binding.get("conditions", ()):
            if condition.get("type") == "Accepted" and condition.get("status") == "True":
                accepted.append(f"{binding.get('namespace')}/{binding.get('name')}")
            elif condition.get("type") == "Accepted" and condition.get("status") == "False":
                refusal = refusal or str(condition.get("message") or condition.get("reason"))[:1000]
    return {"accepted_by": tuple(sorted(accepted)), "rejection": refusal}


def owner_key(kind: Kind, body: Body) -> OwnerKey | None:
    """The owner of an object: itself, its controller, or the model or profile that its label names."""
    metadata = body["metadata"]
    namespace, labelled = metadata["namespace"], metadata.get("labels", {})
    if kind is MODEL:
        return Key(namespace, metadata["name"])
    if owner := _controller(metadata) if kind in CHILDREN else None:
        return _OWNERS[owner["kind"]](namespace, owner["name"])
    if name := labelled.get(labels.MODEL):
        return Key(namespace, name)
    if kind is ALERTMANAGER_CONFIG and (name := labelled.get(labels.PROFILE)):
        return ProfileKey(namespace, name)
    return None


_OWNERS: Mapping[str, type[Key | ProfileKey]] = {KIND: Key, PROFILE_KIND: ProfileKey}


def controller_uid(metadata: Mapping[str, Any]) -> str | None:
    """Uid of the controlling owner, of any kind; None if nothing controls the object."""
    return next((str(owner["uid"]) for owner in metadata.get("ownerReferences", ()) if owner.get("controller")), None)


def applied_by_us(metadata: Mapping[str, Any]) -> bool:
    """Whether this operator has applied fields of the object."""
    return any(entry.get("manager") == FIELD_MANAGER for entry in metadata.get("managedFields", ()))


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for owner in metadata.get("ownerReferences", ()):
        if owner.get("controller") and owner.get("kind") in _OWNERS:
            found: Mapping[str, Any] = owner
            return found
    return None


def resource_version(metadata: Mapping[str, Any]) -> int:
    """Resource version as a number; 0 if absent."""
    text = metadata.get("resourceVersion", "")
    return int(text) if text.isdigit() else 0


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and without spaces: equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
