"""How the operator itself is watched, and all models at once: rules and dashboards, as objects to apply. Pure."""

from __future__ import annotations

from typing import Any

from ...naming.kinds import CONFIG_MAP
from ...settings import Settings
from ..dashboards import all_models, all_objectives, common
from .operator_alerts import prometheusrule
from .operator_dashboard import dashboard_json

__all__ = ["DASHBOARDS", "manifests"]

DASHBOARDS = {
    common.OPERATOR_UID: dashboard_json,
    common.FLEET_UID: all_models.dashboard_json,
    common.SLO_UID: all_objectives.dashboard_json,
}
"""Uid to what makes the dashboard; each is there once, for all models."""


def manifests() -> list[dict[str, Any]]:
    """The objects of config/monitoring.yaml."""
    return [prometheusrule(), *(_configmap(uid, made()) for uid, made in DASHBOARDS.items())]


def _configmap(uid: str, dashboard: str) -> dict[str, Any]:
    """A ConfigMap that Grafana's sidecar picks up."""
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": {
            "name": f"{uid}-dashboard",
            "namespace": "monitored-models",
            "labels": dict(Settings().dashboard_labels),
        },
        "data": {f"{uid}.json": dashboard},
    }
