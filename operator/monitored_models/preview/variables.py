"""Interpolation of variables into queries and titles, as in Grafana. Pure functions on text."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..api import fields
from .dashboard_reader import Variable

ALL = "$__all"
SCRAPE_SECONDS = 15
"""Scrape interval that Grafana assumes if its data source does not configure one."""
CHOSEN_KINDS = ("query", "custom", "interval")
_REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]|\$\{(\w+)(?::(\w+))?\}")
_LABEL_VALUES = re.compile(r"^\s*label_values\(\s*(?:(.+)\s*,)?\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\)\s*$", re.DOTALL)
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800, 2592000, 31536000),
)


@dataclass(frozen=True)
class Window:
    """A time range, in Unix seconds."""

    begin: float
    end: float

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
    if length < 1:
        return f"{max(round(length * 1000), 1)}ms"
    whole = round(length)
    unit = next(unit for unit, length in _UNITS.items() if whole % length == 0)
    return f"{whole // _UNITS[unit]}{unit}"


def step(window: Window, points: int, least: str) -> float:
    """Return the step in seconds: a round number near range / points, but at least the minimum step."""
    wanted = window.seconds / max(points, 1)
    bounds = itertools.pairwise(_STEPS)
    rounded = next((low for low, high in bounds if wanted < (low + high) / 2), _STEPS[-1])
    return max(rounded, seconds(least.removeprefix(">")) or SCRAPE_SECONDS, math.ceil(window.seconds / 11_000))


def built_in(window: Window, stepped: float, least: str = "") -> dict[str, str]:
    """Return Grafana's built-in variables."""
    scrape = seconds(least.removeprefix(">")) or SCRAPE_SECONDS
    rate = max(stepped + scrape, 4 * scrape)
    return {
        "__interval": duration(stepped),
        "__interval_ms": str(round(stepped * 1000)),
        "__rate_interval": duration(rate),
        "__rate_interval_ms": str(round(rate * 1000)),
        "__range": f"{round(window.seconds)}s",
        "__range_s": str(round(window.seconds)),
        "__range_ms": str(round(window.seconds * 1000)),
        "__from": str(round(window.begin * 1000)),
        "__to": str(round(window.end * 1000)),
    }


def in_query(text: str, chosen: Mapping[str, Chosen], own: Mapping[str, str]) -> str:
    """Interpolate a query as Grafana's Prometheus data source does. Unknown variables stay unchanged."""
    return _filled(text, chosen, own, _prometheus)


def in_text(text: str, chosen: Mapping[str, Chosen], own: Mapping[str, str]) -> str:
    """Interpolate a title, in human-readable form."""
    return _filled(text, chosen, own, lambda one: "All" if one.all else " + ".join(one.values))


def _filled(text: str, chosen: Mapping[str, Chosen], own: Mapping[str, str], usual: Callable[[Chosen], str]) -> str:
    def one(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        form = match[3] or match[5]
        if name in own:
            return own[name]
        if name not in chosen:
            return match[0]
        found = chosen[name]
        return _FORMS[form](_values(found)) if form in _FORMS and not _own_all(found) else usual(found)

    return _REFERENCE.sub(one, text)


def _own_all(one: Chosen) -> bool:
    return one.all and bool(one.variable.all_value)


def _values(one: Chosen) -> tuple[str, ...]:
    return one.options if one.all else one.values


def _prometheus(one: Chosen) -> str:
    """Escape quotes and backslashes of a plain variable; escape regex characters of one with several values."""
    if _own_all(one):
        return one.variable.all_value
    values = _values(one)
    if not (one.variable.multi or one.variable.with_all):
        # By default, Grafana does not escape the double quote, so such a value breaks its query.
        return "".join(values).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    escaped = [_regex(value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _regex(value: str) -> str:
    """Escape a value for a regex in a PromQL string, which needs each backslash twice."""
    escaped = re.sub(r"[$^*{}\[\]+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\\\\\\\"))
    return escaped.replace('"', '\\"')


def _plain_regex(values: Sequence[str]) -> str:
    escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


_FORMS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "regex": _plain_regex,
    "pipe": "|".join,
    "csv": ",".join,
    "raw": ",".join,
    "text": " + ".join,
    "json": json.dumps,
    "doublequote": lambda values: ",".join(json.dumps(value, ensure_ascii=False) for value in values),
}


def label_values(query: str) -> tuple[str, str] | None:
    """Return selector (possibly empty) and label of a `label_values(…)` query; None for any other query."""
    match = _LABEL_VALUES.match(query)
    return ((match[1] or "").strip(), match[2]) if match else None


def listed(variable: Variable) -> tuple[str, ...]:
    """Return the static options of a custom, constant or interval variable."""
    if variable.kind == "constant":
        return (variable.query,)
    parts = [part.strip() for part in re.split(r"(?<!\\),", variable.query)]
    return tuple(part.rsplit(" : ", 1)[-1].replace("\\,", ",") for part in parts if part)


def kept(variable: Variable, values: Iterable[str]) -> tuple[str, ...]:
    """Filter the values of Prometheus with the variable's regex, sort them and remove duplicates."""
    found = list(values)
    if variable.regex:
        try:
            pattern = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", variable.regex.strip("/")))
        except re.error:
            return tuple(found)
        matches = [match for value in found if (match := pattern.search(value))]
        found = [(match[1] or "") if pattern.groups else match.string for match in matches]
    unique = list(dict.fromkeys(found))
    if variable.sort in (3, 4):
        unique.sort(key=lambda value: float((re.findall(r"\d+(?:\.\d+)?", value) or ["-1"])[0]))
    elif variable.sort:
        unique.sort(key=str.lower if variable.sort > 4 else str)
    return tuple(reversed(unique) if variable.sort in (2, 4, 6) else unique)


def chosen(variable: Variable, options: Sequence[str], asked: Sequence[str]) -> Chosen:
    """Select values among the options: those requested, else the dashboard's own, else All or the first option."""
    for wanted in (asked, variable.current):
        if variable.with_all and ALL in wanted:
            return Chosen(variable, tuple(options), (ALL,))
        if found := tuple(value for value in wanted if value in options):
            return Chosen(variable, tuple(options), found if variable.multi else found[:1])
    if variable.with_all:
        return Chosen(variable, tuple(options), (ALL,))
    return Chosen(variable, tuple(options), tuple(options[:1]))
