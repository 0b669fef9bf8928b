"""Builds the status of a model: its conditions (`conditions.py`), and facts beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..api import InvalidSpec
from ..cache.workload_status import DeploymentStatus
from ..integrations.grafana.dashboard_check import DashboardCheck
from ..naming import labels, object_names
from ..naming.conditions import DASHBOARD_READY, Reason
from ..naming.kinds import CONFIG_MAP, PROMETHEUS_RULE, SERVICE_MONITOR
from .changes import condition
from .condition_spec import ConditionSpec, ConditionState, StoredCondition
from .conditions import CONDITIONS
from .status_input import MAX_MESSAGE, Cause, StatusInput


def build_status(
    status_input: StatusInput, stored: Mapping[str, Any], now: str, *, table: Sequence[ConditionSpec] = CONDITIONS
) -> dict[str, Any]:
    """The status of a valid model. `stored` is the last one; what has not changed keeps its time from it."""
    model, wanted = status_input.model, status_input.desired_replicas
    before = _by_type(stored)
    states = {spec.type: spec.evaluate(status_input, before.get(spec.type, {})) for spec in table}
    status = {
        "observedGeneration": model.generation,
        **_counts(wanted, status_input.ready_replicas),
        "selector": labels.selector_text(model),
        "endpoint": object_names.endpoint(model),
        "gpu": {"requested": model.spec.gpu.count * wanted if model.spec.gpu else 0},
        "conditions": _conditions(states, model.generation, before, now),
    }
    if there := _monitoring(status_input):  # an empty map would be stored as null, which the schema rejects
        status["monitoring"] = there
    if version := model.spec.model.version:
        same = stored.get("version") == version and "versionSince" in stored
        status |= {"version": version, "versionSince": stored["versionSince"] if same else now}
        if previous := stored.get("previousVersion" if same else "version"):
            status["previousVersion"] = previous
    return status


def build_invalid_status(
    invalid: InvalidSpec,
    generation: int,
    workload: DeploymentStatus | None,
    stored: Mapping[str, Any],
    now: str,
    *,
    table: Sequence[ConditionSpec] = CONDITIONS,
) -> dict[str, Any]:
    """The status for an invalid spec: the children of an earlier spec keep running, and are not repaired."""
    cause = Cause(Reason.INVALID_SPEC, str(invalid), stalled=True)
    before = _by_type(stored)
    states = {spec.type: spec.on_invalid_spec(cause, before.get(spec.type, {})) for spec in table}
    counts = _counts(workload.desired, workload.ready) if workload else {}
    kept = {key: value for key, value in stored.items() if key not in ("conditions", "observedGeneration")}
    return {
        **kept,
        **counts,
        "observedGeneration": generation,
        "conditions": _conditions(states, generation, before, now),
    }


def stored_dashboard_check(stored: Mapping[str, Any]) -> DashboardCheck | None:
    """The dashboard check in a stored status, or None."""
    found = condition(stored, DASHBOARD_READY)
    return DashboardCheck(found["status"], found["reason"], found["message"]) if found else None


def _counts(desired: int, ready: int) -> dict[str, Any]:
    return {"replicas": desired, "readyReplicas": ready, "readyReplicasText": f"{ready}/{desired}"}


def _by_type(status: Mapping[str, Any]) -> dict[str, StoredCondition]:
    return {found["type"]: found for found in status.get("conditions", ())}


def _conditions(
    states: Mapping[str, ConditionState | None], generation: int, before: Mapping[str, StoredCondition], now: str
) -> list[dict[str, Any]]:
    """The conditions that are present. One whose status has not changed keeps its transition time."""

    def since(kind: str, state: ConditionState) -> str:
        known = before.get(kind, {})
        return str(known["lastTransitionTime"]) if known.get("status") == state.status else now

    return [
        {
            "type": kind,
            "status": state.status,
            "reason": state.reason,
            "message": state.message[:MAX_MESSAGE],
            "observedGeneration": generation,
            "lastTransitionTime": since(kind, state),
        }
        for kind, state in states.items()
        if state
    ]


def _monitoring(status_input: StatusInput) -> dict[str, Any]:
    wanted, broken = status_input.desired, {problem.kind for problem in status_input.problems}
    fields = {SERVICE_MONITOR: "serviceMonitor", PROMETHEUS_RULE: "prometheusRule", CONFIG_MAP: "dashboard"}
    found: dict[str, Any] = {
        fields[child.kind]: child.name for child in wanted.children if child.kind in fields and child.kind not in broken
    }
    if "dashboard" in found:
        found["dashboardUID"] = object_names.dashboard_uid(status_input.model)
    if wanted.model.monitoring_profile:
        found["profile"] = wanted.model.monitoring_profile
    if wanted.unavailable:
        found["unavailable"] = list(wanted.unavailable)
    return found
