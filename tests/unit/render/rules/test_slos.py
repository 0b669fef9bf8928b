"""Objectives: what is counted, what may be spent, and how fast is too fast."""

from __future__ import annotations

import re
from datetime import timedelta

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import Model
from monitored_models.api.fields import seconds
from monitored_models.api.monitoring import Slo
from monitored_models.render.children import unmet_requests
from monitored_models.render.rules import slos
from monitored_models.render.rules.context import context
from monitored_models.render.rules.scope import FleetScope, ModelScope
from unit.promql_helpers import matchers, plain, read_names, result_labels
from unit.render.rules.test_signals import bare
from unit.render_helpers import groups, rules
from unit.specs import FULL, JSON, MINIMAL, OBJECTIVES, RUNTIMES, TRITON, VLLM, model, with_

ONE = ModelScope(model())
DAYS = 24 * 3600


def slo_of(indicator: JSON, **changes: object) -> JSON:
    return {"name": "a", "objective": 99.5, "indicator": indicator, **changes}


def parsed(indicator: JSON, spec: JSON = MINIMAL, **changes: object) -> tuple[Model, Slo]:
    made = model(with_(spec, {"monitoring.slos": [slo_of(indicator, **changes)]}))
    (found,) = made.monitoring.slos
    return made, found


def events(indicator: JSON, spec: JSON = MINIMAL) -> tuple[str, str] | None:
    made, slo = parsed(indicator, spec)
    found = context(made)
    return slos.events(found.server, slo, found.scope)


# --- budgets ---


@pytest.mark.parametrize(
    ("objective", "budget"), [(85, 0.15), (90, 0.1), (99, 0.01), (99.5, 0.005), (99.9, 0.001), (99.95, 0.0005)]
)
def test_budget_is_what_an_objective_leaves(objective: float, budget: float) -> None:
    assert slos.budget(parsed({"availability": {}}, objective=objective)[1]) == budget


@settings(max_examples=200, deadline=None)
@given(st.floats(85, 99.999))
def test_budget_is_a_share_that_can_be_written_down(objective: float) -> None:
    budget = slos.budget(parsed({"availability": {}}, objective=objective)[1])
    assert 0 < budget <= 0.15
    assert budget == pytest.approx(1 - objective / 100, rel=1e-3)
    assert float(f"{budget:.12g}") == budget


def test_some_burn_rate_can_be_reached_at_the_lowest_objective() -> None:
    """A share of bad events is at most 1: where a budget is too large, no burn rate is high enough."""
    budget = slos.budget(parsed({"availability": {}}, objective=85)[1])
    assert min(burn.factor for burn in slos.PAGE) * budget < 1
    assert min(burn.factor for burn in slos.TICKET) * budget < 1


# --- burn rates ---

SPENT = {"1h": 0.02, "6h": 0.05, "1d": 0.1, "3d": 0.1}
"""Share of the budget of 30 days that is gone when an alert fires, by its long window: SRE Workbook, table 5-8."""


@pytest.mark.parametrize("burn", [*slos.PAGE, *slos.TICKET], ids=lambda burn: burn.long)
def test_burn_rate_spends_what_the_sre_workbook_says(burn: slos.BurnRateWindow) -> None:
    assert burn.factor * seconds(burn.long) / (30 * DAYS) == pytest.approx(SPENT[burn.long])


@pytest.mark.parametrize("burn", [*slos.PAGE, *slos.TICKET], ids=lambda burn: burn.long)
def test_short_window_is_a_twelfth_of_the_long_one(burn: slos.BurnRateWindow) -> None:
    """So that an alert ends soon after the burning does."""
    assert seconds(burn.short) * 12 == seconds(burn.long)


def test_every_burn_rate_is_asked_of_both_windows() -> None:
    budget = 0.005
    made = slos.burn_rate_condition(slos.PAGE, ONE, str(budget))
    bounds = [float(number) for number in re.findall(r"> ([0-9.]+)", made) if float(number)]
    few = slos.MIN_BAD_EVENTS / 300
    assert bounds == pytest.approx([14.4 * budget, 14.4 * budget, few, 6 * budget, 6 * budget, few])
    assert re.findall(r"\[(\w+):5m\]", made) == ["1h", "1h", "1h", "6h", "6h", "30m", "30m", "6h"]
    assert made.count(" and ") == 4
    assert made.count(" or ") == 1
    assert promql_parser.parse(made)


def test_burn_rates_of_a_fleet_are_joined_with_its_budgets() -> None:
    made = slos.burn_rate_condition(slos.TICKET, FleetScope(), "on (namespace) group_left () b")
    assert "> on (namespace) group_left () b * 3" in made
    assert "b * 1 " not in made
    assert promql_parser.parse(made)


@pytest.mark.parametrize("limit", ["0.005", "1e-05", "0.15"])
def test_result_of_an_alert_is_the_share_of_bad_events(limit: str) -> None:
    made = slos.burn_rate_condition(slos.PAGE, ONE, limit, (("slo", "=", "a"),))
    labels = frozenset({"namespace", "monitored_model", "slo"})
    assert result_labels(made, lambda _name: labels) == labels


# --- windows ---


def subqueries(expression: str) -> set[tuple[timedelta | None, timedelta | None]]:
    found: set[tuple[timedelta | None, timedelta | None]] = set()

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.SubqueryExpr):
            found.add((node.range, node.step))
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def test_share_of_bad_events_over_a_window_is_a_ratio_of_sums() -> None:
    """A mean of ratios would let a quiet night outweigh a busy day."""
    made = slos.error_ratio("6h", ONE, (("slo", "=", "a"),))
    assert plain(bare(made)) == plain(
        'sum_over_time(monitored_model:slo_bad_events{slo="a"}[6h:5m]) '
        '/ (sum_over_time(monitored_model:slo_events{slo="a"}[6h:5m]) > 0)'
    )


def test_share_of_bad_events_over_the_shortest_window_is_what_was_counted() -> None:
    assert plain(bare(slos.error_ratio("5m", ONE))) == plain(
        "monitored_model:slo_bad_events / (monitored_model:slo_events > 0)"
    )


def test_window_without_events_has_no_share() -> None:
    for window in ("5m", "1h"):
        assert "> 0)" in slos.error_ratio(window, ONE)
    assert "> 0)" in slos.budget_left("30d", ONE, "0.005")


@pytest.mark.parametrize("period", ["28d", "30d"])
def test_budget_that_is_left_is_counted_from_half_hours(period: str) -> None:
    made = slos.budget_left(period, ONE, "0.005")
    assert subqueries(made) == {(timedelta(days=int(period[:-1])), timedelta(minutes=30))}
    assert read_names(made) == {slos.EVENTS_HALF_HOUR, slos.BAD_HALF_HOUR}
    assert plain(made).startswith("1-(sum_over_time(")
    assert plain(made).endswith("/0.005")


def test_half_hours_are_means_of_what_is_counted_each_five_minutes() -> None:
    found = dict(slos.budget_recordings(ONE))
    assert found.keys() == {slos.EVENTS_HALF_HOUR, slos.BAD_HALF_HOUR}
    for expression in found.values():
        assert subqueries(expression) == {(timedelta(minutes=30), timedelta(minutes=5))}


# --- what is counted ---

OWN_NAMES = with_(FULL, {"monitoring.slos": None, "monitoring.profile": None})


def counted(indicator: JSON, spec: JSON = OWN_NAMES) -> tuple[str, str]:
    found = events(indicator, spec)
    assert found is not None
    total, bad = found
    return bare(total), bare(bad)


R, S = 'my_requests_total{status=~"5.."}[5m]', 'status=~"5.."'


def test_requests_that_fail_are_bad() -> None:
    total, bad = counted({"availability": {}})
    assert total == plain(f"sum(rate({R}))")
    assert bad == plain(f"sum(rate({R})) or 0 * (sum(rate({R})))")


def test_requests_that_take_longer_than_the_threshold_are_bad() -> None:
    total, bad = counted({"latency": {"threshold": "250ms"}})
    assert total == plain(f"sum(rate(my_latency_ms_count{{{S}}}[5m]))")
    left, right = bad.split("-")
    assert left == total
    ((name, own),) = matchers(right)
    assert name == "my_latency_ms_bucket"
    ((_, _, bound),) = own - {("status", "=~", "5..")}
    assert re.fullmatch(bound, "250")
    assert re.fullmatch(bound, "250.0")
    assert not re.fullmatch(bound, "0.25")


def test_first_token_that_comes_late_is_bad() -> None:
    total, bad = counted({"ttft": {"threshold": "2s"}})
    assert total == plain(f"sum(rate(my_ttft_ms_count{{{S}}}[5m]))")
    assert read_names(bad) == {"my_ttft_ms_count", "my_ttft_ms_bucket"}


def test_bad_events_of_a_counter_are_bad_and_none_while_it_is_not_there() -> None:
    total, bad = counted(OBJECTIVES["few-are-refused"])
    assert total == plain(f"sum(rate({R}))")
    assert bad == plain(f"sum(rate(my_refusals_total{{{S}}}[5m])) or 0 * (sum(rate({R})))")


def test_events_that_are_not_good_are_bad() -> None:
    total, bad = counted(OBJECTIVES["most-are-cached"])
    assert total == plain(f"sum(rate({R}))")
    assert bad == plain(f"sum(rate({R})) - (sum(rate(my_hits_total{{{S}}}[5m])) or 0 * (sum(rate({R}))))")


def test_all_events_are_bad_while_there_is_no_good_one() -> None:
    """A counter that appears with its first event is not there when nothing ever went well."""
    _, bad = counted(OBJECTIVES["most-are-cached"])
    assert "or0*" in bad


@pytest.mark.parametrize("indicator", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_is_counted_is_by_model(runtime: str, indicator: JSON) -> None:
    for expression in events(indicator, RUNTIMES[runtime]) or ():
        assert result_labels(expression) == frozenset({"namespace", "monitored_model"})


@pytest.mark.parametrize(("kind", "indicator"), OBJECTIVES.items())
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_objective_has_rules_or_a_note_that_says_why_not(runtime: str, kind: str, indicator: JSON) -> None:
    made, slo = parsed(indicator, RUNTIMES[runtime])
    has_rules = [rule for rule in rules(made) if rule.get("labels", {}).get("slo") == "a" and "record" in rule]
    found = [note for note in unmet_requests(made) if "slos[a]" in note.message]
    assert bool(has_rules) == (slos.events(context(made).server, slo, ONE) is not None)
    assert {note.reason for note in found} <= {"SignalUnavailable", "ThresholdNotCounted"}
    assert bool(has_rules) == all(note.reason != "SignalUnavailable" for note in found)
    for note in found:
        assert note.message.startswith("spec.monitoring.slos[a]")
        if note.reason == "SignalUnavailable":
            assert f"({made.runtime.title}: " in note.message
    assert len(found) <= 1
    if kind in ("few-are-refused", "most-are-cached"):
        assert has_rules
        assert not found


def test_objective_that_cannot_be_counted_is_told_with_the_reason() -> None:
    made, _ = parsed({"ttft": {"threshold": "1s"}}, TRITON)
    (note,) = unmet_requests(made)
    assert note.reason == "SignalUnavailable"
    assert note.message.startswith("spec.monitoring.slos[a]: cannot be counted (NVIDIA Triton: ")
    assert note.message.endswith("); it has no rules")


# --- thresholds that are no bounds ---

BOUNDS: list[tuple[JSON, str, JSON, str | None]] = [
    # spec, indicator, threshold, what is told
    (VLLM, "latency", {"threshold": "1s"}, None),
    (VLLM, "latency", {"threshold": "1000ms"}, None),
    (VLLM, "latency", {"threshold": "300ms"}, None),
    (VLLM, "latency", {"threshold": "1m"}, None),
    (
        VLLM,
        "latency",
        {"threshold": "3s"},
        "3 s is no bound of vllm:e2e_request_latency_seconds; the nearest are 2.5 s and 5 s",
    ),
    (
        VLLM,
        "latency",
        {"threshold": "100ms"},
        "0.1 s is no bound of vllm:e2e_request_latency_seconds; the nearest are 0.3 s",
    ),
    (VLLM, "latency", {"threshold": "10h"}, "the nearest are 7680 s"),
    (VLLM, "ttft", {"threshold": "250ms"}, None),
    (VLLM, "ttft", {"threshold": "200ms"}, "the nearest are 0.1 s and 0.25 s"),
    (TRITON, "latency", {"threshold": "500ms"}, None),
    (TRITON, "latency", {"threshold": "1s"}, "the nearest are 0.5 s and 2 s"),
    (MINIMAL, "latency", {"threshold": "777ms"}, None),  # nobody knows the bounds of a custom server
]


@pytest.mark.parametrize(("spec", "indicator", "threshold", "told"), BOUNDS)
def test_threshold_that_is_no_bound_is_told_with_the_nearest(
    spec: JSON, indicator: str, threshold: JSON, told: str | None
) -> None:
    made, slo = parsed({indicator: threshold}, spec)
    found = slos.unknown_bucket_boundary(context(made).server, slo)
    if told is None:
        assert found is None
        assert unmet_requests(made) == ()
    else:
        assert found is not None
        assert told in found
        (note,) = unmet_requests(made)
        assert note.reason == "ThresholdNotCounted"
        assert note.message.startswith(f"spec.monitoring.slos[a].indicator: {found}")


@pytest.mark.parametrize("indicator", [OBJECTIVES["available"], OBJECTIVES["few-are-refused"]])
def test_objective_without_a_threshold_has_no_bound_to_miss(indicator: JSON) -> None:
    made, slo = parsed(indicator, VLLM)
    assert slos.unknown_bucket_boundary(context(made).server, slo) is None


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_bound_that_is_known_can_be_a_threshold(runtime: str) -> None:
    made = model(RUNTIMES[runtime])
    for indicator, signal in (("latency", "latency"), ("ttft", "time_to_first_token")):
        source = getattr(made.runtime.signals, signal)
        for histogram in source.histograms if source else ():
            in_milliseconds = [bound * source.scale * 1000 for bound in histogram.buckets]
            for bound in in_milliseconds:
                if bound == int(bound) and 0 < bound < 1e6:
                    _, slo = parsed({indicator: {"threshold": f"{int(bound)}ms"}}, RUNTIMES[runtime])
                    assert slos.unknown_bucket_boundary(context(made).server, slo) is None, bound


@pytest.mark.parametrize("scale", [1e-12, 1e-9, 1000])
def test_threshold_can_be_counted_whatever_the_unit_of_the_server(scale: float) -> None:
    given = {"latency": {"histogram": "h", "scale": scale}}
    made = model(monitoring={"signals": given, "slos": [slo_of({"latency": {"threshold": "1h"}})]})
    assert rules(made)


# --- what is recorded ---


def test_objectives_are_recorded_by_their_names() -> None:
    made = model(FULL)
    for series in (slos.EVENTS, slos.BAD, slos.BUDGET_LEFT):
        found = {rule["labels"]["slo"] for rule in rules(made) if rule.get("record") == series}
        assert found == OBJECTIVES.keys(), series


def test_budget_is_that_of_the_objective_and_its_window() -> None:
    made = model(
        monitoring__slos=[
            {"name": "a", "objective": 99, "window": "28d", "indicator": {"availability": {}}},
            {"name": "b", "objective": 99.9, "indicator": {"availability": {}}},
        ]
    )
    left = {rule["labels"]["slo"]: rule["expr"] for rule in rules(made) if rule.get("record") == slos.BUDGET_LEFT}
    for name, window, budget in (("a", "28d", "0.01"), ("b", "30d", "0.001")):
        assert f"[{window}:30m]" in left[name]
        assert left[name].endswith(f"/ {budget}")
        assert all(("slo", "=", name) in own for _, own in matchers(left[name]))


def test_weeks_are_looked_at_every_five_minutes() -> None:
    intervals = {group["name"]: group.get("interval") for group in groups(model(FULL))}
    assert intervals.pop("churn.budgets") == "5m"
    assert set(intervals.values()) == {None}


def test_model_without_an_objective_that_can_be_counted_records_none() -> None:
    made = model(with_(TRITON, {"monitoring.slos": [slo_of({"ttft": {"threshold": "1s"}})]}))
    assert not [rule for rule in rules(made) if ":slo_" in rule.get("record", "")]
    assert not [group for group in groups(made) if group["name"] in ("churn.events", "churn.budgets")]
