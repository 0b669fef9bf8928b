"""What should exist for a model or a profile: `render` lists its children, one module makes each kind. Pure."""

from __future__ import annotations

from ..api import Model, MonitoringProfile
from ..settings import Settings
from .dashboards.config_map import dashboard
from .dashboards.grafana_dashboard import grafanadashboard
from .notifications.alertmanager_config import of_model, of_profile
from .rules.context import notes, unavailable
from .rules.prometheus_rule import prometheusrule
from .scrape.service_monitor import servicemonitor
from .workload.autoscaler import autoscaler
from .workload.deployment import deployment
from .workload.disruption_budget import disruptionbudget
from .workload.network_policy import networkpolicy
from .workload.object_meta import Child
from .workload.service import service

__all__ = ["Child", "notes", "render", "render_profile", "unavailable"]


def render(model: Model, settings: Settings, replicas: int | None) -> list[Child]:
    """Every child that should exist, in the order in which they are applied.

    `replicas` is the number for the Deployment, or None to leave it to the autoscaler that owns it.
    """
    made = (
        deployment(model, replicas),
        service(model),
        servicemonitor(model, settings),
        prometheusrule(model, settings),
        dashboard(model, settings),
        grafanadashboard(model, settings),
        autoscaler(model),
        disruptionbudget(model),
        networkpolicy(model),
        of_model(model, settings),
    )
    return [child for child in made if child is not None]


def render_profile(profile: MonitoringProfile, settings: Settings) -> list[Child]:
    """What should exist for a MonitoringProfile by itself."""
    made = of_profile(profile, settings)
    return [made] if made else []
