"""The Lease: who may write, by whose clock, and what happens when the API server does not answer."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.process.leader_election import LEASE_SECONDS, RENEW_SECONDS, LeaderElector, LeadershipLost
from unit.specs import JSON

_nap = asyncio.sleep


@dataclass
class Time:
    """A clock that passes when someone sleeps."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await _nap(0)


@dataclass
class Leases(KubeClient):
    """One Lease, kept as the API server keeps it."""

    body: JSON | None = None
    version: int = 0
    failures: list[ApiError] = field(default_factory=list)
    writes: list[JSON] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,  # noqa: ARG002
        query: Mapping[str, str] | None = None,  # noqa: ARG002
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",  # noqa: ARG002
        accept: str = "application/json",  # noqa: ARG002
    ) -> JSON:
        if self.failures:
            raise self.failures.pop(0)
        if method == "GET":
            if self.body is None:
                raise ApiError(404, "NotFound", "no lease")
            return copy.deepcopy(self.body)
        assert body is not None
        known = (body.get("metadata") or {}).get("resourceVersion")
        if known != (str(self.version) if self.body else None):
            raise ApiError(409, "Conflict", "someone was faster")
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}
        self.body = {**copy.deepcopy(dict(body)), "metadata": metadata}
        self.writes.append(self.body["spec"])
        return copy.deepcopy(self.body)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    return made


def lease(cluster: Leases, time: Time, who: str = "a") -> LeaderElector:
    return LeaderElector(cluster, "mm", "lease", who, clock=time)


def test_first_one_leads_and_may_write_until_its_renewal_is_too_old(time: Time) -> None:
    mine = lease(Leases(), time)
    assert (mine.is_leader(), mine.write_budget()) == (False, 0.0)
    asyncio.run(mine.acquire())
    assert mine.is_leader()
    assert mine.write_budget() == LEASE_SECONDS
    time.now += RENEW_SECONDS - 0.1
    assert mine.write_budget() == pytest.approx(
        LEASE_SECONDS - RENEW_SECONDS + 0.1
    )  # a write may still begin, and has to end
    time.now += 0.1
    assert (mine.is_leader(), mine.write_budget()) == (False, 0.0)


def test_second_one_waits_as_long_as_the_lease_lasts_since_it_saw_the_last_renewal(time: Time) -> None:
    cluster = Leases()
    asyncio.run(lease(cluster, time, "a").acquire())
    began = time.now
    asyncio.run(lease(cluster, time, "b").acquire())
    assert LEASE_SECONDS <= time.now - began < LEASE_SECONDS + 5
    assert cluster.writes[-1]["holderIdentity"] == "b"
    assert cluster.writes[-1]["leaseTransitions"] == 2


def test_clock_of_the_other_does_not_matter(time: Time) -> None:
    cluster = Leases()
    asyncio.run(lease(cluster, time, "a").acquire())
    assert cluster.body is not None
    cluster.body["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
    other = lease(cluster, time, "b")
    assert asyncio.run(vars(LeaderElector)["_acquire_or_renew"](other)) == "a"
    assert not other.is_leader()


def test_released_lease_can_be_had_at_once(time: Time) -> None:
    cluster = Leases()
    mine = lease(cluster, time, "a")
    asyncio.run(mine.acquire())
    asyncio.run(mine.release())
    assert not mine.is_leader()
    began = time.now
    asyncio.run(lease(cluster, time, "b").acquire())
    assert time.now - began < 1


def test_lease_that_another_took_is_never_renewed(time: Time) -> None:
    cluster = Leases()
    mine = lease(cluster, time, "a")
    asyncio.run(mine.acquire())
    time.now += LEASE_SECONDS + 60  # paused
    asyncio.run(lease(cluster, time, "b").acquire())
    taken = len(cluster.writes)
    with pytest.raises(LeadershipLost):
        asyncio.run(mine.renew_forever())
    assert not mine.is_leader()
    assert len(cluster.writes) == taken


def test_renewals_that_fail_are_tried_until_it_is_too_late(time: Time) -> None:
    cluster = Leases()
    mine = lease(cluster, time, "a")
    asyncio.run(mine.acquire())
    cluster.failures = [ApiError(500, "InternalError", "etcd")] * 1000
    began = time.now
    with pytest.raises(LeadershipLost, match="could not be renewed"):
        asyncio.run(mine.renew_forever())
    assert RENEW_SECONDS <= time.now - began < LEASE_SECONDS


def test_trouble_for_a_moment_does_not_cost_the_lease(time: Time) -> None:
    cluster = Leases()
    mine = lease(cluster, time, "a")

    async def scenario() -> None:
        await mine.acquire()
        cluster.failures = [ApiError(0, "TimeoutError", "")] * 2
        keeping = asyncio.ensure_future(mine.renew_forever())
        while len(cluster.writes) < 4:
            await _nap(0)
        keeping.cancel()

    asyncio.run(scenario())
    assert mine.is_leader()


def test_answer_that_stays_is_raised(time: Time) -> None:
    cluster = Leases(failures=[ApiError(403, "Forbidden", "no role")])
    with pytest.raises(ApiError, match="no role"):
        asyncio.run(lease(cluster, time).acquire())
