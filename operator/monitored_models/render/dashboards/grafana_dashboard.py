"""The GrafanaDashboard, with which grafana-operator imports a model's dashboard from its ConfigMap (optional)."""

from __future__ import annotations

from ...api import Model
from ...naming import object_names
from ...naming.kinds import GRAFANA_DASHBOARD
from ...settings import Settings
from ..workload.object_meta import Child, child, without_empty

RESYNC = "24h0m0s"
"""Resync period. grafana-operator writes each object's status at each resync, by default every ten minutes.

Changes take effect at once anyway. The value uses Go's canonical format: grafana-operator may write the object back,
and another format would look like a change.
"""


def make_grafana_dashboard(model: Model, settings: Settings) -> Child | None:
    """Return the object, or None if the settings have no grafana-operator or the model has no dashboard."""
    wanted = model.monitoring.dashboard
    if settings.grafana_operator is None or not (wanted.enabled and model.monitoring.scrape.enabled):
        return None
    return child(
        model,
        GRAFANA_DASHBOARD,
        object_names.dashboard(model),
        spec=without_empty(
            {
                "instanceSelector": {"matchLabels": settings.grafana_operator.instance_selector.match_labels},
                "configMapRef": {"name": object_names.dashboard(model), "key": object_names.dashboard_key(model)},
                "folder": wanted.folder,
                "resyncPeriod": RESYNC,
                "allowCrossNamespaceImport": True,
            }
        ),
    )
