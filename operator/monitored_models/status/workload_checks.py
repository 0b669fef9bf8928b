"""Why a workload is not ready: an ordered list of checks, of which the first cause wins."""

from __future__ import annotations

from collections.abc import Callable

from ..cache.workload_status import PodStatus
from ..naming.kinds import MONITORING_KINDS, NOTIFICATION_KINDS
from ..render.workload.replicas import replica_count
from .status_input import Cause, StatusInput, first_problem


def _suspended(s: StatusInput) -> Cause | None:
    if not s.model.spec.suspend:
        return None
    return Cause("Suspended", "spec.suspend is true: no pods, no alerts")


def _workload_problem(s: StatusInput) -> Cause | None:
    return first_problem(p for p in s.problems if p.kind not in (*MONITORING_KINDS, *NOTIFICATION_KINDS))


def _pods_refused(s: StatusInput) -> Cause | None:
    if s.workload is None or s.workload.replica_failure is None:
        return None
    return Cause("PodsRefused", f"the cluster refuses to create pods: {s.workload.replica_failure}", stalled=True)


def _image(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
    if pod is None:
        return None
    return Cause(
        "ImagePullFailed",
        f"pod {pod.name} cannot get its image: check spec.image and spec.imagePullSecrets ({pod.message})",
    )


def _container_config(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "CreateContainerConfigError", "CreateContainerError", "RunContainerError")
    if pod is None:
        return None
    return Cause(
        "ContainerConfigInvalid",
        f"pod {pod.name} cannot start its container: check what spec.env, spec.envFrom, spec.storage and "
        f"spec.security name ({pod.message})",
    )


def _out_of_memory(s: StatusInput) -> Cause | None:
    pod = next((p for p in _waiting_pods(s) if p.out_of_memory), None)
    if pod is None:
        return None
    return Cause("OutOfMemory", f"pod {pod.name} used more memory than it may: raise spec.resources.limits.memory")


def _crash(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "CrashLoopBackOff")
    if pod is None:
        return None
    return Cause(
        "CrashLooping", f"pod {pod.name} ends again and again: see its log with kubectl logs --previous ({pod.message})"
    )


def _unschedulable(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "Unschedulable", "SchedulingGated")
    if pod is None:
        return None
    if s.workload and s.workload.rolling_out:
        return Cause(
            "RolloutBlocked",
            f"pod {pod.name} finds no node while the old pods hold theirs: with spec.rollout.maxSurge: 0 and "
            f"maxUnavailable: 1 an old pod makes room first ({pod.message})",
        )
    return Cause(
        "Unschedulable",
        f"pod {pod.name} finds no node: check spec.resources, spec.gpu, spec.storage and spec.scheduling "
        f"({pod.message})",
    )


def _stuck(s: StatusInput) -> Cause | None:
    if s.workload is None or s.workload.deadline_exceeded is None:
        return None
    return Cause(
        "ProgressDeadlineExceeded",
        "pods did not become ready in spec.rollout.progressDeadlineSeconds: see kubectl describe pods "
        f"({s.workload.deadline_exceeded})",
        stalled=True,
    )


def _paused(s: StatusInput) -> Cause | None:
    if s.workload is None or not s.workload.paused:
        return None
    return Cause(
        "Paused", f"someone has paused the Deployment: kubectl rollout resume deployment/{s.model.name}", stalled=True
    )


def _still_starting(s: StatusInput) -> Cause:
    if s.workload and s.workload.rolling_out:
        return Cause("RollingOut", "pods are being replaced; the old ones serve until the new ones are ready")
    wanted = s.workload.desired if s.workload else s.model.minimum_replicas
    return Cause("PodsNotReady", f"waiting for {replica_count(wanted)} to become ready")


def _serves(s: StatusInput) -> bool:
    """Whether the model has its required replicas; an autoscaler may still be adding more."""
    if s.workload is None:
        return False
    return s.workload.is_available(s.model.minimum_replicas if s.model.spec.autoscaling else s.workload.desired)


WORKLOAD_CHECKS: tuple[Callable[[StatusInput], Cause | None], ...] = (_suspended, _workload_problem)
"""Always evaluated."""


SERVING_CHECKS: tuple[Callable[[StatusInput], Cause | None], ...] = (
    _pods_refused,
    _image,
    _container_config,
    _out_of_memory,
    _crash,
    _unschedulable,
    _paused,
    _stuck,
    _still_starting,
)
"""Why a model does not serve; evaluated only if it does not."""


def _waiting_pods(s: StatusInput) -> list[PodStatus]:
    return [pod for pod in s.pods if not pod.ready and not pod.terminating]


def _pod_waiting(s: StatusInput, *reasons: str) -> PodStatus | None:
    return next((pod for pod in _waiting_pods(s) if pod.reason in reasons), None)
