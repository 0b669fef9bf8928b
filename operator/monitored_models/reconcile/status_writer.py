"""Writes the status of a model: only if it changed, and not too often. Emits an Event for each transition of Ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..cache.cluster_cache import ClusterCache
from ..cache.models import ObservedModel
from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.conditions import READY
from ..naming.keys import Key
from ..naming.kinds import MODEL
from ..status.changes import changed, condition
from ..status.events import ready_event
from ..telemetry.logs import about

STATUS_DEBOUNCE = 2.0
"""Condition changes within this time become one status write."""
COUNTS_DEBOUNCE = 30.0
"""A change of only counts or messages waits this long for a more important one."""
IMMEDIATELY = 0.01
"""Seconds until an immediate requeue."""

log = logging.getLogger(__name__)

Status = Mapping[str, Any]


@dataclass(frozen=True)
class StatusWriter:
    """The status writes of all models."""

    cache: ClusterCache
    client: KubeClient
    clock: Callable[[], float]
    """Monotonic seconds."""
    _written_at: dict[Key, float] = field(default_factory=dict)

    async def write(self, observed: ObservedModel, stored: Status, new: Status) -> float | None:
        """Write the new status unless it equals the stored one or the last write is too recent.

        Returns seconds until the next reconcile, or None. Raises ApiError.
        """
        key = observed.source.key
        if not changed(stored, new):
            return None
        if delay := self._delay(key, stored, new):
            return delay
        body = await self.client.apply_status(key.namespace, key.name, observed.uid, new)
        self._written_at[key] = self.clock()
        self.cache.observe(MODEL, body)
        ready = condition(new, READY)
        log.info(
            "Ready is %s (%s): %s",
            ready["status"],
            ready["reason"],
            ready["message"],
            extra=about(key, ready["reason"]),
        )
        await self._emit_event(key, observed.uid, stored, new)
        # The response may carry a concurrent edit; its own watch event is then not newer, and enqueues nothing.
        return IMMEDIATELY if body["metadata"].get("generation", 0) != observed.source.generation else None

    def forget(self, key: Key) -> None:
        """Drop what is kept about a deleted model."""
        self._written_at.pop(key, None)

    def _delay(self, key: Key, stored: Status, new: Status) -> float | None:
        """Seconds to wait before a write; None to write at once, as for every new generation."""
        if stored.get("observedGeneration") != new["observedGeneration"]:
            return None
        minor = not changed(stored, new, in_substance=True)
        due = self._written_at.get(key, float("-inf")) + (COUNTS_DEBOUNCE if minor else STATUS_DEBOUNCE)
        return due - self.clock() if due > self.clock() else None

    async def _emit_event(self, key: Key, uid: str, stored: Status, new: Status) -> None:
        event = ready_event(key, uid, stored, new, datetime.now(UTC))
        if event is None:
            return
        try:
            await self.client.create_event(key.namespace, event)
        except ApiError as error:  # an Event is optional: the status has the same content
            log.warning("event not posted: %s", error, extra=about(key, error.reason))
