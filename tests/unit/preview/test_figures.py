"""From a panel and Prometheus' answers to what is drawn: plain values in, plain values out."""

from __future__ import annotations

import copy
import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.rendered_dashboards import every
from monitored_models.base.json_paths import JSON
from monitored_models.preview import page
from monitored_models.preview.annotations import Mark, marks
from monitored_models.preview.dashboard_reader import Annotation, Panel, dashboards
from monitored_models.preview.figures import OVER_TIME, SINGLE, draw
from monitored_models.preview.frames import Answer, series
from monitored_models.preview.variables import Window
from monitored_models.preview.views import Bars, Drawing, Figure, NotDrawn, Nothing, Numbers, Sheet, Text

END = 1_000_000.0
STEP = 60.0
WINDOW = Window(END - 600, END, UTC)
RED_FROM_5: JSON = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, {"value": 5, "color": "red"}]}
STATES = [{"type": "value", "options": {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}}}]
GREEN, RED = "#56A64B", "#E02F44"


def panel(kind: str, *targets: JSON, defaults: JSON | None = None, **more: Any) -> Panel:
    found = {
        "type": kind,
        "targets": [{"refId": "A", "expr": "x", "legendFormat": "{{pod}}", **target} for target in targets or ({},)],
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": defaults or {}, "overrides": more.pop("overrides", [])},
        **more,
    }
    (board,) = dashboards([{"panels": [found]}])
    return board.rows[0].panels[0]


def over_time(*values: float | None, **labels: str) -> JSON:
    pairs = [[WINDOW.begin + index * STEP, repr(value)] for index, value in enumerate(values) if value is not None]
    return {"metric": labels, "values": pairs}


def now(value: object, **labels: str) -> JSON:
    return {"metric": labels, "value": [END, str(value)]}


def answers(of: Panel, *samples: list[JSON]) -> list[Answer]:
    return [
        Answer(target, found, WINDOW.begin, WINDOW.end, STEP) for target, found in zip(of.targets, samples, strict=True)
    ]


def drawn(of: Panel, *samples: list[JSON], marked: tuple[Mark, ...] = ()) -> Drawing:
    return draw(of, answers(of, *samples), marked, WINDOW)


def figure(of: Panel, *samples: list[JSON], marked: tuple[Mark, ...] = ()) -> Figure:
    found = drawn(of, *samples, marked=marked)
    assert isinstance(found, Figure)
    json.dumps(found.figure, allow_nan=False)
    return found


def test_every_panel_of_our_dashboards_is_drawn() -> None:
    for board in dashboards(list(every().values())):
        for one in (one for row in board.rows for one in row.panels):
            samples = [[now(1, le="1") if target.instant else over_time(1, 2, le="1")] for target in one.targets]
            assert not isinstance(drawn(one, *samples), Nothing | NotDrawn), one.title


# --- lines ---


def test_lines_have_gaps_names_and_a_legend() -> None:
    found = figure(panel("timeseries"), [over_time(1, None, 3, pod="a"), over_time(2, 2, 2, pod="b")])
    first, second = found.figure["data"]
    assert first["y"][:3] == [1, None, 3]
    assert (first["name"], second["name"]) == ("a", "b")
    assert [(key.name, key.trace) for key in found.legend] == [("a", 0), ("b", 1)]
    assert first["line"]["color"] != second["line"]["color"]


def test_a_point_without_neighbors_is_visible() -> None:
    (trace,) = figure(panel("timeseries"), [over_time(1, None, 3, 4)]).figure["data"]
    assert trace["mode"] == "lines+markers"
    assert trace["marker"]["size"][:4] == [5, 0, 0, 0]


def test_thresholds_are_dashed_lines_in_their_color() -> None:
    dashed = {"thresholds": RED_FROM_5, "custom": {"thresholdsStyle": {"mode": "dashed"}}}
    (shape,) = figure(panel("timeseries", defaults=dashed), [over_time(1, 6)]).figure["layout"]["shapes"]
    assert (shape["y0"], shape["y1"], shape["line"]["color"], shape["line"]["dash"]) == (5, 5, RED, "dash")
    without = figure(panel("timeseries", defaults={"thresholds": RED_FROM_5}), [over_time(1)])
    assert without.figure["layout"]["shapes"] == []


def test_marks_are_vertical_lines_with_their_text() -> None:
    mark = Mark(END - 60, "a <b>", "#123456")
    layout = figure(panel("timeseries"), [over_time(1)], marked=(mark,)).figure["layout"]
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"] == "1970-01-12 13:45:40.000"
    assert layout["annotations"][0]["hovertext"] == "a &lt;b&gt;"


@pytest.mark.parametrize(
    ("defaults", "values", "expected"),
    [
        ({"min": 0, "max": 10}, (3, 4), [0, 10]),
        ({"min": 0}, (3, 100), [0, 106]),
        ({}, (100, 200), [94, 206]),
        ({}, (1, 101), [0, 107]),
        ({}, (5, 5), [4, 6]),
        ({"min": 0}, (0, 0), [0, 1]),
    ],
)
def test_the_axis_contains_the_values(defaults: JSON, values: tuple[float, ...], expected: list[float]) -> None:
    layout = figure(panel("timeseries", defaults=defaults), [over_time(*values)]).figure["layout"]
    assert layout["yaxis"]["range"] == expected


# --- single values ---


def test_stat_is_colored_by_its_threshold() -> None:
    of = panel("stat", defaults={"thresholds": RED_FROM_5, "unit": "reqps"})
    low, high = (drawn(of, [now(value)]) for value in (4, 5))
    assert isinstance(low, Numbers)
    assert isinstance(high, Numbers)
    assert [(one.numbers[0].text, one.numbers[0].color, one.numbers[0].name) for one in (low, high)] == [
        ("4 req/s", GREEN, ""),
        ("5 req/s", RED, ""),
    ]


def test_stat_of_several_series_has_their_names() -> None:
    found = drawn(panel("stat"), [now(0, pod="a"), now(1, pod="b")])
    assert isinstance(found, Numbers)
    assert [(one.name, one.text) for one in found.numbers] == [("a", "0"), ("b", "1")]


@pytest.mark.parametrize("kind", [*SINGLE, *OVER_TIME])
def test_a_panel_without_data_has_its_own_text(kind: str) -> None:
    assert drawn(panel(kind, defaults={"noValue": "nobody came"}), []) == Nothing("nobody came")
    assert drawn(panel(kind), []) == Nothing("No data")


def test_gauge_is_as_long_as_its_value() -> None:
    found = figure(panel("gauge", defaults={"min": 0, "max": 10, "thresholds": RED_FROM_5}), [now(12)]).figure
    (dial,) = found["data"]
    assert dial["value"] == 10
    assert [part["range"] for part in dial["gauge"]["steps"]] == [[0, 5], [5, 10]]
    assert found["layout"]["annotations"][0]["text"] == "12"


def test_bars_are_filled_by_their_share() -> None:
    found = drawn(panel("bargauge", defaults={"min": 0}), [now(2, pod="a"), now(10, pod="b"), now(-1, pod="c")])
    assert isinstance(found, Bars)
    assert [one.share for one in found.numbers] == [0.2, 1, 0]


# --- distributions and states ---


def test_heatmap_has_the_counts_of_each_bucket() -> None:
    samples = [over_time(9, 9, le="+Inf"), over_time(2, 4, le="0.5"), over_time(2, 7, le="1")]
    (trace,) = figure(panel("heatmap", options={"yAxis": {"unit": "s"}}), samples).figure["data"]
    assert [row[:2] for row in trace["z"]] == [[2, 4], [None, 3], [7, 2]]
    assert [names[0] for names in trace["customdata"]] == ["up to 500 ms", "500 ms to 1 s", "1 s to ∞"]


def test_histogram_counts_the_values_of_all_series() -> None:
    found = figure(panel("histogram"), [now(value, pod=str(value)) for value in (0, 1, 1.5, 30)])
    (trace,) = found.figure["data"]
    assert (trace["y"][:2], trace["y"][-1], sum(trace["y"])) == ([1, 2], 1, 4)
    assert trace["text"][0] == "0 to 1"
    assert [(key.name, key.trace) for key in found.legend] == [("Combined", 0)]
    assert [key.name for key in figure(panel("histogram"), [now(1, pod="a")]).legend] == ["a"]


def test_states_last_until_they_change() -> None:
    of = panel("state-timeline", defaults={"mappings": STATES})
    found = figure(of, [over_time(1, 1, 0, None, 1, pod="a")])
    (trace,) = found.figure["data"]
    assert trace["text"] == ["up", "down", "up"]
    assert trace["x"] == [120_000, 60_000, 60_000]
    assert [(key.name, key.color, key.trace) for key in found.legend] == [("up", GREEN, None), ("down", RED, None)]


def test_infinity_is_a_value_without_a_state() -> None:
    (trace,) = figure(panel("state-timeline", defaults={"mappings": STATES}), [over_time(float("inf"))]).figure["data"]
    assert trace["text"] == ["∞"]


# --- tables ---


def test_table_merges_renames_orders_and_hides() -> None:
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {"Value #B": 0, "pod": 1, "Value #A": 2},
        "renameByName": {"pod": "Pod", "Value #A": "Ready", "Value #B": "Memory"},
    }
    hidden = {"id": "custom.hidden", "value": True}
    colored = [{"id": "mappings", "value": STATES}, {"id": "custom.cellOptions", "value": {"type": "color-text"}}]
    properties = {"Memory": [{"id": "unit", "value": "bytes"}], "Ready": colored, "zone": [hidden]}
    of = panel(
        "table",
        {"instant": True},
        {"refId": "B", "instant": True},
        transformations=[{"id": "merge"}, {"id": "organize", "options": organize}],
        overrides=[
            {"matcher": {"id": "byName", "options": name}, "properties": one} for name, one in properties.items()
        ],
    )
    first = [now(1, pod="a", zone="z"), now(0, pod="b", zone="z")]
    found = drawn(of, first, [now(2048, pod="b"), now(1024, pod="c")])
    assert isinstance(found, Sheet)
    assert found.columns == ("Memory", "Pod", "Ready")
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["", "a", "up"],
        ["2 KiB", "b", "down"],
        ["1 KiB", "c", ""],
    ]
    assert [row[2].color for row in found.rows[:2]] == [GREEN, RED]
    assert found.left_out == ()


def test_table_names_what_it_leaves_out() -> None:
    found = drawn(panel("table", {}, {"refId": "B"}), [now(1, pod="a")], [now(1, pod="a")])
    assert isinstance(found, Sheet)
    assert found.left_out == ("1 more tables of other queries",)
    many = drawn(panel("table"), [now(1, pod=str(number)) for number in range(501)])
    assert isinstance(many, Sheet)
    assert (len(many.rows), many.left_out) == (500, ("1 more rows",))


# --- the rest ---


def test_text_and_unknown_panels() -> None:
    assert drawn(panel("text", options={"content": "*x*"}), []) == Text("*x*")
    unknown = drawn(panel("geomap"), [])
    assert isinstance(unknown, NotDrawn)
    assert "geomap" in unknown.text


def test_options_that_are_not_drawn_are_named_in_the_panel() -> None:
    stacked = panel("timeseries", defaults={"custom": {"stacking": {"mode": "<b>normal"}}})
    note = "Not drawn by the preview: fieldConfig.custom.stacking.mode: &lt;b&gt;normal</div>"
    assert note in page.body(drawn(stacked, [over_time(1)]), stacked.unsupported)["html"]
    assert note in page.failure("no answer", stacked.unsupported)["html"]
    assert "Not drawn" not in page.body(drawn(panel("timeseries"), [over_time(1)]))["html"]


def test_names_of_series() -> None:
    of = panel("stat", {"legendFormat": "{{pod}} of {{ none }}"})
    assert [one.name for one in series(answers(of, [now(1, pod="a")]))] == ["a of "]


def test_an_event_is_where_its_query_begins_to_have_a_result() -> None:
    rollout = Annotation("x", "to {{version}}", "", "blue")
    found = list(marks(rollout, over_time(1, 1, None, None, 1, 0, version="8"), WINDOW, STEP))
    assert [(mark.at - WINDOW.begin, mark.text) for mark in found] == [(0, "to 8"), (240, "to 8")]


texts = st.sampled_from(["<b>x</b>", "a & b", "<img src=x onerror=alert(1)>", "plain", "%{y}", "\n"])


@given(st.sampled_from([*SINGLE, *OVER_TIME]), texts, texts, st.lists(st.floats(), min_size=1, max_size=5))
def test_figures_contain_no_foreign_tags(kind: str, name: str, label: str, values: list[float]) -> None:
    """And they are JSON, whatever the values are."""
    states = [{"type": "value", "options": {"1": {"text": name, "color": name}}}]
    of = panel(kind, defaults={"unit": name, "noValue": name, "mappings": states})
    sample = [over_time(*values, le="1", pod=label), over_time(1, le="2", pod=name)]
    found = drawn(of, sample, marked=(Mark(END - 1, name, "red"),))
    body = page.body(found, of.unsupported)
    json.dumps(body, allow_nan=False)
    assert "<img" not in body["html"]
    if isinstance(found, Figure):
        figures = json.dumps(found.figure)
        assert "<b>" not in figures
        assert "<img" not in figures


OPTIONS = ("yAxis", "yAxis.unit", "content", "legend", "reduceOptions.calcs")
DEFAULTS = (
    *("unit", "min", "max", "noValue", "mappings", "thresholds", "thresholds.steps", "custom", "custom.fillOpacity"),
    *("custom.thresholdsStyle.mode", "custom.cellOptions.type", "custom.hidden"),
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(
        [
            *("", "s", "bytes", "dashed", "color-text"),
            *([], {}, [{}], [{"value": 1, "color": "red"}], [{"options": {"1": 2}}], ["max", 1]),
            *({"mode": "percent"}, {"unit": "bytes"}),
        ]
    )
)
columns = st.dictionaries(st.sampled_from(["pod", "le", "Value", "Value #A"]), leaves, max_size=3)


def nested(found: dict[str, Any]) -> JSON:
    result: JSON = {}
    for path, value in found.items():
        *parents, last = path.split(".")
        place = result
        for parent in parents:
            inner = place.get(parent)
            place[parent] = inner if isinstance(inner, dict) else {}
            place = place[parent]
        place[last] = value
    return copy.deepcopy(result)


@given(
    st.sampled_from([*SINGLE, *OVER_TIME]),
    st.dictionaries(st.sampled_from(OPTIONS), leaves, max_size=6),
    st.dictionaries(st.sampled_from(DEFAULTS), leaves, max_size=6),
    st.lists(st.floats(), min_size=1, max_size=4),
    st.lists(columns | leaves, max_size=2),
)
def test_no_option_makes_drawing_fail(
    kind: str, options: dict[str, Any], defaults: dict[str, Any], values: list[float], order: list[Any]
) -> None:
    organize = [{"id": "organize", "options": {"indexByName": one, "renameByName": one}} for one in order]
    of = panel(
        *(kind, {}, {"refId": "B"}),
        options=nested(options),
        defaults=nested(defaults),
        transformations=[{"id": "merge"}, *organize],
    )
    found = drawn(of, [over_time(*values, le="1", pod="a"), over_time(1, le="2", pod="b")], [now(values[0], le="1")])
    json.dumps(page.body(found, of.unsupported), allow_nan=False)
