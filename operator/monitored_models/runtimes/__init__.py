"""Runtime profiles: what is known of each kind of model server, as data.

One YAML file per runtime in this folder; adding one touches no Python. A profile's expressions are bare PromQL
without any matcher on the model: `render/rules/promql.py` scopes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml
from pydantic import TypeAdapter

from .profile import (
    CUSTOM,
    CUSTOM_RUNTIME_PREFIX,
    Durations,
    Histogram,
    ProbeDefaults,
    RuntimeProfile,
    SignalExpressions,
)

__all__ = [
    "CUSTOM",
    "CUSTOM_RUNTIME_PREFIX",
    "Durations",
    "Histogram",
    "ProbeDefaults",
    "RuntimeProfile",
    "SignalExpressions",
    "builtin_runtimes",
]

_adapter = TypeAdapter(RuntimeProfile)


@cache
def builtin_runtimes() -> Mapping[str, RuntimeProfile]:
    """Every built-in profile by its id. Raises pydantic.ValidationError for a file that is not a profile."""
    files = sorted(f.name for f in resources.files(__package__).iterdir() if f.name.endswith(".yaml"))
    loaded = (
        _adapter.validate_json(json.dumps(yaml.safe_load(resources.files(__package__).joinpath(name).read_text())))
        for name in files
    )
    return MappingProxyType({profile.id: profile for profile in loaded})
