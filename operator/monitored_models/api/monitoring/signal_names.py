"""Names of the metrics that stand for the signals of a custom server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    MetricName,
)

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
