"""The status of a model: conditions from facts, by short lists of checks of which the first that speaks wins. Pure.

The lists are the documentation: docs/conditions.md has the same reasons in the same order. Nothing here depends on
how often something changes: readings are metrics, not status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..api import InvalidSpec, Model
from ..cache.workload_status import PodFacts, WorkloadFacts
from ..integrations.grafana.check import Verdict
from ..naming import labels, object_names
from ..naming.kinds import CONFIG_MAP, MONITORING, PROMETHEUS_RULE, SERVICE_MONITOR, TELLING
from ..plan.desired_state import Wanted
from ..plan.planner import ChildProblem
from ..render.workload.replicas import counted

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
COUNTS = ("readyReplicas", "readyReplicasText")
"""Status fields that move while pods come and go."""


@dataclass(frozen=True)
class Delivery:
    """What is known of the AlertmanagerConfig by which someone is told of a model's alerts."""

    config: str
    problems: tuple[ChildProblem, ...] = ()
    refusal: str | None = None
    """What prometheus-operator has against it."""
    accepted_by: tuple[str, ...] = ()


class Pending:
    """Nothing is known yet: the profile whose AlertmanagerConfig it is comes later."""


@dataclass(frozen=True)
class Situation:
    """All that conditions are made of."""

    wanted: Wanted
    workload: WorkloadFacts | None
    pods: Sequence[PodFacts]
    problems: Sequence[ChildProblem]
    dashboard: Verdict | None = None
    """What Grafana says of the dashboard; None where nothing asks, or there is none."""
    delivery: Delivery | Pending | None = None
    """None where nobody is to be told."""

    @property
    def model(self) -> Model:
        """The model that all this is about."""
        return self.wanted.model


@dataclass(frozen=True)
class Finding:
    """Outcome of a check: why a condition is not True. `stalled` when only a change by someone can help."""

    reason: str
    message: str
    stalled: bool = False


# --- why a workload is not ready, first finding wins ---


def _suspended(s: Situation) -> Finding | None:
    if not s.model.spec.suspend:
        return None
    return Finding("Suspended", "spec.suspend is true: no pods, no alerts")


def _workload_problem(s: Situation) -> Finding | None:
    return _first_problem(p for p in s.problems if p.kind not in (*MONITORING, *TELLING))


def _pods_refused(s: Situation) -> Finding | None:
    if s.workload is None or s.workload.refused is None:
        return None
    return Finding("PodsRefused", f"the cluster refuses to create pods: {s.workload.refused}", stalled=True)


def _image(s: Situation) -> Finding | None:
    pod = _pod_waiting(s, "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
    if pod is None:
        return None
    return Finding(
        "ImagePullFailed",
        f"pod {pod.name} cannot get its image: check spec.image and spec.imagePullSecrets ({pod.message})",
    )


def _container_config(s: Situation) -> Finding | None:
    pod = _pod_waiting(s, "CreateContainerConfigError", "CreateContainerError", "RunContainerError")
    if pod is None:
        return None
    return Finding(
        "ContainerConfigInvalid",
        f"pod {pod.name} cannot start its container: check what spec.env, spec.envFrom, spec.storage and "
        f"spec.security name ({pod.message})",
    )


def _out_of_memory(s: Situation) -> Finding | None:
    pod = next((p for p in _waiting_pods(s) if p.out_of_memory), None)
    if pod is None:
        return None
    return Finding("OutOfMemory", f"pod {pod.name} used more memory than it may: raise spec.resources.limits.memory")


def _crash(s: Situation) -> Finding | None:
    pod = _pod_waiting(s, "CrashLoopBackOff")
    if pod is None:
        return None
    return Finding(
        "CrashLooping", f"pod {pod.name} ends again and again: see its log with kubectl logs --previous ({pod.message})"
    )


def _unschedulable(s: Situation) -> Finding | None:
    pod = _pod_waiting(s, "Unschedulable", "SchedulingGated")
    if pod is None:
        return None
    if s.workload and s.workload.replacing:
        return Finding(
            "RolloutBlocked",
            f"pod {pod.name} finds no node while the old pods hold theirs: with spec.rollout.maxSurge: 0 and "
            f"maxUnavailable: 1 an old pod makes room first ({pod.message})",
        )
    return Finding(
        "Unschedulable",
        f"pod {pod.name} finds no node: check spec.resources, spec.gpu, spec.storage and spec.scheduling "
        f"({pod.message})",
    )


def _stuck(s: Situation) -> Finding | None:
    if s.workload is None or s.workload.stuck is None:
        return None
    return Finding(
        "ProgressDeadlineExceeded",
        "pods did not become ready in spec.rollout.progressDeadlineSeconds: see kubectl describe pods "
        f"({s.workload.stuck})",
        stalled=True,
    )


def _paused(s: Situation) -> Finding | None:
    if s.workload is None or not s.workload.paused:
        return None
    return Finding(
        "Paused", f"someone has paused the Deployment: kubectl rollout resume deployment/{s.model.name}", stalled=True
    )


def _still_starting(s: Situation) -> Finding:
    if s.workload and s.workload.replacing:
        return Finding("RollingOut", "pods are being replaced; the old ones serve until the new ones are ready")
    wanted = s.workload.wanted if s.workload else s.model.minimum_replicas
    return Finding("PodsNotReady", f"waiting for {counted(wanted)} to become ready")


def _serves(s: Situation) -> bool:
    """Whether the model has the replicas that it must have; an autoscaler may be on its way to more."""
    if s.workload is None:
        return False
    return s.workload.serves(s.model.minimum_replicas if s.model.spec.autoscaling else s.workload.wanted)


WORKLOAD_CHECKS: tuple[Callable[[Situation], Finding | None], ...] = (_suspended, _workload_problem)
"""Looked at in any case."""
SERVING_CHECKS: tuple[Callable[[Situation], Finding | None], ...] = (
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
"""Why a model does not serve; looked at when it does not."""


# --- the rest ---


def _monitoring_problem(s: Situation) -> Finding | None:
    return _first_problem(p for p in s.problems if p.kind in MONITORING)


def _not_told(s: Situation) -> Finding | None:
    """Why nobody is told. It keeps no model from being Ready: the platform's own routes see its alerts all the same."""
    assert isinstance(s.delivery, Delivery)
    if found := _first_problem(s.delivery.problems):
        return found
    if s.delivery.refusal is None:
        return None
    return Finding(
        "ConfigurationRejected",
        f"prometheus-operator refuses AlertmanagerConfig {s.delivery.config}: {s.delivery.refusal}",
        stalled=True,
    )


def _told(delivery: Delivery) -> str:
    there = f"AlertmanagerConfig {delivery.config} is in place"
    if delivery.accepted_by:
        return f"{there}; taken by Alertmanager {', '.join(delivery.accepted_by)}"
    return f"{there}, and prometheus-operator has said nothing against it; whether an Alertmanager selects it, it does not say"


def _left_out(s: Situation) -> Finding | None:
    """What of the monitoring cannot be had. The rest is in place, so that it keeps no model from being Ready."""
    notes = s.wanted.notes
    return Finding(notes[0].reason, "; ".join(note.message for note in notes)) if notes else None


def _first_problem(problems: Iterable[ChildProblem]) -> Finding | None:
    found = list(problems)
    if not found:
        return None
    waits = {"BeingDeleted"}
    return Finding(found[0].reason, "; ".join(p.message for p in found), stalled=found[0].reason not in waits)


def _waiting_pods(s: Situation) -> list[PodFacts]:
    return [pod for pod in s.pods if not pod.ready and not pod.leaving]


def _pod_waiting(s: Situation, *reasons: str) -> PodFacts | None:
    return next((pod for pod in _waiting_pods(s) if pod.reason in reasons), None)


def _in_place(s: Situation) -> str:
    shown = {
        SERVICE_MONITOR: "ServiceMonitor",
        PROMETHEUS_RULE: f"{s.wanted.rules} rules",
        CONFIG_MAP: "dashboard",
    }
    there = [text for kind, text in shown.items() if any(child.kind is kind for child in s.wanted.children)]
    return ", ".join(there) + " in place" if there else "switched off by spec.monitoring"


def report(situation: Situation, stored: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status of a valid model. `stored` is the last one, from which times of unchanged facts are kept."""
    model, workload = situation.model, situation.workload
    checks = WORKLOAD_CHECKS if _serves(situation) else (*WORKLOAD_CHECKS, *SERVING_CHECKS)
    workload_finding = next((f for check in checks if (f := check(situation))), None)
    monitoring_finding = _monitoring_problem(situation)
    wanted = workload.wanted if workload else model.minimum_replicas
    ready = workload.ready if workload else 0
    serving = f"{ready} of {counted(wanted)} ready"
    finding = workload_finding or monitoring_finding
    conditions = [
        _condition("Ready", finding, "Ready", f"{serving}; {_in_place(situation)}"),
        _condition("WorkloadReady", workload_finding, "Ready", serving),
        _condition("MonitoringApplied", monitoring_finding, "Applied", _in_place(situation)),
        _condition("MonitoringConfigured", _left_out(situation), "Complete", "all that is asked for can be had"),
        _unverified(model),
        *_dashboard(situation),
        *_notifications(situation, stored),
        *_progress(finding),
    ]
    status = {
        "observedGeneration": model.generation,
        **_counts(wanted, ready),
        "selector": labels.selector_text(model),
        "endpoint": object_names.endpoint(model),
        "gpu": {"requested": model.spec.gpu.count * wanted if model.spec.gpu else 0},
        "conditions": _dated(conditions, model.generation, stored, now),
    }
    if there := _monitoring(situation):  # an empty map would be stored as null, which the schema refuses
        status["monitoring"] = there
    if version := model.spec.model.version:
        same = stored.get("version") == version and "versionSince" in stored
        status |= {"version": version, "versionSince": stored["versionSince"] if same else now}
        if previous := stored.get("previousVersion" if same else "version"):
            status["previousVersion"] = previous
    return status


def report_invalid(
    invalid: InvalidSpec, generation: int, workload: WorkloadFacts | None, stored: Mapping[str, Any], now: str
) -> dict[str, Any]:
    """The status of a spec that cannot be understood: what an earlier one brought about runs on, and is not restored."""
    finding = Finding("InvalidSpec", str(invalid)[:2000], stalled=True)
    counts = _counts(workload.wanted, workload.ready) if workload else {}
    kept = {key: value for key, value in stored.items() if key not in ("conditions", "observedGeneration")}
    unknown = [
        {"type": kind, "status": "Unknown", "reason": finding.reason, "message": "the spec cannot be understood"}
        for kind in ("WorkloadReady", "MonitoringApplied", "MonitoringConfigured", "Monitored", "NotificationsReady")
        if kind != "NotificationsReady" or condition(stored, kind)
    ]
    conditions = [_condition("Ready", finding, "", ""), *unknown, *_progress(finding)]
    return {
        **kept,
        **counts,
        "observedGeneration": generation,
        "conditions": _dated(conditions, generation, stored, now),
    }


def _notifications(s: Situation, stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The condition on notifications, where there are any: as it was, as long as nothing is known."""
    if s.delivery is None:
        return []
    if isinstance(s.delivery, Pending):
        known = condition(stored, "NotificationsReady")
        return [{key: known[key] for key in ("type", "status", "reason", "message")}] if known else []
    return [_condition("NotificationsReady", _not_told(s), "Applied", _told(s.delivery))]


def _counts(wanted: int, ready: int) -> dict[str, Any]:
    return {"replicas": wanted, "readyReplicas": ready, "readyReplicasText": f"{ready}/{wanted}"}


def _condition(kind: str, finding: Finding | None, reason: str, message: str) -> dict[str, Any]:
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


def _dashboard(s: Situation) -> list[dict[str, Any]]:
    """Whether Grafana has the dashboard. Neither Ready nor anything else depends on it."""
    if s.dashboard is None:
        return []
    if problem := _first_problem(p for p in s.problems if p.kind is CONFIG_MAP):
        return [_condition("DashboardReady", replace(problem, reason="NotApplied"), "", "")]
    said = s.dashboard
    return [{"type": "DashboardReady", "status": said.status, "reason": said.reason, "message": said.message[:2000]}]


def dashboard_verdict(stored: Mapping[str, Any]) -> Verdict | None:
    """What a status says of the dashboard, or None."""
    found = condition(stored, "DashboardReady")
    return Verdict(found["status"], found["reason"], found["message"]) if found else None


def _progress(finding: Finding | None) -> list[dict[str, Any]]:
    """Conditions by which generic tools tell waiting from being stuck: there only when they are true."""
    if finding is None or finding.reason == "Suspended":
        return []
    kind = "Stalled" if finding.stalled else "Reconciling"
    return [{"type": kind, "status": "True", "reason": finding.reason, "message": finding.message[:2000]}]


def _dated(
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


def _monitoring(situation: Situation) -> dict[str, Any]:
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
    """A condition of a status; empty where it is not there."""
    return next((c for c in status.get("conditions", ()) if c["type"] == kind), {})


def differs(stored: Mapping[str, Any], new: Mapping[str, Any], *, in_substance: bool = False) -> bool:
    """Whether writing the new status would change anything that is this operator's.

    In substance: counts and the words of messages do not matter, which change while pods come and go.
    """
    left_out = ("conditions", *COUNTS) if in_substance else ("conditions",)

    def ours(status: Mapping[str, Any]) -> dict[str, Any]:
        fields = {key: value for key, value in status.items() if key not in left_out and value != {}}
        conditions = [c for c in status.get("conditions", ()) if c["type"] in TYPES]
        if in_substance:
            conditions = [{**c, "message": ""} for c in conditions]
        return {**fields, "conditions": {c["type"]: c for c in conditions}}

    return ours(stored) != ours(new)
