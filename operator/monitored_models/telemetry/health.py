"""Whether the operator is well: the checks behind /readyz."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..naming.series import MAX_WATCH_AGE

LAG_WINDOW = 60
"""Measurements that are looked back on: half a minute."""
MAX_LOOP_LAG = 5.0
"""Seconds. Longer means that watches, workers and signals wait; the Lease and the probes have a thread of their own."""


@dataclass
class Health:
    """What the process knows of its own state."""

    role: str = "starting"
    """starting, standby or leading."""
    synced: bool = False
    """Whether every object has been listed once."""
    _lags: deque[float] = field(default_factory=lambda: deque(maxlen=LAG_WINDOW))

    def record_lag(self, seconds: float) -> None:
        """Take note of how late a timer came."""
        self._lags.append(seconds)

    def checks(self, watch_age: float, longest_step: tuple[str, float]) -> dict[str, str]:
        """What is wrong, by check; nothing where all is well. A standby is ready: to take over."""
        worst = max(tuple(self._lags), default=0.0)
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
