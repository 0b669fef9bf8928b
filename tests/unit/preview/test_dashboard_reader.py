"""From Grafana's classic JSON to panels: whatever stands there, nothing fails, and places are Grafana's."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitored_models.base.json_paths import JSON, get_path, number
from monitored_models.preview.dashboard_reader import dashboards, in_object
from monitored_models.render.operator.manifests import manifests

BOARD: JSON = {"title": "One", "uid": "one", "panels": []}


def board(*panels: JSON, **more: Any) -> JSON:
    return {**BOARD, "panels": list(panels), **more}


def panel(title: str, y: int = 0, **more: Any) -> JSON:
    return {"type": "stat", "title": title, "gridPos": {"x": 0, "y": y, "w": 12, "h": 8}, **more}


def test_dashboards_are_found_wherever_they_stand() -> None:
    text = json.dumps(BOARD)
    found = {"kind": "ConfigMap", "data": {"one.json": text, "notes": "no dashboard"}}
    assert list(in_object(BOARD)) == [BOARD]
    assert list(in_object({"dashboard": BOARD, "meta": {}})) == [BOARD]
    assert list(in_object(found)) == [BOARD]
    assert list(in_object({"kind": "List", "items": [found, {"kind": "Pod"}]})) == [BOARD]
    assert list(in_object({"kind": "GrafanaDashboard", "spec": {"json": text}})) == [BOARD]
    assert len(list(in_object(manifests()[1]))) == 1


def test_what_is_no_dashboard_is_passed_over() -> None:
    others: list[Any] = [
        {},
        [],
        None,
        "text",
        {"kind": "ConfigMap"},
        {"kind": "ConfigMap", "data": {"x": "{"}},
        {"panels": 1},
    ]
    for other in others:
        assert list(in_object(other)) == []


def test_two_of_one_uid_have_two_addresses() -> None:
    assert [one.slug for one in dashboards([BOARD, BOARD, {"title": "Ä/b c", "panels": []}])] == ["one", "one-2", "b-c"]


def test_panels_follow_their_row_and_closed_rows_hold_theirs() -> None:
    (made,) = dashboards(
        [
            board(
                panel("first"),
                {"type": "row", "title": "open", "gridPos": {"y": 8}},
                panel("second", 9),
                {
                    "type": "row",
                    "title": "closed",
                    "collapsed": True,
                    "gridPos": {"y": 17},
                    "panels": [panel("third", 18)],
                },
            )
        ]
    )
    assert [(row.title, row.collapsed, [p.title for p in row.panels]) for row in made.rows] == [
        (None, False, ["first"]),
        ("open", False, ["second"]),
        ("closed", True, ["third"]),
    ]
    third = made.rows[2].panels[0]
    assert made.panel(third.number) == third
    assert made.panel(99) is None


def test_places_stay_on_the_grid() -> None:
    (made,) = dashboards([board({"type": "stat", "gridPos": {"x": 20, "y": -1, "w": 12, "h": 0}})])
    shown = made.rows[0].panels[0]
    assert (shown.x, shown.y, shown.width, shown.height) == (20, 0, 4, 1)


def test_a_path_gives_the_default_where_the_type_is_another() -> None:
    found = {"a": {"b": 1, "c": True, "d": "x"}}
    assert get_path(found, "a.b", 0) == 1
    assert get_path(found, "a.b", 0.5) == 1.0
    assert get_path(found, "a.c", 0) == 0
    assert get_path(found, "a.d.e", "none") == "none"
    assert get_path(None, "a", "none") == "none"
    assert number(found, "a.c") is None


any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PANEL_KEYS = ("type", "gridPos", "targets", "options", "fieldConfig", "panels", "title", "collapsed", "transformations")
PART_KEYS = ("type", "name", "label", "query", "multi", "enable", "expr", "iconColor")
BOARD_KEYS = ("title", "uid", "tags", "time", "templating", "annotations", "description")
any_panel = st.dictionaries(
    st.sampled_from(PANEL_KEYS),
    any_json | st.sampled_from(["row", "stat", "table", [{}], {"y": 1}, {"overrides": [{"properties": [{}]}]}]),
)
any_part = any_json | st.fixed_dictionaries({"list": st.lists(st.dictionaries(st.sampled_from(PART_KEYS), any_json))})


@given(st.lists(any_panel | any_json, max_size=4), st.dictionaries(st.sampled_from(BOARD_KEYS), any_json | any_part))
def test_no_json_fails(panels: list[Any], more: JSON) -> None:
    assert len(dashboards([{**more, "panels": panels}])) == 1


def test_deeply_nested_options_fail_neither() -> None:
    options: Any = "x"
    for _ in range(5000):
        options = [options]
    (found,) = dashboards([board(panel("deep", options={"a": options}))])
    assert found.rows[0].panels[0].unsupported == ("options.a: …",)
