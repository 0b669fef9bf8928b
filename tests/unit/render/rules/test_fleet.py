"""Rules of all models at once: as many as there are runtimes, whatever the number of models, told by series what each wants."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest
from hypothesis import given, settings

from monitored_models.api import Model
from monitored_models.naming.series import ENABLED_ALERT, SLO, SLO_BUCKET, SLO_BUDGET, THRESHOLD
from monitored_models.render.rules import fleet
from monitored_models.render.rules.alerts.groups import ALERTS, is_enabled
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from monitored_models.render.rules.catalogue import CATALOGUE, PREFIX
from monitored_models.render.rules.signals import le_values
from monitored_models.render.rules.thresholds import thresholds
from monitored_models.render.rules.writers import prometheus_operator
from monitored_models.runtimes import builtin_runtimes
from monitored_models.settings import Settings
from monitored_models.telemetry.model_metrics import FAMILIES
from unit.promql_helpers import matchers, read_names, result_labels
from unit.render.rules.test_alerts import SERIES_LABELS, WATCHED
from unit.render.test_children import KUBELET
from unit.render_helpers import alert_rules, recorded
from unit.specs import FULL, JSON, MINIMAL, QUALITY, RUNTIMES, TRITON, VLLM, model, models, with_
from unit.specs import OBJECTIVES as INDICATORS

SETTINGS = Settings(runbook_url="https://runbooks.example.com")
GROUPS = prometheus_operator.write_groups(fleet.groups(builtin_runtimes(), SETTINGS))
RULES = [rule for group in GROUPS for rule in group["rules"]]
WANTED = (THRESHOLD, ENABLED_ALERT, SLO_BUCKET, SLO, SLO_BUDGET)
"""Series that tell what a model wants."""
OWN = {"namespace", "monitored_model"}


def told(made: Model, name: str) -> list[tuple[dict[str, str], float]]:
    """Series of one name that tell what a model wants."""
    return [(labels, value) for series, labels, value in fleet.series(made) if series == name]


# --- the rules ---


def test_number_of_rules_does_not_depend_on_the_models() -> None:
    """It takes none; it grows with the runtimes."""
    of_one = sum(len(group.rules) for group in fleet.groups({"custom": builtin_runtimes()["custom"]}, SETTINGS))
    assert of_one < 80
    assert len(RULES) < of_one * len(builtin_runtimes())


def test_groups_are_small_and_have_names_of_their_own() -> None:
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)
    for group in GROUPS:
        assert 0 < len(group["rules"]) <= 20, group["name"]


def test_every_rule_is_promql_in_one_line() -> None:
    for rule in RULES:
        assert promql_parser.parse(rule["expr"])
        assert "\n" not in rule["expr"]
        assert "$window" not in rule["expr"]


def test_no_series_is_recorded_by_two_rules_without_a_label_that_tells_them_apart() -> None:
    rules = [
        (rule.get("record") or rule["alert"], tuple(sorted(rule["labels"].items())))
        for rule in RULES
        if "labels" in rule
    ]
    alone = [rule["record"] for rule in RULES if "record" in rule and "labels" not in rule]
    events = [each for each in rules if not each[0].startswith("monitored_model:slo_")]
    assert len(set(events)) == len(events)
    assert len(set(alone)) == len(alone)


def of_series(name: str) -> frozenset[str] | None:
    return frozenset({*OWN, "runtime", *SERIES_LABELS[name]}) if name in SERIES_LABELS else None


@pytest.mark.parametrize("rule", RULES, ids=[f"{n}-{r.get('record') or r['alert']}" for n, r in enumerate(RULES)])
def test_result_of_every_rule_names_its_model(rule: JSON) -> None:
    found = result_labels(rule["expr"], of_series)
    assert found is None or found >= OWN
    if "record" in rule and found is not None and rule["record"] in SERIES_LABELS:
        assert found <= {*OWN, "runtime", *SERIES_LABELS[rule["record"]]}


def test_every_series_of_a_fleet_is_of_models_of_the_kubelet_or_of_the_operator() -> None:
    operators = {family.name for family in FAMILIES} | set(WANTED)
    for rule in RULES:
        for metric, own in matchers(rule["expr"]):
            if ("monitored_model", "!=", "") in own:
                continue
            assert metric in operators or metric in KUBELET, (metric, rule["expr"])


def test_series_that_rules_read_are_recorded() -> None:
    made = {rule["record"] for rule in RULES if "record" in rule}
    read = {name for rule in RULES for name in read_names(rule["expr"]) if name.startswith(PREFIX)}
    assert read <= made


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_catalogue_of_a_fleet_is_that_of_its_models(runtime: str) -> None:
    of_fleet = {
        rule["record"] for rule in RULES if rule.get("labels", {}).get("runtime") == runtime and "record" in rule
    }
    claim = [{"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "data"}}]
    of_model = recorded(model(RUNTIMES[runtime], storage__volumes=claim))
    catalogue = {entry.series for entry in CATALOGUE}
    assert of_fleet & catalogue == of_model & catalogue


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_alerts_of_a_fleet_are_those_of_its_models(runtime: str) -> None:
    claim = [{"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "data"}}]
    of_model = {
        rule["alert"]
        for rule in alert_rules(model(with_(RUNTIMES[runtime], {"monitoring": WATCHED, "storage.volumes": claim})))
    }
    of_fleet = {rule["alert"] for rule in RULES if "alert" in rule and rule["labels"].get("runtime") in (None, runtime)}
    assert of_model <= of_fleet


def test_alerts_of_a_fleet_say_what_they_are_about() -> None:
    found = [rule for rule in RULES if "alert" in rule]
    assert {rule["alert"] for rule in found} == {a.name for a in ALERTS} | {a.name for a in OBJECTIVES}
    for rule in found:
        assert rule["labels"].keys() <= {"signal", "runtime"}
        assert "severity" in (result_labels(rule["expr"], of_series) or {"severity"})
        texts = rule["annotations"]
        assert not re.search(r"\{(limit|wanted|budget|window|objective)\}", texts["description"])
        assert texts["runbook_url"] == f"https://runbooks.example.com/{rule['alert']}.md"


def test_every_limit_that_is_asked_for_is_told_by_a_model_that_has_it() -> None:
    asked = {
        value
        for rule in RULES
        for metric, own in matchers(rule["expr"])
        if metric == THRESHOLD
        for label, _, value in own
        if label == "limit"
    }
    assert asked
    assert asked <= thresholds(model(FULL)).keys()


# --- what each model wants ---


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_limits_of_a_model_are_told_by_name(spec: JSON) -> None:
    made = model(spec)
    assert {labels["limit"]: value for labels, value in told(made, THRESHOLD)} == thresholds(made)


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_alerts_that_a_model_has_are_told_with_their_severity(spec: JSON) -> None:
    made = model(spec)
    there = {labels["alert"]: labels["severity"] for labels, value in told(made, ENABLED_ALERT) if value == 1}
    of_runtimes = {alert.name for alert in ALERTS if alert.by_runtime}
    foreign = of_runtimes if made.monitoring.signals else set()  # rules of a runtime read other names than this spec's
    own = {rule["alert"]: rule["labels"]["severity"] for rule in alert_rules(made) if rule["alert"] not in foreign}
    assert own.items() <= there.items()
    objectives = {alert.name for alert in OBJECTIVES}
    assert there.keys() - objectives == {alert.name for alert in ALERTS if is_enabled(alert, made)} - foreign


def test_severity_of_the_spec_is_told() -> None:
    made = model(
        monitoring__alerts__rules={"ModelNoData": {"severity": "critical"}, "ModelTargetDown": {"enabled": False}}
    )
    there = {labels["alert"]: labels["severity"] for labels, _ in told(made, ENABLED_ALERT)}
    assert there["ModelNoData"] == "critical"
    assert "ModelTargetDown" not in there


@pytest.mark.parametrize("changes", [{"suspend": True}, {"replicas": 0, "autoscaling": None}])
def test_model_that_should_have_no_replicas_has_no_alerts(changes: JSON) -> None:
    assert told(model(with_(FULL, changes)), ENABLED_ALERT) == []


def test_model_without_objectives_tells_none() -> None:
    made = model()
    assert [name for name, _, _ in fleet.series(made) if name not in (THRESHOLD, ENABLED_ALERT)] == []
    assert not {a.name for a in OBJECTIVES} & {labels["alert"] for labels, _ in told(made, ENABLED_ALERT)}


def slos(**indicators: JSON) -> list[JSON]:
    return [{"name": name, "objective": 99.9, "indicator": indicator} for name, indicator in indicators.items()]


def test_objectives_are_told_with_their_budget_and_window() -> None:
    given = slos(up=INDICATORS["available"], fast={"latency": {"threshold": "500ms"}})
    given[1] |= {"window": "28d", "objective": 95}
    made = model(VLLM, monitoring__slos=given)
    assert told(made, SLO) == [
        ({"slo": "up", "indicator": "availability"}, 1),
        ({"slo": "fast", "indicator": "latency"}, 1),
    ]
    assert told(made, SLO_BUDGET) == [
        ({"slo": "up", "window": "30d"}, 0.001),
        ({"slo": "fast", "window": "28d"}, 0.05),
    ]


@pytest.mark.parametrize(("spec", "bound"), [(VLLM, 0.5), (TRITON, 500)], ids=["in seconds", "in milliseconds"])
def test_threshold_is_told_as_a_bound_of_the_server_in_every_spelling(spec: JSON, bound: float) -> None:
    made = model(spec, monitoring__slos=slos(fast={"latency": {"threshold": "500ms"}}))
    assert told(made, SLO_BUCKET) == [
        ({"slo": "fast", "indicator": "latency", "le": text}, 1) for text in le_values(bound)
    ]


def test_first_token_has_a_bound_of_its_own() -> None:
    made = model(VLLM, monitoring__slos=slos(prompt={"ttft": {"threshold": "2s"}}))
    assert {labels["indicator"] for labels, _ in told(made, SLO_BUCKET)} == {"ttft"}


def test_counters_of_a_spec_are_left_to_its_own_rules() -> None:
    made = model(monitoring__slos=slos(few=INDICATORS["few-are-refused"]))
    assert [name for name, _, _ in fleet.series(made) if name in (SLO, SLO_BUDGET, SLO_BUCKET)] == []


@settings(max_examples=60, deadline=None)
@given(models)
def test_what_a_model_wants_is_told_once_and_in_labels_that_the_rules_know(made: Model) -> None:
    found = fleet.series(made)
    known: dict[str, Any] = {
        THRESHOLD: {"limit"},
        ENABLED_ALERT: {"alert", "severity"},
        SLO: {"slo", "indicator"},
        SLO_BUDGET: {"slo", "window"},
        SLO_BUCKET: {"slo", "indicator", "le"},
    }
    keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in found]
    assert len(set(keys)) == len(keys)
    for name, labels, value in found:
        assert labels.keys() == known[name]
        assert isinstance(value, int | float)


def test_quality_is_asked_of_those_who_ask_for_it() -> None:
    without, with_quality = (
        {labels["limit"] for labels, _ in told(made, THRESHOLD)}
        for made in (model(), model(monitoring__quality=QUALITY))
    )
    assert with_quality - without == {
        "accuracy",
        "precision",
        "recall",
        "f1_score",
        "false_positive_rate",
        "false_negative_rate",
        "prediction_error",
        "labels",
        "coverage",
    }
    assert {
        labels["limit"] for labels, _ in told(model(with_(MINIMAL, {"monitoring.drift": {}})), THRESHOLD)
    } - without == {
        "drift_warning",
        "drift_critical",
    }
