"""The frame of every child: kind, name, labels and owner."""

from __future__ import annotations

from typing import Any

from ..api import API_VERSION, KIND, Model
from ..kinds import Kind
from . import labels

Child = dict[str, Any]


def child(
    model: Model,
    kind: Kind,
    name: str,
    *,
    extra_labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **content: Any,
) -> Child:
    """An object of the model's namespace, owned by the model. Without a uid (a file, offline) there is no owner yet."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": model.namespace,
        "labels": {**(extra_labels or {}), **labels.children(model)},
    }
    if annotations:
        metadata["annotations"] = annotations
    if model.uid:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": model.name,
                "uid": model.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **content}


def without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """The map without what is None or empty: the API server would drop it, and a comparison would find it missing."""
    return {key: value for key, value in content.items() if value not in (None, "", [], {}, ())}
