"""Thresholds of a model's rules: the values of its spec, or the defaults. Pure.

A model's own rules contain them as numbers. For a fleet they are series, one per name.
"""

from __future__ import annotations

from ...api import Model
from ...api.fields import seconds
from ..workload import probes

VOLUME_FULL = 0.9
CACHE_FULL = 0.95
SAMPLES_NEAR_LIMIT = 0.8
QUALITY = {
    "accuracy": "min",
    "precision": "min",
    "recall": "min",
    "f1_score": "min",
    "false_positive_rate": "max",
    "false_negative_rate": "max",
    "prediction_error": "max",
}
"""Maps each field of `monitoring.quality` to the side of its threshold, min or max."""


def thresholds(model: Model) -> dict[str, float]:
    """Map names to thresholds: ratios from 0 to 1, times in seconds. Omits those that a spec does not configure."""
    monitoring = model.monitoring
    rules = monitoring.alerts.rules
    samples = rules.model_samples_near_limit.threshold or SAMPLES_NEAR_LIMIT
    found: dict[str, float] = {
        "replicas": model.minimum_replicas,
        "startup": probes.seconds_to_load(model),
        "error_ratio": rules.model_error_ratio_high.threshold or model.runtime.alerts.error_ratio,
        "latency": seconds(rules.model_latency_high.threshold or model.runtime.alerts.latency),
        "volume": rules.model_volume_filling_up.threshold or VOLUME_FULL,
        "kv_cache": rules.model_saturated.threshold or CACHE_FULL,
        "samples": round(samples * monitoring.metrics.sample_limit),
    }
    if monitoring.quality:
        given = {name: getattr(monitoring.quality, name) for name in QUALITY}
        found |= {name: float(getattr(limit, QUALITY[name])) for name, limit in given.items() if limit}
        found |= {
            "labels": monitoring.quality.minimum_labels,
            "coverage": monitoring.quality.minimum_coverage,
        }
    if monitoring.drift:
        found |= {"drift_warning": monitoring.drift.warning, "drift_critical": monitoring.drift.critical}
    if monitoring.freshness:
        found["age"] = seconds(monitoring.freshness.max_age)
    return found
