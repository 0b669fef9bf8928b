"""The PrometheusRule: recorded series first, then the alerts that read them."""

from __future__ import annotations

from ..api import Model
from ..kinds import PROMETHEUS_RULE
from ..settings import Settings
from . import names
from .alerts import alerts
from .child import Child, child
from .recordings import recordings


def prometheusrule(model: Model, settings: Settings) -> Child | None:
    """The rules, or None where scraping is switched off: they would have nothing to read."""
    if not model.spec.monitoring.scrape.enabled:
        return None
    recorded = [{"record": name, "expr": expression} for name, expression in recordings(model).items()]
    groups = {"recordings": recorded, "alerts": alerts(model)}
    return child(
        model,
        PROMETHEUS_RULE,
        names.workload(model),
        extra_labels=settings.prometheus_rule_labels,
        spec={"groups": [{"name": f"{model.name}.{name}", "rules": rules} for name, rules in groups.items() if rules]},
    )
