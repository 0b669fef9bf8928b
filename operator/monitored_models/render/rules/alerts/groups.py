"""The alerting rules of a model: few by default, and a spec can override each of them.

Each entry of `ALERTS` defines one alert. This module escapes text from a spec before it reaches a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ....api import Model
from ....api.monitoring import AlertRule, AlertRules, Slo
from ....base.schema_types import wire_name
from ....naming import labels, object_names
from ....settings import Settings
from ...workload.replicas import replica_count
from .. import slos
from ..catalogue import Context
from ..rule_types import AlertingRule, alert_annotations
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

    def tier(self, alerts: tuple[Alert, ...]) -> list[AlertingRule]:
        """Return the rules of the alerts that are enabled and available for the model."""
        found = ((alert, alert.expression(self.context)) for alert in alerts if is_enabled(alert, self.model))
        return [self._plain(alert, expression) for alert, expression in found if expression is not None]

    def objectives(self) -> list[AlertingRule]:
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

    def _plain(self, alert: Alert, expression: str) -> AlertingRule:
        limit = _limit_text(alert, self._thresholds[alert.limit]) if alert.limit else ""
        text = alert.description.replace("{limit}", limit)
        text = text.replace("{wanted}", replica_count(self.model.minimum_replicas))
        return self._rule(alert, text, expression, {"signal": alert.signal})

    def _objective(self, alert: ObjectiveAlert, slo: Slo) -> AlertingRule:
        text = alert.description.replace("{budget}", f"{slos.budget(slo) * 100:g}%").replace("{window}", slo.window)
        expression = alert.expression(self.context, f"{slos.budget(slo):.12g}", ((slos.SLO, "=", slo.name),))
        return self._rule(alert, text, expression, {"signal": signal_label(slo), slos.SLO: slo.name})

    def _rule(self, alert: Alert | ObjectiveAlert, text: str, expression: str, about: dict[str, str]) -> AlertingRule:
        rule = override_of(self.model, alert.name)
        severity = {"severity": rule.severity or alert.severity}
        return AlertingRule(
            alert.name,
            expression,
            rule.for_ or alert.for_,
            labels={**self._spec_labels, **severity, **self._notified_by, **about},
            annotations=alert_annotations(
                alert.name,
                summary=alert.summary,
                description=text,
                runbooks=self.settings.runbook_url,
                dashboard_url=self._dashboard_url,
            ),
        )

    # The same for all alerts of the model, so computed once.

    @cached_property
    def _thresholds(self) -> dict[str, float]:
        return thresholds(self.model)

    @cached_property
    def _spec_labels(self) -> dict[str, str]:
        return {name: escape_template(value) for name, value in sorted(self.model.monitoring.alerts.labels.items())}

    @cached_property
    def _notified_by(self) -> dict[str, str]:
        notifier = object_names.notifier(self.model)
        return {labels.NOTIFIED_BY: notifier} if notifier else {}

    @cached_property
    def _dashboard_url(self) -> str:
        return f"{self.settings.dashboards_url}/d/{object_names.dashboard_uid(self.model)}"


def alert_rules(model: Model, context: Context, settings: Settings) -> dict[str, list[AlertingRule]]:
    """Return the rules by group name."""
    builder = AlertRuleBuilder(model, context, settings)
    return {**{name: builder.tier(alerts) for name, alerts in TIERS.items()}, "objectives": builder.objectives()}


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
