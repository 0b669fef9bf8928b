"""The preview draws what our dashboards contain, and no more: its tables beside every dashboard that the operator renders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from dashboards.rendered_dashboards import every, panels, rows, variables
from monitored_models.base.json_paths import JSON
from monitored_models.preview.colors import COLORS
from monitored_models.preview.dashboard_reader import dashboards
from monitored_models.preview.figures import OVER_TIME, SINGLE
from monitored_models.preview.sources import found_in
from monitored_models.preview.supported import PANELS, SUPPORTED, features, unsupported
from monitored_models.settings import Settings

ROOT = Path(__file__).parents[3]
PREVIEW = ROOT / "operator/monitored_models/preview"
BOARDS = [*every().values(), *found_in((ROOT / "examples", ROOT / "config/monitoring.yaml"), None, Settings())]


def parts(board: JSON) -> Iterator[tuple[str, JSON]]:
    """The dashboard, its panels, rows, variables and annotations, each with its kind."""
    yield "dashboard", {"timezone": board["timezone"]}
    yield from ((panel["type"], panel) for panel in panels(board))
    yield from (("row", row) for row in rows(board))
    yield from (("variable", one) for one in variables(board) if one["type"] != "datasource")
    yield from (("annotation", one) for one in board["annotations"]["list"])


def test_our_dashboards_are_drawn_completely() -> None:
    kinds = {panel["type"] for board in BOARDS for panel in panels(board)}
    assert kinds <= set(PANELS), "draw these panel types in preview/figures.py"
    missing = {f"{kind} {one}" for board in BOARDS for kind, part in parts(board) for one in unsupported(kind, part)}
    assert missing == set(), "draw these options and add them to preview/supported.py"
    assert [one.unsupported for one in dashboards(BOARDS) if one.unsupported] == []


def test_what_no_dashboard_of_ours_contains_is_not_supported() -> None:
    by_kind = defaultdict[str, list[tuple[str, object]]](list)
    for board in BOARDS:
        for kind, part in parts(board):
            by_kind[kind].extend(features(part))
    unused = []
    for table in {id(table): table for tables in SUPPORTED.values() for table in tables}.values():
        found = [one for kind, tables in SUPPORTED.items() if table in tables for one in by_kind[kind]]
        for name, values in table.items():
            occurring = [value for path, value in found if fnmatchcase(path, name)]
            unused += [(name, value) for value in values if value not in occurring]
            unused += [] if occurring else [(name, "any value")]
    assert unused == [], "delete these in preview/supported.py, and the code that draws them"
    assert set(PANELS) == {*SINGLE, *OVER_TIME, "text"}
    used = {value for tables in SUPPORTED.values() for table in tables for name in table for value in table[name]}
    assert set(COLORS) <= used


def test_no_other_option_is_read() -> None:
    read = re.compile(r'(?:get_path|number|objects)\((?:panel\.\w+|field\.custom|config|options), "([\w.]+)"')
    found = {path for file in PREVIEW.glob("*.py") for path in read.findall(file.read_text())}
    assert {"content", "yAxis.unit", "thresholds.steps", "fillOpacity", "indexByName"} <= found
    occurring = {f".{path}." for board in BOARDS for _, part in parts(board) for path, _ in features(part)}
    unused = {path for path in found if not any(f".{path}." in one for one in occurring)}
    assert unused == set(), "no dashboard of ours contains these options: delete the code that reads them"


FIELD, TARGET = "fieldConfig", {"refId": "A", "expr": "up", "range": True, "legendFormat": "x"}


def panel(kind: str = "timeseries", **more: Any) -> JSON:
    return {"type": kind, "title": "x", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "targets": [TARGET], **more}


def custom(**options: Any) -> JSON:
    return panel(fieldConfig={"defaults": {"custom": options}})


def override(matcher: str, name: str, value: Any) -> JSON:
    made = {"matcher": {"id": matcher, "options": "x"}, "properties": [{"id": name, "value": value}]}
    return panel("table", fieldConfig={"overrides": [made]}, transformations=ORGANIZED)


ORGANIZED = [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (custom(stacking={"mode": "normal"}), "fieldConfig.custom.stacking.mode: normal"),
        (custom(drawStyle="bars"), "fieldConfig.custom.drawStyle: bars"),
        (custom(axisPlacement="right"), "fieldConfig.custom.axisPlacement: right"),
        (custom(scaleDistribution={"type": "log", "log": 10}), "fieldConfig.custom.scaleDistribution.type: log"),
        (panel(fieldConfig={"defaults": {"unit": "celsius"}}), "fieldConfig.unit: celsius"),
        (panel(fieldConfig={"defaults": {"thresholds": {"mode": "percentage"}}}), "fieldConfig.thresholds.mode: percentage"),
        (panel(options={"legend": {"calcs": ["mean"]}}), "options.legend.calcs: mean"),
        (panel(options={"legend": {"showLegend": False}}), "options.legend.showLegend: False"),
        (panel(targets=[TARGET | {"hide": True}]), "targets.hide: True"),
        (panel(targets=[TARGET | {"expr": "up{pod='${pod:regex}'}"}]), "targets.expr: ${pod:regex}"),
        (panel(targets=[TARGET | {"expr": "rate(up[$__range])"}]), "targets.expr: $__range"),
        (panel(repeat="pod"), "repeat: pod"),
        (panel("stat", options={"graphMode": "area"}), "options.graphMode: area"),
        (panel("stat", options={"reduceOptions": {"calcs": ["mean"]}}), "options.reduceOptions.calcs: mean"),
        (panel("histogram"), "options.combine: not set"),
        (panel("table"), "transformations.options.excludeByName.Time: not set"),
        (panel("table", transformations=[*ORGANIZED, {"id": "groupBy"}]), "transformations.id: groupBy"),
        (panel("table", transformations=ORGANIZED, options={"sortBy": [{"desc": True}]}), "options.sortBy.desc: True"),
        (override("byRegexp", "unit", "s"), "fieldConfig.overrides.matcher.id: byRegexp"),
        (override("byName", "displayName", "X"), "fieldConfig.displayName: X"),
        (override("byName", "custom.cellOptions", {"type": "gauge"}), "fieldConfig.custom.cellOptions.type: gauge"),
    ],
)  # fmt: skip
def test_other_options_are_named(found: JSON, note: str) -> None:
    (board,) = dashboards([{"panels": [found]}])
    assert note in board.rows[0].panels[0].unsupported


def test_what_grafana_writes_by_itself_is_not_named() -> None:
    written = custom(
        axisColorMode="text",
        axisLabel="",
        axisPlacement="auto",
        barAlignment=0,
        drawStyle="line",
        fillOpacity=10,
        gradientMode="none",
        hideFrom={"legend": False, "tooltip": False, "viz": False},
        lineInterpolation="linear",
        lineWidth=1,
        pointSize=5,
        scaleDistribution={"type": "linear"},
        spanNulls=False,
        stacking={"group": "A", "mode": "none"},
        thresholdsStyle={"mode": "off"},
    )
    written["fieldConfig"]["defaults"] |= {"color": {"mode": "palette-classic"}, "mappings": []}
    assert unsupported("timeseries", written | {"id": 3, "pluginVersion": "12.0.0"}) == ()


def test_variables_annotations_and_rows_that_are_not_supported_are_left_out_and_named() -> None:
    (board,) = dashboards(
        [
            {
                "timezone": "utc",
                "panels": [{"type": "row", "title": "r", "collapsed": False, "repeat": "pod"}],
                "templating": {"list": [{"type": "custom", "name": "size", "query": "a,b"}]},
                "annotations": {"list": [{"name": "Mine", "enable": False, "expr": "up"}, {"builtIn": 1}]},
            }
        ]
    )
    assert (board.variables, board.annotations, board.rows[0].title) == ((), (), "r")
    timezone, variable, annotation, row = board.unsupported
    assert timezone.endswith(": timezone: utc")
    assert variable.partition(": ")[2].startswith("type: custom, query: a,b, query.query: not set")
    assert annotation == "Annotation Mine has options that the preview does not support: enable: False"
    assert row == "Row r has options that the preview does not support: repeat: pod"


def test_a_variable_is_the_values_of_a_label() -> None:
    plain = {
        "type": "query",
        "name": "pod",
        "label": "Pod",
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "sort": 1,
    }
    queries = ("label_values(namespace)", 'label_values(up{a=~"x,y"}, pod)', "query_result(up)", "label_values(up, )")
    (board,) = dashboards(
        [{"panels": [], "templating": {"list": [plain | {"query": {"query": query}} for query in queries]}}]
    )
    assert [(one.selector, one.label) for one in board.variables] == [("", "namespace"), ('up{a=~"x,y"}', "pod")]
    assert [text.rpartition("query.query: ")[2] for text in board.unsupported] == list(queries[2:])
