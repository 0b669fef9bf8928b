"""Whether the event loop of the work turns: it beats, and the supervisor's thread counts for how long it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 0.5
"""Time between two beats of a loop that has nothing else to do."""
LONGEST_TICK_SECONDS = 2.0
"""What one look counts at most: a process that was paused as a whole has not hung."""


class Heartbeat:
    """A count that one event loop raises and another thread watches. Safe for one writer and one reader."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats = 0
        self._seen = 0
        self._looked = clock()
        self._stalled = 0.0

    def beat(self) -> None:
        """Count one turn of the loop. Called by the loop that is watched."""
        self._beats += 1

    def look(self) -> float:
        """Seconds for which the loop has not turned, as the watching thread has seen it. Called regularly by that thread.

        The time between two looks counts for two seconds at most. When the whole process stands still (SIGSTOP, a
        suspended machine), the watching thread stands still too, and the loop gets its chance before it is blamed.
        """
        now, beats = self._clock(), self._beats
        since, self._looked = now - self._looked, now
        self._stalled = 0.0 if beats != self._seen else self._stalled + min(since, LONGEST_TICK_SECONDS)
        self._seen = beats
        return self._stalled

    @property
    def stalled(self) -> float:
        """Seconds that the last `look` returned."""
        return self._stalled


async def keep_beating(heartbeat: Heartbeat, *lag_observers: Callable[[float], None]) -> None:
    """Beat for ever in the running loop, and report how late each timer came, in seconds."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + BEAT_SECONDS
        await asyncio.sleep(BEAT_SECONDS)
        heartbeat.beat()
        late = max(0.0, clock() - due)
        for observe in lag_observers:
            observe(late)
