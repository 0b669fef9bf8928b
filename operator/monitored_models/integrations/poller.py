"""Polls one external system regularly, once for the entire fleet, and enqueues the models whose check has changed.

An integration provides the calls (`fetch`) and the tracker (`tracker`). Failures only delay the next poll. An
integration with other calls to make, such as Grafana's annotations, makes them between polls (`between`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from ..base.backoff import Backoff
from ..naming.keys import Key
from ..telemetry.logs import reason
from .tracker import Check, FleetTracker, Outage, Snapshot


@dataclass(frozen=True)
class Schedule:
    """When to poll; in seconds."""

    period: float
    fast_period: float
    """The period while a subject is pending, if shorter. Work between polls waits no longer either."""
    backoff: Backoff
    """The delay after a poll that failed or found a shared problem."""


@dataclass(frozen=True)
class PollLog:
    """Where a poller logs, and what it logs when an outage is over. An outage has its own message."""

    logger: logging.Logger
    recovery: str
    recovery_reason: str


async def _nothing() -> None:
    pass


class FleetPoller(Generic[Snapshot, Check]):
    """Polls one system forever. `fetch` returns an outage instead of raising one.

    `enqueue` receives each model whose check has changed. `between` is awaited at each step at which the system
    answered the last poll; it should return when `is_due`.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Snapshot | Outage]],
        tracker: FleetTracker[Snapshot, Check],
        enqueue: Callable[[Key], None],
        *,
        clock: Callable[[], float],
        schedule: Schedule,
        log: PollLog,
        between: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._fetch, self._tracker, self._enqueue, self._between = fetch, tracker, enqueue, between
        self._clock, self._schedule, self._log = clock, schedule, log
        self._due = clock()
        self._failures = 0
        """Consecutive polls that failed, or found a shared problem."""
        self._answers = False
        """Whether the system answered the last poll."""

    async def run(self) -> None:
        """Poll until canceled."""
        while True:
            wait = await self.step()
            await asyncio.sleep(wait)

    async def step(self) -> float:
        """Poll if it is time, then do the work between polls. Returns the seconds until the next step."""
        # Whatever is pending, a system in trouble is polled after its backoff only.
        if self.is_due() or (not self._failures and self._tracker.has_pending()):
            await self._poll()
        if self._answers:
            await self._between()
        return max(0.0, min(self._due - self._clock(), self._schedule.fast_period, self._schedule.period))

    def is_due(self) -> bool:
        """Whether the next regular poll is due."""
        return self._clock() >= self._due

    async def _poll(self) -> None:
        found = await self._fetch()
        if isinstance(found, Outage):
            self._answers = False
            changed = self._tracker.record_failure(found)
            self._back_off(found)
        else:
            self._answers = True
            changed = self._tracker.record_success(found)
            if found.problem:
                self._back_off(found.problem)
            else:
                self._recovered()
        for key in changed:
            self._enqueue(key)

    def _back_off(self, outage: Outage) -> None:
        self._failures += 1
        wait = self._schedule.backoff.delay(self._failures)
        self._due = self._clock() + wait
        self._log.logger.warning("%s; asking again in %.0f s", outage.message, wait, extra=reason(outage.reason))

    def _recovered(self) -> None:
        if self._failures:
            self._log.logger.info(self._log.recovery, extra=reason(self._log.recovery_reason))
        self._failures = 0
        self._due = self._clock() + self._schedule.period
