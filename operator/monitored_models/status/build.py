"""Builds the status of a model: each condition from a short list of checks, of which the first cause wins. Pure.

The lists are the documentation: docs/conditions.md has the same reasons in the same order. Nothing here depends on
how often something changes: measurements are metrics, not status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..api import InvalidSpec, Model
from ..cache.workload_status import DeploymentStatus
from ..integrations.grafana.dashboard_check import DashboardCheck
from ..naming import labels, object_names
from ..naming.kinds import CONFIG_MAP, MONITORING_KINDS, PROMETHEUS_RULE, SERVICE_MONITOR
from ..render.workload.replicas import replica_count
from .changes import condition
from .status_input import Cause, NotificationState, NotificationsUnknown, StatusInput, first_problem
from .workload_checks import SERVING_CHECKS, WORKLOAD_CHECKS, _serves

# --- why a workload is not ready, first cause wins ---


# --- the rest ---


def _monitoring_problem(s: StatusInput) -> Cause | None:
    return first_problem(p for p in s.problems if p.kind in MONITORING_KINDS)


def _notifications_cause(s: StatusInput) -> Cause | None:
    """Why notifications fail. This does not affect Ready: the platform's own routes still receive the alerts."""
    assert isinstance(s.delivery, NotificationState)
    if found := first_problem(s.delivery.problems):
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
    if problem := first_problem(p for p in s.problems if p.kind is CONFIG_MAP):
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
    if wanted.model.monitoring_profile:
        found["profile"] = wanted.model.monitoring_profile
    if wanted.unavailable:
        found["unavailable"] = list(wanted.unavailable)
    return found
