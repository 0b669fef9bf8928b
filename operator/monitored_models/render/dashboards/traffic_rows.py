"""Panels on requests: rate, errors and duration."""

from __future__ import annotations

from ..rules import signals
from ..rules.alerts.traffic_alerts import latency_headline
from ..rules.catalogue import ERROR_RATIO, ERRORS, THROUGHPUT
from . import panels
from .panel_source import PanelSource
from .panels import Panel, Row


def headlines(s: PanelSource) -> list[Panel]:
    """Stat panels of requests, error ratio and latency."""
    headline = latency_headline(s.context.server) or ""
    shown = (
        ("Requests", "Requests per second.", THROUGHPUT, "reqps", ""),
        ("Failed requests", "Share of requests that fail.", ERROR_RATIO, "percentunit", "ModelErrorRatioHigh"),
        (f"Latency ({headline.rsplit(':', 1)[-1]})", "Duration of a request.", headline, "s", "ModelLatencyHigh"),
    )
    return [
        panels.stat(title, about + s.threshold_note(alert), query, unit=unit, red_from=s.limit(alert))
        for title, about, name, unit, alert in shown
        for query in s.series(there=name).values()
    ]


def traffic(s: PanelSource) -> Row:
    """Row with requests, errors and latency over time."""
    found = []
    if requests := s.series(requests=THROUGHPUT, failed=ERRORS):
        found.append(panels.lines("Traffic", "Requests and failed requests per second.", requests, unit="reqps"))
    if failed := s.series(failed=ERROR_RATIO):
        about, limit = (
            "Share of requests that fail." + s.threshold_note("ModelErrorRatioHigh"),
            s.limit("ModelErrorRatioHigh"),
        )
        found.append(panels.lines("Error ratio", about, failed, unit="percentunit", red_from=limit))
    if latencies := s.stats("inference_latency", "p50", "p95", "p99", "mean"):
        about, limit = "Duration of requests." + s.threshold_note("ModelLatencyHigh"), s.limit("ModelLatencyHigh")
        found.append(panels.lines("Latency", about, latencies, unit="s", red_from=limit))
    if buckets := signals.buckets(s.context.server, "latency", s.context.scope):
        found.append(panels.heat("Latency distribution", "Requests per second by duration.", buckets, unit="s"))
    return Row("Traffic", tuple(found))
