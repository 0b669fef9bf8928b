"""The work queue: each key is queued once however often it is added, by one worker at a time, with delays and backoff.

Two priorities: recent changes by a user or the cluster overtake the keys of a startup or a resync. Within a priority,
groups of keys (namespaces) take turns, and a quarter of the workers is reserved for groups with nothing in flight: a
thousand models, or requests that hang, delay no other namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from ..base.backoff import Backoff

K = TypeVar("K", bound=Hashable)

FIRST_RETRY, LONGEST_RETRY = 0.5, 300.0
"""Seconds. The first retry comes soon because most failures are brief; the maximum spares a broken cluster."""
BACKOFF = Backoff(FIRST_RETRY, LONGEST_RETRY, jitter=0.2)


_NONE = object()
RESERVED_DIVISOR = 4
"""One worker in this many is reserved for groups with nothing in flight."""


class FairQueue(Generic[K]):
    """Keys in the order of their arrival, where groups take turns."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Hashable, deque[K]] = OrderedDict()

    def append(self, group: Hashable, key: K) -> None:
        """Append a key to its group."""
        self._groups.setdefault(group, deque()).append(key)

    def take(self, allowed: Callable[[Hashable], bool], is_waiting: Callable[[K], bool]) -> K | None:
        """Take the next key that still waits from the first `allowed` group, which then moves to the end."""
        while (group := next(filter(allowed, self._groups), _NONE)) is not _NONE:
            keys = self._groups[group]
            found = None
            while keys and found is None:
                key = keys.popleft()
                found = key if is_waiting(key) else None
            if keys:
                self._groups.move_to_end(group)
            else:
                del self._groups[group]
            if found is not None:
                return found
        return None


class WorkQueue(Generic[K]):
    """Keys that wait for a worker. For one event loop; not for threads.

    `group` determines which keys take turns with which others; `waited` receives the seconds that each key has waited.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        *,
        group: Callable[[K], Hashable] = lambda _: None,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._group, self._waited = group, waited
        self._urgent, self._routine = FairQueue[K](), FairQueue[K]()
        self._waiting: dict[K, float] = {}
        """Keys in the queues, and since when."""
        self._working: set[K] = set()
        self._in_flight: Counter[Hashable] = Counter()
        """Number of keys in flight per group."""
        self._workers = 0
        self._requeue: dict[K, bool] = {}
        """Keys to requeue, and whether at low priority."""
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._order = 0
        self._failures: dict[K, int] = {}
        self._retry_after: dict[K, float] = {}
        """Times before which the server has asked not to be called again."""
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._closed = False

    def add(self, key: K, *, routine: bool = False) -> None:
        """Enqueue a key; `routine` is the low priority. A key in flight is requeued afterwards."""
        if (held := self._retry_after.get(key, 0.0)) > self._clock():
            self.add_after(key, held - self._clock())
            return
        self._due.pop(key, None)
        if key in self._working:
            self._requeue[key] = routine and self._requeue.get(key, True)
        elif key not in self._waiting or not routine:
            # A routine key that becomes urgent is in both queues; the second queue to reach it skips it.
            self._waiting.setdefault(key, self._clock())
            (self._routine if routine else self._urgent).append(self._group(key), key)
            self._wake.set()

    def add_after(self, key: K, delay: float) -> None:
        """Enqueue a key after a delay in seconds, unless it is enqueued before; the earliest time counts."""
        due = self._clock() + delay
        if key not in self._waiting and self._due.get(key, due) >= due:
            self._order += 1
            self._due[key] = due
            heapq.heappush(self._timers, (due, self._order, key))
            self._wake.set()

    def succeeded(self, key: K) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
        self._retry_after.pop(key, None)

    def retry(self, key: K, at_least: float = 0.0) -> float:
        """Requeue a failed key after its backoff, or after the time that the server asked for. Returns seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(BACKOFF.delay(failures), at_least)
        if at_least > 0:
            self._retry_after[key] = self._clock() + at_least
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """Number of consecutive failures of a key."""
        return self._failures.get(key, 0)

    def close(self) -> None:
        """Let the work in flight end, and start no other."""
        self._closed = True
        self._wake.set()

    async def work(self, handle: Callable[[K], Awaitable[None]]) -> None:
        """Run one worker until the queue is closed. `handle` must not raise."""
        self._workers += 1
        try:
            while (key := await self._next()) is not None:
                try:
                    # Start one key at a time, and let everything else in the loop run in between: a thousand reconciles
                    # that change nothing never await anything, and would block the loop.
                    async with self._turn:
                        await asyncio.sleep(0)
                    if not self._closed:
                        await handle(key)
                finally:
                    self._done(key)
        finally:
            self._workers -= 1

    def depth(self) -> int:
        """Number of keys that wait for a worker, without delayed keys."""
        return len(self._waiting)

    def age(self) -> float:
        """Seconds for which the oldest waiting key has waited; 0 if none waits."""
        now = self._clock()
        return now - min(list(self._waiting.values()), default=now)  # in one step: another thread may call this

    def _done(self, key: K) -> None:
        group = self._group(key)
        self._working.discard(key)
        self._in_flight[group] -= 1
        if not self._in_flight[group]:
            del self._in_flight[group]
        if key in self._requeue:
            self.add(key, routine=self._requeue.pop(key))
        if self._waiting:
            # Wake the workers that wait for capacity of this group: the one that has just finished may take a key of
            # another group, and hang there.
            self._wake.set()

    async def _next(self) -> K | None:
        while not self._closed:
            self._release_due()
            for lane in (self._urgent, self._routine):
                # A key that changed its priority is in both queues, and waits only once.
                if (key := lane.take(self._has_capacity, self._waiting.__contains__)) is not None:
                    self._waited(self._clock() - self._waiting.pop(key))
                    self._working.add(key)
                    self._in_flight[self._group(key)] += 1
                    return key
            self._wake.clear()
            await self._sleep()
        return None

    def _has_capacity(self, group: Hashable) -> bool:
        """Whether a group may have one more key in flight: the last free workers are for groups that have none."""
        return not self._in_flight[group] or self._workers - len(self._working) > self._workers // RESERVED_DIVISOR

    def _release_due(self) -> None:
        """Move keys that are due from the timers to the queues."""
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
