"""Metric relabelings, which select the metrics of a server that Prometheus keeps."""

from __future__ import annotations

import re
from typing import Any

from modelsignals import names as exposed

from ...api import Model
from ..rules.quality import LITERAL_ERROR, SHARES, UPDATED
from ..rules.signals import server

FAMILY_SUFFIXES = "(_bucket|_sum|_count|_total|_created)?"
"""Suffixes that client libraries append to a metric name. A name selects its entire family."""
ALWAYS_KEPT = ("process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds")


def selection(model: Model) -> str:
    """Return the metric selection: core or all."""
    return model.monitoring.metrics.selection or model.runtime.selection


def core(model: Model) -> tuple[str, ...]:
    """Metrics that a model's rules and dashboards read, that its runtime profile adds, or that its spec keeps."""
    own = (*exposed.ALL, *SHARES, LITERAL_ERROR, UPDATED) if model.runtime.instrumented else ()
    ratios = [slo.indicator.ratio for slo in model.monitoring.slos if slo.indicator.ratio]
    counted = [signal.counter for ratio in ratios for signal in (ratio.total, ratio.good, ratio.bad) if signal]
    kept = model.monitoring.metrics.keep or ()
    return tuple(sorted({*server(model).metrics(), *model.runtime.core, *ALWAYS_KEPT, *own, *counted, *kept}))


def metric_relabelings(model: Model) -> list[dict[str, Any]]:
    """Return the metric relabelings: keep the core metrics, then drop those that the spec excludes."""
    dropped = sorted(set(model.monitoring.metrics.drop or ()))
    kept = [_rule("keep", core(model))] if selection(model) == "core" else []
    return kept + ([_rule("drop", tuple(dropped))] if dropped else [])


def limits(model: Model) -> dict[str, Any]:
    """Return the scrape limits of one pod."""
    metrics = model.monitoring.metrics
    return {
        "sampleLimit": metrics.sample_limit,
        "labelLimit": metrics.label_limit,
        "labelValueLengthLimit": metrics.label_value_length_limit,
        "bodySizeLimit": metrics.body_size_limit,
    }


def _rule(action: str, families: tuple[str, ...]) -> dict[str, Any]:
    plain = [re.sub("_(bucket|sum|count|total)$", "", name) for name in families]
    return {
        "action": action,
        "sourceLabels": ["__name__"],
        "regex": f"({'|'.join(dict.fromkeys(plain))}){FAMILY_SUFFIXES}",
    }
