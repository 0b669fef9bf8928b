"""Alerts: each can be changed, is there where it is asked for, and says what it is about and what to do."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest

from monitored_models.api import Model
from monitored_models.render.children import unmet_requests
from monitored_models.render.rules import slos
from monitored_models.render.rules.alerts.alert import Alert, ObjectiveAlert
from monitored_models.render.rules.alerts.groups import ALERTS, TIERS, is_enabled
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from monitored_models.render.rules.catalogue import CATALOGUE
from monitored_models.render.rules.thresholds import thresholds
from monitored_models.settings import Settings
from unit.promql_helpers import matchers, read_names, result_labels
from unit.render_helpers import alert_rules, groups, recorded, rules
from unit.specs import ALERT_RULES, FULL, JSON, MINIMAL, QUALITY, RUNTIMES, TRITON, VLLM, model, with_
from unit.specs import OBJECTIVES as INDICATORS

EVERY: tuple[Alert | ObjectiveAlert, ...] = (*ALERTS, *OBJECTIVES)
of_each = pytest.mark.parametrize("alert", EVERY, ids=[alert.name for alert in EVERY])
WATCHED: JSON = {
    "slos": [{"name": name, "objective": 99.5, "indicator": indicator} for name, indicator in INDICATORS.items()],
    "quality": QUALITY,
    "drift": {},
    "freshness": {"maxAge": "30d"},
    "alerts": {"rules": {name: {"enabled": True} for name in ALERT_RULES}},
}
"""Everything that can be asked of the monitoring."""


def with_rules(**changes: JSON) -> JSON:
    """A spec that asks for everything, with these changes of its alerts and no other."""
    return with_(FULL, {"monitoring.alerts.rules": changes})


def named(made: Model, name: str) -> list[JSON]:
    return [rule for rule in alert_rules(made) if rule["alert"] == name]


def there(made: Model) -> set[str]:
    return {rule["alert"] for rule in alert_rules(made)}


def up_to_date(name: str, indicator: str) -> JSON:
    return {"name": name, "objective": 99, "indicator": INDICATORS[indicator]}


# --- what can be changed ---


@of_each
def test_alert_can_be_changed_and_switched_off(alert: Any) -> None:
    """Each exists for a model that asks for everything."""
    defaults = named(model(with_rules(**{alert.name: {"enabled": True}})), alert.name)
    assert defaults
    for rule in defaults:
        assert (rule["for"], rule["labels"]["severity"]) == (alert.for_, alert.severity)
    changed = named(model(with_rules(**{alert.name: {"enabled": True, "for": "77m", "severity": "info"}})), alert.name)
    assert len(changed) == len(defaults)
    for rule in changed:
        assert (rule["for"], rule["labels"]["severity"]) == ("77m", "info")
    assert named(model(with_rules(**{alert.name: {"enabled": False}})), alert.name) == []


@of_each
def test_change_of_an_alert_changes_no_other(alert: Any) -> None:
    before = {(r["alert"], r["labels"].get("slo")): r for r in alert_rules(model(FULL)) if r["alert"] != alert.name}
    changed = with_(FULL, {f"monitoring.alerts.rules.{alert.name}": {"enabled": False}})
    after = {(r["alert"], r["labels"].get("slo")): r for r in alert_rules(model(changed))}
    assert after == before


def test_names_of_alerts_are_unique_and_in_one_tier() -> None:
    assert len({alert.name for alert in EVERY}) == len(EVERY)
    assert sum(map(len, TIERS.values())) == len(ALERTS)


def test_threshold_of_an_alert_stands_in_its_expression_and_its_description() -> None:
    made = model(
        monitoring__alerts__rules={
            "ModelErrorRatioHigh": {"threshold": 0.123},
            "ModelLatencyHigh": {"threshold": "250ms"},
        }
    )
    found = {rule["alert"]: rule for rule in alert_rules(made)}
    assert found["ModelErrorRatioHigh"]["expr"].endswith("> 0.123")
    assert "12.3%" in found["ModelErrorRatioHigh"]["annotations"]["description"]
    assert found["ModelLatencyHigh"]["expr"].endswith("> 0.25")
    assert "0.25 s" in found["ModelLatencyHigh"]["annotations"]["description"]


IN_THE_SPEC: list[tuple[str, JSON, float, str]] = [
    ("ModelVolumeFillingUp", {"alerts.rules.ModelVolumeFillingUp.threshold": 0.77}, 0.77, "77%"),
    ("ModelSaturated", {"alerts.rules.ModelSaturated.threshold": 0.66}, 0.66, "66%"),
    ("ModelSamplesNearLimit", {"metrics.sampleLimit": 1234}, 987, "987"),
    (
        "ModelSamplesNearLimit",
        {"metrics.sampleLimit": 1000, "alerts.rules.ModelSamplesNearLimit.threshold": 0.5},
        500,
        "500",
    ),
    ("ModelAccuracyLow", {"quality.accuracy.min": 0.91}, 0.91, "91%"),
    ("ModelPrecisionLow", {"quality.precision.min": 0.92}, 0.92, "92%"),
    ("ModelRecallLow", {"quality.recall.min": 0.93}, 0.93, "93%"),
    ("ModelF1ScoreLow", {"quality.f1Score.min": 0.94}, 0.94, "94%"),
    ("ModelFalsePositiveRateHigh", {"quality.falsePositiveRate.max": 0.015}, 0.015, "1.5%"),
    ("ModelFalseNegativeRateHigh", {"quality.falseNegativeRate.max": 0.025}, 0.025, "2.5%"),
    ("ModelPredictionErrorHigh", {"quality.predictionError.max": 7.5}, 7.5, "7.5"),
    ("ModelDriftModerate", {"drift": {"warning": 0.11}}, 0.11, "0.11"),
    ("ModelDriftSevere", {"drift": {"critical": 0.33}}, 0.33, "0.33"),
    ("ModelStale", {"freshness.maxAge": "2h"}, 7200, "2 h"),
]


@pytest.mark.parametrize(("alert", "changes", "limit", "told"), IN_THE_SPEC)
def test_limit_of_the_spec_stands_in_the_alert(alert: str, changes: JSON, limit: float, told: str) -> None:
    asked = with_(with_rules(), {f"monitoring.{path}": value for path, value in changes.items()})
    (rule,) = named(model(asked), alert)
    compared = [float(number) for number in re.findall(r"[<>] ([0-9.e+-]+)", rule["expr"])]
    assert limit in compared
    assert told in rule["annotations"]["description"]


def test_limit_of_many_seconds_is_told_in_words_of_people() -> None:
    (rule,) = named(model(with_rules()), "ModelStale")
    assert "e+" not in rule["annotations"]["description"]


# --- which there are ---


def test_small_model_has_no_alert_that_it_did_not_ask_for() -> None:
    """Neither limits of quality nor objectives that somebody else thought right for it."""
    assert not there(model()) & {
        alert.name for alert in EVERY if alert.name.startswith(("ModelErrorBudget", "ModelDrift", "ModelStale"))
    }
    assert not [
        name for name in there(model()) if re.search("Accuracy|Precision|Recall|F1|False|PredictionError", name)
    ]


DEFAULTS: list[tuple[str, JSON, JSON, bool]] = [
    # alert, spec, monitoring, whether it is on where the spec does not say
    ("ModelErrorRatioHigh", MINIMAL, {}, True),
    ("ModelErrorRatioHigh", MINIMAL, {"slos": [up_to_date("a", "available")]}, False),
    ("ModelErrorRatioHigh", MINIMAL, {"slos": [up_to_date("a", "fast")]}, True),
    ("ModelErrorRatioHigh", MINIMAL, {"slos": [up_to_date("a", "few-are-refused")]}, True),
    ("ModelLatencyHigh", MINIMAL, {}, True),
    ("ModelLatencyHigh", MINIMAL, {"slos": [up_to_date("a", "fast")]}, False),
    ("ModelLatencyHigh", MINIMAL, {"slos": [up_to_date("a", "available")]}, True),
    ("ModelLatencyHigh", VLLM, {"slos": [up_to_date("a", "prompt")]}, True),
    ("ModelVersionMismatched", MINIMAL, {}, True),
    ("ModelVersionMismatched", TRITON, {}, False),
    ("ModelTargetDown", MINIMAL, {}, True),
    ("ModelAccuracyLow", MINIMAL, {"quality": {"accuracy": {"min": 0.9}}}, True),
]


@pytest.mark.parametrize(("alert", "spec", "monitoring", "default"), DEFAULTS)
def test_alert_is_on_by_default_or_when_the_spec_says_so(
    alert: str, spec: JSON, monitoring: JSON, default: bool
) -> None:
    def has(enabled: bool | None) -> bool:
        change = {} if enabled is None else {"alerts": {"rules": {alert: {"enabled": enabled}}}}
        made = model(with_(spec, {"monitoring": {**monitoring, **change}}))
        (known,) = [each for each in ALERTS if each.name == alert]
        assert is_enabled(known, made) == (alert in there(made))
        return alert in there(made)

    assert (has(None), has(True), has(False)) == (default, True, False)


ASKED: list[tuple[str, JSON]] = [
    ("ModelAccuracyLow", {"quality": {"accuracy": {"min": 0.9}}}),
    ("ModelPrecisionLow", {"quality": {"precision": {"min": 0.9}}}),
    ("ModelRecallLow", {"quality": {"recall": {"min": 0.9}}}),
    ("ModelF1ScoreLow", {"quality": {"f1Score": {"min": 0.9}}}),
    ("ModelFalsePositiveRateHigh", {"quality": {"falsePositiveRate": {"max": 0}}}),
    ("ModelFalseNegativeRateHigh", {"quality": {"falseNegativeRate": {"max": 0.1}}}),
    ("ModelPredictionErrorHigh", {"quality": {"predictionError": {"max": 1}}}),
    ("ModelDriftModerate", {"drift": {}}),
    ("ModelDriftSevere", {"drift": {}}),
    ("ModelStale", {"freshness": {"maxAge": "1d"}}),
    ("ModelThresholdNotABucket", {"slos": [up_to_date("a", "fast")]}),
    ("ModelErrorBudgetFastBurn", {"slos": [up_to_date("a", "available")]}),
    ("ModelErrorBudgetSlowBurn", {"slos": [up_to_date("a", "available")]}),
]


@pytest.mark.parametrize(("alert", "monitoring"), ASKED)
def test_alert_is_there_only_where_the_spec_asks_for_what_it_is_about(alert: str, monitoring: JSON) -> None:
    """Switching it on is not enough: there would be nothing to compare with."""
    on: JSON = {"alerts": {"rules": {alert: {"enabled": True}}}}
    assert alert not in there(model(with_(MINIMAL, {"monitoring": on})))
    assert alert in there(model(with_(MINIMAL, {"monitoring": monitoring})))
    others = {name for name, _ in ASKED} & there(model(with_(MINIMAL, {"monitoring": monitoring})))
    same = {name for name, asked in ASKED if asked.keys() == monitoring.keys() and asked.keys() != {"quality"}}
    assert others <= {alert} | same


def test_quality_without_limits_has_no_alert() -> None:
    assert there(model(monitoring={"quality": {"window": "7d"}})) == there(model())


@pytest.mark.parametrize("changes", [{"suspend": True}, {"replicas": 0, "autoscaling": None}])
def test_model_that_should_have_no_replicas_has_no_alerts(changes: JSON) -> None:
    made = model(with_(FULL, changes))
    assert alert_rules(made) == []
    assert recorded(made)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_alert_that_a_server_gives_no_series_for_is_not_there(runtime: str) -> None:
    """Every recorded series that an alert reads is recorded: else it would never fire, and look as if all were well."""
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    for rule in alert_rules(made):
        read = {name for name in read_names(rule["expr"]) if name.startswith("monitored_model:")}
        assert read <= recorded(made), rule["alert"]


def test_objective_that_has_no_rules_has_no_alert_on_its_threshold() -> None:
    made = model(TRITON, monitoring__slos=[up_to_date("a", "prompt")])
    assert not {"monitored_model:slo_events"} & {name for r in alert_rules(made) for name in read_names(r["expr"])}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_model_of_every_runtime_is_watched_for_being_there(runtime: str) -> None:
    assert {"ModelReplicasMissing", "ModelTargetDown", "ModelCrashLooping", "ModelNoData"} <= there(
        model(RUNTIMES[runtime])
    )


@pytest.mark.parametrize(("kind", "alert"), [("available", "ModelErrorRatioHigh"), ("fast", "ModelLatencyHigh")])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_objective_that_cannot_be_counted_leaves_the_plain_alert_on(runtime: str, kind: str, alert: str) -> None:
    """Off by default because an objective takes its place: one without rules takes no place."""
    made = model(with_(RUNTIMES[runtime], {"monitoring.slos": [up_to_date("a", kind)]}))
    counted = "ModelErrorBudgetFastBurn" in there(made)
    assert counted or unmet_requests(made)
    assert (alert in there(made)) == (alert in there(model(RUNTIMES[runtime])) and not counted)


# --- objectives ---


def test_objective_has_two_alerts_of_its_own() -> None:
    made = model(with_rules())
    for alert, severity in (("ModelErrorBudgetFastBurn", "critical"), ("ModelErrorBudgetSlowBurn", "warning")):
        found = {rule["labels"]["slo"]: rule for rule in named(made, alert)}
        assert found.keys() == INDICATORS.keys()
        for name, rule in found.items():
            assert rule["labels"]["severity"] == severity
            assert all(("slo", "=", name) in own for _, own in matchers(rule["expr"]))


def test_signal_of_an_objectives_alert_is_that_of_the_plain_alert_on_the_same() -> None:
    """By it a critical alert silences a warning."""
    made = model(with_rules(ModelErrorRatioHigh={"enabled": True}, ModelLatencyHigh={"enabled": True}))
    signals = {rule["labels"]["slo"]: rule["labels"]["signal"] for rule in named(made, "ModelErrorBudgetFastBurn")}
    (errors,), (slow,) = named(made, "ModelErrorRatioHigh"), named(made, "ModelLatencyHigh")
    assert signals["available"] == errors["labels"]["signal"] == "availability"
    assert signals["fast"] == signals["prompt"] == slow["labels"]["signal"] == "latency"
    own = {signals["few-are-refused"], signals["most-are-cached"]}
    assert len(own) == 2
    assert not own & {alert.signal for alert in ALERTS}


def test_budget_of_an_objective_stands_in_its_alerts() -> None:
    made = model(monitoring__slos=[{**up_to_date("a", "available"), "objective": 99.9, "window": "28d"}])
    (rule,) = named(made, "ModelErrorBudgetFastBurn")
    assert {float(number) for number in re.findall(r"> ([0-9.]+)", rule["expr"])} >= {0.0144, 0.006}
    text = rule["annotations"]["description"]
    assert "0.1%" in text
    assert "28d" in text


# --- what they say ---


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_alert_says_whom_and_what_it_is_about(runtime: str) -> None:
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    links = Settings(runbook_url="https://runbooks.example.com/", grafana_url="https://grafana.example.com/")
    found = alert_rules(made, links)
    assert len(found) > 10
    for rule in found:
        assert rule["labels"].keys() >= {"severity", "signal"}
        text = rule["annotations"]
        assert text.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
        assert text["summary"].endswith(".")
        assert "$labels.namespace" in text["description"]
        assert "$labels.monitored_model" in text["description"]
        assert not re.search(r"\{(limit|wanted|budget|window|objective)\}", text["description"])
        assert text["runbook_url"] == f"https://runbooks.example.com/{rule['alert']}.md"
        assert re.fullmatch(r"https://grafana\.example\.com/d/mm-[0-9a-f]{36}", text["dashboard_url"])


def test_links_without_settings_are_paths() -> None:
    for rule in alert_rules(model()):
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
        assert rule["annotations"]["dashboard_url"].startswith("/d/mm-")


@of_each
def test_alert_is_worth_someones_attention_for_a_reason(alert: Any) -> None:
    assert alert.rationale.endswith(".")
    assert alert.summary.endswith(".")
    assert alert.severity in ("critical", "warning", "info")


def test_labels_of_the_spec_are_on_every_alert_and_win_over_none_of_the_operators() -> None:
    for rule in alert_rules(model(FULL)):
        assert rule["labels"]["team"] == "risk"
        assert {"severity", "signal"} <= rule["labels"].keys()


SERIES_LABELS: dict[str, tuple[str, ...]] = {
    **{entry.series: entry.extra for entry in CATALOGUE},
    **dict.fromkeys((slos.EVENTS, slos.BAD, slos.EVENTS_HALF_HOUR, slos.BAD_HALF_HOUR, slos.BUDGET_LEFT), ("slo",)),
}
"""Labels of the recorded series beside the identity."""


def of_series(name: str) -> frozenset[str] | None:
    return frozenset({"namespace", "monitored_model", *SERIES_LABELS[name]}) if name in SERIES_LABELS else None


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_label_of_a_description_is_one_that_the_alert_has(runtime: str) -> None:
    """A label that is not there shows as nothing."""
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    for rule in alert_rules(made):
        has = result_labels(rule["expr"], of_series)
        told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]))
        assert has is None or told <= {*has, *rule["labels"]}, rule["alert"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_alert_is_bound_to_its_model_by_its_labels(runtime: str) -> None:
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    for rule in alert_rules(made):
        has = result_labels(rule["expr"], of_series)
        assert has is None or {"namespace", "monitored_model"} <= has, rule["alert"]


# --- as a whole ---


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_rule_is_promql(runtime: str) -> None:
    for spec in (RUNTIMES[runtime], with_(RUNTIMES[runtime], {"monitoring": WATCHED})):
        for rule in rules(model(spec)):
            assert promql_parser.parse(rule["expr"])
            assert "\n" not in rule["expr"]
            assert "$window" not in rule["expr"]


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_groups_are_small_and_have_names_of_their_own(spec: JSON) -> None:
    """Rules of a group are evaluated one after the other."""
    found = groups(model(with_(spec, {"monitoring": {**WATCHED, **spec.get("monitoring", {})}})))
    assert len({group["name"] for group in found}) == len(found)
    for group in found:
        assert group["name"].startswith("churn.")
        assert 0 < len(group["rules"]) <= 20


def test_most_objectives_that_there_can_be_fit_a_group() -> None:
    slos = [up_to_date(f"a{number}", "available") for number in range(8)]
    assert max(len(group["rules"]) for group in groups(model(monitoring__slos=slos))) <= 20


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_series_is_recorded_twice(runtime: str) -> None:
    made = model(with_(RUNTIMES[runtime], {"monitoring": WATCHED}))
    found = [(r["record"], tuple(r.get("labels", {}).items())) for r in rules(made) if "record" in r]
    assert len(set(found)) == len(found)


def test_limits_are_what_the_alerts_compare_with() -> None:
    compared = {alert.limit for alert in ALERTS if alert.limit}
    assert thresholds(model(FULL)).keys() - compared == {"startup", "labels", "coverage"}
    assert compared <= thresholds(model(FULL)).keys()
