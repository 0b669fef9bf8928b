"""The alerting rules of a model: few by default, and a spec can override each of them.

Each entry of `ALERTS` defines one alert. This module escapes text from a spec before it reaches a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....api import Model
from ....api.monitoring import AlertRule, AlertRules, Slo
from ....base.schema_types import wire_name
from ....naming import labels, object_names
from ....settings import Settings
from ...workload.replicas import replica_count
from .. import slos
from ..catalogue import Context
from ..thresholds import thresholds
from .alert import Alert, ObjectiveAlert
from .metric_consistency import METRIC_CONSISTENCY
from .objective_alerts import OBJECTIVES, signal_label
from .quality_alerts import QUALITY
from .traffic_alerts import TRAFFIC
from .workload_alerts import WORKLOAD

TIERS: dict[str, tuple[Alert, ...]] = {
    "workload": WORKLOAD,
    "traffic": TRAFFIC,
    "learning": QUALITY,
    "consistency": METRIC_CONSISTENCY,
}
ALERTS: tuple[Alert, ...] = tuple(alert for tier in TIERS.values() for alert in tier)
RUNBOOKS = "docs/runbooks"
"""Folder of the runbooks in this repository."""
_ATTRIBUTES = {wire_name(AlertRules, attribute): attribute for attribute in AlertRules.__dataclass_fields__}


def override_of(model: Model, name: str) -> AlertRule:
    """Return a spec's override of an alert."""
    rule: AlertRule = getattr(model.monitoring.alerts.rules, _ATTRIBUTES[name])
    return rule


def is_enabled(alert: Alert, model: Model) -> bool:
    """Whether the spec enables an alert. A model that should have no replicas has no alerts."""
    enabled = override_of(model, alert.name).enabled
    wanted = alert.on_by_default(model) if enabled is None else enabled
    return wanted and alert.applies(model) and model.minimum_replicas > 0


@dataclass(frozen=True)
class AlertRuleBuilder:
    """Builds the alerting rules of one model."""

    model: Model
    context: Context
    settings: Settings

    def tier(self, alerts: tuple[Alert, ...]) -> list[dict[str, Any]]:
        """Return the rules of the alerts that are enabled and available for the model."""
        found = ((alert, alert.expression(self.context)) for alert in alerts if is_enabled(alert, self.model))
        return [self._plain(alert, expression) for alert, expression in found if expression is not None]

    def objectives(self) -> list[dict[str, Any]]:
        """Return the rules on error budgets."""
        if self.model.minimum_replicas == 0:
            return []
        return [
            self._objective(alert, slo)
            for slo in self.model.monitoring.slos
            if slos.events(self.context.server, slo, self.context.scope)
            for alert in OBJECTIVES
            if override_of(self.model, alert.name).enabled is not False
        ]

    def _plain(self, alert: Alert, expression: str) -> dict[str, Any]:
        limit = _limit_text(alert, thresholds(self.model)[alert.limit]) if alert.limit else ""
        text = alert.description.replace("{limit}", limit)
        text = text.replace("{wanted}", replica_count(self.model.minimum_replicas))
        return self._rule(alert, text, expression, {"signal": alert.signal})

    def _objective(self, alert: ObjectiveAlert, slo: Slo) -> dict[str, Any]:
        text = alert.description.replace("{budget}", f"{slos.budget(slo) * 100:g}%").replace("{window}", slo.window)
        expression = alert.expression(self.context, f"{slos.budget(slo):.12g}", ((slos.SLO, "=", slo.name),))
        return self._rule(alert, text, expression, {"signal": signal_label(slo), slos.SLO: slo.name})

    def _rule(self, alert: Alert | ObjectiveAlert, text: str, expression: str, about: dict[str, str]) -> dict[str, Any]:
        rule = override_of(self.model, alert.name)
        extra = {name: escape_template(value) for name, value in sorted(self.model.monitoring.alerts.labels.items())}
        notifier = object_names.notifier(self.model)
        told = {labels.NOTIFIED_BY: notifier} if notifier else {}
        dashboard = f"{self.settings.dashboards_url}/d/{object_names.dashboard_uid(self.model)}"
        return {
            "alert": alert.name,
            "expr": expression,
            "for": rule.for_ or alert.for_,
            "labels": {**extra, "severity": rule.severity or alert.severity, **told, **about},
            "annotations": {
                "summary": alert.summary,
                "description": text,
                "runbook_url": runbook(alert.name, self.settings),
                "dashboard_url": dashboard,
            },
        }


def alert_groups(model: Model, context: Context, settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return the rules by group name."""
    written = AlertRuleBuilder(model, context, settings)
    return {**{name: written.tier(alerts) for name, alerts in TIERS.items()}, "objectives": written.objectives()}


def runbook(alert: str, settings: Settings) -> str:
    """Return the URL or path of an alert's runbook."""
    return f"{settings.runbook_url.rstrip('/') or RUNBOOKS}/{alert}.md"


def _limit_text(alert: Alert, limit: float) -> str:
    if alert.unit == "ratio":
        return f"{100 * limit:g}%"
    if alert.unit != "seconds":
        return f"{limit:g}"
    whole_days = limit >= 86400 and limit % 86400 == 0
    return f"{limit / 86400:g} days" if whole_days else f"{limit / 3600:g} h" if limit >= 7200 else f"{limit:g} s"


def escape_template(text: str) -> str:
    """Escape a text for a template, because template actions could query the entire Prometheus."""
    return text.replace("{{", '{{ "{{" }}')
