"""Whether the operator is well: the checks behind /readyz, and the measuring of the event loop's lag."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

LAG_PERIOD = 0.5
LAG_WINDOW = 60
"""Measurements that are looked back on: half a minute."""
LONGEST_LAG = 5.0
"""Seconds. A lease is lost after seven without a sign of life."""
OLDEST_WATCH = 420.0
"""Seconds: the four minutes after which the API server ends a watch, the one after which a silent one is given up, and
two for what can come in between."""


@dataclass
class Health:
    """What the process knows of its own state."""

    role: str = "starting"
    """starting, standby or leading."""
    synced: bool = False
    """Whether every object has been listed once."""
    _lags: deque[float] = field(default_factory=lambda: deque(maxlen=LAG_WINDOW))

    def lagged(self, seconds: float) -> None:
        """Take note of how late a timer came."""
        self._lags.append(seconds)

    def checks(self, watch_age: float) -> dict[str, str]:
        """What is wrong, by check; nothing where all is well. A standby is ready: to take over."""
        worst = max(self._lags, default=0.0)
        late = watch_age > OLDEST_WATCH
        unsynced = self.role == "leading" and not self.synced
        return {
            "loop": f"a timer came {worst:.1f} s late" if worst > LONGEST_LAG else "",
            "watches": f"a watch was last opened {watch_age:.0f} s ago" if late else "",
            "synced": "the first full list is not done" if unsynced else "",
            "role": "not started" if self.role == "starting" else "",
        }


async def measure_lag(*heard: Callable[[float], None]) -> None:
    """Measure for ever how late timers come: what blocks the event loop delays leases, watches and answers alike."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + LAG_PERIOD
        await asyncio.sleep(LAG_PERIOD)
        for hear in heard:
            hear(max(0.0, clock() - due))
