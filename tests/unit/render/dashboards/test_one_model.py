"""The dashboard: every panel explains itself, shows what there is, and says of what there is not why."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitored_models.api import Model
from monitored_models.naming.object_names import dashboard_key, dashboard_uid
from monitored_models.render.children import unavailable
from monitored_models.render.dashboards.config_map import dashboard_json
from monitored_models.render.rules.catalogue import PREFIX
from unit.promql_helpers import read_names
from unit.render.rules.test_alerts import WATCHED
from unit.render_helpers import SETTINGS, children, panels, queries, recorded, titles
from unit.specs import FULL, JSON, MINIMAL, OBJECTIVES, QUALITY, RUNTIMES, TRITON, VLLM, model, with_

SPECS: dict[str, JSON] = {
    **RUNTIMES,
    **{f"{name}, watched": with_(spec, {"monitoring": WATCHED}) for name, spec in RUNTIMES.items()},
    "full": FULL,
}
of_each = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


@pytest.mark.parametrize("name", ["a", "x" * 52])
def test_uid_of_a_dashboard_fits_grafana(name: str) -> None:
    uid = dashboard_uid(model(name=name, namespace="n" * 63))
    assert len(uid) <= 40
    assert re.fullmatch(r"[A-Za-z0-9_-]+", uid)


def test_dashboards_of_different_models_never_share_a_uid() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("c", "a-b"), ("a", "b"), ("a-b-c", "d")]
    made = [model(name=name, namespace=namespace) for namespace, name in pairs]
    assert len({dashboard_uid(each) for each in made}) == len(pairs)
    assert len({dashboard_key(each) for each in made}) == len(pairs)


def test_uid_of_a_dashboard_does_not_depend_on_the_spec() -> None:
    assert dashboard_uid(model(FULL)) == dashboard_uid(model(TRITON))


def test_folder_of_a_dashboard_reaches_its_annotation() -> None:
    annotations = children(model(monitoring__dashboard__folder="Risk models"))["ConfigMap"]["metadata"]["annotations"]
    assert annotations == {SETTINGS.dashboard_folder_annotation: "Risk models"}


def test_dashboard_of_a_suspended_model_can_be_shown() -> None:
    assert panels(model({**FULL, "suspend": True}))


# --- every panel (what each has: tests/dashboards/test_lint.py) ---


@of_each
def test_panel_asks_only_for_series_that_are_recorded(spec: JSON) -> None:
    """What nobody records shows as an empty panel, and looks as if all were quiet."""
    made = model(spec)
    asked = {name for query in queries(made) for name in read_names(query) if name.startswith(PREFIX)}
    assert asked <= recorded(made)
    assert asked


# --- what is red ---


def test_panel_is_red_from_the_limit_of_its_alert() -> None:
    made = model(monitoring__alerts__rules={"ModelErrorRatioHigh": {"threshold": 0.123}})
    (shown,) = [panel for panel in panels(made) if panel["title"] == "Error ratio"]
    steps = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (0.123, "red")]


LIMITED: dict[str, tuple[set[str], str, JSON]] = {
    "ModelErrorRatioHigh": (
        {"Failed requests", "Error ratio"},
        "0.123",
        {"alerts.rules.ModelErrorRatioHigh.threshold": 0.123},
    ),
    "ModelLatencyHigh": (
        {"Latency", "Latency (p95)"},
        "0.25",
        {"alerts.rules.ModelLatencyHigh.threshold": "250ms"},
    ),
    "ModelDriftModerate": (
        {"Drift", "Drift by feature"},
        "0.17",
        {"drift.warning": 0.17, "alerts.rules.ModelDriftSevere.enabled": False},
    ),
}


def with_limit(alert: str, **rule: Any) -> Model:
    changes = {**LIMITED[alert][2], **{f"alerts.rules.{alert}.{key}": value for key, value in rule.items()}}
    return model(with_(MINIMAL, {f"monitoring.{path}": value for path, value in changes.items()}))


@pytest.mark.parametrize("alert", LIMITED)
@pytest.mark.parametrize("enabled", [True, False])
def test_panel_names_the_limit_of_an_alert_only_where_the_alert_is_on(alert: str, enabled: bool) -> None:
    shown, limit, _ = LIMITED[alert]
    found = panels(with_limit(alert, enabled=enabled))
    assert {panel["title"] for panel in found if alert in panel["description"]} == (shown if enabled else set())
    assert shown <= {panel["title"] for panel in found}
    for panel in found:
        if panel["title"] in shown:
            assert (limit in panel["description"]) is enabled
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert any(step["color"] != "green" for step in steps) is enabled
            assert ("limit" in panel["description"]) is enabled


def test_panel_is_not_red_where_an_objective_takes_the_place_of_the_alert() -> None:
    slo = {"name": "a", "objective": 99, "indicator": {"availability": {}}}
    assert not [
        panel for panel in panels(model(monitoring__slos=[slo])) if "ModelErrorRatioHigh" in panel["description"]
    ]


def test_replicas_are_red_below_those_that_are_wanted() -> None:
    (shown,) = [panel for panel in panels(model(replicas=3)) if panel["title"] == "Replicas that answer"]
    steps = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "red"), (3, "green")]


# --- what is not there ---


def text_panels(made: Model) -> list[JSON]:
    return [panel for panel in panels(made) if panel["type"] == "text"]


@of_each
def test_what_is_unavailable_is_listed_with_its_reason_and_has_no_panel(spec: JSON) -> None:
    made = model(spec)
    missing = unavailable(made)
    (shown,) = text_panels(made) if missing else ({"options": {"content": ""}},)
    rows = re.findall(r"^\| (\w+) \| (.+) \|$", shown["options"]["content"], re.MULTILINE)
    assert rows == ([("metric", "why"), *missing.items()] if missing else [])
    asked = {name for query in queries(made) for name in read_names(query)}
    for name in missing:
        assert not {series for series in asked if series.removeprefix(PREFIX).split(":")[0] == name}


def test_dashboard_of_a_model_that_lacks_nothing_has_no_such_list() -> None:
    made = model(with_(VLLM, {}))
    assert bool(text_panels(made)) == bool(unavailable(made))
    assert len(text_panels(made)) <= 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_panels_of_language_models_are_those_of_servers_for_them(runtime: str) -> None:
    made = model(RUNTIMES[runtime])
    of_tokens = {"Time to first token", "Time between tokens", "Tokens", "Queue", "Key-value cache"}
    shown = titles(made) & of_tokens
    assert bool(shown) == made.runtime.llm
    if made.runtime.llm:
        given = made.runtime.signals
        assert ("Time to first token" in shown) == bool(
            given.time_to_first_token and given.time_to_first_token.histograms
        )
        assert ("Tokens" in shown) == bool(given.tokens or given.prompt_tokens)
        assert ("Queue" in shown) == bool(given.queue)
        assert ("Key-value cache" in shown) == bool(given.kv_cache)


@pytest.mark.parametrize(
    ("signal", "given", "title"),
    [
        ("timeToFirstToken", {"histogram": "a"}, "Time to first token"),
        ("interToken", {"histogram": "a"}, "Time between tokens"),
        ("tokens", {"counter": "a"}, "Tokens"),
        ("kvCache", {"gauge": "a"}, "Key-value cache"),
    ],
)
def test_custom_server_has_the_panels_of_tokens_that_its_spec_names(signal: str, given: JSON, title: str) -> None:
    assert title in titles(model(monitoring__signals={signal: given}))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_panels_of_requests_are_those_of_servers_that_count_them(runtime: str) -> None:
    made = model(RUNTIMES[runtime])
    given, shown = made.runtime.signals, titles(made)
    assert ("Requests" in shown) == bool(given.requests)
    assert ({"Failed requests", "Error ratio"} <= shown) == bool(given.requests and given.errors)
    assert ("Latency" in shown) == (given.latency is not None)
    assert {"Replicas that answer", "CPU", "Memory", "Versions", "Pods"} <= shown


# --- what is asked for ---

ASKED: list[tuple[str, JSON, set[str]]] = [
    ("nothing", {}, set()),
    ("an objective", {"slos": [{"name": "a", "objective": 99, "indicator": OBJECTIVES["available"]}]}, {"Budget left", "Error budget left", "Bad events", "Burn rate of a"}),
    ("quality", {"quality": QUALITY}, {"Quality", "Prediction error", "Labels", "Labels that came in"}),
    ("a window of quality", {"quality": {"window": "7d"}}, {"Quality", "Prediction error", "Labels", "Labels that came in"}),
    ("drift", {"drift": {}}, {"Drift", "Drift by feature"}),
    ("freshness", {"freshness": {"maxAge": "1d"}}, {"Age"}),
]  # fmt: skip
ON_REQUEST = {title for _, _, added in ASKED for title in added}


@pytest.mark.parametrize(("monitoring", "added"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_panels_are_added_only_for_what_is_asked(monitoring: JSON, added: set[str]) -> None:
    shown = titles(model(monitoring=monitoring))
    assert shown - titles(model()) <= added
    assert bool(shown - titles(model())) == bool(monitoring) or monitoring.keys() == {"freshness"}
    assert not titles(model()) & ON_REQUEST


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_server_that_cannot_measure_quality_has_no_panel_of_it(runtime: str) -> None:
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    assert ({"Quality", "Drift"} <= titles(made)) == made.runtime.instrumented
    assert bool({"Quality", "Drift"} & titles(made)) == made.runtime.instrumented


def test_each_share_of_quality_is_a_line() -> None:
    (shown,) = [panel for panel in panels(model(FULL)) if panel["title"] == "Quality"]
    assert {name for target in shown["targets"] for name in read_names(target["expr"])} == {
        f"{PREFIX}{name}"
        for name in (
            "model_accuracy",
            "model_precision",
            "model_recall",
            "model_f1_score",
            "false_positive_rate",
            "false_negative_rate",
        )
    }
    assert "7d" in shown["description"]


def test_objective_that_cannot_be_counted_has_no_panel() -> None:
    slo = {"name": "a", "objective": 99, "indicator": OBJECTIVES["prompt"]}
    assert "Error budget left" not in titles(model(TRITON, monitoring__slos=[slo]))


# --- text ---


def test_dashboard_says_whose_it_is() -> None:
    shown = json.loads(dashboard_json(model(FULL)))
    assert shown["title"] == "Churn (risk/churn)"
    assert shown["tags"] == ["monitored-models", "runtime:custom", "framework:lightgbm"]


def test_dashboard_is_the_same_each_time() -> None:
    assert dashboard_json(model(FULL)) == dashboard_json(model(FULL))
