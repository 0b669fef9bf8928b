"""The PrometheusRule: recording rules first, then the alerts that read them, grouped by topic."""

from __future__ import annotations

from typing import Any

from ...api import Model
from ...naming import object_names
from ...naming.kinds import PROMETHEUS_RULE
from ...settings import Settings
from ..workload.object_meta import Child, child
from .alerts.groups import alert_groups
from .catalogue import offers
from .context import context
from .recording_rules import catalogue_groups, objective_rules

SLOW_INTERVAL = "5m"
"""Evaluation interval of rules over weeks."""


def make_prometheus_rule(model: Model, settings: Settings) -> Child | None:
    """Return the PrometheusRule, or None if scraping is disabled, because its rules would have no data."""
    if not model.monitoring.scrape.enabled:
        return None
    made = context(model)
    counted, left = objective_rules(model, made)
    groups = [
        *(_group(model, name, rules) for name, rules in catalogue_groups(offers(made)).items()),
        _group(model, "events", counted),
        {**_group(model, "budgets", left), "interval": SLOW_INTERVAL},
        *(_group(model, f"alerts-{name}", rules) for name, rules in alert_groups(model, made, settings).items()),
    ]
    return child(
        model,
        PROMETHEUS_RULE,
        object_names.workload(model),
        extra_labels=settings.prometheus_rule_labels,
        spec={"groups": [group for group in groups if group["rules"]]},
    )


def _group(model: Model, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": f"{model.name}.{name}", "rules": rules}
