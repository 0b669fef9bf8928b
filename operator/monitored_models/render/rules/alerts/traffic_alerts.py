"""Alerts on requests: errors, latency, missing data and saturation."""

from __future__ import annotations

from ....api import Model
from ....naming import labels
from .. import signals
from ..catalogue import ERROR_RATIO, KV_CACHE, LATENCY_MEAN, LATENCY_P95, QUEUE, Context, recorded
from ..signals import SignalSource
from .alert import MODEL_TEMPLATE, Alert, counted_objectives


def latency_headline(server: SignalSource) -> str | None:
    """Return the recorded latency that alerts and headlines read, or None if there is none."""
    source = server.durations["latency"]
    if source is None:
        return None
    return LATENCY_P95 if source.histograms and source.headline == "p95" else LATENCY_MEAN


def _error_ratio_high(c: Context) -> str | None:
    if signals.error_ratio(c.server, c.scope) is None:
        return None
    return f"{recorded(ERROR_RATIO, c.scope)} > {c.scope.limit('error_ratio')}"


def _latency_high(c: Context) -> str | None:
    headline = latency_headline(c.server)
    return headline and f"{recorded(headline, c.scope)} > {c.scope.limit('latency')}"


def _no_data(c: Context) -> str:
    return f"{c.scope.none_of(signals.up_series(c.server, c.scope))} and on ({labels.BY_MODEL}) ({signals.targets_up(c.scope)} > 0)"


def _saturated(c: Context) -> str | None:
    if not (c.server.expressions["kv_cache"] and c.server.expressions["queue"]):
        return None
    return f"{recorded(KV_CACHE, c.scope)} > {c.scope.limit('kv_cache')} and {recorded(QUEUE, c.scope)} > 0"


def _has_no_objective_for_availability(model: Model) -> bool:
    return not any(slo.indicator.availability for slo in counted_objectives(model))


def _has_no_objective_for_latency(model: Model) -> bool:
    return not any(slo.indicator.latency for slo in counted_objectives(model))


TRAFFIC = (
    Alert(
        name="ModelErrorRatioHigh",
        signal="availability",
        for_="10m",
        severity="critical",
        summary="A model fails too many requests.",
        description=f"{MODEL_TEMPLATE} fails {{{{ $value | humanizePercentage }}}} of its requests; the limit is {{limit}}.",
        rationale="Users get errors now. An objective for availability takes its place: it wakes by budget, not by a moment.",
        expression=_error_ratio_high,
        limit="error_ratio",
        unit="ratio",
        on_by_default=_has_no_objective_for_availability,
    ),
    Alert(
        name="ModelLatencyHigh",
        signal="latency",
        for_="15m",
        severity="warning",
        summary="A model answers too slowly.",
        description=f"{MODEL_TEMPLATE} takes {{{{ $value | humanizeDuration }}}} for a request; the limit is {{limit}}.",
        rationale="Callers time out before errors are counted. An objective for latency takes its place.",
        expression=_latency_high,
        limit="latency",
        unit="seconds",
        on_by_default=_has_no_objective_for_latency,
        by_runtime=True,
    ),
    Alert(
        name="ModelNoData",
        signal="data",
        for_="30m",
        severity="info",
        summary="A model answers scrapes, but not with the metrics that its rules read.",
        description=f"{MODEL_TEMPLATE} exposes none of the series that its runtime is known for; its other alerts cannot fire. "
        "Check spec.runtime, or name its metrics in spec.monitoring.signals. A server that exposes a series with its "
        "first request only looks the same until then.",
        rationale="A model whose alerts cannot fire looks exactly like a healthy one.",
        expression=_no_data,
        by_runtime=True,
    ),
    Alert(
        name="ModelSaturated",
        signal="saturation",
        for_="10m",
        severity="warning",
        summary="A language model has no room for more requests.",
        description=f"Requests to {MODEL_TEMPLATE} wait while its key-value cache is {{{{ $value | humanizePercentage }}}} full; the "
        "limit is {limit}.",
        rationale="Time to first token grows without end from here; more replicas or shorter contexts are the only help.",
        expression=_saturated,
        limit="kv_cache",
        unit="ratio",
        by_runtime=True,
    ),
)
