"""The GrafanaDashboard by which grafana-operator takes a model's dashboard from its ConfigMap, where the settings ask for it."""

from __future__ import annotations

from ...api import Model
from ...naming import object_names
from ...naming.kinds import GRAFANA_DASHBOARD
from ...settings import Settings
from ..workload.object_meta import Child, child, without_empty

RESYNC = "24h0m0s"
"""grafana-operator writes into each object's status at each resync, by default all ten minutes; changes reach it at once.

In Go's own spelling: the operator may write the object back, and another spelling would look like a change.
"""


def make_grafana_dashboard(model: Model, settings: Settings) -> Child | None:
    """The object, or None where nobody asks for it, or there is no dashboard."""
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
