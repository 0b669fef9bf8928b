"""Leader election by a Lease: one of several operators leads, the others are standbys.

The leader renews the Lease. A standby takes over after it has seen the same renewal for the full lease duration, by its
own clock. Fencing: no write starts more than `RENEW_SECONDS` after the last renewal that is known to have succeeded,
and none is in flight when another instance can take over. So a leader that was paused writes nothing when it wakes up.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.kinds import LEASE
from ..telemetry.logs import reason

LEASE_SECONDS = 10
"""Time after the last renewal until another instance may take over."""
RENEW_SECONDS = 7.0
"""Time after the last renewal until the leader stops; the difference covers requests in flight."""
RETRY_SECONDS = 2.0
"""Time between renewals, and between the checks of a standby."""
RENEW_RETRY_SECONDS = 0.5
"""Time until a failed renewal is retried."""

log = logging.getLogger(__name__)


def steady_clock() -> float:
    """Monotonic seconds that also count while the machine is suspended, if the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeadershipLost(Exception):
    """Another instance may lead now."""


@dataclass
class LeaderElector:
    """A Lease that this process owns or tries to acquire.

    `client` is a separate one, so that renewals wait for no other request.
    """

    client: KubeClient
    namespace: str
    name: str
    identity: str
    clock: Callable[[], float] = steady_clock
    _renewed: float = float("-inf")
    """When the last successful renewal was sent."""
    _body: dict[str, Any] | None = None
    """The Lease since that renewal; None if unknown."""
    _observed_renewal: tuple[object, float] = (None, 0.0)
    """The latest renewal by another instance, and when it was first seen."""

    @property
    def _path(self) -> str:
        return LEASE.path(self.namespace, self.name)

    def is_leader(self) -> bool:
        """Whether this process leads and may write."""
        return self.clock() < self._renewed + RENEW_SECONDS

    def write_budget(self) -> float:
        """Seconds that a write which starts now may take, until another instance may lead; 0 if none may start."""
        return self._renewed + LEASE_SECONDS - self.clock() if self.is_leader() else 0.0

    async def acquire(self) -> None:
        """Wait until this process leads. Raises ApiError for a permanent error."""
        reported_holder: str | None = None
        while not self.is_leader():
            try:
                holder = await self._acquire_or_renew()
            except ApiError as error:
                if not _is_transient(error):
                    raise
                log.warning("lease %s/%s: %s", self.namespace, self.name, error, extra=reason(error.reason))
                holder = None
            if holder and holder != reported_holder:
                log.info("standing by: %s leads", holder, extra=reason("Standby"))
            reported_holder = holder
            if not self.is_leader():
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.8, 1.2))
        log.info("leading as %s", self.identity, extra=reason("Leading"))

    async def renew_forever(self) -> None:
        """Renew the Lease forever. Raises LeadershipLost."""
        pause = RETRY_SECONDS
        while True:
            await asyncio.sleep(pause)
            holder, pause = None, RETRY_SECONDS
            try:
                async with asyncio.timeout(max(0.0, self._renewed + RENEW_SECONDS - self.clock())):
                    holder = await self._acquire_or_renew()
            except ApiError as error:
                log.warning("lease %s/%s: %s", self.namespace, self.name, error, extra=reason(error.reason))
                pause = RENEW_RETRY_SECONDS
            except TimeoutError:
                pass
            if holder or not self.is_leader():
                self._renewed = float("-inf")
                raise LeadershipLost(
                    f"the lease {self.namespace}/{self.name} "
                    + (f"is held by {holder}" if holder else f"could not be renewed for {RENEW_SECONDS:.0f} s")
                )

    async def release(self) -> None:
        """Release the Lease, so that another can lead at once. Call only when this process can no longer write."""
        if not self.is_leader():
            return
        self._renewed = float("-inf")
        try:
            body = self._body or await self.client.get(self._path)  # an interrupted renewal leaves the version unknown
            if body and body["spec"].get("holderIdentity") == self.identity:
                await self._write(body, holderIdentity="", leaseDurationSeconds=1)
        except ApiError as error:
            log.warning("the lease was not released: %s", error, extra=reason(error.reason))

    async def _acquire_or_renew(self) -> str | None:
        """Acquire or renew the Lease. Returns None if this process leads now, else the leader. Raises ApiError."""
        sent, body = self.clock(), self._body
        self._body = None  # unknown until the response arrives
        body = body or await self.client.get(self._path)
        if body and (holder := self._current_holder(body["spec"])):
            return holder
        self._body = await self._write(body, holderIdentity=self.identity, leaseDurationSeconds=LEASE_SECONDS)
        self._renewed = sent
        return None

    def _current_holder(self, spec: Mapping[str, Any]) -> str | None:
        """The other instance that owns the Lease; None if no other does, or if the Lease has expired."""
        holder = spec.get("holderIdentity")
        if not holder or holder == self.identity:
            return None
        renewal, now = (holder, spec.get("renewTime")), self.clock()
        if renewal != self._observed_renewal[0]:
            self._observed_renewal = (renewal, now)  # by our own clock: the holder's may be wrong
        lasts = spec.get("leaseDurationSeconds", LEASE_SECONDS)
        return str(holder) if now < self._observed_renewal[1] + lasts else None

    async def _write(self, body: Mapping[str, Any] | None, **claim: Any) -> dict[str, Any]:
        """Write the Lease only if it has not changed since `body`. Returns the new Lease. Raises ApiError."""
        before, now = (body or {}).get("spec", {}), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {**before, **claim, "renewTime": now}
        if spec["holderIdentity"] != before.get("holderIdentity"):
            spec |= {"acquireTime": now, "leaseTransitions": before.get("leaseTransitions", 0) + 1}
        new = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": (body or {}).get("metadata") or {"namespace": self.namespace, "name": self.name},
            "spec": spec,
        }
        if body is None:
            return await self.client.request("POST", LEASE.path(self.namespace), body=new)
        return await self.client.request("PUT", self._path, body=new)


def _is_transient(error: ApiError) -> bool:
    return error.transient or error.code == HTTPStatus.CONFLICT  # another instance was faster
