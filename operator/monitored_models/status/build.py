"""Builds the status of a model: each condition from a short list of checks, of which the first cause wins. Pure.

The lists are the documentation: docs/conditions.md has the same reasons in the same order. Nothing here depends on
how often something changes: measurements are metrics, not status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..api import InvalidSpec, Model
from ..cache.workload_status import DeploymentStatus, PodStatus
from ..integrations.grafana.check import DashboardCheck
from ..naming import labels, object_names
from ..naming.kinds import CONFIG_MAP, MONITORING_KINDS, NOTIFICATION_KINDS, PROMETHEUS_RULE, SERVICE_MONITOR
from ..plan.desired_state import DesiredState
from ..plan.planner import ChildProblem
from ..render.workload.replicas import replica_count

TYPES = (
    "Ready",
    "WorkloadReady",
    "MonitoringApplied",
    "MonitoringConfigured",
    "Monitored",
    "DashboardReady",
    "NotificationsReady",
    "Reconciling",
    "Stalled",
)
"""Condition types that this operator owns."""
VOLATILE_FIELDS = ("readyReplicas", "readyReplicasText")
"""Status fields that change while pods come and go."""


@dataclass(frozen=True)
class NotificationState:
    """State of the AlertmanagerConfig that notifies about a model's alerts."""

    config: str
    problems: tuple[ChildProblem, ...] = ()
    refusal: str | None = None
    """Why prometheus-operator rejected it; None if it did not."""
    accepted_by: tuple[str, ...] = ()


class NotificationsUnknown:
    """The state is unknown: the profile that owns the AlertmanagerConfig is reconciled later."""


@dataclass(frozen=True)
class StatusInput:
    """Everything that the conditions are computed from."""

    wanted: DesiredState
    workload: DeploymentStatus | None
    pods: Sequence[PodStatus]
    problems: Sequence[ChildProblem]
    dashboard: DashboardCheck | None = None
    """Check of the dashboard in Grafana; None if Grafana is not configured or the model has no dashboard."""
    delivery: NotificationState | NotificationsUnknown | None = None
    """None without notifications."""

    @property
    def model(self) -> Model:
        """The model of this status."""
        return self.wanted.model


@dataclass(frozen=True)
class Cause:
    """Result of a check: why a condition is not True. `stalled` if only a change by someone can help."""

    reason: str
    message: str
    stalled: bool = False


# --- why a workload is not ready, first cause wins ---


def _suspended(s: StatusInput) -> Cause | None:
    if not s.model.spec.suspend:
        return None
    return Cause("Suspended", "spec.suspend is true: no pods, no alerts")


def _workload_problem(s: StatusInput) -> Cause | None:
    return _first_problem(p for p in s.problems if p.kind not in (*MONITORING_KINDS, *NOTIFICATION_KINDS))


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


# --- the rest ---


def _monitoring_problem(s: StatusInput) -> Cause | None:
    return _first_problem(p for p in s.problems if p.kind in MONITORING_KINDS)


def _notifications_cause(s: StatusInput) -> Cause | None:
    """Why notifications fail. This does not affect Ready: the platform's own routes still receive the alerts."""
    assert isinstance(s.delivery, NotificationState)
    if found := _first_problem(s.delivery.problems):
        return found
    if s.delivery.refusal is None:
        return None
    return Cause(
        "ConfigurationRejected",
        f"prometheus-operator refuses AlertmanagerConfig {s.delivery.config}: {s.delivery.refusal}",
        stalled=True,
    )


def _notifications_ok(delivery: NotificationState) -> str:
    there = f"AlertmanagerConfig {delivery.config} is in place"
    if delivery.accepted_by:
        return f"{there}; taken by Alertmanager {', '.join(delivery.accepted_by)}"
    return f"{there}, and prometheus-operator has said nothing against it; whether an Alertmanager selects it, it does not say"


def _unmet(s: StatusInput) -> Cause | None:
    """Requested monitoring that is unavailable. This does not affect Ready, because the rest is applied."""
    notes = s.wanted.notes
    return Cause(notes[0].reason, "; ".join(note.message for note in notes)) if notes else None


def _first_problem(problems: Iterable[ChildProblem]) -> Cause | None:
    found = list(problems)
    if not found:
        return None
    waits = {"BeingDeleted"}
    return Cause(found[0].reason, "; ".join(p.message for p in found), stalled=found[0].reason not in waits)


def _waiting_pods(s: StatusInput) -> list[PodStatus]:
    return [pod for pod in s.pods if not pod.ready and not pod.terminating]


def _pod_waiting(s: StatusInput, *reasons: str) -> PodStatus | None:
    return next((pod for pod in _waiting_pods(s) if pod.reason in reasons), None)


def _applied_summary(s: StatusInput) -> str:
    shown = {
        SERVICE_MONITOR: "ServiceMonitor",
        PROMETHEUS_RULE: f"{s.wanted.rules} rules",
        CONFIG_MAP: "dashboard",
    }
    there = [text for kind, text in shown.items() if any(child.kind is kind for child in s.wanted.children)]
    return ", ".join(there) + " in place" if there else "switched off by spec.monitoring"


def build_status(situation: StatusInput, stored: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status of a valid model. `stored` is the last one; what has not changed keeps its time from it."""
    model, workload = situation.model, situation.workload
    checks = WORKLOAD_CHECKS if _serves(situation) else (*WORKLOAD_CHECKS, *SERVING_CHECKS)
    workload_finding = next((f for check in checks if (f := check(situation))), None)
    monitoring_finding = _monitoring_problem(situation)
    wanted = workload.desired if workload else model.minimum_replicas
    ready = workload.ready if workload else 0
    serving = f"{ready} of {replica_count(wanted)} ready"
    finding = workload_finding or monitoring_finding
    conditions = [
        _condition("Ready", finding, "Ready", f"{serving}; {_applied_summary(situation)}"),
        _condition("WorkloadReady", workload_finding, "Ready", serving),
        _condition("MonitoringApplied", monitoring_finding, "Applied", _applied_summary(situation)),
        _condition("MonitoringConfigured", _unmet(situation), "Complete", "all that is asked for can be had"),
        _unverified(model),
        *_dashboard(situation),
        *_notifications(situation, stored),
        *_kstatus_conditions(finding),
    ]
    status = {
        "observedGeneration": model.generation,
        **_counts(wanted, ready),
        "selector": labels.selector_text(model),
        "endpoint": object_names.endpoint(model),
        "gpu": {"requested": model.spec.gpu.count * wanted if model.spec.gpu else 0},
        "conditions": _with_transition_times(conditions, model.generation, stored, now),
    }
    if there := _monitoring(situation):  # an empty map would be stored as null, which the schema rejects
        status["monitoring"] = there
    if version := model.spec.model.version:
        same = stored.get("version") == version and "versionSince" in stored
        status |= {"version": version, "versionSince": stored["versionSince"] if same else now}
        if previous := stored.get("previousVersion" if same else "version"):
            status["previousVersion"] = previous
    return status


def build_invalid_status(
    invalid: InvalidSpec, generation: int, workload: DeploymentStatus | None, stored: Mapping[str, Any], now: str
) -> dict[str, Any]:
    """The status for an invalid spec: the children of an earlier spec keep running, and are not repaired."""
    finding = Cause("InvalidSpec", str(invalid)[:2000], stalled=True)
    counts = _counts(workload.desired, workload.ready) if workload else {}
    kept = {key: value for key, value in stored.items() if key not in ("conditions", "observedGeneration")}
    unknown = [
        {"type": kind, "status": "Unknown", "reason": finding.reason, "message": "the spec cannot be understood"}
        for kind in ("WorkloadReady", "MonitoringApplied", "MonitoringConfigured", "Monitored", "NotificationsReady")
        if kind != "NotificationsReady" or condition(stored, kind)
    ]
    conditions = [_condition("Ready", finding, "", ""), *unknown, *_kstatus_conditions(finding)]
    return {
        **kept,
        **counts,
        "observedGeneration": generation,
        "conditions": _with_transition_times(conditions, generation, stored, now),
    }


def _notifications(s: StatusInput, stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The condition of notifications, if any; unchanged while their state is unknown."""
    if s.delivery is None:
        return []
    if isinstance(s.delivery, NotificationsUnknown):
        known = condition(stored, "NotificationsReady")
        return [{key: known[key] for key in ("type", "status", "reason", "message")}] if known else []
    return [_condition("NotificationsReady", _notifications_cause(s), "Applied", _notifications_ok(s.delivery))]


def _counts(wanted: int, ready: int) -> dict[str, Any]:
    return {"replicas": wanted, "readyReplicas": ready, "readyReplicasText": f"{ready}/{wanted}"}


def _condition(kind: str, finding: Cause | None, reason: str, message: str) -> dict[str, Any]:
    if finding is None:
        return {"type": kind, "status": "True", "reason": reason, "message": message}
    return {"type": kind, "status": "False", "reason": finding.reason, "message": finding.message[:2000]}


def _unverified(model: Model) -> dict[str, Any]:
    series = f'up{{namespace="{model.namespace}",{labels.SERIES_MODEL}="{model.name}"}}'
    return {
        "type": "Monitored",
        "status": "Unknown",
        "reason": "NotVerified",
        "message": f"nothing asks Prometheus yet whether metrics arrive; look for {series}",
    }


def _dashboard(s: StatusInput) -> list[dict[str, Any]]:
    """The condition for the dashboard in Grafana. Neither Ready nor any other condition depends on it."""
    if s.dashboard is None:
        return []
    if problem := _first_problem(p for p in s.problems if p.kind is CONFIG_MAP):
        return [_condition("DashboardReady", replace(problem, reason="NotApplied"), "", "")]
    said = s.dashboard
    return [{"type": "DashboardReady", "status": said.status, "reason": said.reason, "message": said.message[:2000]}]


def dashboard_verdict(stored: Mapping[str, Any]) -> DashboardCheck | None:
    """The dashboard check in a stored status, or None."""
    found = condition(stored, "DashboardReady")
    return DashboardCheck(found["status"], found["reason"], found["message"]) if found else None


def _kstatus_conditions(finding: Cause | None) -> list[dict[str, Any]]:
    """Conditions by which generic tools distinguish waiting from being stuck; present only while True."""
    if finding is None or finding.reason == "Suspended":
        return []
    kind = "Stalled" if finding.stalled else "Reconciling"
    return [{"type": kind, "status": "True", "reason": finding.reason, "message": finding.message[:2000]}]


def _with_transition_times(
    conditions: list[dict[str, Any]], generation: int, stored: Mapping[str, Any], now: str
) -> list[dict[str, Any]]:
    before = {condition["type"]: condition for condition in stored.get("conditions", ())}

    def since(condition: Mapping[str, Any]) -> str:
        known = before.get(condition["type"], {})
        return str(known["lastTransitionTime"]) if known.get("status") == condition["status"] else now

    return [
        {**condition, "observedGeneration": generation, "lastTransitionTime": since(condition)}
        for condition in conditions
    ]


def _monitoring(situation: StatusInput) -> dict[str, Any]:
    wanted, broken = situation.wanted, {problem.kind for problem in situation.problems}
    fields = {SERVICE_MONITOR: "serviceMonitor", PROMETHEUS_RULE: "prometheusRule", CONFIG_MAP: "dashboard"}
    found: dict[str, Any] = {
        fields[child.kind]: child.name for child in wanted.children if child.kind in fields and child.kind not in broken
    }
    if "dashboard" in found:
        found["dashboardUID"] = object_names.dashboard_uid(situation.model)
    if wanted.profile:
        found["profile"] = wanted.profile
    if wanted.unavailable:
        found["unavailable"] = list(wanted.unavailable)
    return found


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A condition of a status; empty if absent."""
    return next((c for c in status.get("conditions", ()) if c["type"] == kind), {})


def changed(stored: Mapping[str, Any], new: Mapping[str, Any], *, in_substance: bool = False) -> bool:
    """Whether writing the new status would change anything that this operator owns.

    `in_substance` ignores counts and the texts of messages, which change while pods come and go.
    """
    left_out = ("conditions", *VOLATILE_FIELDS) if in_substance else ("conditions",)

    def ours(status: Mapping[str, Any]) -> dict[str, Any]:
        fields = {key: value for key, value in status.items() if key not in left_out and value != {}}
        conditions = [c for c in status.get("conditions", ()) if c["type"] in TYPES]
        if in_substance:
            conditions = [{**c, "message": ""} for c in conditions]
        return {**fields, "conditions": {c["type"]: c for c in conditions}}

    return ours(stored) != ours(new)
