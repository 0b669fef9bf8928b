"""What a Deployment and its pods say of a model's health, reduced to the few facts that conditions are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkloadFacts:
    """A Deployment's status."""

    current: bool
    """Whether the status is for the present spec."""
    wanted: int
    total: int
    updated: int
    available: int
    ready: int
    stuck: str | None
    """Message, when the rollout passed its deadline."""
    refused: str | None
    """Message, when pods cannot even be created: a quota, an admission policy."""

    paused: bool
    """Whether someone has paused the rollout."""

    @property
    def replacing(self) -> bool:
        """Whether pods of an earlier spec are left."""
        return self.total > self.updated

    def serves(self, minimum: int) -> bool:
        """Whether so many replicas serve the present spec, and none serves an earlier one."""
        return self.current and not self.replacing and minimum <= min(self.updated, self.available)


@dataclass(frozen=True)
class PodFacts:
    """Why a pod does not serve, if it does not."""

    name: str
    created: str
    ready: bool
    leaving: bool
    """Whether it is being deleted, or has ended for good: evicted, shut down with its node."""
    reason: str | None
    message: str
    out_of_memory: bool
    restarts: int = 0
    """Of all its containers."""


def workload_facts(body: Mapping[str, Any]) -> WorkloadFacts:
    """Facts of a Deployment."""
    status = body.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    progressing, failure = conditions.get("Progressing", {}), conditions.get("ReplicaFailure", {})
    return WorkloadFacts(
        current=status.get("observedGeneration", 0) >= body["metadata"].get("generation", 0),
        wanted=body["spec"].get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        ready=status.get("readyReplicas", 0),
        stuck=progressing.get("message", "") if progressing.get("reason") == "ProgressDeadlineExceeded" else None,
        refused=failure.get("message", "") if failure.get("status") == "True" else None,
        paused=body["spec"].get("paused", False),
    )


def pod_facts(body: Mapping[str, Any]) -> PodFacts:
    """Facts of a pod. The reason is Kubernetes' own word, like ErrImagePull or Unschedulable."""
    status = body.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    reason, message = _waiting(status)
    scheduled = conditions.get("PodScheduled", {})
    if reason is None and scheduled.get("status") == "False":
        reason, message = scheduled.get("reason", "Unschedulable"), scheduled.get("message", "")
    return PodFacts(
        name=body["metadata"]["name"],
        created=body["metadata"].get("creationTimestamp", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        leaving="deletionTimestamp" in body["metadata"] or status.get("phase") in ("Failed", "Succeeded"),
        reason=reason,
        message=message[:500],
        out_of_memory=any(_out_of_memory(container) for container in status.get("containerStatuses", ())),
        restarts=sum(container.get("restartCount", 0) for container in status.get("containerStatuses", ())),
    )


_ORDINARY = ("ContainerCreating", "PodInitializing")
"""Waiting reasons of every start."""


def _waiting(status: Mapping[str, Any]) -> tuple[str | None, str]:
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") and waiting["reason"] not in _ORDINARY:
            ended = container.get("lastState", {}).get("terminated", {})
            detail = f"exit code {ended['exitCode']}; " if "exitCode" in ended else ""
            return waiting["reason"], detail + waiting.get("message", "")
    return None, ""


def _out_of_memory(container: Mapping[str, Any]) -> bool:
    states = (container.get("state", {}), container.get("lastState", {}))
    return any(state.get("terminated", {}).get("reason") == "OOMKilled" for state in states)
