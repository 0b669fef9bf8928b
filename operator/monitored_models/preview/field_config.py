"""Display options of a series or column: Grafana's field configuration, with its overrides."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from ..base.json_paths import JSON, get_path, number, objects
from . import units
from .colors import COLORS, color
from .dashboard_reader import Panel


@dataclass(frozen=True)
class Step:
    """A threshold step. The base step has no value in the JSON and starts at minus infinity."""

    value: float
    color: str


@dataclass(frozen=True)
class Field:
    """The resolved field configuration of one series or column."""

    unit: str
    """Grafana's ID of the unit."""
    empty: str
    """Text that replaces a missing value."""
    least: float | None
    most: float | None
    steps: tuple[Step, ...]
    states: JSON
    """Text and color by value, which replace those of the number."""
    custom: JSON
    """Options of the panel type."""

    def text(self, value: str | float | None) -> str:
        """Format a value for display."""
        if mapped := get_path(self._state(value), "text", ""):
            return mapped
        if value is None:
            return self.empty
        return value if isinstance(value, str) else units.text(value, self.unit)

    def color(self, value: str | float | None) -> str:
        """Return the color of a value: from its mapping, else that of the highest threshold that it reaches."""
        if mapped := get_path(self._state(value), "color", ""):
            return color(mapped)
        if value is None:
            return self.steps[0].color if self.steps else COLORS["text"]
        if isinstance(value, str):
            return COLORS["text"]
        reached = [step.color for step in self.steps if value >= step.value]
        return reached[-1] if reached else COLORS["green"]

    def _state(self, value: str | float | None) -> Any:
        return self.states.get(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))


def field_of(panel: Panel, name: str) -> Field:
    """Return the configuration of a series or column: the panel's defaults, then each override of this name in order."""
    config = copy.deepcopy(panel.defaults)
    for override in panel.overrides:
        if get_path(override, "matcher.id", "") == "byName" and get_path(override, "matcher.options", "") == name:
            for one in objects(override, "properties"):
                _set(config, get_path(one, "id", ""), one.get("value"))
    steps = (
        Step(float("-inf") if (value := number(one, "value")) is None else value, color(get_path(one, "color", "")))
        for one in objects(config, "thresholds.steps")
    )
    states = [get_path(mapping, "options", JSON()) for mapping in objects(config, "mappings")]
    return Field(
        unit=get_path(config, "unit", ""),
        empty=get_path(config, "noValue", ""),
        least=number(config, "min"),
        most=number(config, "max"),
        steps=tuple(steps),
        states={value: state for options in reversed(states) for value, state in options.items()},
        custom=get_path(config, "custom", JSON()),
    )


def _set(config: JSON, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    place = config
    for parent in parents:
        inner = place.get(parent)
        place[parent] = inner if isinstance(inner, dict) else {}
        place = place[parent]
    place[last] = value
