"""Interpolation of variables into queries, as in Grafana. Pure functions on text."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from ..api import fields
from .dashboard_reader import Variable

ALL = "$__all"
_ALL_VALUE = ".*"
_REFERENCE = re.compile(r"\$(\w+)")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_STEPS = (
    *(1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600),
    *(7200, 10800, 21600, 43200, 86400, 604800, 2592000, 31536000),
)


@dataclass(frozen=True)
class Window:
    """A time range, in Unix seconds, and the time zone in which its times are displayed."""

    begin: float
    end: float
    zone: tzinfo | None = None

    @property
    def seconds(self) -> float:
        """Length of the range."""
        return self.end - self.begin


@dataclass(frozen=True)
class Chosen:
    """A variable with its options and its selected values."""

    variable: Variable
    options: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def all(self) -> bool:
        """Whether the option All is selected."""
        return self.values == (ALL,)


def seconds(duration: str) -> float | None:
    """Parse a duration such as 90s, 5m or 1h30m into seconds; None if the text is not a duration."""
    try:
        return fields.seconds(duration.strip())
    except ValueError:
        return None


def duration(length: float) -> str:
    """Format seconds as a duration, in the largest unit that divides them."""
    whole = round(length)
    unit = next(unit for unit, length in _UNITS.items() if whole % length == 0)
    return f"{whole // _UNITS[unit]}{unit}"


def step(window: Window, points: int, least: float) -> float:
    """Return the step in seconds: a round number near range / points, but at least the minimum step."""
    exact = window.seconds / max(points, 1)
    bounds = itertools.pairwise(_STEPS)
    rounded = next((low for low, high in bounds if exact < (low + high) / 2), _STEPS[-1])
    return max(rounded, least, math.ceil(window.seconds / 11_000))


def built_in(step: float, scrape: float) -> dict[str, str]:
    """Return Grafana's built-in variables for a step and a scrape interval in seconds."""
    return {"__interval": duration(step), "__rate_interval": duration(max(step + scrape, 4 * scrape))}


def in_query(text: str, chosen: Mapping[str, Chosen], own: Mapping[str, str]) -> str:
    """Interpolate a query as Grafana's Prometheus data source does. Unknown variables stay unchanged."""

    def one(match: re.Match[str]) -> str:
        name = match[1]
        return own[name] if name in own else _in_regex(chosen[name]) if name in chosen else match[0]

    return _REFERENCE.sub(one, text)


def _in_regex(one: Chosen) -> str:
    """Escape the selected values for a regex in a PromQL string, which needs each backslash twice."""
    if one.all:
        return _ALL_VALUE
    escaped = [re.sub(r"[$^*{}\[\]+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\\\\\\\")) for value in one.values]
    return (escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})").replace('"', '\\"')


def chosen(variable: Variable, options: Iterable[str], asked: Sequence[str]) -> Chosen:
    """Select the requested values among the options, or All."""
    options = tuple(sorted(set(options)))
    values = () if ALL in asked else tuple(value for value in asked if value in options)
    return Chosen(variable, options, values or (ALL,))
