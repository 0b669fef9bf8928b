"""Classic Grafana JSON as typed values, with the names of everything that the preview does not draw."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..base.json_paths import JSON, get_path, objects, texts
from .supported import PANELS, unsupported

_LABEL_VALUES = re.compile(r"^\s*label_values\(\s*(?:(.+)\s*,)?\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    ref: str
    expression: str
    legend: str
    instant: bool


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
    unsupported: tuple[str, ...]
    """Options that the preview does not draw, with their values."""


@dataclass(frozen=True)
class Row:
    """Panels below a collapsible heading. Panels above the first heading have a row without a title."""

    title: str | None
    collapsed: bool
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A template variable: the values of a label, of the series that a selector (possibly empty) matches."""

    name: str
    title: str
    selector: str
    label: str


@dataclass(frozen=True)
class Annotation:
    """An annotation query, whose results mark times."""

    expression: str
    title: str
    text: str
    color: str


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, with its rows and panels in display order."""

    slug: str
    title: str
    description: str
    tags: tuple[str, ...]
    begin: str
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    rows: tuple[Row, ...]
    unsupported: tuple[str, ...]
    """Options of the dashboard and its variables, annotations and rows that the preview does not support, as sentences."""

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
    by_slug: dict[str, Dashboard] = {}
    for one in found:
        title = get_path(one, "title", "") or "Dashboard"
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", get_path(one, "uid", "") or title).strip("-") or "dashboard"
        slug = next(name for name in _names(base) if name not in by_slug)
        by_slug[slug] = _dashboard(one, slug, title)
    return tuple(by_slug.values())


def _names(base: str) -> Iterator[str]:
    yield base
    count = 2
    while True:
        yield f"{base}-{count}"
        count += 1


def _dashboard(found: JSON, slug: str, title: str) -> Dashboard:
    variables = [one for one in objects(found, "templating.list") if one.get("type") != "datasource"]
    annotations = [one for one in objects(found, "annotations.list") if one.get("builtIn") != 1]
    rows = [one for one in objects(found, "panels") if one.get("type") == "row"]
    problems = [
        ("The dashboard", unsupported("dashboard", {"timezone": found.get("timezone") or "browser"})),
        *((f"Variable {one.get('name')}", _variable_problems(one)) for one in variables),
        *((f"Annotation {one.get('name')}", unsupported("annotation", one)) for one in annotations),
        *((f"Row {one.get('title')}", unsupported("row", one)) for one in rows),
    ]
    return Dashboard(
        slug=slug,
        title=title,
        description=get_path(found, "description", ""),
        tags=texts(found.get("tags")),
        begin=get_path(found, "time.from", "now-6h"),
        variables=tuple(_variable(one) for one in variables if not _variable_problems(one)),
        annotations=tuple(_annotation(one) for one in annotations if not unsupported("annotation", one)),
        rows=tuple(_rows(objects(found, "panels"))),
        unsupported=tuple(
            f"{name} has options that the preview does not support: {', '.join(own)}" for name, own in problems if own
        ),
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
    kind = get_path(found, "type", "")
    return Panel(
        number=count,
        kind=kind,
        title=get_path(found, "title", ""),
        description=get_path(found, "description", ""),
        x=x,
        y=max(get_path(place, "y", 0), 0),
        width=min(max(get_path(place, "w", 12), 1), 24 - x),
        height=min(max(get_path(place, "h", 8), 1), 100),
        targets=tuple(_target(one) for one in objects(found, "targets")),
        options=get_path(found, "options", {}),
        defaults=get_path(found, "fieldConfig.defaults", {}),
        overrides=tuple(objects(found, "fieldConfig.overrides")),
        transformations=tuple(objects(found, "transformations")),
        unsupported=unsupported(kind, found) if kind in PANELS else (),
    )


def _target(found: JSON) -> Target:
    return Target(
        ref=get_path(found, "refId", ""),
        expression=get_path(found, "expr", ""),
        legend=get_path(found, "legendFormat", ""),
        instant=get_path(found, "instant", default=False),
    )


def _variable_problems(found: JSON) -> tuple[str, ...]:
    query = get_path(found, "query.query", "")
    return unsupported("variable", found) or (() if _LABEL_VALUES.match(query) else (f"query.query: {query}",))


def _variable(found: JSON) -> Variable:
    name = get_path(found, "name", "")
    match = _LABEL_VALUES.match(get_path(found, "query.query", ""))
    selector, label = match.groups(default="") if match else ("", "")
    return Variable(name, get_path(found, "label", "") or name, selector.strip(), label)


def _annotation(found: JSON) -> Annotation:
    return Annotation(
        expression=get_path(found, "expr", ""),
        title=get_path(found, "titleFormat", ""),
        text=get_path(found, "textFormat", ""),
        color=get_path(found, "iconColor", ""),
    )
