"""The state timeline panel: one bar per series, whose color changes with the value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..base.json_paths import JSON
from . import units
from .annotations import Mark, flags, lines
from .dashboard_reader import Panel
from .field_config import Field, field_of
from .frames import Answer, Series, series
from .plotting import escaped, layout, moment_text, name_axis, time_axis
from .variables import Window
from .views import Drawing, Figure, Key, nothing


def state_timeline(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window) -> Drawing:
    """Draw the states of each series, and a legend of all states."""
    found = [(one, field_of(panel, one.name)) for one in series(answers) if one.last is not None]
    if not found:
        return nothing(panel)
    states: dict[str, str] = {}
    for one, field in found:
        for _, _, value in _pieces(one):
            states.setdefault(field.text(value), field.color(value))
    figure = layout(
        xaxis=time_axis(window, panel.width),
        yaxis=name_axis(len(found) - 0.5, -0.5, [(row, one.name) for row, (one, _) in enumerate(found)]),
        barmode="overlay",
        bargap=0,
        shapes=lines(marks, window.zone),
        annotations=flags(marks, window.zone),
    )
    traces = [_trace(row, one, field, window) for row, (one, field) in enumerate(found)]
    return Figure({"data": traces, "layout": figure}, tuple(Key(text, color) for text, color in states.items() if text))


def _trace(row: int, one: Series, field: Field, window: Window) -> JSON:
    pieces = list(_pieces(one))
    return {
        "type": "bar",
        "orientation": "h",
        "y": [row] * len(pieces),
        "base": [moment_text(begin, window.zone) for begin, _, _ in pieces],
        "x": [(end - begin) * 1000 for begin, end, _ in pieces],
        "width": 0.9,
        "marker": {"color": [field.color(value) for _, _, value in pieces], "line": {"width": 0}},
        "text": [escaped(field.text(value)) for _, _, value in pieces],
        "textposition": "none",
        "name": escaped(one.name),
        "hovertemplate": "%{base} for %{customdata}: %{text}",
        "customdata": [escaped(units.text(end - begin, "s")) for begin, end, _ in pieces],
    }


def _pieces(of: Series) -> Iterator[tuple[float, float, float]]:
    """Yield begin, end and value of each interval in which the value does not change."""
    step = of.times[1] - of.times[0] if len(of.times) > 1 else 60.0
    begin, state = 0.0, None
    for at, value in zip((*of.times, of.times[-1] + step), (*of.values, None), strict=True):
        if value == state and at <= of.times[-1]:
            continue
        if state is not None:
            yield begin, min(at, of.times[-1]) if value is None and at > of.times[-1] else at, state
        begin, state = at, value
