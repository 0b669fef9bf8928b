"""The time series panel: lines over time, with dashed lines at its thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..base.json_paths import JSON, get_path
from .annotations import Mark, flags, lines
from .colors import PALETTE
from .dashboard_reader import Panel
from .field_config import Field, field_of
from .frames import Answer, Series, series
from .plotting import escaped, layout, moment_text, time_axis, tinted, value_axis
from .variables import Window
from .views import Drawing, Figure, Key, nothing


def timeseries(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window) -> Drawing:
    """Draw a line for each series, with the area below it filled."""
    found = [(one, field_of(panel, one.name)) for one in series(answers)]
    if not any(one.last is not None for one, _ in found):
        return nothing(panel)
    colors = [PALETTE[index % len(PALETTE)] for index in range(len(found))]
    first = found[0][1]
    least, most = _ends([value for one, _ in found for value in one.values if value is not None], first)
    figure = layout(
        xaxis=time_axis(window, panel.width),
        yaxis=value_axis(least, most, first.unit, panel.height),
        hovermode="x unified",
        shapes=[*_thresholds(first), *lines(marks, window.zone)],
        annotations=flags(marks, window.zone),
    )
    traces = [_trace(one, field, color, window) for (one, field), color in zip(found, colors, strict=True)]
    keys = [Key(one.name, color, index) for index, ((one, _), color) in enumerate(zip(found, colors, strict=True))]
    return Figure({"data": traces, "layout": figure}, tuple(keys))


def _trace(one: Series, field: Field, color: str, window: Window) -> JSON:
    trace: JSON = {
        "x": [moment_text(at, window.zone) for at in one.times],
        "y": list(one.values),
        "text": [escaped(field.text(value)) for value in one.values],
        "name": escaped(one.name),
        "hovertemplate": "%{text}",
        "type": "scatter",
        "mode": "lines",
        "line": {"color": color, "width": 1.3},
    }
    if sizes := _alone(one.values):
        trace |= {"mode": "lines+markers", "marker": {"color": color, "size": sizes, "line": {"width": 0}}}
    if opacity := get_path(field.custom, "fillOpacity", 0.0) / 100:
        trace |= {"fill": "tozeroy", "fillcolor": tinted(color, opacity)}
    return trace


def _alone(values: Sequence[float | None]) -> list[int]:
    """Return a marker size per point, because an isolated point is invisible as a line. Empty if there is none."""
    around = [None, *values, None]
    sizes = [
        5 if here is not None and around[index] is None and around[index + 2] is None else 0
        for index, here in enumerate(values)
    ]
    return sizes if any(sizes) else []


def _ends(values: Sequence[float], field: Field) -> tuple[float, float]:
    """Return minimum and maximum of the value axis: as configured, else those of the values plus a margin."""
    finite = [value for value in values if abs(value) < 1e300]
    least, most = field.least, field.most
    base = min(finite, default=0.0) if least is None else least
    top = max(finite, default=1.0) if most is None else most
    if top <= base:
        room = abs(base) * 0.2 or 1.0
        return (base if least is not None else (0.0 if base == 0 else base - room), base + room)
    margin = (top - base) * 0.06
    at_zero = min(finite, default=0.0) >= 0 and base - margin < 0  # without negative values, the axis starts at zero
    low = base if least is not None else (0.0 if at_zero else base - margin)
    return low, top if most is not None else top + margin


def _thresholds(field: Field) -> Iterator[JSON]:
    """Yield a line at each threshold, if the panel displays them."""
    if get_path(field.custom, "thresholdsStyle.mode", "off") != "dashed":
        return
    for step in field.steps:
        if step.value > -math.inf:
            line = {"color": step.color, "width": 1.5, "dash": "dash"}
            yield {
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "yref": "y",
                "type": "line",
                "y0": step.value,
                "y1": step.value,
                "line": line,
            }
