"""Heartbeat of the work's event loop: the loop beats, and the supervisor's thread measures for how long it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 0.5
"""Time between two beats of an idle loop."""
LONGEST_TICK_SECONDS = 2.0
"""Maximum that one check counts: a process that was paused has not hung."""


class Heartbeat:
    """A counter that one event loop increments and another thread watches. Safe for one writer and one reader."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats = 0
        self._seen = 0
        self._measured_at = clock()
        self._stalled = 0.0

    def beat(self) -> None:
        """Count one turn of the loop. Called by the watched loop."""
        self._beats += 1

    def measure(self) -> float:
        """Seconds for which the loop has not turned, as observed by the watching thread, which calls this regularly.

        The time between two checks counts for two seconds at most. When the entire process is paused (SIGSTOP, a
        suspended machine), the watching thread is paused too, and the loop can beat again before it counts as hung.
        """
        now, beats = self._clock(), self._beats
        since, self._measured_at = now - self._measured_at, now
        self._stalled = 0.0 if beats != self._seen else self._stalled + min(since, LONGEST_TICK_SECONDS)
        self._seen = beats
        return self._stalled

    @property
    def stalled(self) -> float:
        """Seconds that the last `look` returned."""
        return self._stalled


async def keep_beating(heartbeat: Heartbeat, *lag_observers: Callable[[float], None]) -> None:
    """Beat forever in the running loop, and report how late each timer fired, in seconds."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + BEAT_SECONDS
        await asyncio.sleep(BEAT_SECONDS)
        heartbeat.beat()
        late = max(0.0, clock() - due)
        for observe in lag_observers:
            observe(late)
