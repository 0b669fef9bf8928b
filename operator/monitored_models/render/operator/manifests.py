"""Manifests that monitor the operator itself and all models: rules and dashboards. Pure."""

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
"""Maps the UID of each cluster-wide dashboard to the function that renders it."""


def manifests() -> list[dict[str, Any]]:
    """Return the objects of config/monitoring.yaml."""
    return [prometheusrule(), *(_configmap(uid, made()) for uid, made in DASHBOARDS.items())]


def _configmap(uid: str, dashboard: str) -> dict[str, Any]:
    """Return a ConfigMap that Grafana's sidecar imports."""
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
