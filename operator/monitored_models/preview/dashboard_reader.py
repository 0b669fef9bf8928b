"""Classic Grafana JSON as typed values. The reader ignores everything that the preview does not support."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..base.json_paths import JSON, get_path, number, objects, texts


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    ref: str
    expression: str
    legend: str
    instant: bool
    form: str
    """Result format: time_series, table or heatmap."""
    least_step: str


@dataclass(frozen=True)
class Panel:
    """One panel. Options and field configuration stay raw JSON: each panel type reads its own with `get_path`."""

    number: int
    kind: str
    title: str
    description: str
    x: int
    y: int
    width: int
    height: int
    targets: tuple[Target, ...]
    options: JSON
    defaults: JSON
    overrides: tuple[JSON, ...]
    transformations: tuple[JSON, ...]
    least_step: str
    most_points: int | None


@dataclass(frozen=True)
class Row:
    """Panels below a collapsible heading. Panels above the first heading have a row without a title."""

    title: str | None
    collapsed: bool
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A template variable of a dashboard."""

    name: str
    label: str
    kind: str
    query: str
    regex: str
    sort: int
    multi: bool
    with_all: bool
    all_value: str
    current: tuple[str, ...]
    hidden: bool


@dataclass(frozen=True)
class Annotation:
    """An annotation query, whose results mark times."""

    name: str
    expression: str
    title: str
    text: str
    colour: str
    value_is_time: bool
    least_step: str


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, with its rows and panels in display order."""

    slug: str
    title: str
    description: str
    tags: tuple[str, ...]
    begin: str
    utc: bool
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    rows: tuple[Row, ...]

    def panel(self, number: int) -> Panel | None:
        """Return the panel with this number, or None."""
        return next((panel for row in self.rows for panel in row.panels if panel.number == number), None)


def in_object(found: Any) -> Iterator[JSON]:
    """Yield the dashboards of one object.

    The object is a dashboard, a response of Grafana's API, a ConfigMap, a List or a GrafanaDashboard.
    """
    if not isinstance(found, dict):
        return
    if isinstance(found.get("panels"), list):
        yield found
    elif isinstance(found.get("dashboard"), dict):
        yield from in_object(found["dashboard"])
    elif isinstance(found.get("items"), list):
        for item in found["items"]:
            yield from in_object(item)
    elif found.get("kind") == "ConfigMap":
        data: JSON = get_path(found, "data", {})
        yield from (dashboard for text in data.values() for dashboard in _in_text(text))
    elif found.get("kind") == "GrafanaDashboard":
        yield from _in_text(get_path(found, "spec.json", ""))


def _in_text(text: Any) -> Iterator[JSON]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return
    if isinstance(found, dict) and isinstance(found.get("panels"), list):
        yield found


def dashboards(found: list[JSON]) -> tuple[Dashboard, ...]:
    """Parse each into a Dashboard with a unique slug."""
    made: dict[str, Dashboard] = {}
    for one in found:
        title = get_path(one, "title", "") or "Dashboard"
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", get_path(one, "uid", "") or title).strip("-") or "dashboard"
        slug = next(name for name in _names(base) if name not in made)
        made[slug] = _dashboard(one, slug, title)
    return tuple(made.values())


def _names(base: str) -> Iterator[str]:
    yield base
    count = 2
    while True:
        yield f"{base}-{count}"
        count += 1


def _dashboard(found: JSON, slug: str, title: str) -> Dashboard:
    return Dashboard(
        slug=slug,
        title=title,
        description=get_path(found, "description", ""),
        tags=texts(found.get("tags")),
        begin=get_path(found, "time.from", "now-6h"),
        utc=found.get("timezone") == "utc",
        variables=tuple(_variable(one) for one in objects(found, "templating.list") if get_path(one, "name", "")),
        annotations=tuple(_annotations(found)),
        rows=tuple(_rows(objects(found, "panels"))),
    )


def _rows(found: list[JSON]) -> Iterator[Row]:
    """Group panels by row: a collapsed row contains its panels, an expanded one precedes them."""
    numbers = iter(range(1, 1_000_000))
    title: str | None = None
    collapsed, panels = False, list[Panel]()
    for one in sorted(found, key=lambda panel: (get_path(panel, "gridPos.y", 0), get_path(panel, "gridPos.x", 0))):
        if one.get("type") != "row":
            panels.append(_panel(one, next(numbers)))
            continue
        if panels or title is not None:
            yield Row(title, collapsed, tuple(panels))
        title, collapsed = get_path(one, "title", ""), get_path(one, "collapsed", default=False)
        panels = [_panel(inner, next(numbers)) for inner in objects(one, "panels")]
    if panels or title is not None:
        yield Row(title, collapsed, tuple(panels))


def _panel(found: JSON, count: int) -> Panel:
    place: JSON = get_path(found, "gridPos", {})
    x = min(max(get_path(place, "x", 0), 0), 23)
    points = number(found, "maxDataPoints")
    return Panel(
        number=count,
        kind=get_path(found, "type", ""),
        title=get_path(found, "title", ""),
        description=get_path(found, "description", ""),
        x=x,
        y=max(get_path(place, "y", 0), 0),
        width=min(max(get_path(place, "w", 12), 1), 24 - x),
        height=min(max(get_path(place, "h", 8), 1), 100),
        targets=tuple(_target(one) for one in objects(found, "targets") if not one.get("hide")),
        options=get_path(found, "options", {}),
        defaults=get_path(found, "fieldConfig.defaults", {}),
        overrides=tuple(objects(found, "fieldConfig.overrides")),
        transformations=tuple(one for one in objects(found, "transformations") if not one.get("disabled")),
        least_step=get_path(found, "interval", ""),
        most_points=int(points) if points and points >= 1 else None,
    )


def _target(found: JSON) -> Target:
    return Target(
        ref=get_path(found, "refId", ""),
        expression=get_path(found, "expr", ""),
        legend=get_path(found, "legendFormat", ""),
        instant=get_path(found, "instant", default=False) and not get_path(found, "range", default=False),
        form=get_path(found, "format", "") or "time_series",
        least_step=get_path(found, "interval", ""),
    )


def _variable(found: JSON) -> Variable:
    query: Any = found.get("query")
    current: Any = get_path(found, "current", JSON()).get("value")
    return Variable(
        name=get_path(found, "name", ""),
        label=get_path(found, "label", "") or get_path(found, "name", ""),
        kind=get_path(found, "type", ""),
        query=get_path(query, "query", "") if isinstance(query, dict) else str(query or ""),
        regex=get_path(found, "regex", ""),
        sort=get_path(found, "sort", 0),
        multi=get_path(found, "multi", default=False),
        with_all=get_path(found, "includeAll", default=False),
        all_value=get_path(found, "allValue", ""),
        current=texts(current),
        hidden=found.get("hide") == 2 or get_path(found, "type", "") in ("datasource", "constant"),
    )


def _annotations(found: JSON) -> Iterator[Annotation]:
    for one in objects(found, "annotations.list"):
        expression = get_path(one, "expr", "") or get_path(one, "target.expr", "")
        if expression and get_path(one, "enable", default=True):
            yield Annotation(
                name=get_path(one, "name", ""),
                expression=expression,
                title=get_path(one, "titleFormat", ""),
                text=get_path(one, "textFormat", ""),
                colour=get_path(one, "iconColor", "") or "blue",
                value_is_time=get_path(one, "useValueForTime", default=False),
                least_step=get_path(one, "step", "") or get_path(one, "target.interval", ""),
            )
