"""Every query of every dashboard, asked of a real Prometheus that holds six realistic hours: it answers, and soon."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards import sample_fleet
from dashboards.grafana import View, with_all, with_first
from dashboards.rendered_dashboards import JSON, panels, queries, shared, variables
from dashboards.sample_fleet import STORIES
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.render.rules.signals import server as server_of
from testbed import clock, prometheus

pytestmark = pytest.mark.clock

SOON = 1.0
"""Seconds in which each query must be answered."""
TRIES = 5
"""Of which the quickest counts: another suite may have the processor meanwhile, but a query that costs too much always does."""
BOARDS = {story.name: json.loads(dashboard_json(story.now)) for story in STORIES} | shared()
of_each = pytest.mark.parametrize("name", BOARDS)
QUIET = {"Alerts", "Alerts over time"}
"""Panels that are empty where all is well, and say so."""


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    folder, end = tmp_path_factory.mktemp("dashboards"), clock.end(300)
    sample_fleet.write(folder, end)
    with prometheus.running(folder, []) as server:
        yield View(server, end)


def _values(series: dict[str, Any]) -> list[float]:
    found = series.get("values") or [series["value"]]
    return [float(value) for _, value in found]


def _is_answered(answer: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(value) for series in answer for value in _values(series))


def _is_well(name: str) -> bool:
    return not any(story.name == name and story.sick for story in STORIES) and name in {s.name for s in STORIES}


def _asked(seen: View, target: JSON) -> tuple[list[dict[str, Any]], float]:
    begin = time.perf_counter()
    return seen.asked(target), time.perf_counter() - begin


@of_each
def test_every_query_has_an_answer_soon(name: str, view: View) -> None:
    board, empty, slow = BOARDS[name], [], {}
    seen = with_all(board, view)
    for panel, target in queries(board):
        answer, taken = _asked(seen, target)
        for _ in range(TRIES - 1):
            if taken > SOON:
                taken = min(taken, _asked(seen, target)[1])
        if taken > SOON:
            slow[panel["title"]] = taken
        if not _is_answered(answer) and not (panel["title"] in QUIET and _is_well(name)):
            empty.append((panel["title"], target["expr"]))
    assert not empty
    assert not slow


@of_each
def test_day_can_be_looked_at(name: str, view: View) -> None:
    """Of a wide range with a wide step every query is answered too: intervals follow."""
    board = BOARDS[name]
    seen = with_all(board, View(view.server, view.end, 24 * 3600, 600))
    empty = [panel["title"] for panel, target in queries(board) if not _is_answered(seen.asked(target))]
    assert set(empty) <= (QUIET if _is_well(name) else set())


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if len(variables(board)) > 1])
def test_variables_offer_values_and_one_of_each_can_be_chosen(name: str, view: View) -> None:
    board = BOARDS[name]
    seen = with_first(board, view)
    answered = [_is_answered(seen.asked(target)) for panel, target in queries(board) if panel["title"] not in QUIET]
    assert sum(answered) > 0.8 * len(answered)  # an old version has no pods any more


@of_each
def test_every_metric_that_is_named_exists(name: str, view: View) -> None:
    """Of alternatives that servers may have one does."""
    known = set(view.server.get("label/__name__/values"))
    alternatives = {
        f"{metric}{part}"
        for story in STORIES
        for metric in server_of(story.now).metrics()
        for part in ("", "_bucket", "_sum", "_count")
    }
    for _, target in queries(BOARDS[name]):
        named = prometheus.names_in(re.sub(r"\$__\w+", "5m", target["expr"]))
        assert named <= known | alternatives
        assert named & known


# --- marks ---


def _marks(name: str, mark: str, seen: View) -> dict[str, list[float]]:
    (found,) = [each for each in BOARDS[name]["annotations"]["list"] if each["name"] == mark]
    text = re.findall(r"\{\{(\w+)\}\}", found["textFormat"])
    return {
        " ".join(series["metric"].get(label, "") for label in text): [at for at, _ in series["values"]]
        for series in seen.over_time(seen.filled(found["expr"]))
    }


@pytest.mark.parametrize("step", [60, 300, 600])
def test_new_version_is_marked_once_when_it_comes(step: int, view: View) -> None:
    end = view.end // step * step
    seen = with_all(BOARDS["fraud"], View(view.server, end, 5 * 3600, step))
    marks = _marks("fraud", "New versions", seen)
    assert list(marks) == ["2026-11-24"]
    (at,) = marks["2026-11-24"]
    assert 0 <= at - (view.end - sample_fleet.ROLLOUT) <= 60 + step


@pytest.mark.parametrize("name", ["monitored-models-fleet", "assistant"])
def test_nothing_else_is_marked_as_a_new_version(name: str, view: View) -> None:
    seen = with_all(BOARDS[name], View(view.server, view.end, 5 * 3600))
    expected = {"fraud 2026-11-24"} if name == "monitored-models-fleet" else set()
    assert set(_marks(name, "New versions", seen)) == expected


def test_alerts_are_marked_where_they_begin(view: View) -> None:
    marks = _marks("churn", "Alerts", with_all(BOARDS["churn"], View(view.server, view.end, 5 * 3600)))
    begun = {text.split()[0]: times for text, times in marks.items()}
    (at,) = begun["ModelErrorRatioHigh"]
    assert 10 * 60 <= at - (view.end - sample_fleet.INCIDENT) <= 20 * 60
    assert {"ModelOutOfMemory", "ModelErrorBudgetFastBurn", "ModelLatencyHigh"} <= set(begun)
    for name, expected in (("fraud", ["ModelDriftModerate fraud"]), ("assistant", []), ("ranking", []), ("eta", [])):
        assert list(_marks(name, "Alerts", with_all(BOARDS[name], view))) == expected


# --- links ---


def test_links_lead_to_dashboards_that_exist(view: View) -> None:
    uids = {board["uid"] for board in BOARDS.values()}
    for board in BOARDS.values():
        for link in board["links"]:
            found = re.fullmatch(r"/d/([\w-]+)(?:\?(.+))?", link["url"])
            assert found
            assert found[1] in uids
            target = next(each for each in BOARDS.values() if each["uid"] == found[1])
            asked = {part.split("=")[0].removeprefix("var-") for part in (found[2] or "").split("&") if part}
            assert asked <= {variable["name"] for variable in variables(target)}
    told = view.server.query("monitored_model_info", time=str(view.end))
    shown = {series["metric"]["monitored_model"]: series["metric"]["dashboard"] for series in told}
    assert shown == {story.name: BOARDS[story.name]["uid"] for story in STORIES}


def test_columns_that_links_name_are_there(view: View) -> None:
    board = BOARDS["monitored-models-fleet"]
    (table,) = [panel for panel in panels(board) if panel["title"] == "Every model"]
    links = [link["url"] for each in table["fieldConfig"]["overrides"] for link in _links(each)]
    assert [re.findall(r"__data\.fields\.(\w+)", url) for url in links] == [["dashboard"]]
    (series, *_) = with_all(board, view).asked(table["targets"][0])
    assert "dashboard" in series["metric"]


def _links(override: JSON) -> list[JSON]:
    return [link for each in override["properties"] if each["id"] == "links" for link in each["value"]]


@of_each
def test_columns_of_tables_are_labels_or_values_of_its_queries(name: str, view: View) -> None:
    """A column under the title of a label that no query has would stay empty for ever."""
    board = BOARDS[name]
    seen = with_all(board, view)
    for panel in panels(board):
        if panel["type"] != "table" or (panel["title"] in QUIET and _is_well(name)):
            continue
        fields = {"Value"} if len(panel["targets"]) == 1 else {f"Value #{t['refId']}" for t in panel["targets"]}
        fields |= {label for target in panel["targets"] for series in seen.asked(target) for label in series["metric"]}
        order = next(t for t in panel["transformations"] if t["id"] == "organize")["options"]["renameByName"]
        assert set(order) <= fields | {"slo", "pod"}, panel["title"]
