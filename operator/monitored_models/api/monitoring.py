"""How a model is watched, as typed, frozen values: `spec.monitoring` of a MonitoredModel and the spec of a MonitoringProfile.

What many models share stands once: operator settings < MonitoringProfile < model. So that the API server does not turn a
default into something that the model said, no default of these types is in the schema (`crd.py`); they are filled
in when all three are laid over one another (`inherit.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base.schema_types import pascal_case_type, spec_type
from .fields import (
    CHANNEL,
    CLOCK,
    CLOCK_END,
    DATA_KEY,
    LOGIN,
    MAILBOX,
    MAILBOXES,
    SMARTHOST,
    Age,
    DnsLabel,
    Duration,
    MapKey,
    MetricName,
    ObjectName,
    Port,
    Severity,
    UrlPath,
)


@spec_type
class Scrape:
    """How Prometheus reads the model's metrics."""

    enabled: bool = True
    """Whether there is a ServiceMonitor."""
    port: Port | None = None
    """Port of the metrics; the runtime's own, else the serving port."""
    path: UrlPath | None = None
    """Path of the metrics; the runtime's own when left out."""
    interval: Duration | None = None
    """Time between two scrapes. 30s where nobody says otherwise."""
    timeout: Duration | None = None
    """Time after which a scrape is given up; at most the interval. 10s, or the interval if that is less, where nobody says otherwise."""


@spec_type
class MetricSelection:
    """Which of the server's metrics Prometheus keeps, and how much it takes at most."""

    selection: Literal["core", "all"] | None = None
    """core keeps what rules and dashboards read, all keeps everything; the runtime's own when left out: all for custom, core for the others."""
    keep: Annotated[list[MetricName], Field(max_length=64)] | None = None
    """Metrics to keep beside the core; of a histogram or a counter the name as the server's code has it is enough."""
    drop: Annotated[list[MetricName], Field(max_length=64)] | None = None
    """Metrics to drop, whatever the selection says."""
    sample_limit: Annotated[int, Field(ge=100, le=1000000)] = 10000
    """Samples of one pod's scrape after which the whole scrape fails; an alert comes at 80 % of it."""
    label_limit: Annotated[int, Field(ge=10, le=1000)] = 64
    """Labels of one series after which the whole scrape fails."""
    label_value_length_limit: Annotated[int, Field(ge=64, le=100000)] = 1024
    """Length of one label's value after which the whole scrape fails."""
    body_size_limit: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}(KB|MB|KiB|MiB)$", max_length=8)] = "32MB"
    """Size of the metrics page after which the whole scrape fails."""


Matchers = Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=8)]


@spec_type
class CounterSignal:
    """A counter that the server exposes."""

    counter: MetricName
    """Name of the counter as it stands on the metrics page."""
    matchers: Matchers = Field(default_factory=dict)
    """Label name to regular expression (RE2, anchored at both ends); only series that match all of them count."""


@spec_type
class GaugeSignal:
    """A gauge that the server exposes."""

    gauge: MetricName
    """Name of the gauge as it stands on the metrics page."""
    matchers: Matchers = Field(default_factory=dict)
    """Label name to regular expression (RE2, anchored at both ends); only series that match all of them count."""


@spec_type
class LatencySignal:
    """A histogram of durations that the server exposes."""

    histogram: MetricName
    """Name of the histogram as it stands on the metrics page, without _bucket."""
    scale: Annotated[float, Field(ge=1e-12, le=1000)] = 1.0
    """Factor that turns its unit into seconds: 0.001 for milliseconds."""
    matchers: Matchers = Field(default_factory=dict)
    """Label name to regular expression (RE2, anchored at both ends); only series that match all of them count."""


@spec_type
class Signals:
    """Names of the server's own metrics, where the runtime is custom. What is left out comes from the runtime."""

    requests: CounterSignal | None = None
    """Counter of all requests."""
    errors: CounterSignal | None = None
    """Counter of failed requests; of those that `requests`, else `latency`, else the runtime counts."""
    latency: LatencySignal | None = None
    """Histogram of request durations."""
    time_to_first_token: LatencySignal | None = None
    """Histogram of the time from a request to its first token."""
    inter_token: LatencySignal | None = None
    """Histogram of the time between two tokens."""
    tokens: CounterSignal | None = None
    """Counter of generated tokens."""
    queue: GaugeSignal | None = None
    """Gauge of requests that wait."""
    kv_cache: GaugeSignal | None = None
    """Gauge of the share of the key-value cache in use, 0 to 1."""


UnitInterval = Annotated[float, Field(ge=0, le=1)]


@spec_type
class Minimum:
    """A lower limit."""

    min: UnitInterval
    """Value below which the alert fires, 0 to 1."""


@spec_type
class Maximum:
    """An upper limit."""

    max: UnitInterval
    """Value above which the alert fires, 0 to 1."""


@spec_type
class MaximumError:
    """An upper limit, in the unit of the predictions."""

    max: Annotated[float, Field(gt=0, le=1e15)]
    """Mean absolute error above which the alert fires, in the unit of the predictions."""


@spec_type
class Quality:
    """Limits of what the model gets right, by labels that come in later. Each limit that is set has an alert of its own."""

    accuracy: Minimum | None = None
    """Share of predictions that are right."""
    precision: Minimum | None = None
    """Share of the positive predictions that are right."""
    recall: Minimum | None = None
    """Share of the positive cases that are found."""
    f1_score: Annotated[Minimum | None, Field(alias="f1Score")] = None
    """Harmonic mean of precision and recall."""
    false_positive_rate: Maximum | None = None
    """Share of the negative cases that are taken for positive."""
    false_negative_rate: Maximum | None = None
    """Share of the positive cases that are missed."""
    prediction_error: MaximumError | None = None
    """Mean absolute error."""
    window: Literal["1h", "6h", "1d", "7d"] = "1d"
    """Time over which labels are counted."""
    minimum_labels: Annotated[int, Field(ge=1, le=1000000000)] = 500
    """Labels within the window below which no quality alert fires: fewer say too little."""
    minimum_coverage: UnitInterval = 0.1
    """Share of the predictions that have got their label, below which no quality alert fires."""


@spec_type
class Drift:
    """Limits of how far the model's inputs may move from what it was trained on; `drift: {}` takes the defaults."""

    warning: Annotated[float, Field(gt=0, le=1000)] = 0.1
    """Drift score from which a warning is given; 0.1 is the custom for the population stability index."""
    critical: Annotated[float, Field(gt=0, le=1000)] = 0.25
    """Drift score that is severe; not below warning."""


@spec_type
class Freshness:
    """How old a model may become."""

    max_age: Age
    """Time since the model's last update after which it counts as stale: 12h, 30d."""


@spec_type
class Threshold:
    """A duration that requests should stay below."""

    threshold: Duration
    """Duration; it can be counted exactly only where it is one of the histogram's bounds."""


@spec_type
class Ratio:
    """Events counted by the server, of which some are good or bad. Exactly one of the two."""

    total: CounterSignal
    """Counter of all events."""
    good: CounterSignal | None = None
    """Counter of the good ones."""
    bad: CounterSignal | None = None
    """Counter of the bad ones."""


@spec_type
class Availability:
    """Share of requests that do not fail."""


@spec_type
class Indicator:
    """What an objective is about. Exactly one."""

    availability: Availability | None = None
    """Requests that do not fail: `availability: {}`."""
    latency: Threshold | None = None
    """Requests that are answered within a duration."""
    ttft: Threshold | None = None
    """Requests whose first token comes within a duration."""
    ratio: Ratio | None = None
    """Good events of a counter of the server's own."""


@spec_type
class Slo:
    """A service level objective."""

    name: Annotated[DnsLabel, Field(max_length=40)]
    """Name of the objective, unique in this list: a label of its series and alerts."""
    objective: Annotated[float, Field(ge=85, le=99.999)]
    """Percentage of events that should be good. Below 85 no burn rate is high enough for the alert that wakes someone."""
    window: Literal["28d", "30d"] = "30d"
    """Time over which the error budget is counted."""
    indicator: Indicator
    """What is counted."""


@spec_type
class AlertRule:
    """Change of one alert; what is left out keeps its default."""

    # Described in place: a docstring would not reach the types below.
    enabled: Annotated[bool | None, Field(description="Whether the alert exists.")] = None
    for_: Annotated[
        Duration | None, Field(alias="for", description="How long the fact must hold before the alert fires.")
    ] = None
    severity: Annotated[
        Severity | None,
        Field(description="Severity label: critical wakes someone, warning makes a ticket, info does neither."),
    ] = None


@spec_type
class RatioAlertRule(AlertRule):
    """Change of one alert on a ratio; what is left out keeps its default."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Ratio, between 0 and 1, above which the alert fires."""


@spec_type
class LatencyAlertRule(AlertRule):
    """Change of one alert on a duration; what is left out keeps its default."""

    threshold: Duration | None = None
    """Request duration above which the alert fires."""


@pascal_case_type
class AlertRules:
    """The alerts by name."""

    model_replicas_missing: AlertRule = Field(default_factory=AlertRule)
    """Fewer replicas answer scrapes than are wanted."""
    model_target_down: AlertRule = Field(default_factory=AlertRule)
    """A pod of the model does not answer scrapes."""
    model_crash_looping: AlertRule = Field(default_factory=AlertRule)
    """A pod ends again and again."""
    model_out_of_memory: AlertRule = Field(default_factory=AlertRule)
    """A container was ended for using too much memory."""
    model_rollout_stuck: AlertRule = Field(default_factory=AlertRule)
    """A change of the model does not get through."""
    model_volume_filling_up: RatioAlertRule = Field(default_factory=RatioAlertRule)
    """A volume of the model is nearly full."""
    model_no_data: AlertRule = Field(default_factory=AlertRule)
    """Pods answer scrapes, but the metrics that the rules read are not among what they expose."""
    model_error_ratio_high: RatioAlertRule = Field(default_factory=RatioAlertRule)
    """Too large a share of requests fails. Off by default where there is an objective for availability."""
    model_latency_high: LatencyAlertRule = Field(default_factory=LatencyAlertRule)
    """Requests take too long. Off by default where there is an objective for latency."""
    model_saturated: RatioAlertRule = Field(default_factory=RatioAlertRule)
    """Requests wait while the key-value cache is full."""
    model_error_budget_fast_burn: AlertRule = Field(default_factory=AlertRule)
    """An objective's error budget would be gone within days."""
    model_error_budget_slow_burn: AlertRule = Field(default_factory=AlertRule)
    """An objective's error budget would be gone before its window ends."""
    model_accuracy_low: AlertRule = Field(default_factory=AlertRule)
    """Accuracy is below monitoring.quality.accuracy.min."""
    model_precision_low: AlertRule = Field(default_factory=AlertRule)
    """Precision is below monitoring.quality.precision.min."""
    model_recall_low: AlertRule = Field(default_factory=AlertRule)
    """Recall is below monitoring.quality.recall.min."""
    model_f1_score_low: AlertRule = Field(default_factory=AlertRule)
    """The F1 score is below monitoring.quality.f1Score.min."""
    model_false_positive_rate_high: AlertRule = Field(default_factory=AlertRule)
    """The false positive rate is above monitoring.quality.falsePositiveRate.max."""
    model_false_negative_rate_high: AlertRule = Field(default_factory=AlertRule)
    """The false negative rate is above monitoring.quality.falseNegativeRate.max."""
    model_prediction_error_high: AlertRule = Field(default_factory=AlertRule)
    """The mean absolute error is above monitoring.quality.predictionError.max."""
    model_drift_moderate: AlertRule = Field(default_factory=AlertRule)
    """The drift score is above monitoring.drift.warning."""
    model_drift_severe: AlertRule = Field(default_factory=AlertRule)
    """The drift score is above monitoring.drift.critical."""
    model_stale: AlertRule = Field(default_factory=AlertRule)
    """The model's last update is longer ago than monitoring.freshness.maxAge."""
    model_values_impossible: AlertRule = Field(default_factory=AlertRule)
    """The server exposes what cannot be: ratios beyond 0 to 1, times in the future, more labels than predictions."""
    model_clock_skewed: AlertRule = Field(default_factory=AlertRule)
    """The clock of a pod is not that of Prometheus."""
    model_targets_duplicated: AlertRule = Field(default_factory=AlertRule)
    """A pod is scraped more than once, so that its requests count more than once."""
    model_samples_near_limit: RatioAlertRule = Field(default_factory=RatioAlertRule)
    """A scrape has nearly as many samples as monitoring.metrics.sampleLimit allows."""
    model_series_growing: AlertRule = Field(default_factory=AlertRule)
    """A pod exposes far more series than a day ago."""
    model_version_mismatched: AlertRule = Field(default_factory=AlertRule)
    """A server says that it serves another version than its pod is labelled with."""
    model_threshold_not_a_bucket: AlertRule = Field(default_factory=AlertRule)
    """The threshold of an objective is no bound of the histogram, so that nothing can be counted."""


@spec_type
class Alerts:
    """Alerts of the model."""

    labels: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Labels added to every alert, for routing; namespace, monitored_model, severity, signal, slo, notified_by and alertname are the operator's."""
    rules: AlertRules = Field(default_factory=AlertRules)
    """Changes of single alerts."""


@spec_type
class Dashboard:
    """The Grafana dashboard of the model."""

    enabled: bool = True
    """Whether there is a dashboard ConfigMap."""
    folder: Annotated[str, Field(pattern=r"^[^/. \x00-\x1f\x7f][^/\x00-\x1f\x7f]*$", max_length=128)] | None = None
    """Folder in Grafana, where the dashboard sidecar is set up to read it from an annotation."""


@spec_type
class SecretKey:
    """A key of a Secret of the same namespace. The operator never reads it: prometheus-operator does."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, Field(pattern=DATA_KEY, max_length=253)]
    """Key in it."""


@spec_type
class SlackTarget:
    """A channel of Slack, or of what takes the same messages."""

    # Texts that Alertmanager takes for templates have patterns that no template matches.
    channel: Annotated[str, Field(pattern=CHANNEL, max_length=80)]
    """Channel or user: #risk-ml, @ada, or an ID."""
    webhook_url: Annotated[SecretKey, Field(alias="webhookURL")]
    """Where the address of the incoming webhook is."""


@spec_type
class PagerDutyTarget:
    """A service of PagerDuty, by its Events API v2."""

    routing_key: SecretKey
    """Where the integration key is."""


@spec_type
class EmailTarget:
    """A mailbox."""

    to: Annotated[str, Field(pattern=MAILBOXES, max_length=512)]
    """Address of whom to tell; several with commas."""
    from_: Annotated[
        str, Field(alias="from", pattern=MAILBOX, max_length=254, description="Address that it comes from.")
    ]
    smarthost: Annotated[str, Field(pattern=SMARTHOST, max_length=259)]
    """Server that sends it, as host:port."""
    auth_username: Annotated[str, Field(pattern=LOGIN, max_length=254)] | None = None
    """Name to log in with."""
    auth_password: SecretKey | None = None
    """Where the password is."""
    require_tls: Annotated[bool, Field(alias="requireTLS")] = True
    """Whether nothing is sent without TLS."""


@spec_type
class WebhookTarget:
    """A web service that takes Alertmanager's own JSON."""

    url: SecretKey
    """Where its address is."""


Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@spec_type
class TimeRange:
    """A part of a day, in UTC."""

    start: Annotated[str, Field(pattern=CLOCK, max_length=5)]
    """When it begins: 22:00."""
    end: Annotated[str, Field(pattern=CLOCK_END, max_length=5)]
    """When it ends: 06:00 is that of the next day where start is later, 24:00 the end of the day."""


@spec_type
class MuteTimeInterval:
    """When nobody is told. What still fires afterwards is told then."""

    days: Annotated[list[Day], Field(max_length=7)] = Field(default_factory=list)
    """Days of the week; every day when left out."""
    times: Annotated[list[TimeRange], Field(max_length=4)] = Field(default_factory=list)
    """Parts of these days; the whole day when left out."""


def _usual() -> list[Severity]:
    return ["critical", "warning"]


@spec_type
class Notification:
    """Who is told of which alerts. Exactly one of slack, pagerDuty, email and webhook."""

    name: Annotated[DnsLabel, Field(max_length=40)]
    """Name of the receiver, unique in this list."""
    severities: Annotated[list[Severity], Field(min_length=1, max_length=3)] = Field(default_factory=_usual)
    """Severities of the alerts that are told; critical and warning when left out."""
    slack: SlackTarget | None = None
    """Tell a channel of Slack."""
    pager_duty: PagerDutyTarget | None = None
    """Tell PagerDuty."""
    email: EmailTarget | None = None
    """Send mail."""
    webhook: WebhookTarget | None = None
    """Call a web service."""
    send_resolved: bool = True
    """Whether the end is told too."""
    group_wait: Duration = "30s"
    """Time for more alerts on the same model and signal to join before the first message."""
    group_interval: Duration = "5m"
    """Time between two messages when alerts join or end."""
    repeat_interval: Duration = "12h"
    """Time after which it is told again that nothing has changed; not below groupInterval."""
    mute_time_intervals: Annotated[list[MuteTimeInterval], Field(max_length=4)] = Field(default_factory=list)
    """When nobody is told."""


@spec_type
class SharedMonitoring:
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
class Monitoring(SharedMonitoring):
    """How the model is watched. Everything has a default that works."""

    profile: ObjectName | None = None
    """MonitoringProfile of this namespace whose fields count where the model has none; without it the one named default, if there is one."""
