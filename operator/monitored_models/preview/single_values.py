"""Panels that display single values: stat, gauge, bar gauge and table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..base.json_paths import JSON, get_path, objects
from .dashboard_reader import Panel
from .field_config import Field, Moment, field_of
from .frames import Answer, Series, Table, reduced, series, table
from .plotting import FONT, GRID, escaped, tinted
from .views import Drawing, Figure, Legend, Nothing, Number, Numbers, Sheet, Shown

_MOST_ROWS = 500


def stat(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw a stat panel: one large number per series."""
    found = _texts(panel, answers, moment) or _reduced(panel, answers, moment)
    if not found:
        return Nothing(_empty(panel))
    mode = get_path(panel.options, "textMode", "auto")
    several = len(found) > 1
    shown = []
    for name, field, value, of in found:
        title = name if mode in ("value_and_name", "name") or (mode == "auto" and several) else ""
        text = "" if mode == "none" else field.text(value)
        if mode == "name":
            title, text = "", name
        spark = (
            _spark(of, field.colour(value)) if get_path(panel.options, "graphMode", "none") == "area" and of else None
        )
        shown.append(Number(title, text, field.colour(value), spark=spark))
    orientation = get_path(panel.options, "orientation", "auto")
    upright = orientation == "horizontal" or (orientation == "auto" and panel.height * 1.5 > panel.width)
    return Numbers(tuple(shown), get_path(panel.options, "colorMode", "value"), upright)


def bars(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw a bar gauge: one bar per series, filled between the minimum and the maximum."""
    found = _reduced(panel, answers, moment)
    if not found:
        return Nothing(_empty(panel))
    values = [value for _, _, value, _ in found if value is not None]
    shown = []
    for name, field, value, _ in found:
        least = min(0.0, *values) if field.least is None else field.least
        most = max(values, default=1.0) if field.most is None else field.most
        share = (value - least) / (most - least) if value is not None and most > least else 0.0
        shown.append(Number(name, field.text(value), field.colour(value), share=min(max(share, 0.0), 1.0)))
    return Numbers(tuple(shown), bars=True)


def gauge(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw a gauge: one dial per series, with the thresholds on its rim."""
    found = _reduced(panel, answers, moment)
    if not found:
        return Nothing(_empty(panel))
    traces, notes = [], []
    width = 1 / len(found)
    for index, (name, field, value, _) in enumerate(found):
        left, right = index * width, (index + 1) * width
        traces.append(_dial(field, value, [left + 0.06 * width, right - 0.06 * width]))
        middle = (left + right) / 2
        size = 26 if len(found) <= 2 else 16
        text = escaped(field.text(value))
        notes.append({"x": middle, "y": 0.16, "text": text, "font": {"size": size, "color": field.colour(value)}})
        if len(found) > 1:
            notes.append({"x": middle, "y": 0, "yanchor": "bottom", "text": escaped(name), "font": {"size": 12}})
    place: JSON = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "center", "yanchor": "bottom"}
    layout = {
        "margin": {"l": 8, "r": 8, "t": 6, "b": 4},
        "font": FONT,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "annotations": [place | note for note in notes],
    }
    return Figure({"data": traces, "layout": layout}, Legend())


def _dial(field: Field, value: float | None, domain: list[float]) -> JSON:
    least, most = field.least or 0.0, 100.0 if field.most is None else field.most
    if field.most is None and field.unit == "percentunit":
        most = 1.0
    bounds = [step for step in field.steps if step.value < most]
    ends = [*(step.value for step in bounds[1:]), most] if bounds else []
    rim = [
        {"range": [max(step.value, least), end], "color": tinted(step.colour, 0.35)}
        for step, end in zip(bounds, ends, strict=True)
        if end > least
    ]
    return {
        "type": "indicator",
        "mode": "gauge",
        "value": least if value is None else min(max(value, least), most),
        "domain": {"x": domain, "y": [0.12, 0.98]},
        "gauge": {
            "axis": {"range": [least, most], "showticklabels": False, "ticks": ""},
            "bar": {"color": field.colour(value), "thickness": 0.7},
            "bgcolor": GRID,
            "borderwidth": 0,
            "steps": rim,
        },
    }


Found = tuple[str, Field, Any, Series | None]


def _reduced(panel: Panel, answers: Sequence[Answer], moment: Moment) -> list[Found]:
    """Return name, field, reduced value and series for each series; empty if no series has a value."""
    calculation = next(iter(get_path(panel.options, "reduceOptions.calcs", ["lastNotNull"])), "lastNotNull")
    found: list[Found] = []
    for one in series(answers):
        field = field_of(panel, moment, one.name, one.ref)
        found.append((field.name or one.name, field, reduced(one, str(calculation)), one))
    return [] if all(value is None for _, _, value, _ in found) else found


def _texts(panel: Panel, answers: Sequence[Answer], moment: Moment) -> list[Found]:
    """Return the cells of the table columns that the panel's `reduceOptions.fields` selects."""
    wanted = get_path(panel.options, "reduceOptions.fields", "")
    if not wanted or not any(answer.target.form == "table" for answer in answers):
        return []
    found, _ = table(answers, panel)
    pattern = wanted.removeprefix("/").removesuffix("/")
    try:
        columns = [name for name in found.columns if re.search(pattern, name)] if wanted.startswith("/") else [wanted]
    except re.error:
        return []
    chosen = [name for name in columns if name in found.columns and name != "Time"]
    return [
        (name, field_of(panel, moment, name, found.refs.get(name, "")), cell, None)
        for name in chosen
        for cell in found.column(name)[: None if get_path(panel.options, "reduceOptions.values", default=False) else 1]
    ]


def _spark(of: Series, colour: str) -> JSON | None:
    if len([value for value in of.values if value is not None]) < 2:
        return None
    line = {
        "type": "scatter",
        "mode": "lines",
        "y": list(of.values),
        "hoverinfo": "skip",
        "line": {"width": 1, "color": colour},
        "fill": "tozeroy",
        "fillcolor": tinted(colour, 0.15),
    }
    bare = {"visible": False, "fixedrange": True}
    nothing = {"l": 0, "r": 0, "t": 0, "b": 0}
    clear = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    return {
        "data": [line],
        "layout": {"margin": nothing, "xaxis": bare, "yaxis": bare, "showlegend": False, **clear},
    }


# --- tables ---


def sheet(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw a table of the query results."""
    found, unknown = table(answers, panel)
    if not found.rows:
        return Nothing(_empty(panel))
    fields = {
        name: field_of(panel, moment, name, found.refs.get(name, ""), _kind(found, name)) for name in found.columns
    }
    shown = [
        name
        for name in found.columns
        if not get_path(fields[name].custom, "hidden", default=False)
        and not get_path(fields[name].custom, "hideFrom.viz", default=False)
    ]
    rows = _sorted(found, panel)
    if len(rows) > _MOST_ROWS:
        unknown = (*unknown, f"{len(rows) - _MOST_ROWS} more rows")
    cells = tuple(
        tuple(_cell(fields[name], row[found.columns.index(name)], name) for name in shown) for row in rows[:_MOST_ROWS]
    )
    return Sheet(tuple(fields[name].name or name for name in shown), cells, unknown)


def _kind(found: Table, name: str) -> str:
    if name == "Time":
        return "time"
    return "number" if any(isinstance(cell, float) for cell in found.column(name)) else "string"


def _sorted(found: Table, panel: Panel) -> list[tuple[Any, ...]]:
    rows = list(found.rows)
    for wanted in reversed(objects(panel.options, "sortBy")):
        name = get_path(wanted, "displayName", "")
        if name in found.columns:
            index = found.columns.index(name)
            down = get_path(wanted, "desc", default=False)
            rows.sort(key=partial(_order, index), reverse=down)
    return rows


def _order(index: int, row: Sequence[Any]) -> tuple[bool, Any]:
    """Sort key: numbers before texts, None as 0."""
    return isinstance(row[index], str), row[index] if row[index] is not None else 0


def _cell(field: Field, value: Any, name: str) -> Shown:
    if name == "Time" and isinstance(value, float) and not get_path(field.config, "unit", "").startswith("dateTime"):
        return Shown(Field({"unit": "dateTimeAsIso"}, field.moment).text(value))
    text, is_number = field.text(value), isinstance(value, float)
    kind = get_path(field.custom, "cellOptions.type", "")
    if kind == "color-text":
        return Shown(text, colour=field.colour(value), is_number=is_number)
    if kind == "color-background":
        return Shown(text, background=field.colour(value), is_number=is_number)
    return Shown(text, is_number=is_number)


def _empty(panel: Panel) -> str:
    return get_path(panel.defaults, "noValue", "") or "No data"
