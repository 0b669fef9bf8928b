"""Which of a server's metrics Prometheus keeps: as relabelings of what was scraped."""

from __future__ import annotations

import re
from typing import Any

from modelmetrics import names as exposed

from ...api import Model
from ..rules.quality import LITERAL_ERROR, SHARES, UPDATED
from ..rules.signals import server

FAMILY_SUFFIXES = "(_bucket|_sum|_count|_total|_created)?"
"""What client libraries append to the name that a server's code gives: a name stands for its whole family."""
ALWAYS_KEPT = ("process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds")


def selection(model: Model) -> str:
    """Which metrics are kept: core or all."""
    return model.monitoring.metrics.selection or model.profile.selection


def core(model: Model) -> tuple[str, ...]:
    """Metrics that rules and dashboards of this model read, those that its profile adds, and those that its spec keeps."""
    own = (*exposed.ALL, *SHARES, LITERAL_ERROR, UPDATED) if model.profile.instrumented else ()
    ratios = [slo.indicator.ratio for slo in model.monitoring.slos if slo.indicator.ratio]
    counted = [signal.counter for ratio in ratios for signal in (ratio.total, ratio.good, ratio.bad) if signal]
    kept = model.monitoring.metrics.keep or ()
    return tuple(sorted({*server(model).metrics(), *model.profile.core, *ALWAYS_KEPT, *own, *counted, *kept}))


def metric_relabelings(model: Model) -> list[dict[str, Any]]:
    """Rules for the series of a scrape: keep the core, then drop what the spec does not want."""
    dropped = sorted(set(model.monitoring.metrics.drop or ()))
    kept = [_rule("keep", core(model))] if selection(model) == "core" else []
    return kept + ([_rule("drop", tuple(dropped))] if dropped else [])


def limits(model: Model) -> dict[str, Any]:
    """How much of one pod Prometheus takes at most."""
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
