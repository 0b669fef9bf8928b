"""Turn a panel and the results of its queries into a drawing, with one function for each panel type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..base.json_paths import get_path
from . import single_values
from .annotations import Mark
from .dashboard_reader import Panel
from .frames import Answer
from .heatmap import heatmap
from .histogram import histogram
from .state_timeline import state_timeline
from .tables import sheet
from .timeseries import timeseries
from .variables import Window
from .views import Drawing, NotDrawn, Text


def draw(panel: Panel, answers: Sequence[Answer], marks: Sequence[Mark], window: Window) -> Drawing:
    """Return the drawing of a panel, or NotDrawn for an unsupported panel type."""
    if panel.kind in SINGLE:
        return SINGLE[panel.kind](panel, answers)
    if panel.kind in OVER_TIME:
        return OVER_TIME[panel.kind](panel, answers, marks, window)
    if panel.kind == "text":
        return Text(get_path(panel.options, "content", ""))
    return NotDrawn(f"Panels of the type “{panel.kind or 'unknown'}” are not drawn by the preview.")


SINGLE: Mapping[str, Callable[[Panel, Sequence[Answer]], Drawing]] = {
    "stat": single_values.stat,
    "gauge": single_values.gauge,
    "bargauge": single_values.bars,
    "table": sheet,
    "histogram": histogram,
}
OVER_TIME: Mapping[str, Callable[[Panel, Sequence[Answer], Sequence[Mark], Window], Drawing]] = {
    "timeseries": timeseries,
    "heatmap": heatmap,
    "state-timeline": state_timeline,
}
"""Panel types with a time axis, on which annotations are marked."""
