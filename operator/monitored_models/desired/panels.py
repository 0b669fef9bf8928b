"""The panel types that our dashboards use, each a function: title, description, unit, thresholds and a word for no data."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import common, heatmap, prometheus, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders import text as texts
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

DATASOURCE = "datasource"
Panel = Any
"""A builder of any panel type: the SDK has no common base for them."""

_SOURCE = model.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE}}}")
_GREEN, _RED = "green", "red"
_NO_DATA = "no data"


def _query(expression: str, legend: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(_SOURCE)


def _steps(red_from: float | None, red_below: float | None = None) -> grafana.ThresholdsConfig:
    steps = [model.Threshold(value=None, color=_RED if red_below else _GREEN)]
    if red_below:
        steps.append(model.Threshold(value=red_below, color=_GREEN))
    if red_from is not None:
        steps.append(model.Threshold(value=red_from, color=_RED))
    return grafana.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def stat(
    title: str,
    description: str,
    query: str,
    *,
    unit: str,
    red_from: float | None = None,
    red_below: float | None = None,
) -> Panel:
    """One number, coloured as the alert on it."""
    return (
        stats.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .with_target(_query(query, title, "A").instant())
        .unit(unit)
        .thresholds(_steps(red_from, red_below))
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value(_NO_DATA)
        .span(6)
        .height(4)
    )


def lines(
    title: str,
    description: str,
    queries: dict[str, str],
    *,
    unit: str,
    red_from: float | None = None,
    least: float | None = 0,
) -> Panel:
    """Time series by legend; a dashed line where the alert fires. `least` is the lower end of the axis."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .unit(unit)
        .fill_opacity(8)
        .legend(common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
        .thresholds(_steps(red_from))
        .no_value(_NO_DATA)
        .span(12)
        .height(8)
    )
    if least is not None:
        panel = panel.min(least)
    if red_from is not None:
        panel = panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        )
    for index, (legend, query) in enumerate(queries.items()):
        panel = panel.with_target(_query(query, legend, chr(ord("A") + index)).range())
    return panel


def heat(title: str, description: str, buckets: str, *, unit: str) -> Panel:
    """A histogram over time, from buckets."""
    target = _query(buckets, "{{le}}", "A").range().format(PromQueryFormat.HEATMAP)
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .with_target(target)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .no_value(_NO_DATA)
        .span(12)
        .height(8)
    )


def text(title: str, description: str, content: str) -> Panel:
    """A text in Markdown."""
    return (
        texts.Panel().title(title).description(description).content(content).mode(TextMode.MARKDOWN).span(12).height(8)
    )


def table(title: str, description: str, query: str) -> Panel:
    """The series of an instant query, one to a row."""
    return (
        tables.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .with_target(_query(query, "", "A").instant().format(PromQueryFormat.TABLE))
        .unit("short")
        .no_value(_NO_DATA)
        .span(12)
        .height(8)
    )
