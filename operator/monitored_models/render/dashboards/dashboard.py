"""A dashboard and its JSON: rows of panels on a grid, variables, annotations and links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.models import dashboard as model

from .grafana_json import DATASOURCE, SOURCE, Place, encoded, panel_json
from .panels import Panel, Query, Row
from .placeholders import Placeholders, has_none

TAG = "monitored-models"
SCHEMA = 39
"""Schema version of Grafana 11. Grafana 10 reads our fields alike, newer versions migrate it. The SDK sets 42."""
COLUMNS = 24


@dataclass(frozen=True)
class Variable:
    """A template variable with the values of a label; `query` is a Grafana query such as label_values(up, pod)."""

    name: str
    label: str
    query: str


@dataclass(frozen=True)
class Annotation:
    """An annotation on all panels, at each time at which `expression` has a value."""

    name: str
    expression: str
    title: str
    text: str
    color: str


@dataclass(frozen=True)
class Link:
    """A dashboard link in the header."""

    title: str
    url: str
    tooltip: str


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, independent of Grafana's JSON model."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    """Rows of panels. The first row has no heading."""
    tags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    marks: tuple[Annotation, ...] = ()
    links: tuple[Link, ...] = ()
    datasource: str = ""
    """Regular expression of the selectable data source names. If empty, all Prometheus data sources are selectable."""
    owners: tuple[str, ...] = ()
    """Texts in expressions that are unique to this dashboard. Panels that differ only in them are rendered once."""


def board_json(board: Dashboard) -> str:
    """Render the dashboard as classic JSON."""
    owners = Placeholders(board.owners)
    parts = {
        "templating": owners.within(
            _choices(board.datasource, tuple(_bare_variable(v, owners) for v in board.variables))
        ),
        "annotations": owners.within(_annotations(tuple(_bare_mark(mark, owners) for mark in board.marks))),
        "panels": f"[{','.join(_rows(board, owners))}]",
    }
    return encoded(_frame(board))[:-1] + "".join(f',"{name}":{part}' for name, part in parts.items()) + "}"


def _frame(board: Dashboard) -> dict[str, object]:
    """Return the dashboard without its variables, annotations and panels."""
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
        .links([_link(link) for link in board.links])
    )
    built = builder.build()
    built.schema_version = SCHEMA
    made = _without(built.to_json(), "templating", "annotations")
    # Without `placement`, because Grafana 12.3 and newer would hide links and annotations in a menu.
    return {**made, "links": [_without(link.to_json(), "placement") for link in built.links or ()]}


@lru_cache(maxsize=256)
def _choices(datasource: str, variables: tuple[Variable, ...]) -> str:
    return encoded({"list": [each.build() for each in (_datasource(datasource), *map(_variable, variables))]})


@lru_cache(maxsize=256)
def _annotations(marks: tuple[Annotation, ...]) -> str:
    return encoded({"list": [_without(_annotation(mark).build().to_json(), "placement") for mark in marks]})


def _bare_variable(variable: Variable, owners: Placeholders) -> Variable:
    return Variable(variable.name, variable.label, owners.without(variable.query))


def _bare_mark(mark: Annotation, owners: Placeholders) -> Annotation:
    return replace(mark, expression=owners.without(mark.expression))


def _without(content: dict[str, object], *keys: str) -> dict[str, object]:
    return {name: value for name, value in content.items() if name not in keys}


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
        .all_value(".*")  # includes series without the label, and avoids a query with thousands of names
        .current(every)
    )


def _annotation(mark: Annotation) -> grafana.AnnotationQuery:
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


def _rows(board: Dashboard, owners: Placeholders) -> Iterator[str]:
    y, number = 0, 1
    for index, row in enumerate(board.rows):
        panels = list(_placed(row.panels, y + (index > 0), number + (index > 0)))
        inside = [_panel(panel, place, owners) for panel, place in panels]
        if index:
            yield _heading(row, Place(number, 0, y), inside if row.collapsed else [])
        if not (index and row.collapsed):
            yield from inside
        bottom = max((place.y + panel.height for panel, place in panels), default=y)
        y = y + 1 if index and row.collapsed else bottom
        number += len(panels) + (index > 0)


def _placed(panels: tuple[Panel, ...], top: int, number: int) -> Iterator[tuple[Panel, Place]]:
    """Place panels from left to right. A panel that does not fit starts a new line."""
    x, y, height = 0, top, 0
    for index, panel in enumerate(panels):
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        yield panel, Place(number + index, x, y)
        x, height = x + panel.width, max(height, panel.height)


def _heading(row: Row, place: Place, inside: list[str]) -> str:
    return f'{_heading_json(row.title, row.collapsed, place)[:-1]},"panels":[{",".join(inside)}]}}'


@lru_cache(maxsize=256)
def _heading_json(title: str, collapsed: bool, place: Place) -> str:
    made = grafana.Row(title).collapsed(collapsed).id(place.number)
    made = made.grid_pos(model.GridPos(x=0, y=place.y, w=COLUMNS, h=1))
    return encoded(_without(made.build().to_json(), "panels"))


def _panel(panel: Panel, place: Place, owners: Placeholders) -> str:
    """Render a panel, with placeholders for the owners' texts unless its own texts contain a placeholder."""
    if not has_none(panel.description, panel.content, *(query.expression for query in panel.queries)):
        return panel_json(panel, place)
    bare = tuple(Query(owners.without(query.expression), query.legend) for query in panel.queries)
    return owners.within(panel_json(replace(panel, queries=bare), place))
