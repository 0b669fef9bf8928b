"""From a panel and Prometheus' answers to what is drawn: plain values in, plain values out."""

from __future__ import annotations

import copy
import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.base.json_paths import JSON
from monitored_models.preview import page
from monitored_models.preview.dashboard_reader import Annotation, Panel, dashboards
from monitored_models.preview.field_config import Moment
from monitored_models.preview.figures import OVER_TIME, SINGLE, draw, left_out
from monitored_models.preview.frames import Answer, series
from monitored_models.preview.timeseries import Mark, moments
from monitored_models.preview.variables import Window
from monitored_models.preview.views import Drawing, Figure, NotDrawn, Nothing, Numbers, Sheet, Text

END = 1_000_000.0
STEP = 60.0
WINDOW = Window(END - 600, END)
NOW = Moment(END, UTC)
RED_FROM_5: JSON = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, {"value": 5, "color": "red"}]}
GREEN, RED = "#56A64B", "#E02F44"


def panel(kind: str, *targets: JSON, defaults: JSON | None = None, **more: Any) -> Panel:
    found = {
        "type": kind,
        "targets": [{"refId": "A", "expr": "x", "legendFormat": "{{pod}}", **target} for target in targets or ({},)],
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": defaults or {}, "overrides": more.pop("overrides", [])},
        **more,
    }
    (made,) = dashboards([{"panels": [found]}])
    return made.rows[0].panels[0]


def over_time(*values: float | None, **labels: str) -> JSON:
    pairs = [[WINDOW.begin + index * STEP, repr(value)] for index, value in enumerate(values) if value is not None]
    return {"metric": labels, "values": pairs}


def now(value: object, **labels: str) -> JSON:
    return {"metric": labels, "value": [END, str(value)]}


def answers(of: Panel, *samples: list[JSON]) -> list[Answer]:
    return [
        Answer(target, target.expression, found, WINDOW.begin, WINDOW.end, STEP)
        for target, found in zip(of.targets, samples, strict=True)
    ]


def drawn(of: Panel, *samples: list[JSON], marks: tuple[Mark, ...] = ()) -> Drawing:
    return draw(of, answers(of, *samples), marks, WINDOW, NOW)


def figure(of: Panel, *samples: list[JSON], marks: tuple[Mark, ...] = ()) -> Figure:
    found = drawn(of, *samples, marks=marks)
    assert isinstance(found, Figure)
    json.dumps(found.figure, allow_nan=False)
    return found


# --- lines ---


def test_lines_have_gaps_names_and_a_legend() -> None:
    made = figure(panel("timeseries"), [over_time(1, None, 3, pod="a"), over_time(2, 2, 2, pod="b")])
    first, second = made.figure["data"]
    assert first["y"][:3] == [1, None, 3]
    assert (first["name"], second["name"]) == ("a", "b")
    assert first["connectgaps"] is False
    assert [(key.name, key.traces) for key in made.legend.keys] == [("a", (0,)), ("b", (1,))]
    assert first["line"]["color"] != second["line"]["color"]


def test_a_point_without_neighbours_is_seen() -> None:
    (trace,) = figure(panel("timeseries"), [over_time(1, None, 3, 4)]).figure["data"]
    assert trace["mode"] == "lines+markers"
    assert trace["marker"]["size"][:4] == [5, 0, 0, 0]


def test_legend_has_the_values_that_are_asked_for() -> None:
    legend = {"displayMode": "table", "calcs": ["mean", "max"]}
    made = figure(panel("timeseries", options={"legend": legend}, defaults={"unit": "s"}), [over_time(1, 3)])
    assert made.legend.headings == ("Mean", "Max")
    assert made.legend.keys[0].values == ("2 s", "3 s")
    assert not figure(panel("timeseries", options={"legend": {"showLegend": False}}), [over_time(1)]).legend.keys


def test_limits_are_dashed_lines_in_their_colour() -> None:
    dashed = {"thresholds": RED_FROM_5, "custom": {"thresholdsStyle": {"mode": "dashed"}}}
    (shape,) = figure(panel("timeseries", defaults=dashed), [over_time(1, 6)]).figure["layout"]["shapes"]
    assert (shape["y0"], shape["y1"], shape["line"]["color"], shape["line"]["dash"]) == (5, 5, RED, "dash")
    assert (
        figure(panel("timeseries", defaults={"thresholds": RED_FROM_5}), [over_time(1)]).figure["layout"]["shapes"]
        == []
    )


def test_marks_are_vertical_lines_that_say_what_they_are() -> None:
    mark = Mark(END - 60, "a <b>", "#123456")
    layout = figure(panel("timeseries"), [over_time(1)], marks=(mark,)).figure["layout"]
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"] == "1970-01-12 13:45:40.000"
    assert layout["annotations"][0]["hovertext"] == "a &lt;b&gt;"


def test_the_axis_keeps_to_least_and_most() -> None:
    layout = figure(panel("timeseries", defaults={"min": 0, "max": 10}), [over_time(3, 4)]).figure["layout"]
    assert layout["yaxis"]["range"] == [0, 10]


def test_stacked_lines_reach_to_their_sum() -> None:
    stacked = {"custom": {"stacking": {"mode": "normal"}}, "min": 0}
    made = figure(panel("timeseries", defaults=stacked), [over_time(3, 4, pod="a"), over_time(3, 4, pod="b")]).figure
    assert made["data"][0]["stackgroup"] == "A"
    assert made["layout"]["yaxis"]["range"][1] >= 8


def test_overrides_change_one_series_only() -> None:
    override = {
        "matcher": {"id": "byName", "options": "b"},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
            {"id": "custom.axisPlacement", "value": "right"},
            {"id": "displayName", "value": "B"},
        ],
    }
    samples = [over_time(1, pod="a"), over_time(2, pod="b")]
    made = figure(panel("timeseries", overrides=[override]), samples).figure
    assert [trace["yaxis"] for trace in made["data"]] == ["y", "y2"]
    assert (made["data"][1]["line"]["color"], made["data"][1]["name"]) == (RED, "B")
    assert made["data"][0]["line"]["color"] != RED


# --- single values ---


def test_stat_is_coloured_by_its_threshold() -> None:
    of = panel("stat", defaults={"thresholds": RED_FROM_5, "unit": "reqps"})
    low, high = (drawn(of, [now(value)]) for value in (4, 5))
    assert isinstance(low, Numbers)
    assert isinstance(high, Numbers)
    assert [(one.numbers[0].text, one.numbers[0].colour, one.numbers[0].name) for one in (low, high)] == [
        ("4 req/s", GREEN, ""),
        ("5 req/s", RED, ""),
    ]


def test_stat_of_several_series_names_them_and_mappings_win() -> None:
    mappings = [{"type": "value", "options": {"0": {"text": "down", "color": "red"}}}]
    found = drawn(panel("stat", defaults={"mappings": mappings}), [now(0, pod="a"), now(1, pod="b")])
    assert isinstance(found, Numbers)
    assert [(one.name, one.text) for one in found.numbers] == [("a", "down"), ("b", "1")]
    assert found.numbers[0].colour == RED


@pytest.mark.parametrize("kind", [*SINGLE, *OVER_TIME])
def test_no_data_is_said_in_the_panels_words(kind: str) -> None:
    assert drawn(panel(kind, defaults={"noValue": "nobody came"}), []) == Nothing("nobody came")
    assert drawn(panel(kind), []) == Nothing("No data")


def test_gauge_is_as_long_as_its_value() -> None:
    made = figure(panel("gauge", defaults={"min": 0, "max": 10, "thresholds": RED_FROM_5}), [now(12)]).figure
    (dial,) = made["data"]
    assert dial["value"] == 10
    assert [part["range"] for part in dial["gauge"]["steps"]] == [[0, 5], [5, 10]]
    assert made["layout"]["annotations"][0]["text"] == "12"


def test_bars_are_filled_by_their_share() -> None:
    found = drawn(panel("bargauge", defaults={"min": 0, "max": 10}), [now(2, pod="a"), now(20, pod="b")])
    assert isinstance(found, Numbers)
    assert [one.share for one in found.numbers] == [0.2, 1]


# --- distributions and states ---


def test_heatmap_shows_what_is_in_each_bucket() -> None:
    samples = [over_time(9, 9, le="+Inf"), over_time(2, 4, le="0.5"), over_time(2, 7, le="1")]
    made = figure(panel("heatmap", {"format": "heatmap"}, options={"yAxis": {"unit": "s"}}), samples).figure
    (trace,) = made["data"]
    assert [row[:2] for row in trace["z"]] == [[2, 4], [None, 3], [7, 2]]
    assert trace["customdata"][1][0] == "500 ms to 1 s"


def test_histogram_counts_values() -> None:
    made = figure(panel("histogram", options={"bucketSize": 1}), [over_time(0.5, 0.6, 1.5, 3)]).figure
    assert made["data"][0]["y"] == [2, 1, 0, 1]
    together = panel("histogram", options={"bucketSize": 1, "combine": True})
    assert figure(together, [now(1, pod="a"), now(1, pod="b")]).figure["data"][0]["y"] == [2]


def test_states_last_until_they_change() -> None:
    mappings = [
        {"type": "value", "options": {"1": {"text": "up", "color": "green"}, "0": {"text": "down", "color": "red"}}}
    ]
    made = figure(panel("state-timeline", defaults={"mappings": mappings}), [over_time(1, 1, 0, None, 1, pod="a")])
    (trace,) = made.figure["data"]
    assert trace["text"] == ["up", "down", "up"]
    assert trace["x"] == [120_000, 60_000, 60_000]
    assert [key.name for key in made.legend.keys] == ["up", "down"]


# --- tables ---


def test_table_merges_renames_orders_and_hides() -> None:
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {"Value #B": 0, "pod": 1, "Value #A": 2},
        "renameByName": {"pod": "Pod", "Value #A": "Ready", "Value #B": "Memory"},
    }
    memory = {"matcher": {"id": "byName", "options": "Memory"}, "properties": [{"id": "unit", "value": "bytes"}]}
    of = panel(
        "table",
        {"format": "table", "instant": True},
        {"refId": "B", "format": "table", "instant": True},
        transformations=[{"id": "merge"}, {"id": "organize", "options": organize}],
        overrides=[memory],
    )
    found = drawn(of, [now(1, pod="a"), now(0, pod="b")], [now(2048, pod="b"), now(1024, pod="c")])
    assert isinstance(found, Sheet)
    assert found.columns == ("Memory", "Pod", "Ready")
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["", "a", "1"],
        ["2 KiB", "b", "0"],
        ["1 KiB", "c", ""],
    ]


def test_table_says_what_it_leaves_out() -> None:
    of = panel("table", {"format": "table"}, {"refId": "B"}, transformations=[{"id": "groupBy"}])
    found = drawn(of, [now(1, pod="a")], [now(1, pod="a")])
    assert isinstance(found, Sheet)
    assert found.left_out == ("transformation groupBy", "1 more tables of other queries")
    assert left_out(panel("stat", transformations=[{"id": "reduce"}])) == ("transformation reduce",)


# --- the rest ---


def test_text_and_unknown_panels() -> None:
    assert drawn(panel("text", options={"content": "*x*"}), []) == Text("*x*")
    assert isinstance(drawn(panel("geomap"), []), NotDrawn)


def test_names_of_series() -> None:
    def names(legend: str, *samples: JSON) -> list[str]:
        of = panel("stat", {"legendFormat": legend})
        return [one.name for one in series(answers(of, list(samples)))]

    assert names("{{pod}} of {{ none }}", now(1, pod="a")) == ["a of "]
    assert names("", now(1, __name__="up", pod="a")) == ['up{pod="a"}']
    assert names("__auto", now(1, __name__="up", pod="a")) == ["up"]
    assert names("", now(1)) == ["x"]


def test_an_event_is_where_its_query_begins_to_have_a_result() -> None:
    plain = Annotation("Rollout", "x", "to {{version}}", "", "blue", value_is_time=False, least_step="")
    found = list(moments(plain, over_time(1, 1, None, None, 1, 0, version="8"), WINDOW, STEP))
    assert [(mark.at - WINDOW.begin, mark.text) for mark in found] == [(0, "to 8"), (240, "to 8")]
    by_value = Annotation("Rollout", "x", "", "", "blue", value_is_time=True, least_step="")
    at = (WINDOW.begin + 30) * 1000
    assert [mark.at for mark in moments(by_value, over_time(at, at), WINDOW, STEP)] == [WINDOW.begin + 30]


texts = st.sampled_from(["<b>x</b>", "a & b", "<img src=x onerror=alert(1)>", "plain", "%{y}", "\n"])


@given(st.sampled_from([*SINGLE, *OVER_TIME]), texts, texts, st.lists(st.floats(), min_size=1, max_size=5))
def test_figures_hold_no_tags_of_others(kind: str, name: str, label: str, values: list[float]) -> None:
    """And are JSON, whatever the values are."""
    of = panel(kind, defaults={"displayName": name, "unit": f"suffix:{name}", "noValue": name})
    sample = [over_time(*values, le="1", pod=label), over_time(1, le="2", pod=name)]
    found = drawn(of, sample, marks=(Mark(END - 1, name, "red"),))
    body = page.body(found, page.View(WINDOW, "1h", "", {}))
    json.dumps(body, allow_nan=False)
    assert "<img" not in body["html"]
    if isinstance(found, Figure):
        written = json.dumps(found.figure)
        assert "<b>" not in written
        assert "<img" not in written


OPTIONS = (
    *("legend", "legend.calcs", "legend.displayMode", "reduceOptions.calcs", "reduceOptions.fields", "orientation"),
    *("yAxis", "cellValues", "cellValues.decimals", "color.scheme", "filterValues.le", "bucketSize", "bucketCount"),
    *("rowHeight", "sortBy", "textMode", "graphMode", "content", "combine", "showValue"),
)
DEFAULTS = (
    *("unit", "decimals", "min", "max", "mappings", "thresholds", "thresholds.steps", "color", "color.mode", "custom"),
    *(
        "custom.axisSoftMin",
        "custom.stacking",
        "custom.scaleDistribution.type",
        "custom.fillOpacity",
        "custom.lineWidth",
    ),
    *("custom.drawStyle", "custom.thresholdsStyle.mode", "custom.cellOptions.type", "displayName", "noValue"),
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(
        [
            *(
                "",
                "s",
                "/a/",
                "/(/",
                "log",
                "area",
                "dashed+area",
                "percent",
                "bars",
                "horizontal",
                "name",
                "thresholds",
            ),
            *([], {}, [{}], [{"value": 1, "color": "red"}], [{"type": "range", "options": {"from": 1}}], ["max", 1]),
            *({"mode": "percent"}, {"unit": "bytes", "decimals": 99}, [{"displayName": "pod", "desc": True}]),
        ]
    )
)


def nested(found: dict[str, Any]) -> JSON:
    made: JSON = {}
    for path, value in found.items():
        *parents, last = path.split(".")
        place = made
        for parent in parents:
            inner = place.get(parent)
            place[parent] = inner if isinstance(inner, dict) else {}
            place = place[parent]
        place[last] = value
    return copy.deepcopy(made)


@given(
    st.sampled_from([*SINGLE, *OVER_TIME]),
    st.dictionaries(st.sampled_from(OPTIONS), leaves, max_size=6),
    st.dictionaries(st.sampled_from(DEFAULTS), leaves, max_size=6),
    st.lists(st.floats(), min_size=1, max_size=4),
    st.sampled_from(["table", "heatmap", "time_series"]),
)
def test_no_option_makes_drawing_fail(
    kind: str, options: dict[str, Any], defaults: dict[str, Any], values: list[float], form: str
) -> None:
    of = panel(
        kind, {"format": form}, {"refId": "B", "format": form}, options=nested(options), defaults=nested(defaults)
    )
    found = drawn(of, [over_time(*values, le="1", pod="a"), over_time(1, le="2", pod="b")], [now(values[0], le="1")])
    json.dumps(page.body(found, page.View(WINDOW, "1h", "", {})), allow_nan=False)
