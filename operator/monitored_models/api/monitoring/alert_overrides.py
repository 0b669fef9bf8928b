"""Changes to the alerts of a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...base.schema_types import pascal_case_type, spec_type
from ..fields import (
    Duration,
    Severity,
)


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
