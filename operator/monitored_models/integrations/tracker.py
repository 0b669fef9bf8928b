"""What one external system knows of all models, and what follows for each: in memory, without calls.

Reconciles register a subject for a model, such as a dashboard, and ask for its check. The poller (`poller`) records
what the system answered, and learns for which models the check has changed. Trouble that all models share counts only
after the tolerance: a restart of the system must not cost each model a status write, and another one afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from ..naming.keys import Key


@dataclass(frozen=True)
class Outage:
    """Trouble that all models share, such as a system that does not answer."""

    reason: str
    message: str


class FleetSnapshot(Protocol):
    """What a system answered to one poll, for all models."""

    @property
    def problem(self) -> Outage | None:
        """Trouble that all models share although the system answered; None if all is well."""

    def has(self, subject: str) -> bool:
        """Whether the system knows a subject."""


Snapshot = TypeVar("Snapshot", bound=FleetSnapshot)
Check = TypeVar("Check")


@dataclass(frozen=True)
class FleetState(Generic[Snapshot]):
    """State of a system for all models: the latest snapshot, and trouble that has lasted for the tolerance."""

    snapshot: Snapshot | None = None
    """None until the system has answered this process."""
    polled_at: float = 0.0
    """When the snapshot was recorded."""
    outage: Outage | None = None
    """Why the system has not answered since, if that has lasted."""
    lasting: bool = False
    """Whether the problem in the snapshot has lasted."""


Evaluate = Callable[[FleetState[Snapshot], str, float, Check | None, float], Check]
"""The check of one subject, from `state, subject, since, previous, grace`. Pure.

`since` is when the subject was first tracked, or last found. `previous` is the last check. `grace` is how long the
system may take to know a new subject. A check is compared with the previous one, and each difference is a status write
for a model: messages with a time or a port must stay as first reported.
"""


@dataclass
class Tracked(Generic[Check]):
    """A subject that the system should know."""

    subject: str
    since: float
    """When it was first tracked, or last found."""
    check: Check


class FleetTracker(Generic[Snapshot, Check]):
    """The subject and check of each model. `grace` is for a single subject, `tolerance` for shared trouble; seconds."""

    def __init__(
        self, evaluate: Evaluate[Snapshot, Check], clock: Callable[[], float], *, grace: float, tolerance: float
    ) -> None:
        self._evaluate, self._clock, self._grace, self._tolerance = evaluate, clock, grace, tolerance
        self._tracked: dict[Key, Tracked[Check]] = {}
        self._state = FleetState[Snapshot]()
        self._outage_since: float | None = None
        self._problem_since: float | None = None

    def track_and_evaluate(self, key: Key, subject: str, stored: Check | None) -> Check:
        """Start tracking the subject of a model and return its check. `stored` is the check in the stored status."""
        known = self._tracked.get(key)
        since = known.since if known and known.subject == subject else self._clock()
        check = self._evaluate(self._state, subject, since, stored, self._grace)
        self._tracked[key] = Tracked(subject, since, check)
        return check

    def drop(self, key: Key) -> None:
        """Stop tracking the subject of a model."""
        self._tracked.pop(key, None)

    def tracks(self, key: Key) -> bool:
        """Whether a model has a subject."""
        return key in self._tracked

    def record_success(self, snapshot: Snapshot) -> list[Key]:
        """Record what the system answered. Returns the models whose check has changed."""
        now = self._clock()
        self._outage_since = None
        if snapshot.problem is None:
            self._problem_since = None
        elif self._problem_since is None:
            self._problem_since = now
        self._state = FleetState(snapshot, now, lasting=self._has_lasted(self._problem_since, now))
        for tracked in self._tracked.values():
            if snapshot.has(tracked.subject):
                tracked.since = now
        return self._changed()

    def record_failure(self, outage: Outage) -> list[Key]:
        """Record that the system did not answer. Returns the models whose check has changed."""
        now = self._clock()
        if self._outage_since is None:
            self._outage_since = now
        if self._has_lasted(self._outage_since, now):
            self._state = replace(self._state, outage=outage)
        return self._changed()

    def has_pending(self) -> bool:
        """Whether the system may soon know a subject that it did not know at the last poll."""
        now = self._clock()
        return any(not self.has(t.subject) and now - t.since < 2 * self._grace for t in self._tracked.values())

    def has(self, subject: str) -> bool:
        """Whether the system knew a subject at the last poll that it answered."""
        return self._state.snapshot is not None and self._state.snapshot.has(subject)

    def _has_lasted(self, since: float | None, now: float) -> bool:
        return since is not None and now - since >= self._tolerance

    def _changed(self) -> list[Key]:
        changed = []
        for key, tracked in self._tracked.items():
            check = self._evaluate(self._state, tracked.subject, tracked.since, tracked.check, self._grace)
            if check != tracked.check:
                tracked.check = check
                changed.append(key)
        return changed
