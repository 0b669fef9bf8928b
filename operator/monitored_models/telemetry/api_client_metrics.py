"""Metrics of requests to the API server, from our own client and from kopf's: request counts and the age of watches.

From outside, only the time when a watch stream was opened can be observed. A healthy stream is reopened every few
minutes, because the server ends it, and kopf ends one that is silent for longer than the API server's bookmarks allow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import aiohttp
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..naming.kinds import resource_of
from ..naming.series import PREFIX
from .operator_metrics import Metrics

_VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "PUT": "update", "DELETE": "delete"}


class WatchAgeCollector(Collector):
    """When each watch stream was last opened."""

    def __init__(self) -> None:
        self._opened: dict[str, float] = {}

    def opened(self, path: str) -> None:
        """Record that a stream was opened, by its path."""
        self._opened[path] = time.monotonic()

    def clear(self) -> None:
        """Forget all streams: new ones will be opened."""
        self._opened.clear()

    def age(self) -> float:
        """Seconds since the oldest stream was opened; 0 without streams."""
        return time.monotonic() - min(list(self._opened.values()), default=time.monotonic())

    def collect(self) -> Iterator[Metric]:
        """The age of each resource's oldest stream, for Prometheus."""
        family = GaugeMetricFamily(
            PREFIX + "watch_age_seconds", "Time since the watch of a resource was opened.", labels=["resource"]
        )
        oldest: dict[str, float] = {}
        for path, when in list(self._opened.items()):  # another thread reads it
            resource = resource_of(path)
            oldest[resource] = min(when, oldest.get(resource, when))
        for resource, when in oldest.items():
            family.add_metric([resource], time.monotonic() - when)
        yield family


def trace_config(metrics: Metrics, watches: WatchAgeCollector) -> aiohttp.TraceConfig:
    """The trace configuration with which a client session counts its requests."""

    async def started(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.started = time.perf_counter()

    async def ended(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        verb = _verb(params.method, params.url.query)
        metrics.requests.labels(verb, resource_of(params.url.path), str(params.response.status)).inc()
        if verb != "watch":
            metrics.request_seconds.labels(verb).observe(time.perf_counter() - context.started)
        elif params.response.ok:
            watches.opened(params.url.path)

    async def failed(_session: object, _context: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        metrics.requests.labels(_verb(params.method, params.url.query), resource_of(params.url.path), "0").inc()

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(started)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(failed)
    return trace


def _verb(method: str, query: object) -> str:
    parameters: dict[str, str] = dict(query)  # type: ignore[call-overload]
    if method == "GET" and parameters.get("watch") == "true":
        return "watch"
    return "list" if method == "GET" and "limit" in parameters else _VERBS.get(method, method.lower())
