"""The alerts of a model: few, each worth someone's attention, each with a default that a spec can change.

One entry of `ALERTS` is one alert. Expressions come from `promql.py` and `recordings.py`; text from a spec that
reaches a template is neutralised here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..api import Model
from ..api.rules import seconds
from ..api.spec import AlertRule, LatencyAlertRule, RatioAlertRule
from . import labels, promql, startup
from .promql import Scope
from .recordings import ERROR_RATIO, latency_headline, recorded
from .replicas import counted


@dataclass(frozen=True)
class Alert:
    """One alert: its name in `monitoring.alerts.rules`, its defaults, and how to say it."""

    name: str
    attribute: str
    hold: str
    severity: str
    summary: str
    description: str
    """Alertmanager template; {threshold} and {wanted} are filled in when the rule is made."""
    expression: Callable[[Model, Scope, float], str]
    threshold: Callable[[Model, Any], float] = lambda _model, _rule: 0.0


def _had_time(model: Model, scope: Scope) -> str:
    """Targets that have answered before, or are older than the time in which they may load."""
    up, loading = promql.selector("up", scope.matchers), f"{startup.seconds_to_load(model)}s"
    return f"(max_over_time({up}[{loading}]) > 0 or {up} offset {loading})"


def _target_down(model: Model, scope: Scope, _threshold: float) -> str:
    return f"{promql.target_up(scope)} == 0 and {_had_time(model, scope)}"


def _replicas_missing(model: Model, scope: Scope, _threshold: float) -> str:
    by, up = ", ".join(scope.by), promql.targets_up(scope)
    loading = f"count by ({by}) ({promql.target_up(scope)} == 0 unless {_had_time(model, scope)})"
    # absent() keeps the model's identity from the matchers, so that no target at all is seen too.
    absent = f"absent({promql.selector('up', scope.matchers)})"
    return f"({up} + ({loading} or 0 * {up})) < {model.minimum_replicas} or {absent}"


def _no_data(model: Model, scope: Scope, _threshold: float) -> str:
    on = ", ".join(labels.IDENTITY)
    return f"absent({promql.presence(model, scope)}) and on ({on}) ({promql.targets_up(scope)} > 0)"


def _error_ratio_high(_model: Model, scope: Scope, threshold: float) -> str:
    return f"{recorded(ERROR_RATIO, scope)} > {threshold!r}"


def _latency_high(model: Model, scope: Scope, threshold: float) -> str:
    return f"{recorded(latency_headline(model), scope)} > {threshold!r}"


def _ratio_threshold(model: Model, rule: RatioAlertRule) -> float:
    return model.profile.alerts.error_ratio if rule.threshold is None else rule.threshold


def _latency_threshold(model: Model, rule: LatencyAlertRule) -> float:
    return seconds(rule.threshold or model.profile.alerts.latency)


WHO = "{{ $labels.namespace }}/{{ $labels.monitored_model }}"

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="ModelTargetDown",
        attribute="model_target_down",
        hold="10m",
        severity="warning",
        summary="A pod of a model does not answer scrapes.",
        description=f"Pod {{{{ $labels.pod }}}} of {WHO} has not answered Prometheus: it is down, or "
        "its metrics port and path are not those of the spec.",
        expression=_target_down,
    ),
    Alert(
        name="ModelReplicasMissing",
        attribute="model_replicas_missing",
        hold="15m",
        severity="critical",
        summary="A model has fewer working replicas than it should.",
        description=f"{WHO} should have {{wanted}} that answer Prometheus, and has fewer: see `kubectl describe "
        "mm` for what its pods are waiting for.",
        expression=_replicas_missing,
    ),
    Alert(
        name="ModelNoData",
        attribute="model_no_data",
        hold="30m",
        severity="info",
        summary="A model answers scrapes, but not with the metrics that its rules read.",
        description=f"{WHO} exposes none of the series that its runtime is known for; its other alerts cannot fire. "
        "Check spec.runtime, or name its metrics in spec.monitoring.signals. A server that exposes a series with its "
        "first request only looks the same until then.",
        expression=_no_data,
    ),
    Alert(
        name="ModelErrorRatioHigh",
        attribute="model_error_ratio_high",
        hold="10m",
        severity="critical",
        summary="A model fails too many requests.",
        description=f"{WHO} fails {{{{ $value | humanizePercentage }}}} of its requests; the limit is {{threshold}}.",
        expression=_error_ratio_high,
        threshold=_ratio_threshold,
    ),
    Alert(
        name="ModelLatencyHigh",
        attribute="model_latency_high",
        hold="15m",
        severity="warning",
        summary="A model answers too slowly.",
        description=f"{WHO} takes {{{{ $value | humanizeDuration }}}} for a request; the limit is {{threshold}} s.",
        expression=_latency_high,
        threshold=_latency_threshold,
    ),
)


def literal(text: str) -> str:
    """Text that a template shows as it stands: the actions in it would run queries on all of Prometheus."""
    return text.replace("{{", '{{ "{{" }}')


def alerts(model: Model) -> list[dict[str, Any]]:
    """The alerting rules; none for a model that should have no replicas."""
    if model.minimum_replicas == 0:
        return []
    pairs = ((alert, getattr(model.spec.monitoring.alerts.rules, alert.attribute)) for alert in ALERTS)
    return [_rule(alert, rule, model) for alert, rule in pairs if rule.enabled]


def _rule(alert: Alert, rule: AlertRule, model: Model) -> dict[str, Any]:
    threshold = alert.threshold(model, rule)
    extra = {name: literal(value) for name, value in sorted(model.spec.monitoring.alerts.labels.items())}
    return {
        "alert": alert.name,
        "expr": alert.expression(model, promql.model_scope(model), threshold),
        "for": rule.for_ or alert.hold,
        "labels": {**extra, "severity": rule.severity or alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description.replace("{threshold}", f"{threshold:g}").replace(
                "{wanted}", counted(model.minimum_replicas)
            ),
        },
    }
