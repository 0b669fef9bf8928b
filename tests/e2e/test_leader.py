"""Several operators: one works, another takes over, and one that no longer leads writes nothing."""

from __future__ import annotations

import signal
import time

import pytest

from e2e.election import leads, lease, pair, writes_by_process
from monitored_models.naming.kinds import DEPLOYMENT
from monitored_models.process.leader_election import LEASE_SECONDS, RETRY_SECONDS
from operator_testbed import Bed, model
from testbed.pages import page

pytestmark = pytest.mark.e2e

FAILOVER_SECONDS = 20.0
"""What is promised for the time until another operator writes."""


def test_one_of_two_works_and_the_other_takes_over_when_it_is_killed(bed: Bed, namespace: str) -> None:
    leader, standby = pair(bed, namespace)
    try:
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")
        assert writes_by_process(bed.directory / f"second-{namespace}.log") == 0
        series = f'monitored_model_condition{{namespace="{namespace}",monitored_model="churn",condition="Ready"'
        bed.wait("series of the model", lambda: series in page(leader, "/metrics")[1])
        assert series not in page(standby, "/metrics")[1]
        leader.kill()
        began = time.monotonic()
        bed.apply(model("churn", namespace, env=[{"name": "MODE", "value": "fast"}]))
        bed.wait("take-over", lambda: writes_by_process(bed.directory / f"second-{namespace}.log") > 0, 60)
        assert time.monotonic() - began < FAILOVER_SECONDS
        assert lease(bed, namespace)["leaseTransitions"] == 2
        bed.quiet(namespace)
        assert bed.writes(namespace)["patch services"] == 1  # the new leader has found everything else in place
    finally:
        leader.kill()
        standby.kill()


def test_leader_that_stops_hands_over_at_once(bed: Bed, namespace: str) -> None:
    leader, standby = pair(bed, namespace)
    try:
        assert leader.terminate(timeout=20) == 0
        assert lease(bed, namespace)["holderIdentity"] in ("", None) or leads(standby)
        began = time.monotonic()
        bed.wait("hand-over", lambda: leads(standby), LEASE_SECONDS)
        assert time.monotonic() - began < LEASE_SECONDS - RETRY_SECONDS
    finally:
        leader.kill()
        standby.kill()


def test_paused_leader_that_wakes_up_writes_nothing_and_ends(bed: Bed, namespace: str) -> None:
    leader, standby = pair(bed, namespace)
    try:
        leader.signal(signal.SIGSTOP)
        bed.wait("take-over", lambda: leads(standby), 60)
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
        before = bed.writes(namespace)
        bed.patch(DEPLOYMENT, namespace, "churn", {"spec": {"paused": True}})  # news for whoever wakes up
        leader.signal(signal.SIGCONT)
        bed.wait("the end of the old leader", lambda: not leader.alive())
        assert leader.logged('"reason": "LeadershipLost"')
        assert "Traceback" not in leader.tail(1000)
        assert writes_by_process(bed.directory / f"first-{namespace}.log") == 0
        bed.quiet(namespace)
        assert bed.writes(namespace) == before
    finally:
        leader.kill()
        standby.kill()


def test_lease_that_may_not_be_had_is_told_with_the_way_out(bed: Bed, namespace: str) -> None:
    bed.expected_denials.add(f"get leases.coordination.k8s.io in {namespace}")
    process = bed.start_operator("no-lease", leaderElection=True, leaseNamespace=namespace)
    try:
        bed.wait("the end", lambda: not process.alive())
        assert process.logged("leaseNamespace")
        assert "Traceback" not in process.tail(1000)
    finally:
        process.kill()
