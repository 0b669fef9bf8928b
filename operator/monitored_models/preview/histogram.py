"""The histogram panel: how many values of all series lie in each of about thirty buckets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from . import units
from .colors import PALETTE
from .dashboard_reader import Panel
from .field_config import field_of
from .frames import Answer, series
from .plotting import escaped, layout, value_axis
from .views import Drawing, Figure, Key, nothing

_BUCKETS = 30


def histogram(panel: Panel, answers: Sequence[Answer]) -> Drawing:
    """Draw a bar for each bucket."""
    found = [one for one in series(answers) if one.last is not None]
    values = [value for one in found for value in one.values if value is not None and abs(value) < 1e200]
    if not values:
        return nothing(panel)
    name = "Combined" if len(found) > 1 else found[0].name
    unit = field_of(panel, name).unit
    size = max(_size(max(values) - min(values)), max(map(abs, values)) * 1e-12)
    first = math.floor(min(values) / size)
    counts = [0] * (math.floor(max(values) / size) - first + 1)
    for value in values:
        counts[math.floor(value / size) - first] += 1
    edges = [(first + place) * size for place in range(len(counts) + 1)]
    labels = [f"{units.tick(low, unit)} to {units.tick(high, unit)}" for low, high in itertools.pairwise(edges)]
    trace = {
        "type": "bar",
        "x": [edge + size / 2 for edge in edges[:-1]],
        "y": counts,
        "marker": {"color": PALETTE[0], "opacity": 0.6},
        "name": escaped(name),
        "text": [escaped(label) for label in labels],
        "textposition": "none",
        "hovertemplate": "%{text}: %{y}",
        "width": size * 0.96,
    }
    axis = value_axis(edges[0], edges[-1], unit, panel.width * 2)
    figure = layout(
        xaxis=axis | {"showgrid": False, "automargin": False},
        yaxis=value_axis(0, max(counts) * 1.06, "", panel.height),
    )
    return Figure({"data": [trace], "layout": figure}, (Key(name, PALETTE[0], 0),))


def _size(span: float) -> float:
    """Return a round size of the buckets."""
    rough = span / _BUCKETS
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(size for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9)) * power)
