"""The work queue: one key at a time per model, each key once however often it is added, with delays and back-off.

Two lanes: what a user or the cluster just did overtakes the keys of a start or a resync.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_RETRY, LONGEST_RETRY = 0.5, 300.0
"""Seconds. The first retry comes soon since most failures are moments; the last bound keeps a broken cluster calm."""


class WorkQueue(Generic[K]):
    """Keys waiting to be worked on. One event loop; not for threads."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._urgent: deque[K] = deque()
        self._routine: deque[K] = deque()
        self._waiting: set[K] = set()
        self._working: set[K] = set()
        self._again: dict[K, bool] = {}
        """Keys to work on once more, and whether that is routine."""
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._order = 0
        self._failures: dict[K, int] = {}
        self._held: dict[K, float] = {}
        """Times before which the server has asked not to be asked again."""
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, key: K, *, routine: bool = False) -> None:
        """Have a key worked on. While it is being worked on, it is worked on once more afterwards."""
        if (held := self._held.get(key, 0.0)) > self._clock():
            self.add_after(key, held - self._clock())
            return
        self._due.pop(key, None)
        if key in self._working:
            self._again[key] = routine and self._again.get(key, True)
        elif key not in self._waiting or not routine:
            # A routine key that becomes urgent stands in both lanes; where it is met second, it no longer waits.
            self._waiting.add(key)
            (self._routine if routine else self._urgent).append(key)
            self._wake.set()

    def add_after(self, key: K, delay: float) -> None:
        """Have a key worked on after a delay in seconds, unless it is worked on before; the earliest time counts."""
        due = self._clock() + delay
        if key not in self._waiting and self._due.get(key, due) >= due:
            self._order += 1
            self._due[key] = due
            heapq.heappush(self._timers, (due, self._order, key))
            self._wake.set()

    def succeeded(self, key: K) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
        self._held.pop(key, None)

    def retry(self, key: K, at_least: float = 0.0) -> float:
        """Have a failed key worked on again after its back-off, or after what the server asked for. Returns seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        back_off = min(FIRST_RETRY * 2.0 ** min(failures - 1, 16), LONGEST_RETRY)
        delay = max(back_off * random.uniform(0.8, 1.2), at_least)
        if at_least > 0:
            self._held[key] = self._clock() + at_least
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """How many times in a row work on a key has failed."""
        return self._failures.get(key, 0)

    def close(self) -> None:
        """Let the work in hand end, and start no other."""
        self._closed = True
        self._wake.set()

    async def work(self, handle: Callable[[K], Awaitable[None]]) -> None:
        """Be one of the workers, until the queue is closed. `handle` must not raise."""
        while (key := await self._next()) is not None:
            try:
                await handle(key)
            finally:
                self._working.discard(key)
                if key in self._again:
                    self.add(key, routine=self._again.pop(key))

    async def _next(self) -> K | None:
        while not self._closed:
            self._ripen()
            while lane := self._urgent or self._routine:
                key = lane.popleft()
                if key in self._waiting:
                    self._waiting.discard(key)
                    self._working.add(key)
                    return key
            self._wake.clear()
            await self._sleep()
        return None

    def _ripen(self) -> None:
        """Move keys whose time has come from the timers to the lanes."""
        now = self._clock()
        while self._timers and (self._timers[0][0] <= now or self._superseded(self._timers[0])):
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    def _superseded(self, timer: tuple[float, int, K]) -> bool:
        return self._due.get(timer[2]) != timer[0]

    async def _sleep(self) -> None:
        timeout = max(0.0, self._timers[0][0] - self._clock()) if self._timers else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
