"""Service level objectives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    DnsLabel,
    Duration,
)
from .signal_names import CounterSignal


@spec_type
class Threshold:
    """A duration that requests should stay below."""

    threshold: Duration
    """Duration; it can be counted exactly only where it is one of the histogram's bounds."""


@spec_type
class Ratio:
    """Events counted by the server, of which some are good or bad. Exactly one of the two."""

    total: CounterSignal
    """Counter of all events."""
    good: CounterSignal | None = None
    """Counter of the good ones."""
    bad: CounterSignal | None = None
    """Counter of the bad ones."""


@spec_type
class Availability:
    """Share of requests that do not fail."""


@spec_type
class Indicator:
    """What an objective is about. Exactly one."""

    availability: Availability | None = None
    """Requests that do not fail: `availability: {}`."""
    latency: Threshold | None = None
    """Requests that are answered within a duration."""
    ttft: Threshold | None = None
    """Requests whose first token comes within a duration."""
    ratio: Ratio | None = None
    """Good events of a counter of the server's own."""


@spec_type
class Slo:
    """A service level objective."""

    name: Annotated[DnsLabel, Field(max_length=40)]
    """Name of the objective, unique in this list: a label of its series and alerts."""
    objective: Annotated[float, Field(ge=85, le=99.999)]
    """Percentage of events that should be good. Below 85 no burn rate is high enough for the alert that wakes someone."""
    window: Literal["28d", "30d"] = "30d"
    """Time over which the error budget is counted."""
    indicator: Indicator
    """What is counted."""
