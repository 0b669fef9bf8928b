"""How the operator itself is watched, and all models at once: rules and dashboards, as objects to apply. Pure."""

from __future__ import annotations

from typing import Any

from ..desired.dashboards import fleet, shared, slo
from ..kinds import CONFIG_MAP
from ..settings import Settings
from .alerts import prometheusrule
from .dashboard import dashboard_json

__all__ = ["DASHBOARDS", "manifests"]

DASHBOARDS = {
    shared.OPERATOR_UID: dashboard_json,
    shared.FLEET_UID: fleet.dashboard_json,
    shared.SLO_UID: slo.dashboard_json,
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
