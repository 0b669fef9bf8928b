"""An operator whose event loop is busy: it keeps its Lease and answers probes; one that hangs gives way to another."""

from __future__ import annotations

import signal
import time

import pytest

from e2e.election import leads, lease, pair, writes_by_process
from monitored_models.process.leader_election import LEASE_SECONDS
from operator_testbed import Bed, model
from testbed.pages import page

pytestmark = pytest.mark.e2e

SURVIVED_SECONDS = 20
LIMIT_SECONDS = 8
HELD = "testbed.busy_operator"


def test_leader_that_is_busy_for_long_keeps_its_lease_and_answers_probes(bed: Bed, namespace: str) -> None:
    busy, standby = pair(bed, namespace, module=HELD, environment={"HOLD_SECONDS": f"{SURVIVED_SECONDS}"})
    try:
        bed.wait("readiness", lambda: page(busy, "/readyz")[0] == 200)
        holder, renewed = lease(bed, namespace)["holderIdentity"], set()
        busy.signal(signal.SIGUSR1)
        began = time.monotonic()
        while (left := began + SURVIVED_SECONDS - time.monotonic()) > 1:
            assert page(busy, "/healthz", timeout=left) == (200, "ok\n")
            assert "monitored_models_leader 1.0" in page(busy, "/metrics", timeout=left)[1]
            seen = lease(bed, namespace)
            assert seen["holderIdentity"] == holder
            renewed.add(seen["renewTime"])
            time.sleep(0.5)
        assert len(renewed) > SURVIVED_SECONDS / LEASE_SECONDS  # it was renewed again and again, not once
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")  # it goes on
        assert lease(bed, namespace)["holderIdentity"] == holder
        assert not leads(standby)
    finally:
        busy.kill()
        standby.kill()


def test_leader_that_hangs_ends_says_where_and_another_takes_over(bed: Bed, namespace: str) -> None:
    hanging, standby = pair(
        bed, namespace, module=HELD, environment={"HOLD_SECONDS": "600"}, hangTimeoutSeconds=LIMIT_SECONDS
    )
    try:
        hanging.signal(signal.SIGUSR1)
        began = time.monotonic()
        bed.apply(model("churn", namespace))
        bed.wait("the end of the one that hangs", lambda: not hanging.alive(), 60)
        assert time.monotonic() - began > LIMIT_SECONDS - 1
        assert hanging.status() == 1
        assert hanging.logged('"reason": "WorkHangs"')
        assert hanging.logged("busy_operator.py")  # where it stood
        bed.wait_for(namespace, "churn", "Ready", timeout=60)
        assert leads(standby)
        assert writes_by_process(hanging.log) == 0
    finally:
        hanging.kill()
        standby.kill()
