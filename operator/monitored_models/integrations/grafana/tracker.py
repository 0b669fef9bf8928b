"""Tracks the dashboards of models, Grafana's latest answers about them, and pending version changes. In memory only.

Reconciles register a dashboard and ask for its check; the poller (`poller`) records Grafana's answers, and learns for
which models the check has changed. An outage that affects all models counts only after the tolerance: a restart of
Grafana must not cost each model a status write, and another one when Grafana is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ...naming.keys import Key
from .dashboard_check import DashboardCheck, GrafanaOutage, GrafanaSnapshot, State, VersionChange, evaluate

ANNOTATED_SECONDS = 3600.0
"""Older version changes are not annotated: the time that Grafana may be down, or a dashboard take to load."""
MAX_PENDING = 5000
"""Version changes that may wait at the same time; beyond that, the oldest are dropped."""
MAX_ATTEMPTS = 3
"""Times that Grafana may reject a version change."""


@dataclass
class TrackedDashboard:
    """A dashboard that a model should have."""

    uid: str
    since: float
    """When it was first tracked, or last seen in Grafana."""
    said: DashboardCheck


class DashboardTracker:
    """All tracked dashboards. `grace` is for a single one, `tolerance` for outages that affect all; in seconds.

    `marked` enables annotations for version changes.
    """

    def __init__(self, clock: Callable[[], float], *, grace: float, tolerance: float, marked: bool = True) -> None:
        self._clock, self._grace, self._tolerance, self._marked = clock, grace, tolerance, marked
        self._wanted: dict[Key, TrackedDashboard] = {}
        self._state = State()
        self._silent_since: float | None = None
        self._failing_since: float | None = None
        self.changes = AnnotationQueue()

    def track_and_evaluate(self, key: Key, uid: str, stored: DashboardCheck | None) -> DashboardCheck:
        """Start tracking a dashboard and return its check. `stored` is the check in the stored status."""
        known = self._wanted.get(key)
        since = known.since if known and known.uid == uid else self._clock()
        said = evaluate(self._state, uid, since, stored, self._grace)
        self._wanted[key] = TrackedDashboard(uid, since, said)
        return said

    def drop(self, key: Key) -> None:
        """Stop tracking a dashboard."""
        if self._wanted.pop(key, None):
            self.changes.drop(key)

    def record_success(self, look: GrafanaSnapshot) -> list[Key]:
        """Record Grafana's answers. Returns the models whose check has changed."""
        now = self._clock()
        self._silent_since = None
        if not look.data_source_error:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        lasting = self._failing_since is not None and now - self._failing_since >= self._tolerance
        self._state = State(look, now, lasting=lasting)
        for wanted in self._wanted.values():
            if wanted.uid in look.loaded:
                wanted.since = now
        return self._moved()

    def record_failure(self, trouble: GrafanaOutage) -> list[Key]:
        """Record that Grafana could not be queried. Returns the models whose check has changed."""
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= self._tolerance:
            self._state = replace(self._state, trouble=trouble)
        return self._moved()

    def enqueue_annotation(self, change: VersionChange) -> None:
        """Enqueue an annotation of a version change, if enabled and not yet done."""
        if self._marked and change.key in self._wanted:
            self.changes.note(change, datetime.now(UTC))

    def has_pending(self) -> bool:
        """Whether Grafana may soon have a dashboard that it did not have at the last poll."""
        look, now = self._state.look, self._clock()
        there = look.loaded if look else frozenset()
        return any(w.uid not in there and now - w.since < 2 * self._grace for w in self._wanted.values())

    def has(self, uid: str) -> bool:
        """Whether Grafana had a dashboard at the last poll."""
        return self._state.look is not None and uid in self._state.look.loaded

    def _moved(self) -> list[Key]:
        moved = []
        for key, wanted in self._wanted.items():
            said = evaluate(self._state, wanted.uid, wanted.since, wanted.said, self._grace)
            if said != wanted.said:
                wanted.said = said
                moved.append(key)
        return moved


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

    def refused(self, change: VersionChange) -> bool:
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
