"""Runtime profiles: what is known of each kind of model server, as data.

One YAML file per runtime in this folder; adding one touches no Python. A profile's expressions are bare PromQL
without any matcher on the model: `desired/promql.py` scopes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter

from ..typed import settings_type


@settings_type
class ProbeDefaults:
    """Defaults of one probe; without a path the port must accept connections. Times in seconds."""

    enabled: bool = True
    path: str | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 5
    failure_threshold: int = 3


@settings_type
class UriHandling:
    """Which schemes of model.uri the server understands, each with the form in which it is given to the server.

    In a form, {uri} is the whole URI and {rest} what follows the scheme's two slashes.
    """

    required: bool = False
    schemes: dict[str, str] = Field(default_factory=dict)


@settings_type
class Latency:
    """Request duration in seconds: a bare histogram (quantiles), or a bare expression of the mean where there is none."""

    histogram: str | None = None
    scale: float = 1.0
    mean: str | None = None


@settings_type
class SignalExpressions:
    """Bare PromQL of the canonical signals, per second or in seconds.

    $window stands for the rate window. Every aggregation keeps the model's identity when it is scoped.
    """

    requests: str
    errors: str
    latency: Latency
    presence: str
    """A series that exists as soon as the server is up: its absence means that the metrics are not the expected ones."""


@settings_type
class AlertDefaults:
    """Thresholds that make sense for this kind of server."""

    error_ratio: Annotated[float, Field(gt=0, lt=1)]
    latency: str


@settings_type
class Profile:
    """One kind of model server."""

    id: str
    title: str
    image: str | None = None
    port: int
    metrics_port: int | None = None
    metrics_path: str = "/metrics"
    arguments: tuple[str, ...] = ()
    uri_arguments: tuple[str, ...] = ()
    gpu_arguments: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    uri: UriHandling = Field(default_factory=UriHandling)
    user: int = 10001
    home: str = "/home/mm"
    startup: ProbeDefaults
    readiness: ProbeDefaults
    liveness: ProbeDefaults
    progress_deadline_seconds: int
    signals: SignalExpressions
    alerts: AlertDefaults


_adapter = TypeAdapter(Profile)


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by its id. Raises pydantic.ValidationError for a file that is not a profile."""
    files = sorted(f.name for f in resources.files(__package__).iterdir() if f.name.endswith(".yaml"))
    loaded = (
        _adapter.validate_json(json.dumps(yaml.safe_load(resources.files(__package__).joinpath(name).read_text())))
        for name in files
    )
    return MappingProxyType({profile.id: profile for profile in loaded})
