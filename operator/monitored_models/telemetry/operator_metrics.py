"""The operator's own metrics for Prometheus: how much it does, how long that takes, and what fails.

One instance per process, passed to every component that counts. `model_metrics` exposes the series of each model.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..base.step_timer import Steps
from ..naming.series import PREFIX

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counters, histograms and gauges of one operator process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.reconciles = self._histogram(
            "reconcile_duration_seconds", "Time that a reconcile took, by outcome: ok or error.", _SECONDS, "outcome"
        )
        self.errors = self._counter(
            "reconcile_errors", "Failed reconciles, by the reason in the API server's response.", "reason"
        )
        self.depth = self._gauge("queue_depth", "Keys of models and MonitoringProfiles that wait for a worker.")
        self.age = self._gauge("queue_age_seconds", "Longest time for which a key has been waiting for a worker.")
        self.queue_wait = self._histogram("queue_wait_seconds", "Time that keys waited for a worker.", _SECONDS)
        self.requests = self._counter(
            "api_requests", "Requests to the API server; code 0 means no response.", "verb", "resource", "code"
        )
        self.request_seconds = self._histogram(
            "api_request_duration_seconds", "Time until the API server responded.", _SECONDS, "verb"
        )
        self.lag = self._histogram("event_loop_lag_seconds", "How late a timer of the event loop fired.", _LAG)
        self.resync_corrections = self._counter(
            "resync_changes", "Owners that a full list enqueued because the watches had missed a change."
        )
        self.leader = self._gauge("leader", "Whether this process leads.")
        self.models = self._gauge("models", "Models in the cache of this process.")
        self.grafana_requests = self._counter(
            "grafana_requests",
            "Requests to Grafana, by call and outcome: ok, denied, refused, timeout, unreachable or unreadable.",
            "call",
            "outcome",
        )
        self.grafana_answered = self._gauge(
            "grafana_last_success_timestamp_seconds",
            "When Grafana last responded to all requests of one poll; 0 for never.",
        )
        self.grafana_waiting = self._gauge(
            "grafana_annotations_waiting", "Version changes not yet annotated in Grafana."
        )
        build = Gauge(PREFIX + "build_info", "Version of the operator.", ["version"], registry=self.registry)
        build.labels(version("monitored-models")).set(1)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(PREFIX + name, text, labels, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(PREFIX + name, text, registry=self.registry)


class SelectorCollector(Collector):
    """The Prometheus, PrometheusAgent and Alertmanager objects whose selectors were read, for Prometheus."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str]] = []
        """Replaced as a whole, because another thread reads it."""

    def collect(self) -> Iterator[Metric]:
        """One gauge for each kind of child that an object could select."""
        family = GaugeMetricFamily(
            PREFIX + "selector_info",
            "Objects that select children of models, with the kind of child and the outcome: Selected, if it selects them.",
            labels=["kind", "namespace", "name", "selects", "outcome"],
        )
        for row in self.rows:
            family.add_metric(row, 1)
        yield family


class LongestStepCollector(Collector):
    """The longest time of each step of the work, for Prometheus."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def collect(self) -> Iterator[Metric]:
        """One gauge for each step."""
        family = GaugeMetricFamily(
            PREFIX + "event_loop_longest_step_seconds",
            "Longest time for which a step has blocked the event loop since the process started.",
            labels=["step"],
        )
        for step, seconds in sorted(self._steps.all().items()):
            family.add_metric([step], seconds)
        yield family
