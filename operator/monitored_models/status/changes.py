"""Whether a new status differs from the stored one in anything that this operator owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .conditions import CONDITIONS

TYPES = frozenset(spec.type for spec in CONDITIONS)
"""Condition types that this operator owns."""


VOLATILE_FIELDS = ("readyReplicas", "readyReplicasText")
"""Status fields that change while pods come and go."""


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A condition of a status; empty if absent."""
    return next((c for c in status.get("conditions", ()) if c["type"] == kind), {})


def changed(stored: Mapping[str, Any], new: Mapping[str, Any], *, in_substance: bool = False) -> bool:
    """Whether writing the new status would change anything that this operator owns.

    `in_substance` ignores counts and the texts of messages, which change while pods come and go.
    """
    left_out = ("conditions", *VOLATILE_FIELDS) if in_substance else ("conditions",)

    def owned(status: Mapping[str, Any]) -> dict[str, Any]:
        fields = {key: value for key, value in status.items() if key not in left_out and value != {}}
        conditions = [c for c in status.get("conditions", ()) if c["type"] in TYPES]
        if in_substance:
            conditions = [{**c, "message": ""} for c in conditions]
        return {**fields, "conditions": {c["type"]: c for c in conditions}}

    return owned(stored) != owned(new)
