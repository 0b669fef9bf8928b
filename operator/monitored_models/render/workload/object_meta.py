"""Metadata of every child: kind, name, labels and owner reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...api import API_VERSION, KIND, PROFILE_KIND, Model, MonitoringProfile
from ...naming import labels
from ...naming.kinds import Kind

Child = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """The owner of children: a model or a MonitoringProfile."""

    kind: str
    namespace: str
    name: str
    uid: str
    labels: dict[str, str]


def owner_of(owner: Model | MonitoringProfile) -> Owner:
    """Return a model or a MonitoringProfile as an owner."""
    if isinstance(owner, Model):
        return Owner(KIND, owner.namespace, owner.name, owner.uid, labels.children(owner))
    return Owner(PROFILE_KIND, owner.namespace, owner.name, owner.uid, labels.profiles(owner))


def child(
    owned_by: Model | MonitoringProfile,
    kind: Kind,
    name: str,
    *,
    extra_labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **content: Any,
) -> Child:
    """Return an object in its owner's namespace. Without a UID (offline, from a file) it has no owner reference."""
    owner = owner_of(owned_by)
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": owner.namespace,
        "labels": {**(extra_labels or {}), **owner.labels},
    }
    if annotations:
        metadata["annotations"] = annotations
    if owner.uid:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": owner.kind,
                "name": owner.name,
                "uid": owner.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **content}


def without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """Drop None and empty values, because the API server drops them too, which would look like a difference."""
    return {key: value for key, value in content.items() if value not in (None, "", [], {}, ())}
