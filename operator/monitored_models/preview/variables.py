"""What Grafana fills into a query before it asks: variables as chosen, the time range, the step. Text in, text out."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .dashboard_reader import Variable

ALL = "$__all"
SCRAPE_SECONDS = 15
"""How often Grafana supposes that targets are scraped, where its data source says nothing else."""
CHOSEN_KINDS = ("query", "custom", "interval")
_REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]|\$\{(\w+)(?::(\w+))?\}")
_LABEL_VALUES = re.compile(r"^\s*label_values\(\s*(?:(.+)\s*,)?\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\)\s*$", re.DOTALL)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwMy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800, 2592000, 31536000),
)


@dataclass(frozen=True)
class Window:
    """A time range, in seconds since 1970."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin


@dataclass(frozen=True)
class Chosen:
    """A variable with what there is to choose, and what is."""

    variable: Variable
    options: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def all(self) -> bool:
        """Whether all are meant, rather than each by name."""
        return self.values == (ALL,)


def seconds(duration: str) -> float | None:
    """A duration such as 90s, 5m or 1h30m; None for what is none."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(amount + unit for amount, unit in parts) != duration.strip():
        return None
    return math.fsum(float(amount) * _SECONDS[unit] for amount, unit in parts)


def duration(length: float) -> str:
    """The other way: the largest unit that divides a length."""
    if length < 1:
        return f"{max(round(length * 1000), 1)}ms"
    whole = round(length)
    unit = next(unit for unit in ("d", "h", "m", "s") if whole % _SECONDS[unit] == 0)
    return f"{whole // int(_SECONDS[unit])}{unit}"


def step(window: Window, points: int, least: str) -> float:
    """Seconds between two points: a round number near range by points, and no less than the least."""
    wanted = window.seconds / max(points, 1)
    bounds = itertools.pairwise(_STEPS)
    rounded = next((low for low, high in bounds if wanted < (low + high) / 2), _STEPS[-1])
    return max(rounded, seconds(least.removeprefix(">")) or SCRAPE_SECONDS, math.ceil(window.seconds / 11_000))


def built_in(window: Window, stepped: float, least: str = "") -> dict[str, str]:
    """The variables that Grafana brings itself."""
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
    """A query with every variable filled in as Grafana's Prometheus data source does; unknown ones stay as they are."""
    return _filled(text, chosen, own, _prometheus)


def in_text(text: str, chosen: Mapping[str, Chosen], own: Mapping[str, str]) -> str:
    """A title with every variable filled in, for people."""
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
    """In a plain variable quotes and backslashes are escaped; in one that may be several, all that a regex would read."""
    if _own_all(one):
        return one.variable.all_value
    values = _values(one)
    if not (one.variable.multi or one.variable.with_all):
        # Grafana leaves the double quote alone unless told otherwise, and such a value breaks its query.
        return "".join(values).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    escaped = [_regex(value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _regex(value: str) -> str:
    """For a regex that stands in a PromQL string, where a backslash is written twice."""
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
    """Selector, which may be empty, and label of a `label_values(…)`; None for any other query."""
    match = _LABEL_VALUES.match(query)
    return ((match[1] or "").strip(), match[2]) if match else None


def listed(variable: Variable) -> tuple[str, ...]:
    """The options that stand in a dashboard itself."""
    if variable.kind == "constant":
        return (variable.query,)
    parts = [part.strip() for part in re.split(r"(?<!\\),", variable.query)]
    return tuple(part.rsplit(" : ", 1)[-1].replace("\\,", ",") for part in parts if part)


def kept(variable: Variable, values: Iterable[str]) -> tuple[str, ...]:
    """What a variable's regex leaves of Prometheus' answer, in its order, each once."""
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
    """What counts: what was asked for, else what the dashboard names, else all or the first. Only what is an option."""
    for wanted in (asked, variable.current):
        if variable.with_all and ALL in wanted:
            return Chosen(variable, tuple(options), (ALL,))
        if found := tuple(value for value in wanted if value in options):
            return Chosen(variable, tuple(options), found if variable.multi else found[:1])
    if variable.with_all:
        return Chosen(variable, tuple(options), (ALL,))
    return Chosen(variable, tuple(options), tuple(options[:1]))
