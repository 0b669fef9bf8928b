"""`spec.monitoring`, by topic."""

from .alert_overrides import AlertRule, AlertRules, Alerts, LatencyAlertRule, RatioAlertRule
from .dashboard_options import Dashboard
from .model_quality import Drift, Freshness, Maximum, MaximumError, Minimum, Quality, UnitInterval
from .monitoring import Monitoring, ProfileMonitoring
from .notification_targets import (
    Day,
    EmailTarget,
    MuteTimeInterval,
    Notification,
    PagerDutyTarget,
    SecretKey,
    SlackTarget,
    TimeRange,
    WebhookTarget,
)
from .objectives import Availability, Indicator, Ratio, Slo, Threshold
from .scrape import MetricSelection, Scrape
from .signal_names import CounterSignal, GaugeSignal, LatencySignal, Matchers, Signals

__all__ = [
    "AlertRule",
    "AlertRules",
    "Alerts",
    "Availability",
    "CounterSignal",
    "Dashboard",
    "Day",
    "Drift",
    "EmailTarget",
    "Freshness",
    "GaugeSignal",
    "Indicator",
    "LatencyAlertRule",
    "LatencySignal",
    "Matchers",
    "Maximum",
    "MaximumError",
    "MetricSelection",
    "Minimum",
    "Monitoring",
    "MuteTimeInterval",
    "Notification",
    "PagerDutyTarget",
    "ProfileMonitoring",
    "Quality",
    "Ratio",
    "RatioAlertRule",
    "Scrape",
    "SecretKey",
    "Signals",
    "SlackTarget",
    "Slo",
    "Threshold",
    "TimeRange",
    "UnitInterval",
    "WebhookTarget",
]
