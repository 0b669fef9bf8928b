"""Status of a Deployment and its pods, reduced to the few fields that conditions are computed from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A Deployment's status."""

    current: bool
    """Whether the status is for the current spec."""
    desired: int
    total: int
    updated: int
    available: int
    ready: int
    deadline_exceeded: str | None
    """Message, if the rollout exceeded its progress deadline."""
    replica_failure: str | None
    """Message, if pods cannot even be created: a quota, an admission policy."""

    paused: bool
    """Whether someone has paused the rollout."""

    @property
    def rolling_out(self) -> bool:
        """Whether pods of an earlier spec are left."""
        return self.total > self.updated

    def is_available(self, minimum: int) -> bool:
        """Whether at least `minimum` replicas serve the current spec, and none serves an earlier one."""
        return self.current and not self.rolling_out and minimum <= min(self.updated, self.available)


@dataclass(frozen=True, slots=True)
class PodStatus:
    """A pod's status, with the reason if it does not serve."""

    name: str
    created: str
    ready: bool
    terminating: bool
    """Whether it is being deleted, or has ended permanently: evicted, shut down with its node."""
    reason: str | None
    message: str
    out_of_memory: bool
    restarts: int = 0
    """Of all its containers."""


def deployment_status(body: Mapping[str, Any]) -> DeploymentStatus:
    """The status of a Deployment."""
    status = body.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    progressing, failure = conditions.get("Progressing", {}), conditions.get("ReplicaFailure", {})
    return DeploymentStatus(
        current=status.get("observedGeneration", 0) >= body["metadata"].get("generation", 0),
        desired=body["spec"].get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        ready=status.get("readyReplicas", 0),
        deadline_exceeded=progressing.get("message", "")
        if progressing.get("reason") == "ProgressDeadlineExceeded"
        else None,
        replica_failure=failure.get("message", "") if failure.get("status") == "True" else None,
        paused=body["spec"].get("paused", False),
    )


def pod_status(body: Mapping[str, Any]) -> PodStatus:
    """The status of a pod. The reason is Kubernetes' own, such as ErrImagePull or Unschedulable."""
    status = body.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    reason, message = _waiting(status)
    scheduled = conditions.get("PodScheduled", {})
    if reason is None and scheduled.get("status") == "False":
        reason, message = scheduled.get("reason", "Unschedulable"), scheduled.get("message", "")
    return PodStatus(
        name=body["metadata"]["name"],
        created=body["metadata"].get("creationTimestamp", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        terminating="deletionTimestamp" in body["metadata"] or status.get("phase") in ("Failed", "Succeeded"),
        reason=reason,
        message=message[:500],
        out_of_memory=any(_out_of_memory(container) for container in status.get("containerStatuses", ())),
        restarts=sum(container.get("restartCount", 0) for container in status.get("containerStatuses", ())),
    )


STARTUP_REASONS = ("ContainerCreating", "PodInitializing")
"""Waiting reasons of every start."""


def _waiting(status: Mapping[str, Any]) -> tuple[str | None, str]:
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") and waiting["reason"] not in STARTUP_REASONS:
            ended = container.get("lastState", {}).get("terminated", {})
            detail = f"exit code {ended['exitCode']}; " if "exitCode" in ended else ""
            return waiting["reason"], detail + waiting.get("message", "")
    return None, ""


def _out_of_memory(container: Mapping[str, Any]) -> bool:
    states = (container.get("state", {}), container.get("lastState", {}))
    return any(state.get("terminated", {}).get("reason") == "OOMKilled" for state in states)
