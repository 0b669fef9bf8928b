"""The heatmap panel: counts per bucket over time, from the cumulative buckets of a Prometheus histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..base.json_paths import JSON, get_path
from . import units
from .annotations import Mark, flags, lines
from .dashboard_reader import Panel
from .frames import Answer, Series, series
from .plotting import escaped, layout, moment_text, name_axis, time_axis
from .variables import Window
from .views import Drawing, Figure, nothing

_ORANGES = ("#fff5eb", "#fdd0a2", "#fdae6b", "#f16913", "#d94801", "#7f2704")
_LEAST = 1e-9


def heatmap(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window) -> Drawing:
    """Draw a heatmap with a scale of its colors."""
    buckets = _buckets(series(answers))
    counts = [[value if value is not None and value > _LEAST else None for value in row] for row in _counts(buckets)]
    used = [index for index, row in enumerate(counts) if any(value is not None for value in row)]
    if not used:
        return nothing(panel)
    # In Grafana, a heatmap reads its units from the panel options and ignores the field configuration.
    unit = get_path(panel.options, "yAxis.unit", "")
    bounds = ["∞" if math.isinf(bound) else units.tick(bound, unit) for bound, _ in buckets]
    names = [f"{low} to {high}" if low else f"up to {high}" for low, high in zip(["", *bounds], bounds, strict=False)]
    times = buckets[0][1].times
    trace = {
        "type": "heatmap",
        "x": [moment_text(at, window.zone) for at in times],
        "y": list(range(len(counts))),
        "z": counts,
        "text": [["" if value is None else units.text(value, "") for value in row] for row in counts],
        "customdata": [[escaped(name)] * len(times) for name in names],
        "hovertemplate": "%{x}<br>%{customdata}: %{text}<extra></extra>",
        "colorscale": [[index / (len(_ORANGES) - 1), code] for index, code in enumerate(_ORANGES)],
        "ygap": 1,
        "zmin": 0,
        "colorbar": _color_bar(counts),
    }
    low, high = max(used[0] - 1, 0), min(used[-1] + 1, len(counts) - 1)
    every = max(1, math.ceil((high - low + 1) / max(3, panel.height)))
    # A label marks the upper bound of its bucket.
    labels = [(index + 0.5, bounds[index]) for index in range(low, high + 1, every)]
    figure = layout(
        xaxis=time_axis(window, panel.width),
        yaxis=name_axis(low - 0.5, high + 0.5, labels),
        shapes=lines(marks, window.zone),
        annotations=flags(marks, window.zone),
    )
    return Figure({"data": [trace], "layout": figure})


def _buckets(found: Sequence[Series]) -> list[tuple[float, Series]]:
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
            one = Series(one.name, one.labels, one.times, added)  # noqa: PLW2901 -- the sum replaces both
        by_bound[bound] = one
    return sorted(by_bound.items(), key=lambda pair: pair[0])


def _counts(buckets: Sequence[tuple[float, Series]]) -> list[list[float | None]]:
    """Convert cumulative counts into counts per bucket."""
    rows: list[list[float | None]] = []
    before: Sequence[float | None] = [0.0] * len(buckets[0][1].values) if buckets else []
    for _, one in buckets:
        pairs = zip(before, one.values, strict=True)
        rows.append([None if here is None else max(here - (below or 0), 0) for below, here in pairs])
        before = one.values
    return rows


def _color_bar(counts: Sequence[Sequence[float | None]]) -> JSON:
    most = max((value for row in counts for value in row if value is not None), default=1.0)
    values = [0.0, most / 2, most]
    texts = [units.tick(float(f"{value:.2g}"), "") for value in values]
    bar: JSON = {"thickness": 8, "len": 1, "xpad": 4, "ypad": 0, "outlinewidth": 0, "ticks": "", "x": 1.005}
    return bar | {"tickmode": "array", "tickvals": values, "ticktext": texts, "tickfont": {"size": 10}}
