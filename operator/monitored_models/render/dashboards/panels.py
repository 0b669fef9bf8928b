"""The panels of our dashboards as values: queries, title, description, color thresholds and text for missing data.

`grafana_json` converts them to Grafana's types. The values are hashable, so their JSON can be cached: models of one
runtime have most panels in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "gauge", "bars", "lines", "heat", "histogram", "table", "timeline", "text"]
GREEN, ORANGE, RED, GREY = "green", "orange", "red", "text"
"""Grafana's named colors, which follow its themes."""
NO_DATA = "no data"


@dataclass(frozen=True)
class Query:
    """A PromQL expression and the legend of its series."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Step:
    """A color from `value` upward; None is minus infinity."""

    value: float | None
    color: str


Steps = tuple[Step, ...]
ALL_GREEN: Steps = (Step(None, GREEN),)


def steps(*, orange_from: float | None = None, red_from: float | None = None, red_below: float | None = None) -> Steps:
    """Return color steps: green, except where an alert fires."""
    found = [Step(None, RED), Step(red_below, GREEN)] if red_below else [Step(None, GREEN)]
    found += [Step(orange_from, ORANGE)] if orange_from is not None else []
    found += [Step(red_from, RED)] if red_from is not None else []
    return tuple(found)


@dataclass(frozen=True)
class State:
    """The text and color of a value."""

    value: int
    text: str
    color: str


@dataclass(frozen=True)
class Column:
    """A table column: a label or the value of a query (`Value #A`), with its title."""

    field: str
    title: str
    unit: str = ""
    steps: Steps = ()
    states: tuple[State, ...] = ()
    link: str = ""
    """URL of a data link."""
    link_title: str = ""
    hidden: bool = False
    """Not displayed; links can still reference the column."""


@dataclass(frozen=True)
class Panel:
    """A panel of any kind, created by the functions below."""

    kind: Kind
    title: str
    description: str
    width: int
    height: int
    queries: tuple[Query, ...] = ()
    unit: str = "short"
    steps: Steps = ALL_GREEN
    states: tuple[State, ...] = ()
    columns: tuple[Column, ...] = ()
    least: float | None = None
    most: float | None = None
    content: str = ""
    no_value: str = NO_DATA


@dataclass(frozen=True)
class Row:
    """Panels below a heading. A collapsed row sends no queries until it is expanded."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


def _queries(legends: Mapping[str, str]) -> tuple[Query, ...]:
    return tuple(Query(expression, legend) for legend, expression in legends.items())


def stat(
    title: str,
    description: str,
    query: str,
    *,
    unit: str,
    red_from: float | None = None,
    red_below: float | None = None,
    no_value: str = NO_DATA,
) -> Panel:
    """One number, with the color thresholds of its alert."""
    colors = steps(red_from=red_from, red_below=red_below)
    return Panel("stat", title, description, 6, 4, (Query(query, title),), unit, colors, no_value=no_value)


def gauge(title: str, description: str, queries: Mapping[str, str], *, colors: Steps) -> Panel:
    """One gauge per series, of a ratio from 0 to 1."""
    return Panel("gauge", title, description, 6, 4, _queries(queries), "percentunit", colors, least=0, most=1)


def bars(
    title: str, description: str, query: Query, *, unit: str, colors: Steps = ALL_GREEN, least: float | None = 0
) -> Panel:
    """Bar gauge of current values."""
    return Panel("bars", title, description, 12, 8, (query,), unit, colors, least=least)


def lines(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str,
    orange_from: float | None = None,
    red_from: float | None = None,
    least: float | None = 0,
    width: int = 12,
) -> Panel:
    """Time series by legend, with dashed lines at alert thresholds. `least` is the lower end of the axis."""
    colors = steps(orange_from=orange_from, red_from=red_from)
    return Panel("lines", title, description, width, 8, _queries(queries), unit, colors, least=least)


def heat(title: str, description: str, buckets: str, *, unit: str) -> Panel:
    """Heatmap of histogram buckets over time."""
    return Panel("heat", title, description, 12, 8, (Query(buckets, "{{le}}"),), unit)


def histogram(title: str, description: str, query: str, *, unit: str) -> Panel:
    """Histogram of the current values of all series."""
    return Panel("histogram", title, description, 12, 8, (Query(query, "series"),), unit)


def timeline(title: str, description: str, query: Query, states: tuple[State, ...], *, width: int = 24) -> Panel:
    """State timeline, with one line per series."""
    return Panel("timeline", title, description, width, 8, (query,), states=states)


def table(
    title: str,
    description: str,
    queries: tuple[str, ...],
    columns: tuple[Column, ...],
    *,
    width: int = 24,
    height: int = 8,
    no_value: str = NO_DATA,
) -> Panel:
    """Table of instant queries, joined on their common labels, with one line per series."""
    asked = tuple(Query(query) for query in queries)
    return Panel("table", title, description, width, height, asked, columns=columns, no_value=no_value)


def text(title: str, description: str, content: str) -> Panel:
    """A text in Markdown."""
    return Panel("text", title, description, 24, 6, content=content)
