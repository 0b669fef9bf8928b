"""Tracks the dashboards of models, and pending version changes. In memory only.

`integrations/tracker.py` records Grafana's answers and finds the models whose check has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ...naming.keys import Key
from ..tracker import FleetTracker
from .dashboard_check import DashboardCheck, GrafanaSnapshot, VersionChange, evaluate

ANNOTATED_SECONDS = 3600.0
"""Older version changes are not annotated: the time that Grafana may be down, or a dashboard take to load."""
MAX_PENDING = 5000
"""Version changes that may wait at the same time; beyond that, the oldest are dropped."""
MAX_ATTEMPTS = 3
"""Times that Grafana may reject a version change."""


class DashboardTracker(FleetTracker[GrafanaSnapshot, DashboardCheck]):
    """All tracked dashboards, by uid. `marked` enables annotations for version changes."""

    def __init__(self, clock: Callable[[], float], *, grace: float, tolerance: float, marked: bool = True) -> None:
        super().__init__(evaluate, clock, grace=grace, tolerance=tolerance)
        self._marked = marked
        self.changes = AnnotationQueue()

    def drop(self, key: Key) -> None:
        """Stop tracking a dashboard, and forget the version changes of its model."""
        if self.tracks(key):
            super().drop(key)
            self.changes.drop(key)

    def enqueue_annotation(self, change: VersionChange) -> None:
        """Enqueue an annotation of a version change, if enabled and not yet done."""
        if self._marked and self.tracks(change.key):
            self.changes.note(change, datetime.now(UTC))


class AnnotationQueue:
    """Version changes to annotate in Grafana, oldest first; bounded in number and time."""

    def __init__(self) -> None:
        self._waiting: dict[VersionChange, int] = {}
        """Pending changes, with how many times Grafana has rejected them."""
        self._done: dict[Key, str] = {}
        """The latest change of each model that is annotated, or dropped."""

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, change: VersionChange, now: datetime) -> None:
        """Enqueue a change, unless it is enqueued, done, or too old."""
        known = change in self._waiting or self._done.get(change.key) == change.since
        if known or change.age(now) > ANNOTATED_SECONDS:
            return
        self._waiting[change] = 0
        if len(self._waiting) > MAX_PENDING:
            self.done(next(iter(self._waiting)))

    def waiting(self) -> list[VersionChange]:
        """Pending changes, oldest first."""
        return list(self._waiting)

    def done(self, change: VersionChange) -> None:
        """Record that a change needs no more work."""
        if self._waiting.pop(change, None) is not None:
            self._done[change.key] = max(change.since, self._done.get(change.key, ""))

    def record_rejection(self, change: VersionChange) -> bool:
        """Record that Grafana rejected a change. Returns whether to retry it."""
        if change not in self._waiting:  # its model was deleted meanwhile
            return False
        self._waiting[change] += 1
        if self._waiting[change] >= MAX_ATTEMPTS:
            self.done(change)
            return False
        return True

    def expire(self, now: datetime) -> list[VersionChange]:
        """Drop the changes that have waited too long, and return them."""
        late = [change for change in self._waiting if change.age(now) > ANNOTATED_SECONDS]
        for change in late:
            self.done(change)
        return late

    def drop(self, key: Key) -> None:
        """Forget a deleted model."""
        self._done.pop(key, None)
        for change in [change for change in self._waiting if change.key == key]:
            del self._waiting[change]
