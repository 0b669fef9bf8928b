"""Every alert under the real promtool, in a model's own rules and in those of a fleet.

It fires, keeps quiet just inside its limit and while it is pending, has no opinion without data, recovers, and never
hears other models. The cases stand in `cases/`, a file for each tier.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monitored_models.render.rules.alerts.alert import Alert, ObjectiveAlert
from monitored_models.render.rules.alerts.groups import ALERTS
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from promtool import harness
from promtool.cases import consistency, learning, objectives, traffic, workload
from promtool.cases.case import (
    FIRING,
    IDENTITY,
    NAME,
    NAMESPACE,
    P1,
    PENDING,
    QUIET,
    Case,
    as_other,
    as_second_operator,
    model_of,
)
from promtool.harness import FLEET, ONE, SCOPES, SETTINGS
from unit.specs import JSON, RUNTIMES, model

WRITTEN = (*workload.CASES, *traffic.CASES, *learning.CASES, *consistency.CASES, *objectives.CASES)
_ALL: tuple[Alert | ObjectiveAlert, ...] = (*ALERTS, *OBJECTIVES)
DEFINED = {alert.name: alert for alert in _ALL}
PLAIN = {"fires", "does not fire", "recovers"}
"""Stories that every alert has."""
OTHERS = ((NAME, "elsewhere"), ("other", NAMESPACE))
ABOUT_SILENCE = ("ModelReplicasMissing",)
"""Alerts that no data at all mean something to."""
SAME_FOR_ALL_RUNTIMES = (
    "ModelReplicasMissing",
    "ModelTargetDown",
    "ModelCrashLooping",
    "ModelOutOfMemory",
    "ModelRolloutStuck",
    "ModelTargetsDuplicated",
    "ModelSamplesNearLimit",
    "ModelSeriesGrowing",
)
"""Alerts that a fleet has once: they read nothing of which the server's kind decides the name."""


def told(alert: str, story: str) -> Case:
    """A case by its story."""
    return next(case for case in WRITTEN if (case.alert, case.story) == (alert, story))


def first_firing(case: Case) -> int:
    return next(minute for minute, state in case.states.items() if state == FIRING)


def general(alert: str) -> list[Case]:
    """What is asked of every alert, made from its plain cases."""
    bad, good = told(alert, "fires"), told(alert, "does not fire")
    minute = first_firing(bad)
    alone = replace(bad, with_others=True, states={minute: FIRING})
    for name, namespace in OTHERS:
        alone = replace(alone, series=alone.series | as_other(good.series, name, namespace))
    quiet = replace(good, with_others=True, states={minute: QUIET}, spec=bad.spec, step=bad.step)
    for name, namespace in OTHERS:
        quiet = replace(quiet, series=quiet.series | as_other(bad.series, name, namespace))
    two_operators = bad.series | as_second_operator(bad.series)
    cases = [
        replace(alone, story="is not calmed by other models"),
        replace(quiet, story="is not started by other models"),
        replace(bad, story="fires while two operators tell of the model", series=two_operators, operators=2),
    ]
    if alert not in ABOUT_SILENCE:
        cases.append(
            replace(bad, story="has no opinion without data", series={}, states=dict.fromkeys(bad.states, QUIET))
        )
    return cases


def stories(alert: str) -> set[str]:
    """Stories of an alert that are told in both scopes."""
    return {case.story for case in WRITTEN if case.alert == alert and case.scopes == SCOPES}


CASES = (*WRITTEN, *(case for alert in DEFINED if stories(alert) >= PLAIN for case in general(alert)))
IN_SCOPES = [
    pytest.param(case, scope, id=f"{case.alert} {case.story} ({scope})") for case in CASES for scope in case.scopes
]


def labels_of(case: Case, scope: str) -> dict[str, str]:
    """Labels of the alert, but for its name."""
    alert = DEFINED[case.alert]
    signal = alert.signal if isinstance(alert, Alert) else "objective" if scope == FLEET else case.signal
    by_runtime: dict[str, str] = {}
    if scope == FLEET:
        by_runtime = {} if case.alert in SAME_FOR_ALL_RUNTIMES else {"runtime": model_of(case.spec).runtime.id}
    return {**IDENTITY, "severity": case.severity or alert.severity, "signal": signal, **by_runtime, **case.labels}


def as_test(case: Case, scope: str) -> JSON:
    """The case as promtool has it."""
    minutes = case.minutes
    series = harness.constant(scope, model_of(case.spec), minutes)
    if case.operators > 1:
        series |= as_second_operator(series)
    for name, namespace in OTHERS if case.with_others else ():
        series |= harness.constant(scope, model_of(case.spec, name, namespace), minutes)
    # The rules of one model speak of no other: whatever fires in them counts.
    about = {"alertname": case.alert, **(IDENTITY if scope == FLEET else {})}
    return {
        "name": case.story,
        "input_series": harness.inputs(series | case.series),
        "promql_expr_test": [
            {
                "expr": harness.named("ALERTS", about),
                "eval_time": f"{minute}m",
                "exp_samples": [_sample(case, scope, state)] if state else [],
            }
            for minute, state in case.states.items()
        ],
    }


def _sample(case: Case, scope: str, state: str) -> JSON:
    labels = {"alertname": case.alert, "alertstate": state, **labels_of(case, scope)}
    return {"labels": harness.named("ALERTS", labels), "value": 1}


Verdict = Callable[[Case, str], str]


@pytest.fixture(scope="session")
def verdict(promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What promtool finds wrong with a case; those of the same rules are run at once."""

    @functools.cache
    def batch(scope: str, alert: str, spec: str, step: int) -> dict[str, str]:
        together = [
            case for case in CASES if (case.alert, case.spec, case.step) == (alert, spec, step) and scope in case.scopes
        ]
        rules = harness.needed(harness.groups(scope, model_of(spec)), {alert})
        tests = [as_test(case, scope) for case in together]
        return harness.verdicts(promtool, tmp_path_factory.mktemp(alert), rules, tests, step)

    return lambda case, scope: batch(scope, case.alert, case.spec, case.step)[case.story]


@pytest.mark.parametrize(("case", "scope"), IN_SCOPES)
def test_alert_is_in_the_state_that_the_data_ask_for(verdict: Verdict, case: Case, scope: str) -> None:
    if wrong := verdict(case, scope):
        pytest.fail(wrong, pytrace=False)


def test_each_model_of_a_fleet_is_held_to_limits_of_its_own(promtool: Path, tmp_path: Path) -> None:
    """Of three models that fail alike, two allow it: one by its limit, one by having no such alert."""
    case = told("ModelErrorRatioHigh", "fires")
    series = case.series | harness.constant(FLEET, model_of(case.spec), case.minutes)
    for spec, name, namespace in (("changed", NAME, "elsewhere"), ("objectives", "other", NAMESPACE)):
        series |= as_other(case.series, name, namespace)
        series |= harness.constant(FLEET, model_of(spec, name, namespace), case.minutes)
    firing = {
        "expr": harness.named("ALERTS", {"alertname": case.alert}),
        "eval_time": f"{first_firing(case)}m",
        "exp_samples": [_sample(case, FLEET, FIRING)],
    }
    rules = harness.needed(harness.fleet_groups(), {case.alert})
    test = {"input_series": harness.inputs(series), "promql_expr_test": [firing]}
    assert not harness.verdict(promtool, tmp_path, rules, test)


# --- that nothing is left out ---


@pytest.mark.parametrize("alert", DEFINED)
def test_every_alert_is_covered_in_both_scopes(alert: str) -> None:
    assert stories(alert) >= PLAIN


@pytest.mark.parametrize("alert", DEFINED)
def test_every_alert_is_pending_until_the_minute_at_which_it_fires(alert: str) -> None:
    case = told(alert, "fires")
    pending = [minute for minute, state in case.states.items() if state == PENDING]
    assert pending[0] + _minutes(DEFINED[alert].for_) == first_firing(case)
    assert first_firing(case) - pending[-1] == case.step


def _minutes(hold: str) -> int:
    return int(hold[:-1]) * {"m": 1, "h": 60}[hold[-1]]


def test_no_two_cases_of_an_alert_have_the_same_name() -> None:
    named = [(case.alert, case.story) for case in CASES]
    assert len(named) == len(set(named))


def test_cases_show_what_their_names_say() -> None:
    for case in CASES:
        states = list(case.states.values())
        if case.story.startswith(("fires", "recovers")):
            assert FIRING in states, case
        if case.story.startswith("recovers"):
            assert states[-1] == QUIET, case
        if case.story.startswith(("does not fire", "is off", "is not started", "has no opinion")):
            assert FIRING not in states, case


@pytest.mark.parametrize("runtime", ["triton", "vllm"])
@pytest.mark.parametrize("alert", ["ModelErrorRatioHigh", "ModelLatencyHigh", "ModelNoData"])
def test_alerts_that_depend_on_the_runtime_are_covered_for_those_that_expose_other_names(
    alert: str, runtime: str
) -> None:
    assert {f"{what} ({runtime})" for what in PLAIN} <= stories(alert)


# --- what an alert says ---


def rule_of(case: Case, scope: str) -> JSON:
    groups = harness.groups(scope, model_of(case.spec))
    rules = [rule for group in groups for rule in group["rules"] if rule.get("alert") == case.alert]
    slo = case.labels.get("slo", "")
    return next(rule for rule in rules if len(rules) == 1 or scope == FLEET or f'slo="{slo}"' in rule["expr"])


def filled(text: str, labels: dict[str, str], value: str) -> str:
    """A template with labels and the value filled in, as Prometheus would."""
    for name, known in labels.items():
        text = text.replace(f"{{{{ $labels.{name} }}}}", known)
    return re.sub(r"\{\{ \$value [^}]*\}\}", value, text)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("alert", DEFINED)
def test_alert_says_which_model_and_what_is_wrong(promtool: Path, tmp_path: Path, alert: str, scope: str) -> None:
    case = told(alert, "fires")
    rule, labels = rule_of(case, scope), labels_of(case, scope)
    annotations = {name: filled(text, labels, case.says) for name, text in rule["annotations"].items()}
    assert annotations["summary"] == DEFINED[alert].summary
    assert "risk/churn" in annotations["description"]
    assert annotations["runbook_url"] == f"{SETTINGS.runbook_url}/{alert}.md"
    assert not re.search("[{}]", "".join(annotations.values())), annotations
    expected = [{"exp_labels": labels, "exp_annotations": annotations}]
    test = as_test(case, scope) | {
        "alert_rule_test": [{"eval_time": f"{first_firing(case)}m", "alertname": alert, "exp_alerts": expected}]
    }
    rules = harness.needed(harness.groups(scope, model_of(case.spec)), {alert})
    assert not harness.verdicts(promtool, tmp_path, rules, [test], case.step)[case.story]


SAYS = {
    "ModelReplicasMissing": "risk/churn should have 2 replicas that answer Prometheus, and has fewer",
    "ModelTargetDown": f"Pod {P1} of risk/churn has not answered Prometheus",
    "ModelErrorRatioHigh": "risk/churn fails 5.2% of its requests; the limit is 5%.",
    "ModelLatencyHigh": "risk/churn takes 1.05s for a request; the limit is 1 s.",
    "ModelAccuracyLow": "The accuracy of risk/churn is 88%; the limit is 90%.",
    "ModelErrorBudgetFastBurn": "Objective available of risk/churn: 20% of events are bad, where 1% may be over 28d.",
    "ModelStale": "The last update of risk/churn was 3h 0m 40s ago; the limit is 2 h.",
}


@pytest.mark.parametrize("alert", SAYS)
def test_alert_names_the_numbers_of_the_spec(alert: str) -> None:
    case = told(alert, "fires")
    text = filled(rule_of(case, ONE)["annotations"]["description"], labels_of(case, ONE), case.says)
    assert text.startswith(SAYS[alert])


@pytest.mark.parametrize(
    "text", ["{{ query `up` }}", "{{", "}}", "{{{{", '{{ "{{" }}', "{{/*", "{{- 5 -}}", "a\nb", "é{{😀"]
)
def test_label_of_a_user_reaches_the_alert_as_it_stands(promtool: Path, tmp_path: Path, text: str) -> None:
    made = model({**RUNTIMES["custom"], "monitoring": {"alerts": {"labels": {"team": text}}}})
    case = told("ModelTargetDown", "fires")
    rules = harness.needed(harness.groups(ONE, made), {case.alert})
    (rule,) = rules[0]["rules"]
    labels = labels_of(case, ONE) | {"team": text}
    annotations = {name: filled(body, labels, "") for name, body in rule["annotations"].items()}
    expected = [{"exp_labels": labels, "exp_annotations": annotations}]
    test = {
        "input_series": harness.inputs(case.series),
        "alert_rule_test": [{"eval_time": "20m", "alertname": case.alert, "exp_alerts": expected}],
    }
    assert not harness.verdict(promtool, tmp_path, rules, test)
