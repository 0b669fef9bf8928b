"""What the preview draws: the features that our dashboards have. It names every other feature of a dashboard.

A feature is an option of a panel, a row, a variable or an annotation: its path in Grafana's JSON, and its value.
`tests/unit/preview/test_supported.py` compares the tables with the features of all dashboards that the operator renders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..base.json_paths import JSON, get_path, objects
from .units import UNITS

Table = Mapping[str, tuple[object, ...]]
"""Supported values by path. No values: any value. The wildcard `*` stands for names."""
_PANEL: Table = {"type": (), "title": (), "description": (), "gridPos.*": ()}
_QUERIES: Table = {
    "targets.expr": ("$__rate_interval",),
    "targets.instant": (True, False),
    "targets.legendFormat": (),
    "targets.range": (True, False),
    "targets.refId": (),
    "fieldConfig.noValue": (),
    "fieldConfig.overrides.matcher.id": ("byName",),
    "fieldConfig.overrides.matcher.options": (),
    "fieldConfig.thresholds.mode": ("absolute",),
    "fieldConfig.thresholds.steps.color": ("green", "orange", "red"),
    "fieldConfig.thresholds.steps.value": (),
    "fieldConfig.unit": UNITS,
}
_RANGE: Table = {"fieldConfig.max": (), "fieldConfig.min": ()}
_LAST: Table = {"options.reduceOptions.calcs": ("lastNotNull",)}
_LEGEND_FORM: Table = {"options.legend.displayMode": ("list",), "options.legend.placement": ("bottom",)}
_LEGEND: Table = {"options.legend.showLegend": (True,)}
_STATES: Table = {
    "fieldConfig.mappings.options.*.color": ("green", "orange", "red", "text"),
    "fieldConfig.mappings.options.*.index": (),
    "fieldConfig.mappings.options.*.text": (),
    "fieldConfig.mappings.type": ("value",),
}
PANELS: Mapping[str, tuple[Table, ...]] = {
    "stat": (_PANEL, _QUERIES, _LAST, {"options.colorMode": ("value",)}),
    "gauge": (_PANEL, _QUERIES, _RANGE, _LAST, {"options.showThresholdMarkers": (True,)}),
    "bargauge": (
        *(_PANEL, _QUERIES, _RANGE, _LAST, _LEGEND_FORM),
        {
            "options.displayMode": ("basic",),
            "options.orientation": ("horizontal",),
            "options.showUnfilled": (True,),
            "options.valueMode": ("color",),
        },
    ),
    "timeseries": (
        *(_PANEL, _QUERIES, _RANGE, _LEGEND_FORM, _LEGEND),
        {"fieldConfig.custom.fillOpacity": (), "fieldConfig.custom.thresholdsStyle.mode": ("dashed",)},
    ),
    "heatmap": (
        *(_PANEL, _QUERIES),
        {
            "targets.format": ("heatmap",),
            "options.cellGap": (1,),
            "options.color.mode": ("scheme",),
            "options.color.scheme": ("Oranges",),
            "options.color.steps": (64,),
            "options.filterValues.le": (1e-9,),
            "options.legend.show": (True,),
            "options.yAxis.unit": ("s",),
        },
    ),
    "histogram": (
        *(_PANEL, _QUERIES, _LEGEND_FORM, _LEGEND),
        {
            "fieldConfig.custom.fillOpacity": (60,),
            "fieldConfig.custom.lineWidth": (1,),
            "options.bucketCount": (30,),
            "options.combine": (True,),
        },
    ),
    "state-timeline": (
        *(_PANEL, _QUERIES, _LEGEND_FORM, _LEGEND, _STATES),
        {
            "fieldConfig.custom.fillOpacity": (80,),
            "options.mergeValues": (True,),
            "options.rowHeight": (0.9,),
            "options.showValue": ("never",),
        },
    ),
    "table": (
        *(_PANEL, _QUERIES, _STATES),
        {
            "targets.format": ("table",),
            "fieldConfig.custom.cellOptions.type": ("color-text",),
            "fieldConfig.custom.hidden": (True,),
            "options.showHeader": (True,),
            "transformations.id": ("merge", "organize"),
            "transformations.options.excludeByName.Time": (True,),
            "transformations.options.indexByName.*": (),
            "transformations.options.renameByName.*": (),
        },
    ),
    "text": (_PANEL, {"options.content": (), "options.mode": ("markdown",)}),
}
"""The tables of each panel type."""
SUPPORTED: Mapping[str, tuple[Table, ...]] = {
    **PANELS,
    "dashboard": ({"timezone": ("browser",)},),
    "row": ({"type": (), "title": (), "gridPos.*": (), "collapsed": (True, False)},),
    "variable": (
        {
            "type": ("query",),
            "name": (),
            "label": (),
            "query.query": (),
            "allValue": (".*",),
            "includeAll": (True,),
            "multi": (True,),
            "sort": (1,),
        },
    ),
    "annotation": (
        {
            "name": (),
            "enable": (True,),
            "expr": ("$__interval",),
            "iconColor": ("blue", "red"),
            "step": ("60s",),
            "textFormat": (),
            "titleFormat": (),
        },
    ),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "annotation": ("expr",),
    "histogram": ("options.combine",),
    "state-timeline": ("options.showValue",),
    "table": ("transformations.options.excludeByName.Time",),
    "variable": ("query.query", "allValue", "includeAll", "multi", "sort"),
}
"""Options whose defaults the preview does not draw."""
_OFF = (None, False, "", "auto", "none", "off")
"""Values with which an option that is in no table changes nothing."""
_DEFAULTS: Mapping[str, Table] = {
    **{kind: {"fieldConfig.color.mode": ("thresholds",)} for kind in PANELS},
    "histogram": {"fieldConfig.color.mode": ("palette-classic",)},
    "timeseries": {
        "fieldConfig.color.mode": ("palette-classic",),
        "fieldConfig.custom.axisColorMode": ("text",),
        "fieldConfig.custom.barWidthFactor": (0.6,),
        "fieldConfig.custom.drawStyle": ("line",),
        "fieldConfig.custom.lineInterpolation": ("linear",),
        "fieldConfig.custom.lineWidth": (1,),
        "fieldConfig.custom.pointSize": (5,),
        "fieldConfig.custom.scaleDistribution.type": ("linear",),
        "fieldConfig.custom.stacking.group": ("A",),
        "fieldConfig.custom.thresholdsStyle.mode": ("off",),
    },
}
"""Grafana's defaults, which it writes into each panel that is edited with it."""
_NO_EFFECT = (
    *("id", "datasource.*", "pluginVersion", "repeatDirection", "targets.datasource.*", "targets.editorMode"),
    *("options.alignValue", "options.cellHeight", "options.exemplars.*", "options.m??VizHeight", "options.minVizWidth"),
    *("options.percentChangeColorMode", "options.perPage", "options.selectionMode", "options.tooltip.*"),
    *("options.wideLayout", "fieldConfig.custom.filterable", "fieldConfig.links.*"),
    *("allowCustomValue", "auto_*", "current.*", "definition", "query.qryType", "query.refId", "refresh"),
)
"""Options that do not change the picture of a panel."""
_REFERENCE = re.compile(r"\$__\w+|\$\{[^}]*\}|\[\[\w+(?::\w+)?\]\]")
_DEPTH = 20


def unsupported(kind: str, found: JSON) -> tuple[str, ...]:
    """Return the features that the preview does not draw, as `path: value`. `kind` is a key of SUPPORTED."""
    paths = {path for path, _ in _options(found)}
    unset = [f"{path}: not set" for path in _REQUIRED.get(kind, ()) if path not in paths]
    others = [f"{path}: {str(value)[:60]}" for path, value in features(found) if not _is_supported(kind, path, value)]
    return tuple(dict.fromkeys([*others, *unset]))


def features(found: JSON) -> Iterator[tuple[str, object]]:
    """Yield path and value of each option. Overrides have the paths of the options that they replace.

    The features of a query are the forms of the references in it, except plain variables.
    """
    for path, value in _options(found):
        if path in ("targets.expr", "expr"):
            yield from ((path, reference) for reference in _REFERENCE.findall(str(value)))
        else:
            yield path, value


def _options(found: JSON) -> Iterator[tuple[str, object]]:
    yield from _leaves("", {key: value for key, value in found.items() if key not in ("fieldConfig", "panels")})
    yield from _leaves("fieldConfig", get_path(found, "fieldConfig.defaults", JSON()))
    for override in objects(found, "fieldConfig.overrides"):
        yield from _leaves("fieldConfig.overrides.matcher", override.get("matcher"))
        for one in objects(override, "properties"):
            yield from _leaves(f"fieldConfig.{one.get('id')}", one.get("value"))


def _leaves(path: str, value: Any, depth: int = 0) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict | list):
        yield path, value
    elif depth == _DEPTH:
        yield path, "…"
    else:
        for key, inner in value.items() if isinstance(value, dict) else (("", inner) for inner in value):
            yield from _leaves(".".join(part for part in (path, str(key)) if part), inner, depth + 1)


def _is_supported(kind: str, path: str, value: object) -> bool:
    tables = (*SUPPORTED[kind], _DEFAULTS.get(kind, {}))
    known = [values for table in tables for name, values in table.items() if fnmatchcase(path, name)]
    if known:
        return any(not values or value in values for values in known)
    return value in _OFF or any(fnmatchcase(path, name) for name in _NO_EFFECT)
