"""The ConfigMap with a model's dashboard, which Grafana's sidecar imports."""

from __future__ import annotations

from ...api import Model
from ...naming import object_names
from ...naming.kinds import CONFIG_MAP
from ...settings import Settings
from ..workload.object_meta import Child, child
from .one_model import dashboard_json

__all__ = ["dashboard_json", "make_dashboard_config_map"]


def make_dashboard_config_map(model: Model, settings: Settings) -> Child | None:
    """Return the ConfigMap, or None if the dashboard or scraping is disabled."""
    wanted = model.monitoring.dashboard
    if not (wanted.enabled and model.monitoring.scrape.enabled):
        return None
    return child(
        model,
        CONFIG_MAP,
        object_names.dashboard(model),
        extra_labels=settings.dashboard_labels,
        annotations={settings.dashboard_folder_annotation: wanted.folder} if wanted.folder else None,
        data={object_names.dashboard_key(model): dashboard_json(model, settings.dashboard_datasource)},
    )
