"""The desired children of a model or a MonitoringProfile. One module renders each kind. Pure."""

from __future__ import annotations

from ..api import Model, MonitoringProfile
from ..settings import Settings
from .dashboards.config_map import make_dashboard_config_map
from .dashboards.grafana_dashboard import make_grafana_dashboard
from .notifications.alertmanager_config import make_model_config, make_profile_config
from .rules.context import unavailable, unmet_requests
from .rules.prometheus_rule import make_prometheus_rule
from .scrape.service_monitor import make_service_monitor
from .workload.autoscaler import make_autoscaler
from .workload.deployment import make_deployment
from .workload.disruption_budget import make_disruption_budget
from .workload.network_policy import make_network_policy
from .workload.object_meta import Child
from .workload.service import make_service

__all__ = ["Child", "render", "render_profile", "unavailable", "unmet_requests"]


def render(model: Model, settings: Settings, replicas: int | None) -> list[Child]:
    """Render every desired child of a model. The planner decides in which order they are applied.

    `replicas` is the replica count of the Deployment, or None to leave it to the autoscaler that owns it.
    """
    made = (
        make_deployment(model, replicas),
        make_service(model),
        make_service_monitor(model, settings),
        make_prometheus_rule(model, settings),
        make_dashboard_config_map(model, settings),
        make_grafana_dashboard(model, settings),
        make_autoscaler(model),
        make_disruption_budget(model),
        make_network_policy(model),
        make_model_config(model, settings),
    )
    return [child for child in made if child is not None]


def render_profile(profile: MonitoringProfile, settings: Settings) -> list[Child]:
    """Render the desired children that a MonitoringProfile itself owns."""
    made = make_profile_config(profile, settings)
    return [made] if made else []
