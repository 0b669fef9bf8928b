"""Health of the operator: the checks behind /readyz."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..naming.series import MAX_WATCH_AGE

LAG_WINDOW = 60
"""Number of recent measurements that count: half a minute."""
MAX_LOOP_LAG = 5.0
"""Seconds. Beyond that, watches, workers and signals wait; the Lease and the probes have their own thread."""


@dataclass
class Health:
    """What the process knows about its own state."""

    role: str = "starting"
    """starting, standby or leading."""
    synced: bool = False
    """Whether every object has been listed once."""
    _lags: deque[float] = field(default_factory=lambda: deque(maxlen=LAG_WINDOW))

    def record_lag(self, seconds: float) -> None:
        """Record how late a timer fired."""
        self._lags.append(seconds)

    def checks(self, watch_age: float, longest_step: tuple[str, float]) -> dict[str, str]:
        """The problem of each check; empty if none. A standby is ready: to take over."""
        worst = max(self._lags.copy(), default=0.0)
        step, took = longest_step
        late = watch_age > MAX_WATCH_AGE
        unsynced = self.role == "leading" and not self.synced
        return {
            "loop": f"a timer came {worst:.1f} s late; the longest step was {step} with {took:.1f} s"
            if worst > MAX_LOOP_LAG
            else "",
            "watches": f"a watch was last opened {watch_age:.0f} s ago" if late else "",
            "synced": "the first full list is not done" if unsynced else "",
            "role": "not started" if self.role == "starting" else "",
        }
