"""Panels that display the last value of each series: stat, gauge and bar gauge."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.json_paths import JSON
from .dashboard_reader import Panel
from .field_config import Field, field_of
from .frames import Answer, series
from .plotting import CLEAR, FONT, GRID, escaped, tinted
from .views import Bars, Drawing, Figure, Number, Numbers, nothing


def stat(panel: Panel, answers: Sequence[Answer]) -> Drawing:
    """Draw a stat panel: one large number per series, with its name if there are several."""
    found = _last(panel, answers)
    if not found:
        return nothing(panel)
    numbers = [
        Number(name if len(found) > 1 else "", field.text(value), field.color(value)) for name, field, value in found
    ]
    return Numbers(tuple(numbers), upright=panel.height * 1.5 > panel.width)


def bars(panel: Panel, answers: Sequence[Answer]) -> Drawing:
    """Draw a bar gauge: one bar per series, filled between the minimum and the maximum."""
    found = _last(panel, answers)
    if not found:
        return nothing(panel)
    values = [value for _, _, value in found if value is not None]
    numbers = []
    for name, field, value in found:
        least = min(0.0, *values) if field.least is None else field.least
        most = max(values) if field.most is None else field.most
        share = (value - least) / (most - least) if value is not None and most > least else 0.0
        numbers.append(Number(name, field.text(value), field.color(value), min(max(share, 0.0), 1.0)))
    return Bars(tuple(numbers))


def gauge(panel: Panel, answers: Sequence[Answer]) -> Drawing:
    """Draw a gauge: one dial per series, with the thresholds on its rim."""
    found = _last(panel, answers)
    if not found:
        return nothing(panel)
    traces, notes = [], []
    width = 1 / len(found)
    for index, (name, field, value) in enumerate(found):
        left, right = index * width, (index + 1) * width
        traces.append(_dial(field, value, [left + 0.06 * width, right - 0.06 * width]))
        middle, font = (left + right) / 2, {"size": 26 if len(found) <= 2 else 16, "color": field.color(value)}
        notes.append({"x": middle, "y": 0.16, "text": escaped(field.text(value)), "font": font})
        if len(found) > 1:
            notes.append({"x": middle, "y": 0, "yanchor": "bottom", "text": escaped(name), "font": {"size": 12}})
    place: JSON = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "center", "yanchor": "bottom"}
    layout = {
        "margin": {"l": 8, "r": 8, "t": 6, "b": 4},
        "font": FONT,
        "paper_bgcolor": CLEAR,
        "annotations": [place | note for note in notes],
    }
    return Figure({"data": traces, "layout": layout})


def _dial(field: Field, value: float | None, domain: list[float]) -> JSON:
    least, most = field.least or 0.0, 100.0 if field.most is None else field.most
    bounds = [step for step in field.steps if step.value < most]
    ends = [*(step.value for step in bounds[1:]), most]
    rim = [
        {"range": [max(step.value, least), end], "color": tinted(step.color, 0.35)}
        for step, end in zip(bounds, ends, strict=False)
        if end > least
    ]
    return {
        "type": "indicator",
        "mode": "gauge",
        "value": least if value is None else min(max(value, least), most),
        "domain": {"x": domain, "y": [0.12, 0.98]},
        "gauge": {
            "axis": {"range": [least, most], "showticklabels": False, "ticks": ""},
            "bar": {"color": field.color(value), "thickness": 0.7},
            "bgcolor": GRID,
            "borderwidth": 0,
            "steps": rim,
        },
    }


def _last(panel: Panel, answers: Sequence[Answer]) -> list[tuple[str, Field, float | None]]:
    """Return name, field and last value of each series; empty if no series has a value."""
    found = [(one.name, field_of(panel, one.name), one.last) for one in series(answers)]
    return found if any(value is not None for _, _, value in found) else []
