"""The time series panel: values over time, with thresholds as lines and annotations as marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..base.json_paths import JSON, get_path, number, texts
from .dashboard_reader import Annotation, Panel
from .field_config import Field, Moment, colour, field_of
from .frames import CALCULATION_NAMES, Answer, Series, named, reduced, series
from .plotting import ends, escaped, layout, log_axis, moment_text, time_axis, tinted, value_axis
from .variables import Window
from .views import Drawing, Figure, Key, Legend, Nothing

_SHAPES = {"smooth": "spline", "stepBefore": "vh", "stepAfter": "hv"}
_DASHES = {"dash": "dash", "dot": "dot"}


@dataclass(frozen=True)
class Mark:
    """An event on the time axis; `at` is in Unix seconds."""

    at: float
    text: str
    colour: str


@dataclass(frozen=True)
class Line:
    """A series with its field configuration, its color and its value axis (left or right)."""

    name: str
    of: Series
    field: Field
    colour: str
    right: bool


def timeseries(
    panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window, moment: Moment
) -> Drawing:
    """Draw lines, areas, bars or points over time."""
    lines = list(_lines(panel, series(answers), moment))
    if not any(line.of.last is not None for line in lines):
        return Nothing(get_path(panel.defaults, "noValue", "") or "No data")
    traces = [_trace(line, moment) for line in lines]
    sides = {right: [line for line in lines if line.right is right] for right in (False, True)}
    axes: JSON = {"xaxis": time_axis(window, moment.zone, panel.width)}
    axes["yaxis"] = _axis(sides[False] or sides[True], panel)
    if sides[True] and sides[False]:
        axes["yaxis2"] = _axis(sides[True], panel) | {"overlaying": "y", "side": "right", "showgrid": False}
    first = (sides[False] or sides[True])[0].field
    shapes = [*limits(first), *vertical(marks, moment)]
    made = layout(
        **axes,
        hovermode="x unified",
        barmode="stack" if _stacked(lines[0].field) else "overlay",
        shapes=shapes,
        annotations=flags(marks, moment),
    )
    return Figure({"data": traces, "layout": made}, legend(panel, lines))


def _lines(panel: Panel, found: Sequence[Series], moment: Moment) -> Iterator[Line]:
    first_unit: str | None = None
    for index, one in enumerate(found):
        field = field_of(panel, moment, one.name, one.ref)
        if get_path(field.custom, "hideFrom.viz", default=False):
            continue
        place = get_path(field.custom, "axisPlacement", "auto")
        first_unit = field.unit if first_unit is None else first_unit
        right = place == "right" or (place == "auto" and field.unit != first_unit)
        yield Line(field.name or one.name, one, field, field.line_colour(index, one.last), right)


def _stacked(field: Field) -> bool:
    return get_path(field.custom, "stacking.mode", "none") in ("normal", "percent")


def _trace(line: Line, moment: Moment) -> JSON:
    custom, values = line.field.custom, list(line.of.values)
    style = get_path(custom, "drawStyle", "line")
    trace: JSON = {
        "x": [moment_text(at_time, moment.zone) for at_time in line.of.times],
        "y": values,
        "text": [escaped(line.field.text(value)) for value in values],
        "name": escaped(line.name),
        "hovertemplate": "%{text}",
        "yaxis": "y2" if line.right else "y",
    }
    if style == "bars":
        filled = tinted(line.colour, max(get_path(custom, "fillOpacity", 80.0), 20.0) / 100)
        return trace | {"type": "bar", "marker": {"color": filled}}
    fill = get_path(custom, "fillOpacity", 0.0) / 100
    width = get_path(custom, "lineWidth", 1.0)
    trace |= {
        "type": "scatter",
        "mode": "markers" if style == "points" else "lines",
        "connectgaps": custom.get("spanNulls") is True,
        "line": {
            "color": line.colour,
            "width": max(width, 1.0) * 1.3 if width else 0,
            "shape": _SHAPES.get(get_path(custom, "lineInterpolation", ""), "linear"),
            "dash": _DASHES.get(get_path(custom, "lineStyle.fill", ""), "solid"),
        },
        "marker": {"color": line.colour, "size": get_path(custom, "pointSize", 5.0)},
    }
    if style == "line" and (sizes := _alone(values)):
        trace |= {"mode": "lines+markers", "marker": {"color": line.colour, "size": sizes, "line": {"width": 0}}}
    if _stacked(line.field):
        whole = get_path(custom, "stacking.mode", "") == "percent"
        trace |= {
            "stackgroup": get_path(custom, "stacking.group", "") or "A",
            **({"groupnorm": "fraction"} if whole else {}),
        }
        trace["fillcolor"] = tinted(line.colour, fill or 0.15)
    elif fill:
        trace |= {"fill": "tozeroy", "fillcolor": tinted(line.colour, fill)}
    return trace


def _alone(values: Sequence[float | None]) -> list[int]:
    """Return a marker size per point, because an isolated point is invisible as a line. Empty if there is none."""
    around = [None, *values, None]
    sizes = [
        5 if here is not None and around[index] is None and around[index + 2] is None else 0
        for index, here in enumerate(values)
    ]
    return sizes if any(sizes) else []


def _axis(lines: Sequence[Line], panel: Panel) -> JSON:
    field = lines[0].field
    custom = field.custom
    soft = (number(custom, "axisSoftMin"), number(custom, "axisSoftMax"))
    least, most = ends(list(_heights(lines)), field, soft)
    if get_path(custom, "scaleDistribution.type", "linear") == "log":
        axis = log_axis(least, most, field)
    else:
        axis = value_axis(least, most, field, panel.height)
    label = get_path(custom, "axisLabel", "")
    return axis | ({"title": {"text": escaped(label), "standoff": 6}} if label else {})


def _heights(lines: Sequence[Line]) -> Iterator[float]:
    """Yield the values that the axis must include. Stacked lines add up."""
    stacked = [line for line in lines if _stacked(line.field)]
    if stacked and get_path(stacked[0].field.custom, "stacking.mode", "") == "percent":
        yield from (0.0, 1.0)
    elif stacked:
        yield 0.0
        longest = max(len(line.of.values) for line in stacked)
        for index in range(longest):
            yield sum(line.of.values[index] or 0 for line in stacked if index < len(line.of.values))
    for line in lines:
        if line not in stacked:
            yield from (value for value in line.of.values if value is not None)
        if get_path(line.field.custom, "drawStyle", "") == "bars":
            yield 0.0


def legend(panel: Panel, lines: Sequence[Line]) -> Legend:
    """Return name, color and calculated values of each line, or an empty legend if the panel hides it."""
    mode = get_path(panel.options, "legend.displayMode", "list")
    if mode == "hidden" or not get_path(panel.options, "legend.showLegend", default=True):
        return Legend()
    wanted: list[Any] = get_path(panel.options, "legend.calcs", [])
    calculations = [one for one in texts(wanted) if one in CALCULATION_NAMES]
    keys = [
        Key(line.name, line.colour, (index,), tuple(line.field.text(reduced(line.of, one)) for one in calculations))
        for index, line in enumerate(lines)
        if not get_path(line.field.custom, "hideFrom.legend", default=False)
    ]
    headings = tuple(CALCULATION_NAMES[one] for one in calculations)
    return Legend(
        tuple(keys), headings, mode == "table", get_path(panel.options, "legend.placement", "bottom") == "right"
    )


def limits(field: Field) -> Iterator[JSON]:
    """Yield the thresholds as line or area shapes, if the panel displays them."""
    mode = get_path(field.custom, "thresholdsStyle.mode", "off")
    whole: JSON = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y"}
    if "area" in mode:
        tops = [*(step.value for step in field.steps[1:]), 1e300]
        for step, top in zip(field.steps, tops, strict=False):
            low = max(step.value, -1e300)
            colour = tinted(step.colour, 0.1)
            yield whole | {
                "type": "rect",
                "y0": low,
                "y1": top,
                "line": {"width": 0},
                "fillcolor": colour,
                "layer": "below",
            }
    if "line" in mode or "dashed" in mode:
        dash = "dash" if "dashed" in mode else "solid"
        for step in field.steps:
            if step.value > float("-inf"):
                line = {"color": step.colour, "width": 1.5, "dash": dash}
                yield whole | {"type": "line", "y0": step.value, "y1": step.value, "line": line}


def vertical(marks: Sequence[Mark], moment: Moment) -> Iterator[JSON]:
    """Yield a dashed vertical line for each event."""
    for mark in marks:
        x = moment_text(mark.at, moment.zone)
        line = {"color": mark.colour, "width": 1, "dash": "dash"}
        yield {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def flags(marks: Sequence[Mark], moment: Moment) -> list[JSON]:
    """Return a small triangle at the foot of each event's line, with the text of the event on hover."""
    return [
        {
            "x": moment_text(mark.at, moment.zone),
            "y": 0,
            "xref": "x",
            "yref": "paper",
            "yanchor": "bottom",
            "text": "▲",
            "font": {"size": 9, "color": mark.colour},
            "showarrow": False,
            "borderpad": 0,
            "hovertext": escaped(mark.text),
        }
        for mark in marks
    ]


def moments(annotation: Annotation, sample: JSON, window: Window, step: float) -> Iterator[Mark]:
    """Yield the marks of one series of an annotation's query: where it starts, or the times in its values."""
    labels: JSON = get_path(sample, "metric", JSON())
    texts_of = (named(form, labels) for form in (annotation.title or annotation.name, annotation.text))
    text = " · ".join(part for part in texts_of if part)
    before = float("-inf")
    seen = set[float]()
    for at_time, value in get_path(sample, "values", list[Any]()):
        if annotation.value_is_time:
            moment = float(value) / 1000
            begins = moment not in seen
            seen.add(moment)
        else:
            moment, begins = float(at_time), at_time - before > step * 1.5 and float(value) > 0
            before = float(at_time) if float(value) > 0 else before
        if begins and window.begin <= moment <= window.end:
            yield Mark(moment, text, colour(annotation.colour))
