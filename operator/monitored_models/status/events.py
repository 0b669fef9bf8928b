"""Kubernetes Events for people: one for each transition of Ready, none for anything else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..naming.conditions import READY, STALLED
from ..naming.keys import Key
from ..naming.kinds import EVENT, MODEL
from ..naming.labels import FIELD_MANAGER
from .changes import condition

NOTE_BYTES = 1024
"""The API's maximum."""


def ready_event(
    key: Key, uid: str, stored: Mapping[str, Any], new: Mapping[str, Any], now: datetime
) -> dict[str, Any] | None:
    """The Event for a transition of Ready between two statuses, or None if none should be created."""
    before, after = condition(stored, READY), condition(new, READY)
    beginning = not before and not condition(new, STALLED)
    if before.get("status") == after["status"] or (after["status"] != "True" and beginning):
        return None
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"generateName": f"{key.name}-", "namespace": key.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{MODEL.group}/operator",
        "reportingInstance": FIELD_MANAGER,
        "action": "Reconcile",
        "type": "Warning" if condition(new, STALLED) else "Normal",
        "reason": after["reason"],
        "note": after["message"].encode()[:NOTE_BYTES].decode(errors="ignore"),
        "regarding": {
            "apiVersion": MODEL.api_version,
            "kind": MODEL.name,
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid,
        },
    }
