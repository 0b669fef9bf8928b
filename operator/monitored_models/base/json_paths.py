"""Values of JSON from other sources, by dotted path and with the expected type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

JSON = dict[str, Any]
T = TypeVar("T")


def get_path(value: Any, path: str, default: T) -> T:
    """The value at a dotted path if it has the default's type; otherwise the default."""
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**300:
        return float(value)  # type: ignore[return-value]
    if isinstance(value, float) and not math.isfinite(value):
        return default  # not JSON, but Python reads it
    return value if isinstance(value, type(default)) and (type(value) is type(default)) else default


def number(value: Any, path: str) -> float | None:
    """The number at a dotted path; None if absent or not finite."""
    found = get_path(value, path, math.nan)
    return found if math.isfinite(found) else None


def objects(value: Any, path: str) -> list[JSON]:
    """The objects of a list at a dotted path."""
    found: list[Any] = get_path(value, path, [])
    return [item for item in found if isinstance(item, dict)]


def texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts, as Grafana stores a selection."""
    if isinstance(value, list):
        return tuple(str(item) for item in value if isinstance(item, str | int | float))
    return (str(value),) if isinstance(value, str | int | float) and not isinstance(value, bool) else ()
