"""The rules of Grafana's dashboard-linter, with what we leave out and why, and the SDK's own types as a schema."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from dashboards.rendered_dashboards import JSON, WATCHED, every, of_runtime, panels, queries, rows, variables
from monitored_models.render.dashboards.dashboard import SCHEMA
from monitored_models.render.dashboards.one_model import dashboard_json

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()
BOARDS = every()
of_each = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
LEFT_OUT = {
    "template-job-rule": "a model is known by namespace and monitored_model, whatever its job is called",
    "template-instance-rule": "pods are chosen by name; an instance is an address that the next pod has",
    "target-job-rule": "the same",
    "target-instance-rule": "the same",
    "target-rate-interval-rule": "where a rule asks the same, the panel has the rule's window, so that they agree",
    "panel-units-rule": "short is the unit of counts and scores, which have none",
}
"""Rules of dashboard-linter that are not kept, and why."""
UNITS = {"short", "reqps", "ops", "s", "percentunit", "bytes"}
PLOTTED = ("stat", "gauge", "bargauge", "timeseries", "heatmap", "histogram", "table", "state-timeline")


def resolved(expression: str) -> str:
    """An expression with Grafana's own intervals filled in, so that it is PromQL."""
    return re.sub(r"\$__(rate_interval|interval|range)", "5m", expression)


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(resolved(expression)), visit)
    return found


# --- dashboard-linter ---


@of_each
def test_template_datasource_rule(board: JSON) -> None:
    first = variables(board)[0]
    assert (first["name"], first["label"], first["type"], first["query"]) == (
        "datasource",
        "Data source",
        "datasource",
        "prometheus",
    )


@of_each
def test_template_on_time_change_reload_rule(board: JSON) -> None:
    asked = variables(board)[1:]
    assert all(variable["type"] == "query" and variable["refresh"] == 2 for variable in asked)
    assert all(variable["datasource"]["uid"] == "${datasource}" for variable in asked)


@of_each
def test_template_label_promql_rule(board: JSON) -> None:
    for variable in variables(board)[1:]:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert found
        assert promql_parser.parse(found[1])
        assert variable["definition"] == variable["query"]["query"]
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".*")


@of_each
def test_panel_title_description_and_no_value_rules(board: JSON) -> None:
    for panel in panels(board):
        assert panel["title"].strip()
        assert panel["description"].strip().endswith(".")
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["noValue"].strip()


@of_each
def test_panel_units_rule(board: JSON) -> None:
    for panel in panels(board):
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@of_each
def test_panel_datasource_rule_and_panel_no_targets_rule(board: JSON) -> None:
    for panel in panels(board):
        if panel["type"] == "text":
            assert panel["options"]["content"].strip()
            continue
        assert panel["type"] in PLOTTED
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@of_each
def test_target_promql_rule(board: JSON) -> None:
    for _, target in queries(board):
        assert promql_parser.parse(resolved(target["expr"]))


@of_each
def test_target_counter_agg_rule(board: JSON) -> None:
    """A counter is only looked at through a rate; the restarts in the table of pods are a number that people ask for."""
    for panel, target in queries(board):
        text = resolved(target["expr"])
        for counter in re.findall(r"(?<!\w)(\w+_total)\b", text):
            rated = re.search(rf"(rate|increase|irate)\({counter}", text)
            assert rated or (panel["title"], counter) == ("Pods", "monitored_model_pod_container_restarts_total")


@of_each
def test_panels_that_ask_raw_counters_for_themselves_use_the_rate_interval(board: JSON) -> None:
    for _, target in queries(board):
        if "container_cpu_usage_seconds_total" in target["expr"]:
            assert "[$__rate_interval]" in target["expr"]


@of_each
def test_uneditable_dashboard_rule(board: JSON) -> None:
    assert board["editable"] is False


def test_what_is_left_out_has_a_reason() -> None:
    assert all(len(reason) > 20 or reason == "the same" for reason in LEFT_OUT.values())


# --- Grafana's types, and places ---


@of_each
def test_dashboard_is_what_the_types_of_the_sdk_read_and_write(board: JSON) -> None:
    read = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert _placed_by_default(read) == board


def _placed_by_default(board: JSON) -> JSON:
    """Without the place of links and annotations, which the SDK sets to a menu in which nobody sees them."""
    board["links"] = [{k: v for k, v in link.items() if k != "placement"} for link in board.get("links") or []]
    marks = board["annotations"].get("list") or []
    board["annotations"]["list"] = [{k: v for k, v in mark.items() if k != "placement"} for mark in marks]
    return board


@of_each
def test_panels_have_titles_numbers_and_places_of_their_own(board: JSON) -> None:
    found = list(panels(board))
    assert len({panel["title"] for panel in found}) == len(found)
    numbered = [*found, *rows(board)]
    assert len({panel["id"] for panel in numbered}) == len(numbered)
    for shown in (board["panels"], *(row["panels"] for row in rows(board))):
        cells = [cell for panel in shown for cell in _cells(panel)]
        assert len(cells) == len(set(cells))
        assert max((x for x, _ in cells), default=0) < 24


def _cells(panel: dict[str, Any]) -> list[tuple[int, int]]:
    place = panel["gridPos"]
    across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(x, y) for x in across for y in down]


@of_each
def test_row_holds_its_panels_only_while_it_is_collapsed(board: JSON) -> None:
    """Grafana drops those that an open row holds: they stand behind it."""
    for row in rows(board):
        assert bool(row["panels"]) is row["collapsed"]


@of_each
def test_dashboard_fits_grafana(board: JSON) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", board["uid"])
    assert board["schemaVersion"] == SCHEMA
    assert "monitored-models" in board["tags"]
    assert all(link["url"].startswith("/d/") for link in board["links"])


# --- whose series are read ---


@pytest.mark.parametrize("name", [name for name in BOARDS if name != "monitored-models-operator"])
def test_every_query_is_about_the_models_of_the_dashboard(name: str) -> None:
    """Of a model's dashboard that model; of the shared ones those that are chosen."""
    for _, target in queries(BOARDS[name]):
        found = selectors(target["expr"])
        assert found
        for selector in found:
            matchers = {(m.name, m.value) for m in selector.matchers.matchers}
            chosen = ("namespace", "$namespace") in matchers
            own = ("namespace", "dashboards") in matchers and any(
                label == "monitored_model" or (label == "pod" and value != "$pod") for label, value in matchers
            )
            assert chosen or own, target["expr"]


def test_text_that_looks_like_a_placeholder_stays_what_it_is() -> None:
    """Panels are made once for all models that differ in name only: no text of a user's may be taken for the gap."""
    matchers = {"who": "a\ue000b"}
    asked = {
        "requests": {"counter": "c_total", "matchers": matchers},
        "latency": {"histogram": "h", "matchers": matchers},
    }
    for model in (of_runtime("custom"), of_runtime("custom", {"signals": asked}), of_runtime("custom", WATCHED)):
        for _, target in queries(json.loads(dashboard_json(model))):
            assert "dashboards" in target["expr"]
            assert "\ue000" not in target["expr"].replace("a\ue000b", "")


def test_datasource_can_be_narrowed() -> None:
    board = json.loads(dashboard_json(of_runtime("vllm"), "prod/.*"))
    assert variables(board)[0]["regex"] == "/^(?:prod\\/.*)$/"
    assert "regex" not in variables(json.loads(dashboard_json(of_runtime("vllm"))))[0]
