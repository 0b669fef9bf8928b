"""How Prometheus scrapes a model, and which metrics it keeps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    Duration,
    MetricName,
    Port,
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
