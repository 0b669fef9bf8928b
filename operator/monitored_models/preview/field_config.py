"""Display options of a series or column: Grafana's field configuration with its overrides and colors."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from ..base.json_paths import JSON, get_path, number, objects
from . import units
from .dashboard_reader import Panel

_HUES = {
    "red": ("#AD0317", "#C4162A", "#E02F44", "#F2495C", "#FF7383"),
    "orange": ("#E55400", "#FA6400", "#FF780A", "#FF9830", "#FFB357"),
    "yellow": ("#CC9D00", "#E0B400", "#F2CC0C", "#FADE2A", "#FFEE52"),
    "green": ("#19730E", "#37872D", "#56A64B", "#73BF69", "#96D98D"),
    "blue": ("#1250B0", "#1F60C4", "#3274D9", "#5794F2", "#8AB8FF"),
    "purple": ("#7C2EA3", "#8F3BB8", "#A352CC", "#B877D9", "#CA95E5"),
}
_SHADES = ("dark-", "semi-dark-", "", "light-", "super-light-")
_COLOURS = {
    **{f"{shade}{hue}": code for hue, codes in _HUES.items() for shade, code in zip(_SHADES, codes, strict=True)},
    "text": "#24292e",
    "transparent": "rgba(0,0,0,0)",
    "gray": "#8e8e8e",
    "grey": "#8e8e8e",
    "white": "#ffffff",
    "black": "#000000",
}
PALETTE = tuple(
    _COLOURS.get(name, name)
    for name in (
        *("green", "semi-dark-yellow", "light-blue", "semi-dark-orange", "red", "blue", "purple"),
        *("#705DA0", "dark-green", "yellow", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477"),
    )
)
"""Grafana's classic palette, for the light theme."""
_CODE = re.compile(r"^(#[0-9a-fA-F]{3,8}|rgba?\([0-9., %]+\))$")


def colour(name: str) -> str:
    """Return a Grafana color as CSS, or gray if the name is not a color."""
    return _COLOURS.get(name) or (name if _CODE.match(name) else "#8e8e8e")


@dataclass(frozen=True)
class Moment:
    """The current time, in Unix seconds, and the time zone in which dates are formatted."""

    now: float
    zone: tzinfo | None = None


@dataclass(frozen=True)
class Step:
    """A threshold step. The base step has no value in the JSON and starts at minus infinity."""

    value: float
    colour: str


@dataclass(frozen=True)
class Field:
    """The resolved field configuration of one series."""

    config: JSON
    moment: Moment
    least: float | None = None
    most: float | None = None
    steps: tuple[Step, ...] = ()
    custom: JSON = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Grafana's ID of the unit."""
        return get_path(self.config, "unit", "")

    @property
    def decimals(self) -> int | None:
        """Fixed number of decimals (0 to 12), or None."""
        found = number(self.config, "decimals")
        return None if found is None else min(max(int(found), 0), 12)

    @property
    def name(self) -> str:
        """Display name that replaces the name of the series, or an empty string."""
        return get_path(self.config, "displayName", "")

    @property
    def empty(self) -> str:
        """Text that replaces a missing value."""
        return get_path(self.config, "noValue", "")

    def text(self, value: Any) -> str:
        """Format a value for display."""
        if mapped := get_path(self._mapping(value), "text", ""):
            return mapped
        if value is None:
            return self.empty
        if isinstance(value, str):
            return value
        return units.text(value, self.unit, self.decimals, self.moment.now, self.moment.zone)

    def tick(self, value: float) -> str:
        """Format a value as an axis label."""
        return units.tick(value, self.unit, self.decimals)

    def colour(self, value: Any) -> str:
        """Return the color of a value: from its mapping, else from the thresholds or the fixed color."""
        if mapped := get_path(self._mapping(value), "color", ""):
            return colour(mapped)
        mode = get_path(self.config, "color.mode", "thresholds")
        if mode in ("fixed", "shades"):
            return colour(get_path(self.config, "color.fixedColor", "gray"))
        if not isinstance(value, int | float):
            return self.steps[0].colour if self.steps and value is None else _COLOURS["text"]
        return self.by_threshold(value)

    def by_threshold(self, value: float) -> str:
        """Return the color of the highest threshold that a value reaches."""
        reached = [step.colour for step in self.steps if value >= step.value]
        return reached[-1] if reached else _COLOURS["green"]

    def line_colour(self, index: int, last: float | None) -> str:
        """Return the color of a line: by color mode, else from the palette by the index of the series."""
        mode = get_path(self.config, "color.mode", "palette-classic")
        if mode in ("fixed", "shades"):
            return colour(get_path(self.config, "color.fixedColor", "green"))
        if mode == "thresholds":
            return self.by_threshold(last or 0)
        return PALETTE[index % len(PALETTE)]

    @property
    def has_mappings(self) -> bool:
        """Whether the field has value mappings."""
        return bool(objects(self.config, "mappings"))

    def _mapping(self, value: Any) -> JSON:
        for mapping in objects(self.config, "mappings"):
            if found := _mapped(mapping, value):
                return found
        return {}


def field_of(panel: Panel, moment: Moment, name: str, ref: str = "", kind: str = "number") -> Field:
    """Return the configuration of a series or column: the panel's defaults, then each matching override in order."""
    config = copy.deepcopy(panel.defaults)
    for override in panel.overrides:
        if _fits(get_path(override, "matcher", JSON()), name, ref, kind):
            for one in objects(override, "properties"):
                _set(config, get_path(one, "id", ""), one.get("value"))
    least, most = number(config, "min"), number(config, "max")
    return Field(config, moment, least, most, tuple(_steps(config, least, most)), get_path(config, "custom", JSON()))


def _fits(matcher: JSON, name: str, ref: str, kind: str) -> bool:
    wanted: Any = matcher.get("options")
    match matcher.get("id"):
        case "byName":
            return bool(wanted == name)
        case "byRegexp":
            return isinstance(wanted, str) and _matches(wanted.removeprefix("/").removesuffix("/"), name)
        case "byFrameRefID":
            return bool(wanted == ref)
        case "byType":
            return bool(wanted == kind)
        case "byNames":
            return name in get_path(wanted, "names", list[Any]())
    return False


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _set(config: JSON, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    place = config
    for parent in parents:
        inner = place.get(parent)
        place[parent] = inner if isinstance(inner, dict) else {}
        place = place[parent]
    place[last] = value


def _steps(config: JSON, least: float | None, most: float | None) -> Iterable[Step]:
    low, high = least or 0.0, 100.0 if most is None else most
    percent = get_path(config, "thresholds.mode", "") == "percentage"
    for one in objects(config, "thresholds.steps"):
        value = number(one, "value")
        if value is not None and percent:
            value = low + (high - low) * value / 100
        yield Step(float("-inf") if value is None else value, colour(get_path(one, "color", "")))


def _mapped(mapping: JSON, value: Any) -> JSON:
    options: Mapping[str, Any] = get_path(mapping, "options", JSON())
    match mapping.get("type"):
        case "value":
            return get_path(options, _key(value), JSON()) if "." not in _key(value) else _dict(options.get(_key(value)))
        case "range" if isinstance(value, int | float):
            low, high = number(options, "from"), number(options, "to")
            inside = (low is None or value >= low) and (high is None or value <= high)
            return get_path(options, "result", JSON()) if inside else {}
        case "special":
            wanted = get_path(options, "match", "")
            if value is None and wanted in ("null", "null+nan", "empty"):
                return get_path(options, "result", JSON())
        case "regex" if isinstance(value, str):
            pattern = get_path(options, "pattern", "").removeprefix("/").removesuffix("/")
            return get_path(options, "result", JSON()) if pattern and _matches(pattern, value) else {}
    return {}


def _dict(found: Any) -> JSON:
    return found if isinstance(found, dict) else {}


def _key(value: Any) -> str:
    """Format a value as a key of a value mapping."""
    if isinstance(value, float) and value == round(value) and abs(value) < 1e15:
        return str(round(value))
    return str(value)
