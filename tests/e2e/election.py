"""What tests of elections share: operators that compete for a Lease of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from monitored_models.naming.kinds import LEASE
from operator_testbed import LEASE_NAMESPACE, Bed
from testbed.processes import Process, wait_until


def elected(bed: Bed, name: str, namespace: str, **more: Any) -> Process:
    """An operator that takes part in an election of its own, for one namespace."""
    return bed.start_operator(name, leaderElection=True, leaseName=f"lease-{namespace}", namespaces=[namespace], **more)


def lease(bed: Bed, namespace: str) -> dict[str, Any]:
    """The spec of the Lease; empty while there is none."""
    body = bed.get(LEASE, LEASE_NAMESPACE, f"lease-{namespace}")
    return dict(body["spec"]) if body else {}


def leads(process: Process) -> bool:
    """Whether it has said that it leads."""
    return process.logged("leading as")


def stands_by(process: Process) -> bool:
    """Whether it has said that it stands by."""
    return process.logged("standing by")


def pair(bed: Bed, namespace: str, **leader: Any) -> tuple[Process, Process]:
    """A leader, with settings of its own, and one that stands by."""
    first = elected(bed, f"first-{namespace}", namespace, **leader)
    wait_until(lambda: leads(first) and first.logged(" models; kinds"), "a leader", timeout=60, processes=[first])
    second = elected(bed, f"second-{namespace}", namespace)
    wait_until(lambda: stands_by(second), "a standby", timeout=60, processes=[second])
    return first, second


def writes_by_process(log: Path) -> int:
    """How many objects it has logged to have applied."""
    return len(re.findall(r'"message": "applied', log.read_text()))
