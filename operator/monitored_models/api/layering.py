"""What a model inherits: operator settings < MonitoringProfile < model, laid over one another as plain maps. Pure.

Maps are joined field by field. The nearer one wins whole where the parts belong together: a list, a signal, an objective of
the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..runtimes import CUSTOM, RuntimeProfile, builtin_runtimes

DEFAULT_PROFILE = "default"
"""Name of the MonitoringProfile that a model has without naming one, where there is one of that name."""
OPERATOR, MODEL = "operator", "model"
"""Origins of a value, beside the profile's name."""
REPLACED_WHOLE = "signals"
MERGED_BY_NAME = "slos"


@dataclass(frozen=True)
class Layer:
    """One place that says how models are watched."""

    origin: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class ProfileSpec:
    """A MonitoringProfile as someone wrote it."""

    name: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class PlatformDefaults:
    """What the operator's settings bring to every model: runtimes beside the built-in ones, defaults of monitoring."""

    runtimes: Mapping[str, RuntimeProfile] = field(default_factory=builtin_runtimes)
    monitoring: Mapping[str, Any] = field(default_factory=dict)


def layers(
    own: Mapping[str, Any], monitoring_profile: ProfileSpec | None, platform: PlatformDefaults, runtime: str
) -> list[Layer]:
    """The places that count for a model, the farthest first. Names of signals are only for the custom runtime."""
    found = [Layer(OPERATOR, platform.monitoring)]
    found += [Layer(f"profile {monitoring_profile.name}", monitoring_profile.spec)] if monitoring_profile else []
    found = [Layer(layer.origin, without_nulls(layer.content)) for layer in found]
    if runtime != CUSTOM:
        found = [
            Layer(layer.origin, {k: v for k, v in layer.content.items() if k != REPLACED_WHOLE}) for layer in found
        ]
    return [*(layer for layer in found if layer.content), Layer(MODEL, without_nulls(own))]


def without_nulls(content: Any) -> Any:
    """A value without the nulls in it: Kubernetes drops one where the schema has no nullable. Raises RecursionError."""
    if isinstance(content, Mapping):
        return {key: without_nulls(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [without_nulls(item) for item in content]
    return content


def merge_layers(stack: Sequence[Layer]) -> dict[str, Any]:
    """All layers in one map."""
    merged: dict[str, Any] = {}
    for layer in stack:
        merged = _merged(merged, layer.content)
    return merged


def origins(stack: Sequence[Layer]) -> dict[str, str]:
    """Path of each value that some layer gives, to where it comes from: `slos[fast].objective`, `scrape.interval`."""
    found: dict[str, str] = {}
    for layer in stack:
        paths = _paths(layer.content, "")
        for unit in {path for path in paths if _is_in_unit(path)}:  # what is replaced whole leaves nothing behind
            found = {path: origin for path, origin in found.items() if _unit(path) != _unit(unit)}
        found.update(dict.fromkeys(paths, layer.origin))
    return found


def _merged(far: Any, near: Any, path: tuple[str, ...] = ()) -> Any:
    if path == (MERGED_BY_NAME,) and isinstance(far, list) and isinstance(near, list):
        kept = [item for item in far if _name(item) not in {_name(other) for other in near}]
        return [*kept, *near]
    if not (isinstance(far, Mapping) and isinstance(near, Mapping)) or (len(path) == 2 and path[0] == REPLACED_WHOLE):
        return near
    joined = dict(far)
    for key, value in near.items():
        joined[key] = _merged(far[key], value, (*path, key)) if key in far else value
    return joined


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, Mapping) else None


def _paths(value: Any, path: str) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [p for key, inner in value.items() for p in _paths(inner, f"{path}.{key}" if path else str(key))]
    if path == MERGED_BY_NAME and isinstance(value, list):
        return [p for item in value for p in _paths(item, f"{path}[{_name(item)}]")]
    return [path] if path else []


def _is_in_unit(path: str) -> bool:
    return path.startswith((f"{REPLACED_WHOLE}.", f"{MERGED_BY_NAME}["))


def _unit(path: str) -> str | None:
    """The unit that a path belongs to: one signal, one objective."""
    if path.startswith(f"{MERGED_BY_NAME}["):
        return path.split("]", 1)[0]
    return ".".join(path.split(".")[:2]) if path.startswith(f"{REPLACED_WHOLE}.") else None
