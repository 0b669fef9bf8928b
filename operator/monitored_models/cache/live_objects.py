"""What all kinds of live objects have in common: resource version, labels, controller, and who applied them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..naming import labels
from ..naming.keys import Key
from ..naming.labels import FIELD_MANAGER

Body = Mapping[str, Any]


def resource_version(metadata: Mapping[str, Any]) -> int:
    """Resource version as a number; 0 if absent."""
    text = metadata.get("resourceVersion", "")
    return int(text) if text.isdigit() else 0


def labelled_model(metadata: Mapping[str, Any]) -> Key | None:
    """The model that the label of an object names."""
    name = metadata.get("labels", {}).get(labels.MODEL)
    return Key(metadata["namespace"], name) if name else None


def controller_uid(metadata: Mapping[str, Any]) -> str | None:
    """Uid of the controlling owner, of any kind; None if nothing controls the object."""
    return next((str(owner["uid"]) for owner in metadata.get("ownerReferences", ()) if owner.get("controller")), None)


def applied_by_us(metadata: Mapping[str, Any]) -> bool:
    """Whether this operator has applied fields of the object."""
    return any(entry.get("manager") == FIELD_MANAGER for entry in metadata.get("managedFields", ()))


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and without spaces: equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
