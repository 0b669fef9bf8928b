"""The panels that our dashboards use, as values: what each shows, how it is called, from where it is red, what no data means.

`draw` makes Grafana's types of them. Values can be compared and remembered: models of a kind have most panels in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "gauge", "bars", "lines", "heat", "histogram", "table", "timeline", "text"]
GREEN, ORANGE, RED, GREY = "green", "orange", "red", "text"
"""Colours by Grafana's own names, so that its themes decide what they look like."""
NO_DATA = "no data"


@dataclass(frozen=True)
class Query:
    """A question to Prometheus, and what a series of its answer is called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Step:
    """A colour from a value on; None is the least."""

    value: float | None
    color: str


Steps = tuple[Step, ...]
ALL_GREEN: Steps = (Step(None, GREEN),)


def steps(*, orange_from: float | None = None, red_from: float | None = None, red_below: float | None = None) -> Steps:
    """Green, but for where an alert fires."""
    found = [Step(None, RED), Step(red_below, GREEN)] if red_below else [Step(None, GREEN)]
    found += [Step(orange_from, ORANGE)] if orange_from is not None else []
    found += [Step(red_from, RED)] if red_from is not None else []
    return tuple(found)


@dataclass(frozen=True)
class State:
    """What a value means, in a word and a colour."""

    value: int
    text: str
    color: str


@dataclass(frozen=True)
class Column:
    """A column of a table: a label, or the value of a query (`Value #A`), under a title."""

    field: str
    title: str
    unit: str = ""
    steps: Steps = ()
    states: tuple[State, ...] = ()
    link: str = ""
    """Where a click leads."""
    link_title: str = ""
    hidden: bool = False
    """Not shown, but there for links to name."""


@dataclass(frozen=True)
class Panel:
    """A panel of any kind. Made by the functions below."""

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
    """Panels under a heading; a collapsed row asks nothing until someone opens it."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


def _queries(given: Mapping[str, str]) -> tuple[Query, ...]:
    return tuple(Query(expression, legend) for legend, expression in given.items())


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
    """One number, coloured as the alert on it."""
    colors = steps(red_from=red_from, red_below=red_below)
    return Panel("stat", title, description, 6, 4, (Query(query, title),), unit, colors, no_value=no_value)


def gauge(title: str, description: str, queries: Mapping[str, str], *, colors: Steps) -> Panel:
    """A share from 0 to 1 of something that can be used up, for each series."""
    return Panel("gauge", title, description, 6, 4, _queries(queries), "percentunit", colors, least=0, most=1)


def bars(
    title: str, description: str, query: Query, *, unit: str, colors: Steps = ALL_GREEN, least: float | None = 0
) -> Panel:
    """Present values side by side."""
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
    """Time series by legend; dashed lines where alerts fire. `least` is the lower end of the axis."""
    colors = steps(orange_from=orange_from, red_from=red_from)
    return Panel("lines", title, description, width, 8, _queries(queries), unit, colors, least=least)


def heat(title: str, description: str, buckets: str, *, unit: str) -> Panel:
    """A histogram over time, from buckets."""
    return Panel("heat", title, description, 12, 8, (Query(buckets, "{{le}}"),), unit)


def histogram(title: str, description: str, query: str, *, unit: str) -> Panel:
    """How many series have which present value."""
    return Panel("histogram", title, description, 12, 8, (Query(query, "series"),), unit)


def timeline(title: str, description: str, query: Query, states: tuple[State, ...], *, width: int = 24) -> Panel:
    """States over time, a line for each series."""
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
    """Series of instant queries, joined by the labels that they share, one to a line."""
    asked = tuple(Query(query) for query in queries)
    return Panel("table", title, description, width, height, asked, columns=columns, no_value=no_value)


def text(title: str, description: str, content: str) -> Panel:
    """A text in Markdown."""
    return Panel("text", title, description, 24, 6, content=content)
