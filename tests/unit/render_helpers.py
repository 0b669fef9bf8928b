"""Children of a model taken apart for tests."""

from __future__ import annotations

import json
import re
from typing import Any

from dashboards import rendered_dashboards
from monitored_models.api import Model
from monitored_models.render.children import render
from monitored_models.render.dashboards.config_map import dashboard_json
from monitored_models.render.workload.replicas import replicas
from monitored_models.settings import Settings
from unit.specs import JSON

SETTINGS = Settings(
    service_monitor_labels={"release": "kps"},
    prometheus_rule_labels={"release": "kps"},
    dashboard_labels={"grafana_dashboard": "1"},
)


def children(made: Model, settings: Settings = SETTINGS) -> dict[str, JSON]:
    """Children by kind."""
    return {child["kind"]: child for child in render(made, settings, replicas(made, None))}


def template(made: Model) -> JSON:
    found: JSON = children(made)["Deployment"]["spec"]["template"]
    return found


def container(made: Model) -> JSON:
    (found,) = template(made)["spec"]["containers"]
    return dict(found)


def groups(made: Model, settings: Settings = SETTINGS) -> list[JSON]:
    """Groups of the PrometheusRule; none where there is none."""
    found: list[JSON] = children(made, settings).get("PrometheusRule", {}).get("spec", {}).get("groups", [])
    return found


def rules(made: Model, settings: Settings = SETTINGS) -> list[JSON]:
    return [rule for group in groups(made, settings) for rule in group["rules"]]


def alert_rules(made: Model, settings: Settings = SETTINGS) -> list[JSON]:
    return [rule for rule in rules(made, settings) if "alert" in rule]


def recorded(made: Model) -> set[str]:
    """Series that the rules record."""
    return {rule["record"] for rule in rules(made) if "record" in rule}


def panels(made: Model) -> list[JSON]:
    return list(rendered_dashboards.panels(json.loads(dashboard_json(made))))


def titles(made: Model) -> set[str]:
    return {panel["title"] for panel in panels(made)}


def queries(made: Model) -> list[str]:
    """What the panels ask."""
    asked = (target["expr"] for panel in panels(made) for target in panel.get("targets", ()))
    return [re.sub(r"\$__(rate_interval|interval)", "5m", query) for query in asked]


def expressions(made: Model, settings: Settings = SETTINGS) -> list[str]:
    """Everything that is asked of Prometheus for a model."""
    return [rule["expr"] for rule in rules(made, settings)] + queries(made)


def relabelings(made: Model) -> list[dict[str, Any]]:
    """What is done to the metrics of a scrape."""
    (endpoint,) = children(made)["ServiceMonitor"]["spec"]["endpoints"]
    found: list[dict[str, Any]] = endpoint.get("metricRelabelings", [])
    return found
