"""A dashboard as a whole: rows of panels on a grid, variables, annotations and links, put together as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.models import dashboard as model

from .draw import DATASOURCE, SOURCE, Place, encoded, panel_json
from .panels import Panel, Query, Row

TAG = "monitored-models"
SCHEMA = 39
"""Of Grafana 11: what is here is the same in 10, and newer ones know how to read it. The SDK would say 42."""
COLUMNS = 24


@dataclass(frozen=True)
class Variable:
    """A choice at the top, from the values of a label: `query` is an expression of Grafana's, like label_values(up, pod)."""

    name: str
    label: str
    query: str


@dataclass(frozen=True)
class Mark:
    """A mark on all panels at each time at which an expression has a value."""

    name: str
    expression: str
    title: str
    text: str
    color: str


@dataclass(frozen=True)
class Link:
    """A link at the top."""

    title: str
    url: str
    tooltip: str


@dataclass(frozen=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    """The first has no heading."""
    tags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    marks: tuple[Mark, ...] = ()
    links: tuple[Link, ...] = ()
    datasource: str = ""
    """Regular expression of the names of data sources to choose from; all of Prometheus when empty."""
    owners: tuple[str, ...] = ()
    """Texts in expressions that are this dashboard's alone. Panels that differ in nothing else are made once."""


def board_json(board: Board) -> str:
    """The dashboard as classic JSON."""
    frame = encoded(_frame(board))
    panels = ",".join(_rows(board))
    return f'{frame[:-1]},"panels":[{panels}]}}'


def _frame(board: Board) -> dict[str, Any]:
    """Everything but the panels."""
    builder = (
        grafana.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG, *board.tags])
        .readonly()
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .variables([_datasource(board.datasource), *map(_variable, board.variables)])
        .annotations([_annotation(mark) for mark in board.marks])
        .links([_link(link) for link in board.links])
    )
    built = builder.build()
    built.schema_version = SCHEMA
    made = built.to_json()
    # Where Grafana 12.3 and newer would put them: out of sight, into a menu.
    made["links"] = [_without(link.to_json(), "placement") for link in built.links or ()]
    marks = [_without(mark.to_json(), "placement") for mark in built.annotations.list_val or ()]
    return {**made, "annotations": {"list": marks}}


def _without(content: dict[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in content.items() if name != key}


def _datasource(names: str) -> grafana.DatasourceVariable:
    made = grafana.DatasourceVariable(DATASOURCE).label("Data source").type("prometheus")
    inside = names.replace("/", "\\/")
    return made.regex(f"/^(?:{inside})$/") if names else made


def _variable(variable: Variable) -> grafana.QueryVariable:
    every = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        grafana.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(SOURCE)
        .query({"qryType": 1, "query": variable.query, "refId": variable.name})
        .definition(variable.query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")  # also those without the label; and short, where thousands of names would be a long query
        .current(every)
    )


def _annotation(mark: Mark) -> grafana.AnnotationQuery:
    return (
        grafana.AnnotationQuery()
        .name(mark.name)
        .datasource(SOURCE)
        .enable(True)
        .expr(mark.expression)
        .step("60s")
        .title_format(mark.title)
        .text_format(mark.text)
        .icon_color(mark.color)
    )


def _link(link: Link) -> grafana.DashboardLink:
    made = grafana.DashboardLink(link.title).type(model.DashboardLinkType.LINK).icon("dashboard")
    return made.url(link.url).tooltip(link.tooltip).keep_time(True)


# --- rows on the grid ---


def _rows(board: Board) -> Iterator[str]:
    y, number = 0, 1
    for index, row in enumerate(board.rows):
        panels = list(_placed(row.panels, y + (index > 0), number + (index > 0)))
        inside = [_panel(panel, place, board.owners) for panel, place in panels]
        if index:
            yield _heading(row, Place(number, 0, y), inside if row.collapsed else [])
        if not (index and row.collapsed):
            yield from inside
        bottom = max((place.y + panel.height for panel, place in panels), default=y)
        y = y + 1 if index and row.collapsed else bottom
        number += len(panels) + (index > 0)


def _placed(panels: tuple[Panel, ...], top: int, number: int) -> Iterator[tuple[Panel, Place]]:
    """Panels from left to right; one that does not fit begins a new line."""
    x, y, height = 0, top, 0
    for index, panel in enumerate(panels):
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        yield panel, Place(number + index, x, y)
        x, height = x + panel.width, max(height, panel.height)


def _heading(row: Row, place: Place, inside: list[str]) -> str:
    made = grafana.Row(row.title).collapsed(row.collapsed).id(place.number)
    made = made.grid_pos(model.GridPos(x=0, y=place.y, w=COLUMNS, h=1))
    content = _without(made.build().to_json(), "panels")
    return f'{encoded(content)[:-1]},"panels":[{",".join(inside)}]}}'


_MARKS = ("\ue000", "\ue001", "\ue002")


def _panel(panel: Panel, place: Place, owners: tuple[str, ...]) -> str:
    """A panel's JSON; made without its owners' texts, which are put in afterwards."""
    texts = (panel.description, panel.content, *(query.expression for query in panel.queries))
    if any(mark in text for mark in _MARKS for text in texts):
        return panel_json(panel, place)  # text of a user's that would be taken for a mark
    pairs = tuple(zip(owners, _MARKS, strict=False))
    made = panel_json(replace(panel, queries=tuple(_bare(query, pairs) for query in panel.queries)), place)
    for owner, mark in pairs:
        made = made.replace(f"\\u{ord(mark):04x}", json.dumps(owner)[1:-1])
    return made


def _bare(query: Query, pairs: tuple[tuple[str, str], ...]) -> Query:
    text = query.expression
    for owner, mark in pairs:
        text = text.replace(owner, mark)
    return Query(text, query.legend)
