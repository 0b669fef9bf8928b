"""Convert panels to Grafana's own types. Only this module knows the options of each panel type.

The result is classic JSON, which Grafana 10 to 13 load. The JSON of each panel is cached, because the builders are the
most expensive part of rendering a model, and models of one runtime differ in little but their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    gauge,
    heatmap,
    histogram,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from .panels import Column, Kind, Panel, Query, State, Steps

DATASOURCE = "datasource"
SOURCE = model.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE}}}")
Builder = Any
"""A builder of any panel type. The SDK has no common base class for them."""


@dataclass(frozen=True)
class Place:
    """Position of a panel on the grid of 24 columns, and its ID."""

    number: int
    x: int
    y: int


def encoded(built: object) -> str:
    """Encode as deterministic JSON."""
    return json.dumps(built, cls=JSONEncoder, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=2048)
def panel_json(panel: Panel, place: Place) -> str:
    """Render a panel at a grid position as JSON."""
    at = model.GridPos(x=place.x, y=place.y, w=panel.width, h=panel.height)
    builder = _KINDS[panel.kind](panel).title(panel.title).description(panel.description).id(place.number).grid_pos(at)
    return encoded(builder.build())


def _asking(builder: Builder, panel: Panel, ask: Callable[[prometheus.Dataquery], prometheus.Dataquery]) -> Builder:
    """Add the options that all panels with queries have."""
    for index, query in enumerate(panel.queries):
        builder = builder.with_target(ask(_query(query, chr(ord("A") + index))))
    if panel.least is not None:
        builder = builder.min(panel.least)
    if panel.most is not None:
        builder = builder.max(panel.most)
    return builder.datasource(SOURCE).unit(panel.unit).thresholds(_thresholds(panel.steps)).no_value(panel.no_value)


def _query(query: Query, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(ref).datasource(SOURCE)


def _now(query: prometheus.Dataquery) -> prometheus.Dataquery:
    return query.instant()


def _over_time(query: prometheus.Dataquery) -> prometheus.Dataquery:
    return query.range()


def _as_table(query: prometheus.Dataquery) -> prometheus.Dataquery:
    return query.instant().format(PromQueryFormat.TABLE)


def _as_heatmap(query: prometheus.Dataquery) -> prometheus.Dataquery:
    return query.range().format(PromQueryFormat.HEATMAP)


def _thresholds(colors: Steps) -> grafana.ThresholdsConfig:
    made = [model.Threshold(value=step.value, color=step.color) for step in colors]
    return grafana.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _legend() -> common.VizLegendOptions:
    return common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM)


def _mapping(states: tuple[State, ...]) -> model.ValueMap:
    results = {
        str(state.value): model.ValueMappingResult(text=state.text, color=state.color, index=index)
        for index, state in enumerate(states)
    }
    return model.ValueMap(options=results)


def _stat(panel: Panel) -> Builder:
    shown = stat.Panel().color_mode(options.BigValueColorMode.VALUE).graph_mode(options.BigValueGraphMode.NONE)
    return _asking(shown.reduce_options(_last()), panel, _now)


def _gauge(panel: Panel) -> Builder:
    return _asking(gauge.Panel().reduce_options(_last()).show_threshold_markers(True), panel, _now)


def _bars(panel: Panel) -> Builder:
    shown = bargauge.Panel().orientation(options.VizOrientation.HORIZONTAL)
    shown = shown.display_mode(options.BarGaugeDisplayMode.BASIC).reduce_options(_last())
    return _asking(shown, panel, _now)


def _lines(panel: Panel) -> Builder:
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    shown = timeseries.Panel().fill_opacity(8).legend(_legend()).tooltip(tooltip)
    if len(panel.steps) > 1:
        dashed = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        shown = shown.thresholds_style(dashed)
    return _asking(shown, panel, _over_time)


def _heat(panel: Panel) -> Builder:
    colors = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    shown = heatmap.Panel().calculate(False).y_axis(heatmap.YAxisConfig().unit(panel.unit)).color(colors)
    return _asking(shown, panel, _as_heatmap)


def _histogram(panel: Panel) -> Builder:
    return _asking(histogram.Panel().combine(True).fill_opacity(60).legend(_legend()), panel, _now)


def _timeline(panel: Panel) -> Builder:
    shown = statetimeline.Panel().show_value(options.VisibilityMode.NEVER).merge_values(True).fill_opacity(80)
    return _asking(shown.legend(_legend()).mappings([_mapping(panel.states)]), panel, _over_time)


def _table(panel: Panel) -> Builder:
    order = {column.field: index for index, column in enumerate(panel.columns)}
    names = {column.field: column.title for column in panel.columns}
    several = [model.DataTransformerConfig(id_val="merge", options={})] if len(panel.queries) > 1 else []
    ordered = model.DataTransformerConfig(
        id_val="organize",
        options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names},
    )
    shown = table.Panel().transformations([*several, ordered]).filterable(True)
    for column in panel.columns:
        if properties := _properties(column):
            shown = shown.override_by_name(column.title, properties)
    return _asking(shown, panel, _as_table)


def _properties(column: Column) -> list[model.DynamicConfigValue]:
    found: dict[str, object] = {}
    if column.unit:
        found["unit"] = column.unit
    if column.steps:
        found |= {"thresholds": _thresholds(column.steps).build(), "custom.cellOptions": {"type": "color-text"}}
    if column.states:
        found |= {"mappings": [_mapping(column.states)], "custom.cellOptions": {"type": "color-text"}}
    if column.link:
        found["links"] = [{"title": column.link_title, "url": column.link}]
    if column.hidden:
        found["custom.hidden"] = True
    return [model.DynamicConfigValue(id_val=name, value=value) for name, value in found.items()]


def _text(panel: Panel) -> Builder:
    return text.Panel().content(panel.content).mode(TextMode.MARKDOWN)


_KINDS: dict[Kind, Callable[[Panel], Builder]] = {
    "stat": _stat,
    "gauge": _gauge,
    "bars": _bars,
    "lines": _lines,
    "heat": _heat,
    "histogram": _histogram,
    "table": _table,
    "timeline": _timeline,
    "text": _text,
}
