"""Children as last observed: a digest of the applied fields, and of a Deployment also its scale and status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..api import KIND, PROFILE_KIND
from ..api.live_scale import LiveScale
from ..kube import applied_fields as digest
from ..naming import labels
from ..naming.keys import Key, OwnerKey, ProfileKey
from ..naming.kinds import ALERTMANAGER_CONFIG, DEPLOYMENT, Kind
from .live_objects import Body, applied_by_us, controller_uid, labelled_model, resource_version
from .object_store import ObjectRef, ObjectStore
from .workload_status import DeploymentStatus, deployment_status

MAX_REJECTION = 1000
"""Characters that are kept of prometheus-operator's reason for a rejection."""

_OWNERS: Mapping[str, type[Key | ProfileKey]] = {KIND: Key, PROFILE_KIND: ProfileKey}


@dataclass(frozen=True, slots=True)
class ObservedChild:
    """A child as last observed."""

    kind: Kind
    name: str
    uid: str
    version: int = field(compare=False)
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
        **(_acceptance(body) if kind is ALERTMANAGER_CONFIG else {}),
    )


def _acceptance(body: Body) -> dict[str, Any]:
    """What prometheus-operator after 0.85 reports in the status, per Alertmanager."""
    accepted, rejection = [], None
    for binding in body.get("status", {}).get("bindings", ()):
        for condition in binding.get("conditions", ()):
            if condition.get("type") == "Accepted" and condition.get("status") == "True":
                accepted.append(f"{binding.get('namespace')}/{binding.get('name')}")
            elif condition.get("type") == "Accepted" and condition.get("status") == "False":
                rejection = rejection or str(condition.get("message") or condition.get("reason"))[:MAX_REJECTION]
    return {"accepted_by": tuple(sorted(accepted)), "rejection": rejection}


class ChildStore(ObjectStore[ObservedChild]):
    """The known children of all kinds."""

    keeps_tombstones = True

    def owner(self, ref: ObjectRef, body: Body, /) -> OwnerKey | None:
        """The controller of a child, or the model or profile that its label names."""
        kind, namespace, _ = ref
        metadata = body["metadata"]
        if controller := _controller(metadata):
            return _OWNERS[controller["kind"]](namespace, controller["name"])
        if model := labelled_model(metadata):
            return model
        profile = metadata.get("labels", {}).get(labels.PROFILE) if kind is ALERTMANAGER_CONFIG else None
        return ProfileKey(namespace, profile) if profile else None

    def read(self, ref: ObjectRef, body: Body, _known: ObservedChild | None, /) -> ObservedChild:
        """Digest and status."""
        return observed_child(ref[0], body)


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for owner in metadata.get("ownerReferences", ()):
        if owner.get("controller") and owner.get("kind") in _OWNERS:
            found: Mapping[str, Any] = owner
            return found
    return None
