"""The dashboards that models want, what Grafana is known to have of them, and changes of version that wait. Memory only.

Reconciles say which dashboard is wanted and ask for the verdict; the poller (`grafana`) brings what Grafana said, and
hears of which models the verdict is another now. Trouble that all models share counts only when it has lasted: a Grafana
that starts anew must not cost each model a status write, and another when it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ...naming.keys import Key
from .check import DashboardCheck, GrafanaOutage, GrafanaSnapshot, State, VersionChange, evaluate

ANNOTATED_SECONDS = 3600.0
"""Older changes of version are not marked any more: so long Grafana may be away, or a dashboard take to load."""
MAX_PENDING = 5000
"""Changes of version that may wait at the same time; of more, the oldest are given up."""
MAX_ATTEMPTS = 3
"""Times that Grafana may refuse to take a change."""


@dataclass
class TrackedDashboard:
    """A dashboard that a model wants."""

    uid: str
    since: float
    """When it was first wanted, or last seen in Grafana."""
    said: DashboardCheck


class DashboardTracker:
    """All dashboards that are wanted. `grace` is for a single one, `tolerance` for what all share; in seconds.

    `marked` says whether changes of version are to be marked.
    """

    def __init__(self, clock: Callable[[], float], *, grace: float, tolerance: float, marked: bool = True) -> None:
        self._clock, self._grace, self._tolerance, self._marked = clock, grace, tolerance, marked
        self._wanted: dict[Key, TrackedDashboard] = {}
        self._state = State()
        self._silent_since: float | None = None
        self._failing_since: float | None = None
        self.changes = AnnotationQueue()

    def track_and_evaluate(self, key: Key, uid: str, stored: DashboardCheck | None) -> DashboardCheck:
        """What is to be said of a dashboard, which from now on is wanted. `stored` is what the status says of it."""
        known = self._wanted.get(key)
        since = known.since if known and known.uid == uid else self._clock()
        said = evaluate(self._state, uid, since, stored, self._grace)
        self._wanted[key] = TrackedDashboard(uid, since, said)
        return said

    def drop(self, key: Key) -> None:
        """Forget a dashboard that is not wanted any more."""
        if self._wanted.pop(key, None):
            self.changes.drop(key)

    def record_success(self, look: GrafanaSnapshot) -> list[Key]:
        """Take note of an answer of Grafana's. Returns the models of which something else is to be said now."""
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
        """Take note that Grafana could not be asked. Returns the models of which something else is to be said now."""
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= self._tolerance:
            self._state = replace(self._state, trouble=trouble)
        return self._moved()

    def enqueue_annotation(self, change: VersionChange) -> None:
        """Have a change of version marked on the dashboard, if that is wanted and was not done."""
        if self._marked and change.key in self._wanted:
            self.changes.note(change, datetime.now(UTC))

    def has_pending(self) -> bool:
        """Whether Grafana may soon have a dashboard that it did not have when it was asked."""
        look, now = self._state.look, self._clock()
        there = look.loaded if look else frozenset()
        return any(w.uid not in there and now - w.since < 2 * self._grace for w in self._wanted.values())

    def has(self, uid: str) -> bool:
        """Whether Grafana had a dashboard when it was last asked."""
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
    """Changes of version that are to be marked in Grafana, oldest first; bounded in number and time."""

    def __init__(self) -> None:
        self._waiting: dict[VersionChange, int] = {}
        """With how many times Grafana has refused them."""
        self._done: dict[Key, str] = {}
        """The latest change of each model that is marked, or given up."""

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, change: VersionChange, now: datetime) -> None:
        """Have a change marked, unless that was done, or it is too long ago."""
        known = change in self._waiting or self._done.get(change.key) == change.since
        if known or change.age(now) > ANNOTATED_SECONDS:
            return
        self._waiting[change] = 0
        if len(self._waiting) > MAX_PENDING:
            self.done(next(iter(self._waiting)))

    def waiting(self) -> list[VersionChange]:
        """What waits, oldest first."""
        return list(self._waiting)

    def done(self, change: VersionChange) -> None:
        """Take note that a change needs no more work."""
        if self._waiting.pop(change, None) is not None:
            self._done[change.key] = max(change.since, self._done.get(change.key, ""))

    def refused(self, change: VersionChange) -> bool:
        """Take note that Grafana would not take a change. Returns whether it is worth another try."""
        if change not in self._waiting:  # its model is gone meanwhile
            return False
        self._waiting[change] += 1
        if self._waiting[change] >= MAX_ATTEMPTS:
            self.done(change)
            return False
        return True

    def expire(self, now: datetime) -> list[VersionChange]:
        """Give up what has waited for too long, and say what that was."""
        late = [change for change in self._waiting if change.age(now) > ANNOTATED_SECONDS]
        for change in late:
            self.done(change)
        return late

    def drop(self, key: Key) -> None:
        """Forget a model that is gone."""
        self._done.pop(key, None)
        for change in [change for change in self._waiting if change.key == key]:
            del self._waiting[change]
