"""The rules of one model: recording rules first, then the alerts that read them, grouped by topic."""

from __future__ import annotations

from collections.abc import Iterable

from ...api import Model
from ...settings import Settings
from .alerts.groups import alert_rules
from .catalogue import offers
from .context import context
from .recording_rules import catalogue_rules, objective_rules
from .rule_types import Rule, RuleGroup

SLOW_INTERVAL = "5m"
"""Evaluation interval of rules over weeks."""


def groups(model: Model, settings: Settings) -> list[RuleGroup]:
    """Return the rule groups; none if scraping is disabled, because the rules would have no data."""
    if not model.monitoring.scrape.enabled:
        return []
    used = context(model)
    events, budgets = objective_rules(model, used)
    found = [
        *(_group(model, name, rules) for name, rules in catalogue_rules(offers(used)).items()),
        _group(model, "events", events),
        _group(model, "budgets", budgets, SLOW_INTERVAL),
        *(_group(model, f"alerts-{name}", rules) for name, rules in alert_rules(model, used, settings).items()),
    ]
    return [group for group in found if group.rules]


def _group(model: Model, name: str, rules: Iterable[Rule], interval: str | None = None) -> RuleGroup:
    return RuleGroup(f"{model.name}.{name}", tuple(rules), interval)
