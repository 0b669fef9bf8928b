"""How a model is watched, as typed, frozen values: `spec.monitoring` of a MonitoredModel and the spec of a MonitoringProfile.

What many models share stands once: operator settings < MonitoringProfile < model. So that the API server does not turn a
default into something that the model said, no default of these types is in the schema (`crd.py`); they are filled
in when all three are laid over one another (`inherit.py`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    MapKey,
    ObjectName,
)
from .alert_overrides import Alerts
from .dashboard_options import Dashboard
from .model_quality import Drift, Freshness, Quality
from .notification_targets import Notification
from .objectives import Slo
from .scrape import MetricSelection, Scrape
from .signal_names import Signals


@spec_type
class ProfileMonitoring:
    """What models share: the spec of a MonitoringProfile. Everything may be left out; a model's own fields win."""

    scrape: Scrape = Field(default_factory=Scrape)
    """How Prometheus reads the model's metrics."""
    metrics: MetricSelection = Field(default_factory=MetricSelection)
    """Which of the server's metrics are kept."""
    signals: Signals | None = None
    """Names of the server's own metrics, where the runtime is custom."""
    # Described in place: a docstring would not reach Monitoring.
    slos: Annotated[
        list[Slo],
        Field(
            max_length=8,
            description="Service level objectives; one of a profile and one of a model are the same if they have the same name.",
        ),
        MapKey("name"),
    ] = Field(default_factory=list)
    quality: Quality | None = None
    """Limits of what the model gets right."""
    drift: Drift | None = None
    """Limits of how far the model's inputs may move."""
    freshness: Freshness | None = None
    """How old the model may become."""
    alerts: Alerts = Field(default_factory=Alerts)
    """Alerts of the model."""
    dashboard: Dashboard = Field(default_factory=Dashboard)
    """The Grafana dashboard of the model."""
    notifications: Annotated[
        list[Notification] | None,
        Field(
            max_length=8,
            description="Who is told of alerts, through an AlertmanagerConfig. A model's own list takes the place of its profile's; an empty one tells nobody.",
        ),
        MapKey("name"),
    ] = None


@spec_type
class Monitoring(ProfileMonitoring):
    """How the model is watched. Everything has a default that works."""

    profile: ObjectName | None = None
    """MonitoringProfile of this namespace whose fields count where the model has none; without it the one named default, if there is one."""
