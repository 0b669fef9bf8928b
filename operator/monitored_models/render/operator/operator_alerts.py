"""Alerts on the operator itself. Each has a runbook in docs/runbooks/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...naming.kinds import PROMETHEUS_RULE
from ...naming.series import MAX_WATCH_AGE, PREFIX
from ..rules.rule_types import AlertingRule, RuleGroup, alert_annotations
from ..rules.writers import prometheus_operator
from . import operator_queries

NAME = "monitored-models-operator"


@dataclass(frozen=True)
class OperatorAlert:
    """An alert on the operator."""

    name: str
    expression: str
    for_: str
    severity: str
    summary: str
    description: str


OPERATOR_ALERTS = (
    OperatorAlert(
        name="MonitoredModelsNoLeader",
        expression=f"absent({operator_queries.leading()})",
        for_="5m",
        severity="critical",
        summary="No operator works.",
        description="For five minutes no MonitoredModel operator has led, or none is scraped: models serve on, but changes "
        "of specs, deleted children and conditions are not dealt with.",
    ),
    OperatorAlert(
        name="MonitoredModelsReconcileErrors",
        # Less than one failure in five minutes is acceptable, at any error ratio.
        expression=f"{operator_queries.error_ratio()} > 0.2 and {operator_queries.errors()} > 0.003",
        for_="15m",
        severity="warning",
        summary="Many reconciles fail.",
        description="{{ $value | humanizePercentage }} of the operator's reconciles fail; its log and "
        f"{PREFIX}reconcile_errors_total name the reasons.",
    ),
    OperatorAlert(
        name="MonitoredModelsWorkQueueSlow",
        expression=f"{operator_queries.queue_age()} > 120",
        for_="10m",
        severity="warning",
        summary="Models wait long for the operator.",
        description="A model has waited {{ $value | humanizeDuration }} for a worker.",
    ),
    OperatorAlert(
        name="MonitoredModelsEventLoopLagging",
        expression=f"{operator_queries.loop_lag()} > 0.5",
        for_="10m",
        severity="warning",
        summary="The operator has too little CPU.",
        description="One timer in a hundred comes {{ $value | humanizeDuration }} late; at seven seconds the operator "
        "loses its lease.",
    ),
    OperatorAlert(
        name="MonitoredModelsWatchStale",
        expression=f"{operator_queries.watch_age()} > {MAX_WATCH_AGE:g}",
        for_="5m",
        severity="warning",
        summary="The operator may be blind for changes.",
        description="The watch of {{ $labels.resource }} was last opened {{ $value | humanizeDuration }} ago.",
    ),
    OperatorAlert(
        name="MonitoredModelsAPIReadsForbidden",
        expression=f"{operator_queries.forbidden_reads()} > 0",
        for_="10m",
        severity="warning",
        summary="The operator may not read what it has to.",
        description="The API server refuses to let the operator read {{ $labels.resource }}.",
    ),
    OperatorAlert(
        name="MonitoredModelsSelectorsDisagree",
        expression=f"{operator_queries.disagreeing_selectors()} > 0",
        for_="10m",
        severity="warning",
        summary="Selectors ask for labels that exclude each other.",
        description="{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }} may not select the {{ $labels.selects }}s "
        "of models: another object requires other values of the same labels.",
    ),
    OperatorAlert(
        name="MonitoredModelsLeaderChanges",
        expression=f"{operator_queries.leader_changes()} > 4",
        for_="0s",
        severity="info",
        summary="Leadership comes and goes.",
        description="Leadership has changed {{ $value }} times within an hour.",
    ),
)


def groups() -> list[RuleGroup]:
    """Return the rule group with all alerts on the operator."""
    rules = (
        AlertingRule(
            alert.name,
            alert.expression,
            alert.for_,
            labels={"severity": alert.severity},
            annotations=alert_annotations(alert.name, summary=alert.summary, description=alert.description),
        )
        for alert in OPERATOR_ALERTS
    )
    return [RuleGroup(NAME, tuple(rules))]


def prometheusrule() -> dict[str, Any]:
    """Return the PrometheusRule with all alerts on the operator."""
    return {
        "apiVersion": PROMETHEUS_RULE.api_version,
        "kind": PROMETHEUS_RULE.name,
        "metadata": {"name": NAME, "namespace": "monitored-models"},
        "spec": {"groups": prometheus_operator.write_groups(groups())},
    }
