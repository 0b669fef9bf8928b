"""The condition of a workload: why it is not ready."""

from __future__ import annotations

from ..cache.workload_status import PodStatus
from ..naming import conditions
from ..naming.conditions import Reason
from ..naming.kinds import MONITORING_KINDS, NOTIFICATION_KINDS
from ..render.workload.replicas import replica_count
from .child_reasons import CHILD_REASONS, first_problem
from .condition_spec import Check, ConditionSpec, ReasonDoc, first_cause, true
from .status_input import Cause, StatusInput


def _suspended(s: StatusInput) -> Cause | None:
    if not s.model.spec.suspend:
        return None
    return Cause(Reason.SUSPENDED, "spec.suspend is true: no pods, no alerts")


def _workload_problem(s: StatusInput) -> Cause | None:
    return first_problem(p for p in s.problems if p.kind not in (*MONITORING_KINDS, *NOTIFICATION_KINDS))


def _pods_refused(s: StatusInput) -> Cause | None:
    if s.workload is None or s.workload.replica_failure is None:
        return None
    return Cause(Reason.PODS_REFUSED, f"the cluster refuses to create pods: {s.workload.replica_failure}", stalled=True)


def _image(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
    if pod is None:
        return None
    return Cause(
        Reason.IMAGE_PULL_FAILED,
        f"pod {pod.name} cannot get its image: check spec.image and spec.imagePullSecrets ({pod.message})",
    )


def _container_config(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "CreateContainerConfigError", "CreateContainerError", "RunContainerError")
    if pod is None:
        return None
    return Cause(
        Reason.CONTAINER_CONFIG_INVALID,
        f"pod {pod.name} cannot start its container: check what spec.env, spec.envFrom, spec.storage and "
        f"spec.security name ({pod.message})",
    )


def _out_of_memory(s: StatusInput) -> Cause | None:
    pod = next((p for p in _waiting_pods(s) if p.out_of_memory), None)
    if pod is None:
        return None
    return Cause(
        Reason.OUT_OF_MEMORY, f"pod {pod.name} used more memory than it may: raise spec.resources.limits.memory"
    )


def _crash(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "CrashLoopBackOff")
    if pod is None:
        return None
    return Cause(
        Reason.CRASH_LOOPING,
        f"pod {pod.name} ends again and again: see its log with kubectl logs --previous ({pod.message})",
    )


def _unschedulable(s: StatusInput) -> Cause | None:
    pod = _pod_waiting(s, "Unschedulable", "SchedulingGated")
    if pod is None:
        return None
    if s.workload and s.workload.rolling_out:
        return Cause(
            Reason.ROLLOUT_BLOCKED,
            f"pod {pod.name} finds no node while the old pods hold theirs: with spec.rollout.maxSurge: 0 and "
            f"maxUnavailable: 1 an old pod makes room first ({pod.message})",
        )
    return Cause(
        Reason.UNSCHEDULABLE,
        f"pod {pod.name} finds no node: check spec.resources, spec.gpu, spec.storage and spec.scheduling "
        f"({pod.message})",
    )


def _stuck(s: StatusInput) -> Cause | None:
    if s.workload is None or s.workload.deadline_exceeded is None:
        return None
    return Cause(
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        "pods did not become ready in spec.rollout.progressDeadlineSeconds: see kubectl describe pods "
        f"({s.workload.deadline_exceeded})",
        stalled=True,
    )


def _paused(s: StatusInput) -> Cause | None:
    if s.workload is None or not s.workload.paused:
        return None
    return Cause(
        Reason.PAUSED,
        f"someone has paused the Deployment: kubectl rollout resume deployment/{s.model.name}",
        stalled=True,
    )


def _still_starting(s: StatusInput) -> Cause:
    if s.workload and s.workload.rolling_out:
        return Cause(Reason.ROLLING_OUT, "pods are being replaced; the old ones serve until the new ones are ready")
    return Cause(Reason.PODS_NOT_READY, f"waiting for {replica_count(s.desired_replicas)} to become ready")


def _serves(s: StatusInput) -> bool:
    """Whether the model has its required replicas; an autoscaler may still be adding more."""
    if s.workload is None:
        return False
    return s.workload.is_available(s.model.minimum_replicas if s.model.spec.autoscaling else s.workload.desired)


def _waiting_pods(s: StatusInput) -> list[PodStatus]:
    return [pod for pod in s.pods if not pod.ready and not pod.terminating]


def _pod_waiting(s: StatusInput, *reasons: str) -> PodStatus | None:
    return next((pod for pod in _waiting_pods(s) if pod.reason in reasons), None)


SERVING_CHECKS: tuple[Check, ...] = (
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


def _not_serving(s: StatusInput) -> Cause | None:
    return None if _serves(s) else first_cause(SERVING_CHECKS, s)


def ready_summary(s: StatusInput) -> str:
    """The ready and the desired replicas, for messages."""
    return f"{s.ready_replicas} of {replica_count(s.desired_replicas)} ready"


WORKLOAD_READY = ConditionSpec(
    type=conditions.WORKLOAD_READY,
    true_means="all desired replicas (with an autoscaler: its minimum) serve the current spec, and no old pod is left",
    checks=(_suspended, _workload_problem, _not_serving),
    otherwise=lambda s: true(Reason.READY, ready_summary(s)),
    reasons=(
        ReasonDoc(
            Reason.INVALID_SPEC,
            "the spec is invalid; objects from an earlier spec keep running, but are not restored",
            "the field in the message",
        ),
        ReasonDoc(
            Reason.SUSPENDED,
            "`spec.suspend` is true. Neither `Reconciling` nor `Stalled` is present, so generic tools wait: have them check "
            "`spec.suspend`",
            "set it to false",
        ),
        *CHILD_REASONS,
        ReasonDoc(Reason.PODS_REFUSED, "pods cannot be created: a quota, an admission policy", "the message"),
        ReasonDoc(Reason.IMAGE_PULL_FAILED, "the image cannot be pulled", "`spec.image`, `spec.imagePullSecrets`"),
        ReasonDoc(
            Reason.CONTAINER_CONFIG_INVALID,
            "the container cannot be started: a missing key, an impossible user",
            "`spec.env`, `spec.envFrom`, `spec.storage`, `spec.security`",
        ),
        ReasonDoc(
            Reason.OUT_OF_MEMORY,
            "the container was killed for exceeding its memory limit",
            "`spec.resources.limits.memory`",
        ),
        ReasonDoc(Reason.CRASH_LOOPING, "the container exits repeatedly", "`kubectl logs --previous`"),
        ReasonDoc(
            Reason.ROLLOUT_BLOCKED,
            "a new pod cannot be scheduled while the old ones occupy their nodes",
            "`spec.rollout.maxSurge: 0` with `maxUnavailable: 1`",
        ),
        ReasonDoc(
            Reason.UNSCHEDULABLE,
            "a pod cannot be scheduled on any node",
            "`spec.resources`, `spec.gpu`, `spec.storage`, `spec.scheduling`",
        ),
        ReasonDoc(Reason.PAUSED, "someone has paused the Deployment", "`kubectl rollout resume deployment/NAME`"),
        ReasonDoc(
            Reason.PROGRESS_DEADLINE_EXCEEDED,
            "pods did not become ready in time",
            "`kubectl describe pods`; `spec.rollout.progressDeadlineSeconds`",
        ),
        ReasonDoc(Reason.ROLLING_OUT, "pods are being replaced", "wait"),
        ReasonDoc(Reason.PODS_NOT_READY, "pods are starting", "wait"),
        ReasonDoc(Reason.READY, "no problem"),
    ),
)
