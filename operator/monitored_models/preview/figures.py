"""Turn a panel and the results of its queries into a drawing, with one function for each panel type.

Longer than other modules because each kind of panel is one short function, and all share the helpers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from ..base.json_paths import JSON, get_path, number
from . import single_values
from .dashboard_reader import Panel
from .field_config import PALETTE, Field, Moment, field_of
from .frames import Answer, Series, reduced, series
from .plotting import ends, escaped, layout, moment_text, time_axis, value_axis
from .timeseries import Line, Mark, flags, legend, timeseries, vertical
from .variables import Window
from .views import Drawing, Figure, Key, Legend, NotDrawn, Nothing, Text

_SCALES = {
    "Oranges": ("#fff5eb", "#fdd0a2", "#fdae6b", "#f16913", "#d94801", "#7f2704"),
    "Blues": ("#f7fbff", "#c6dbef", "#9ecae1", "#4292c6", "#2171b5", "#08306b"),
    "Greens": ("#f7fcf5", "#c7e9c0", "#a1d99b", "#41ab5d", "#238b45", "#00441b"),
    "Reds": ("#fff5f0", "#fcbba1", "#fc9272", "#ef3b2c", "#cb181d", "#67000d"),
    "Purples": ("#fcfbfd", "#dadaeb", "#bcbddc", "#807dba", "#6a51a3", "#3f007d"),
    "Spectral": ("#5e4fa2", "#66c2a5", "#e6f598", "#fee08b", "#f46d43", "#9e0142"),
}


def draw(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window, moment: Moment) -> Drawing:
    """Return the drawing of a panel, or NotDrawn for an unsupported panel type."""
    if panel.kind in SINGLE:
        return SINGLE[panel.kind](panel, answers, moment)
    if panel.kind in OVER_TIME:
        return OVER_TIME[panel.kind](panel, answers, marks, window, moment)
    if panel.kind == "text":
        return Text(get_path(panel.options, "content", ""), get_path(panel.options, "mode", "markdown") == "markdown")
    return NotDrawn(f"Panels of the type “{panel.kind or 'unknown'}” are not drawn by the preview.")


def left_out(panel: Panel) -> tuple[str, ...]:
    """Return the features of a panel that the preview does not support. Tables report their own."""
    if panel.kind == "table":
        return ()
    return tuple(f"transformation {get_path(one, 'id', '')}" for one in panel.transformations)


def _nothing(panel: Panel) -> Nothing:
    return Nothing(get_path(panel.defaults, "noValue", "") or "No data")


# --- heatmap ---


def heatmap(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window, moment: Moment) -> Drawing:
    """Draw a heatmap: counts per bucket over time, from the cumulative buckets of a Prometheus histogram."""
    bounds = _bounds(series(answers))
    rows = _buckets([one.values for _, one in bounds])
    least = number(panel.options, "filterValues.le") or 1e-9
    counts = [[value if value is not None and value > least else None for value in row] for row in rows]
    used = [index for index, row in enumerate(counts) if any(value is not None for value in row)]
    if not used:
        return _nothing(panel)
    # In Grafana, a heatmap reads its units from the panel options and ignores the field configuration.
    axis = Field(get_path(panel.options, "yAxis", JSON()), moment)
    cell = Field(get_path(panel.options, "cellValues", JSON()), moment)
    labels = ["∞" if math.isinf(bound) else axis.tick(bound) for bound, _ in bounds]
    times = bounds[0][1].times
    colours: Sequence[str] = _SCALES.get(get_path(panel.options, "color.scheme", ""), _SCALES["Oranges"])
    if get_path(panel.options, "color.reverse", default=False):
        colours = tuple(reversed(colours))
    shown = [[escaped(cell.text(value)) for value in row] for row in counts]
    trace = {
        "type": "heatmap",
        "x": [moment_text(at_time, moment.zone) for at_time in times],
        "y": list(range(len(counts))),
        "z": counts,
        "text": shown,
        "customdata": [[escaped(_between(labels, index))] * len(times) for index in range(len(labels))],
        "hovertemplate": "%{x}<br>%{customdata}: %{text}<extra></extra>",
        "colorscale": [[index / (len(colours) - 1), code] for index, code in enumerate(colours)],
        "xgap": 0,
        "ygap": 1,
        "zmin": 0,
        "colorbar": _colour_bar(counts, cell),
        "showscale": get_path(panel.options, "legend.show", default=True),
    }
    low, high = max(used[0] - 1, 0), min(used[-1] + 1, len(counts) - 1)
    every = max(1, math.ceil((high - low + 1) / max(3, panel.height)))
    ticked = range(low, high + 1, every)
    made = layout(
        xaxis=time_axis(window, moment.zone, panel.width),
        yaxis={
            "range": [low - 0.5, high + 0.5],
            "tickmode": "array",
            "automargin": True,
            "showgrid": False,
            "tickvals": [index + 0.5 for index in ticked],  # a label marks the upper bound of its bucket
            "ticktext": [escaped(labels[index]) for index in ticked],
            "ticklabelstandoff": 4,
            "ticks": "",
            "zeroline": False,
        },
        shapes=list(vertical(marks, moment)),
        annotations=flags(marks, moment),
    )
    return Figure({"data": [trace], "layout": made})


def _bounds(found: Sequence[Series]) -> list[tuple[float, Series]]:
    """Return the series sorted by the upper bound of their bucket. Series with the same bound are summed."""
    by_bound: dict[float, Series] = {}
    times = max((one.times for one in found), key=len, default=())
    for one in found:
        if one.times != times:
            continue  # it comes from another query, with other timestamps
        try:
            bound = float(one.labels.get("le", one.name))
        except ValueError:
            continue
        if bound in by_bound:
            pairs = zip(by_bound[bound].values, one.values, strict=False)
            added = tuple(a if b is None else b + (a or 0) for a, b in pairs)
            one = Series(one.ref, one.name, one.labels, one.times, added)  # noqa: PLW2901 -- the sum replaces both
        by_bound[bound] = one
    return sorted(by_bound.items(), key=lambda pair: pair[0])


def _buckets(below: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """Convert cumulative bucket counts into counts per bucket."""
    rows: list[list[float | None]] = []
    before: Sequence[float | None] = [0.0] * len(below[0]) if below else []
    for row in below:
        rows.append(
            [None if here is None else max(here - (under or 0), 0) for under, here in zip(before, row, strict=True)]
        )
        before = row
    return rows


def _between(labels: Sequence[str], index: int) -> str:
    return f"{labels[index - 1]} to {labels[index]}" if index else f"up to {labels[0]}"


def _colour_bar(counts: Sequence[Sequence[float | None]], field: Field) -> JSON:
    most = max((value for row in counts for value in row if value is not None), default=1.0)
    values = [0.0, most / 2, most]
    texts = [escaped(field.tick(float(f"{value:.2g}"))) for value in values]
    bar: JSON = {"thickness": 8, "len": 1, "xpad": 4, "ypad": 0, "outlinewidth": 0, "ticks": "", "x": 1.005}
    return bar | {"tickmode": "array", "tickvals": values, "ticktext": texts, "tickfont": {"size": 10}}


# --- state timeline ---


def states(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window, moment: Moment) -> Drawing:
    """Draw a state timeline: one bar per series, whose color changes with the value."""
    lines = [
        Line(one.name, one, field_of(panel, moment, one.name, one.ref), "", right=False) for one in series(answers)
    ]
    lines = [line for line in lines if line.of.last is not None]
    if not lines:
        return _nothing(panel)
    traces, seen = [], dict[str, str]()
    share = min(max(get_path(panel.options, "rowHeight", 0.9), 0.2), 1.0)
    for row, line in enumerate(lines):
        pieces = [
            (begin, end, line.field.text(value), _state_colour(line.field, value, seen))
            for begin, end, value in _pieces(line.of)
        ]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": [row] * len(pieces),
                "base": [moment_text(begin, moment.zone) for begin, *_ in pieces],
                "x": [(end - begin) * 1000 for begin, end, *_ in pieces],
                "width": share,
                "marker": {"color": [colour for *_, colour in pieces], "line": {"width": 0}},
                "text": [escaped(text) for _, _, text, _ in pieces],
                "textposition": "inside" if get_path(panel.options, "showValue", "auto") != "never" else "none",
                "insidetextanchor": "middle",
                "insidetextfont": {"color": "#ffffff", "size": 11},
                "textangle": 0,
                "constraintext": "inside",
                "name": escaped(line.field.name or line.name),
                "hovertemplate": "%{base} for %{customdata}: %{text}",
                "customdata": [escaped(Field({"unit": "s"}, moment).text(end - begin)) for begin, end, *_ in pieces],
            }
        )
        for _, _, text, colour in pieces:
            seen.setdefault(text, colour)
    made = layout(
        xaxis=time_axis(window, moment.zone, panel.width),
        yaxis={
            "range": [len(lines) - 0.5, -0.5],
            "tickmode": "array",
            "showgrid": False,
            "zeroline": False,
            "tickvals": list(range(len(lines))),
            "ticktext": [escaped(line.field.name or line.name) for line in lines],
            "automargin": True,
            "ticklabelstandoff": 4,
            "ticks": "",
        },
        barmode="overlay",
        bargap=0,
        uniformtext={"minsize": 9, "mode": "hide"},
        shapes=list(vertical(marks, moment)),
        annotations=flags(marks, moment),
    )
    shown = get_path(panel.options, "legend.showLegend", default=True)
    keys = tuple(Key(text, colour) for text, colour in seen.items() if text) if shown else ()
    return Figure({"data": traces, "layout": made}, Legend(keys))


def _state_colour(field: Field, value: float, seen: Mapping[str, str]) -> str:
    """Return the color by mapping or threshold, else the next palette color for each new state."""
    if get_path(field.config, "color.mode", "thresholds") == "palette-classic" and not field.has_mappings:
        return seen.get(field.text(value)) or PALETTE[len(seen) % len(PALETTE)]
    return field.colour(value)


def _pieces(of: Series) -> Iterator[tuple[float, float, float]]:
    """Yield begin, end and value of each interval in which the value does not change."""
    step = of.times[1] - of.times[0] if len(of.times) > 1 else 60.0
    begin, standing = 0.0, None
    for at_time, value in zip((*of.times, of.times[-1] + step), (*of.values, None), strict=True):
        if value == standing and at_time <= of.times[-1]:
            continue
        if standing is not None:
            yield begin, min(at_time, of.times[-1]) if value is None and at_time > of.times[-1] else at_time, standing
        begin, standing = at_time, value


# --- histogram and bars ---


def histogram(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw a histogram of the values. With the heatmap format, use the buckets of the Prometheus histogram."""
    if any(answer.target.form == "heatmap" for answer in answers):
        return _bucket_bars(panel, answers, moment)
    found = [one for one in series(answers) if one.last is not None]
    if get_path(panel.options, "combine", default=False) and len(found) > 1:
        found = [Series("", "Combined", {}, (), tuple(value for one in found for value in one.values))]
    values = [value for one in found for value in one.values if _counts(value)]
    if not values:
        return _nothing(panel)
    span = max(values) - min(values)
    size = number(panel.options, "bucketSize") or 0.0
    if size <= 0:
        size = _size(span, min(max(number(panel.options, "bucketCount") or 30, 1), 1000))
    size = max(size, span / 1000, max(map(abs, values)) * 1e-12)
    first = math.floor(min(values) / size)
    count = min(int(math.floor(max(values) / size) - first) + 1, 1000)
    traces, lines = [], []
    for index, one in enumerate(found):
        field = field_of(panel, moment, one.name, one.ref)
        line = Line(field.name or one.name, one, field, field.line_colour(index, one.last), right=False)
        counts = [0] * count
        for value in one.values:
            if _counts(value):
                counts[min(max(math.floor(value / size) - first, 0), count - 1)] += 1
        edges = [(first + place) * size for place in range(count + 1)]
        names = [f"{field.tick(low)} to {field.tick(high)}" for low, high in itertools.pairwise(edges)]
        traces.append(_bar([edge + size / 2 for edge in edges[:-1]], counts, line, names, size))
        lines.append(line)
    field = lines[0].field
    most = max(max(trace["y"]) for trace in traces)
    axis = value_axis(first * size, (first + count) * size, field, panel.width * 2)
    counted = value_axis(0, most * 1.06, Field({}, moment), panel.height)
    made = layout(xaxis=axis | {"showgrid": False, "automargin": False}, yaxis=counted, barmode="overlay", bargap=0.04)
    return Figure({"data": traces, "layout": made}, legend(panel, lines))


def _counts(value: float | None) -> TypeGuard[float]:
    return value is not None and abs(value) < 1e200


def _size(span: float, count: float) -> float:
    rough = span / count
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(size for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9)) * power)


def _bar(x: list[Any], y: list[Any], line: Line, names: Sequence[str], width: float | None) -> JSON:
    return {
        "type": "bar",
        "x": x,
        "y": y,
        "marker": {"color": line.colour, "opacity": 0.6},
        "name": escaped(line.name),
        "text": [escaped(name) for name in names],
        "textposition": "none",
        "hovertemplate": "%{text}: %{y}",
        **({"width": width * 0.96} if width else {}),
    }


def _bucket_bars(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    bounds = _bounds(series(answers))
    last = [[one.last] for _, one in bounds]
    if not any(value for row in last for value in row):
        return _nothing(panel)
    counts = [row[0] or 0.0 for row in _buckets(last)]
    field = field_of(panel, moment, "")
    labels = ["∞" if math.isinf(bound) else field.tick(bound) for bound, _ in bounds]
    line = Line(panel.title, bounds[0][1], field, field.line_colour(0, None), right=False)
    names = [_between(labels, index) for index in range(len(labels))]
    trace = _bar(list(range(len(counts))), counts, line, names, None)
    every = max(1, math.ceil(len(labels) / max(3, panel.width)))
    ticked = list(range(0, len(labels), every))
    axis = {
        "tickvals": ticked,
        "ticktext": [escaped(labels[index]) for index in ticked],
        "showgrid": False,
        "zeroline": False,
    }
    counted = value_axis(0, max(counts) * 1.06, Field({}, moment), panel.height)
    return Figure({"data": [trace], "layout": layout(xaxis=axis, yaxis=counted, bargap=0.04)})


def barchart(panel: Panel, answers: Sequence[Answer], moment: Moment) -> Drawing:
    """Draw the last value of each series as a bar."""
    found = [(one, value) for one in series(answers) if (value := reduced(one, "lastNotNull")) is not None]
    if not found:
        return _nothing(panel)
    fields = [field_of(panel, moment, one.name, one.ref) for one, _ in found]
    names = [escaped(field.name or one.name) for field, (one, _) in zip(fields, found, strict=True)]
    values = [value for _, value in found]
    least, most = ends([0.0, *values], fields[0])
    lying = get_path(panel.options, "orientation", "auto") == "horizontal"
    colours = [
        field.line_colour(0, value) if field.config.get("color") else PALETTE[0]
        for field, value in zip(fields, values, strict=True)
    ]
    places = list(range(len(names)))
    trace = {
        "type": "bar",
        "orientation": "h" if lying else "v",
        **({"x": values, "y": places} if lying else {"x": places, "y": values}),
        "marker": {"color": colours, "opacity": 0.8},
        "text": [escaped(field.text(value)) for field, value in zip(fields, values, strict=True)],
        "textposition": "auto",
        "hovertext": names,
        "hovertemplate": "%{hovertext}: %{text}<extra></extra>",
    }
    categories = {"tickvals": places, "ticktext": names, "showgrid": False, "automargin": True, "zeroline": False}
    measured = value_axis(least, most, fields[0], panel.width if lying else panel.height)
    axes = (
        {"xaxis": measured, "yaxis": categories | {"autorange": "reversed"}}
        if lying
        else {"xaxis": categories, "yaxis": measured}
    )
    return Figure({"data": [trace], "layout": layout(**axes, bargap=0.2)})


SINGLE: Mapping[str, Callable[[Panel, Sequence[Answer], Moment], Drawing]] = {
    "stat": single_values.stat,
    "gauge": single_values.gauge,
    "bargauge": single_values.bars,
    "table": single_values.sheet,
    "histogram": histogram,
    "barchart": barchart,
}
OVER_TIME: Mapping[str, Callable[[Panel, Sequence[Answer], Sequence[Mark], Window, Moment], Drawing]] = {
    "timeseries": timeseries,
    "heatmap": heatmap,
    "state-timeline": states,
}
"""Panel types with a time axis, on which annotations are marked."""
