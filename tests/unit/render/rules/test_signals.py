"""Which of a server's metrics say what: over the right window, of each pod once, in base units, as the user wrote it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import InvalidSpec, Model, parse
from monitored_models.api.monitoring import Signals
from monitored_models.api.validation import PROMQL_WORDS
from monitored_models.render.children import render
from monitored_models.render.rules import signals
from monitored_models.render.rules.scope import FleetScope, ModelScope, Scope
from monitored_models.render.rules.signals import SignalSource, le_values, server
from monitored_models.runtimes import Durations, Histogram, builtin_runtimes
from monitored_models.runtimes.profile import REASONED, Unavailable
from monitored_models.settings import Settings
from unit.promql_helpers import aggregations, matcher, matchers, plain, ranges, read_names, selectors
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, any_metric_name, body, model, with_

GIVEN: JSON = {
    "requests": {"counter": "c", "matchers": {"who": "[$window]"}},
    "errors": {"counter": "e", "matchers": {"who": "$window"}},
    "latency": {"histogram": "h", "matchers": {"who": "a[$window]b"}},
    "timeToFirstToken": {"histogram": "f", "matchers": {"who": "f[$window]"}},
    "interToken": {"histogram": "i", "matchers": {"who": "i[$window]"}},
    "tokens": {"counter": "t", "matchers": {"who": "t[$window]"}},
    "queue": {"gauge": "q", "matchers": {"who": "q[$window]"}},
    "kvCache": {"gauge": "k", "matchers": {"who": "k[$window]"}},
}
SPECS: dict[str, JSON] = {
    **RUNTIMES,
    "full": FULL,
    "own names": with_(MINIMAL, {"monitoring.signals": GIVEN}),
    **{f"own {name} only": with_(MINIMAL, {f"monitoring.signals.{name}": GIVEN[name]}) for name in GIVEN},
}
MADE = {name: model(spec) for name, spec in SPECS.items()}
DURATIONS = ("latency", "time_to_first_token", "inter_token")


def expressions(of: SignalSource, scope: Scope) -> dict[str, str]:
    """Every expression over the server's own metrics."""
    found: dict[str, str | None] = {
        "requests": signals.requests(of, scope),
        "errors": signals.errors(of, scope),
        "error ratio": signals.error_ratio(of, scope),
        "tokens": signals.tokens(of, scope),
        "prompt tokens": signals.prompt_tokens(of, scope),
        "queue": signals.queue(of, scope),
        "kv cache": signals.kv_cache(of, scope),
        "gpu": signals.gpu(of, scope),
        "versions": signals.reported_versions(of, scope),
        "presence": signals.up_series(of, scope),
        **{name: signals.self_reported(of, name, scope) for name in ("cpu", "memory", "disk")},
    }
    for signal in DURATIONS:
        found |= {
            f"{signal} quantile": signals.quantile(of, signal, scope, 0.95),
            f"{signal} mean": signals.mean(of, signal, scope),
            f"{signal} buckets": signals.buckets(of, signal, scope),
            f"{signal} measured": signals.observation_rate(of, signal, scope),
            f"{signal} within": signals.count_below(of, signal, scope, 0.5),
            f"{signal} by bound": signals.bucket_rates(of, signal, scope),
        }
    return {name: expression for name, expression in found.items() if expression is not None}


def of_model(made: Model) -> dict[str, str]:
    return expressions(server(made), ModelScope(made))


@pytest.mark.parametrize("name", MADE)
def test_every_expression_of_a_model_is_promql_about_this_model(name: str) -> None:
    for expression in of_model(MADE[name]).values():
        for metric, own in matchers(expression):
            assert {("namespace", "=", "risk"), ("monitored_model", "=", "churn")} <= own, metric


@pytest.mark.parametrize("scope", [FleetScope(), FleetScope("triton")], ids=["all", "runtime"])
@pytest.mark.parametrize("runtime", builtin_runtimes())
def test_every_expression_of_a_fleet_is_promql_about_models(runtime: str, scope: FleetScope) -> None:
    for expression in expressions(SignalSource(builtin_runtimes()[runtime], Signals()), scope).values():
        for metric, own in matchers(expression):
            assert metric == "monitored_model_info" or ("monitored_model", "!=", "") in own


@pytest.mark.parametrize(("interval", "window"), [("30s", 300), ("2m", 480)])
@pytest.mark.parametrize("name", SPECS)
def test_every_rate_of_a_model_is_over_its_window(name: str, interval: str, window: int) -> None:
    made = model(SPECS[name], monitoring__scrape={"interval": interval})
    windows = [each for expression in of_model(made).values() for each in ranges(expression)]
    assert set(windows) == {timedelta(seconds=window)}


@pytest.mark.parametrize("name", MADE)
def test_results_are_grouped_by_the_model(name: str) -> None:
    """One value for each model: what is aggregated inside keeps more."""
    for what, expression in of_model(MADE[name]).items():
        if what != "presence":
            assert {"namespace", "monitored_model"} <= set.intersection(*map(set, aggregations(expression)))


# --- text of users ---


@pytest.mark.parametrize("name", [name for name in MADE if name.startswith("own")])
def test_matcher_of_a_user_that_looks_like_the_window_survives(name: str) -> None:
    made = MADE[name]
    asked = {m.value for e in of_model(made).values() for s in selectors(e) for m in s.matchers.matchers}
    named = made.spec.monitoring.signals
    assert named is not None
    given = [getattr(named, field) for field in named.__dataclass_fields__]
    assert {signal.matchers["who"] for signal in given if signal} <= asked


@pytest.mark.parametrize("text", ["5..", "a|b", 'x"y', "a[\\\\]b", "é😀", "\\$x", "a\nb", "\t", "\\d+", "", "^$"])
@pytest.mark.parametrize("name", GIVEN)
def test_matcher_of_a_user_arrives_as_it_was_written(name: str, text: str) -> None:
    made = model(monitoring__signals={name: {**GIVEN[name], "matchers": {"who": text, "also": "x"}}})
    wanted = {("who", "=~", text), ("also", "=~", "x")}
    own = {next(iter(value for key, value in GIVEN[name].items() if key in ("counter", "histogram", "gauge")))}
    found = [each for e in of_model(made).values() for each in matchers(e)]
    mine = [(metric, each) for metric, each in found if re.sub("_(bucket|sum|count)$", "", metric) in own]
    assert mine
    for _, each in mine:
        assert wanted <= each


def test_each_given_name_is_read_as_what_it_is_given_for() -> None:
    found = {what: read_names(expression) for what, expression in of_model(MADE["own names"]).items()}
    assert found["requests"] == {"c"}
    assert found["errors"] == {"e", "c"}
    assert found["latency quantile"] == {"h_bucket"}
    assert found["latency mean"] == {"h_sum", "h_count"}
    assert found["time_to_first_token quantile"] == {"f_bucket"}
    assert found["inter_token mean"] == {"i_sum", "i_count"}
    assert (found["tokens"], found["queue"], found["kv cache"]) == ({"t"}, {"q"}, {"k"})
    assert found["presence"] == {"c"}


def test_histogram_that_is_given_counts_the_requests_where_no_counter_is() -> None:
    found = of_model(MADE["own latency only"])
    assert read_names(found["requests"]) == read_names(found["presence"]) == {"h_count"}


def test_what_is_not_given_comes_from_the_runtime() -> None:
    given, known = of_model(MADE["own tokens only"]), of_model(MADE["custom"])
    assert read_names(given["tokens"]) == {"t"}
    assert {name: text for name, text in given.items() if name != "tokens"} == {
        name: text for name, text in known.items() if name != "tokens"
    }


# --- alternatives ---


def bare(expression: str) -> str:
    """An expression without the identity of the model."""
    identity = ('monitored_model="churn"', 'namespace="risk"')
    for text in identity:
        expression = expression.replace(f",{text}", "").replace(f"{text},", "").replace(text, "")
    return plain(expression.replace("namespace, monitored_model, ", "").replace("by (namespace, monitored_model) ", ""))


def of_alternatives(**given: Any) -> SignalSource:
    """A server whose signals are these, beside those of the custom runtime."""
    profile = builtin_runtimes()["custom"]
    known = replace(profile.signals, **given)
    missing = {name: "for this test" for name in REASONED if not getattr(known, name)}
    return SignalSource(replace(profile, signals=known, unavailable=Unavailable(**missing)), Signals())


ONE = ModelScope(model())


def test_single_name_is_summed_over_the_pods() -> None:
    of = of_alternatives(requests=("rate(a[$window])",))
    assert bare(str(signals.requests(of, ONE))) == plain("sum(rate(a[5m]))")


def test_of_several_names_the_first_that_a_pod_exposes_counts() -> None:
    """During a rollout pods of two versions serve, each under names of its own; some expose both names."""
    of = of_alternatives(requests=("rate(a[$window])", "rate(b[$window])", "c"))
    assert bare(str(signals.requests(of, ONE))) == plain(
        "sum(sum by (instance) (rate(a[5m])) or sum by (instance) (rate(b[5m])) or sum by (instance) (c))"
    )


def test_share_in_use_is_that_of_the_fullest_pod() -> None:
    of = of_alternatives(kv_cache=("a", "b"))
    assert bare(str(signals.kv_cache(of, ONE))) == plain("max(max by (instance) (a) or max by (instance) (b))")


def test_use_of_gpus_is_their_mean() -> None:
    assert bare(str(signals.gpu(of_alternatives(gpu=("a",)), ONE))) == plain("avg(a)")


def test_buckets_of_two_histograms_of_a_pod_never_mix() -> None:
    """They may have other bounds: a quantile over both would be of neither."""
    of = of_alternatives(latency=Durations(histograms=(Histogram(name="a"), Histogram(name="b", where='x="y"'))))
    assert bare(str(signals.bucket_rates(of, "latency", ONE))) == plain(
        "sum by (le) (sum by (instance, le) (rate(a_bucket[5m])) or (sum by (instance, le) "
        '(rate(b_bucket{x="y"}[5m])) unless ignoring (le) (sum by (instance, le) (rate(a_bucket[5m])))))'
    )


def test_mean_is_of_the_sums_and_counts_of_the_same_histograms() -> None:
    of = of_alternatives(latency=Durations(histograms=(Histogram(name="a"), Histogram(name="b")), scale=0.001))
    assert bare(str(signals.mean(of, "latency", ONE))) == plain(
        "sum(sum by (instance) (rate(a_sum[5m])) or sum by (instance) (rate(b_sum[5m]))) / "
        "(sum(sum by (instance) (rate(a_count[5m])) or sum by (instance) (rate(b_count[5m]))) > 0) * 0.001"
    )


def test_mean_of_a_server_without_histograms_is_what_it_says_itself() -> None:
    of = of_alternatives(latency=Durations(mean=("a / (b > 0)",), scale=0.001))
    assert bare(str(signals.mean(of, "latency", ONE))) == plain("avg(a / (b > 0)) * 0.001")
    for measure in (signals.buckets, signals.observation_rate, signals.bucket_rates):
        assert measure(of, "latency", ONE) is None
    assert signals.quantile(of, "latency", ONE, 0.95) is None
    assert signals.count_below(of, "latency", ONE, 1) is None


def test_no_name_is_no_expression() -> None:
    of = of_alternatives(requests=(), errors=(), latency=None, queue=(), gpu=(), reported_version=None)
    assert signals.requests(of, ONE) is None
    assert signals.errors(of, ONE) is None
    assert signals.error_ratio(of, ONE) is None
    assert signals.mean(of, "latency", ONE) is None
    assert signals.queue(of, ONE) is None
    assert signals.reported_versions(of, ONE) is None


def test_errors_are_0_while_there_are_requests_and_no_error_series() -> None:
    """Many servers create the series of errors with the first error."""
    of = of_alternatives(requests=("rate(r[$window])",), errors=("rate(e[$window])",))
    assert bare(str(signals.errors(of, ONE))) == plain("sum(rate(e[5m])) or 0 * (sum(rate(r[5m])))")
    assert bare(str(signals.error_ratio(of, ONE))) == plain(
        "(sum(rate(e[5m])) or 0 * (sum(rate(r[5m])))) / ((sum(rate(r[5m]))) > 0)"
    )
    alone = of_alternatives(requests=(), errors=("rate(e[$window])",))
    assert bare(str(signals.errors(alone, ONE))) == plain("sum(rate(e[5m]))")
    assert signals.error_ratio(alone, ONE) is None


# --- durations in seconds ---


@pytest.mark.parametrize("scale", [0.001, 1e-07, 1, 1000, 1e-12])
def test_scale_of_a_histogram_turns_its_unit_into_seconds(scale: float) -> None:
    made = model(monitoring__signals={"latency": {"histogram": "h", "scale": scale}})
    for measure in ("quantile", "mean"):
        expression = of_model(made)[f"latency {measure}"]
        assert ("*" in expression) == (scale != 1)
        assert promql_parser.parse(expression)


def test_heatmap_is_shown_only_of_a_histogram_in_seconds() -> None:
    assert "latency buckets" in of_model(model(monitoring__signals={"latency": {"histogram": "h"}}))
    given = {"latency": {"histogram": "h", "scale": 0.001}}
    assert "latency buckets" not in of_model(model(monitoring__signals=given))


# --- bounds of histograms ---

numbers = st.one_of(
    st.sampled_from([0.005, 0.3, 0.5, 1, 1.5, 2.5, 5, 10, 60, 100, 500, 1000, 7680, 99999, 1e5, 1e6, 2.5e6, 1e7, 5e-5]),
    st.integers(1, 999999).map(float),
    st.integers(1, 999999).map(lambda n: n / 1000),
    st.sampled_from([1234567.0, 3599996400.0, 0.1234567, 86400.125, 0.00015]),
)
"""What bounds are, or a threshold turned into a server's unit."""


def go(number: float) -> str:
    """How Go writes a number (strconv.FormatFloat with 'g', -1): shortest, with an exponent below 1e-4 and from 1e6 on."""
    mantissa, exponent = f"{number:.17e}".split("e")
    for digits in range(17):
        mantissa, exponent = f"{number:.{digits}e}".split("e")
        if float(f"{mantissa}e{exponent}") == number:
            break
    if -4 <= int(exponent) < 6:
        return repr(number).removesuffix(".0")
    return f"{mantissa}e{exponent}"


@settings(max_examples=300, deadline=None)
@given(numbers)
def test_spellings_of_a_bound_are_those_of_go_python_and_prometheus_3(bound: float) -> None:
    openmetrics = text if set(text := go(bound)) & {"e", "."} else f"{text}.0"
    assert {go(bound), repr(float(bound)), openmetrics} <= set(le_values(bound))


@settings(max_examples=300, deadline=None)
@given(numbers)
def test_every_spelling_of_a_bound_is_this_number(bound: float) -> None:
    for text in le_values(bound):
        assert float(text) == float(bound)


@pytest.mark.parametrize(
    ("bound", "found"),
    [
        (1.0, {"1", "1.0"}),
        (0.5, {"0.5"}),
        (1e6, {"1e+06", "1000000.0", "1000000"}),
        (1274823.0, {"1.274823e+06", "1274823.0", "1274823"}),
        (0.3 / 0.001, {"300", "300.0"}),
        (0.07 / 0.001, {"70", "70.0"}),
        (2.5, {"2.5"}),
        (5e-05, {"5e-05"}),
    ],
)
def test_spellings_of_a_bound(bound: float, found: set[str]) -> None:
    assert found <= set(le_values(bound))
    assert len(le_values(bound)) == len(set(le_values(bound))) <= len(found) + 2


@settings(max_examples=100, deadline=None)
@given(numbers, numbers)
def test_bound_is_matched_in_every_spelling_and_no_other_bound_is(bound: float, other: float) -> None:
    (found,) = selectors(f"x{{{signals.bound_matcher(bound)}}}")
    ((name, operator, pattern),) = [matcher(each) for each in found.matchers.matchers]
    assert (name, operator) == ("le", "=~")
    assert all(re.fullmatch(pattern, text) for text in le_values(bound))
    if not math.isclose(bound, other):
        assert not any(re.fullmatch(pattern, text) for text in le_values(other))
    assert not re.fullmatch(pattern, go(bound).replace(".", "x", 1) if "." in go(bound) else "+Inf")


def test_threshold_is_asked_for_in_the_servers_own_unit() -> None:
    of = of_alternatives(latency=Durations(histograms=(Histogram(name="a_ms", where='x="y"'),), scale=0.001))
    ((name, own),) = matchers(bare(str(signals.count_below(of, "latency", ONE, 0.5))))
    ((label, operator, pattern),) = own - {("x", "=", "y")}
    assert (name, label, operator) == ("a_ms_bucket", "le", "=~")
    assert [text for text in ("500", "500.0", "0.5", "500x0", "5", "50000") if re.fullmatch(pattern, text)] == [
        "500",
        "500.0",
    ]


# --- what a server exposes at all ---


@pytest.mark.parametrize("name", MADE)
def test_metrics_of_a_server_are_all_that_its_expressions_read(name: str) -> None:
    made = MADE[name]
    known = server(made).metrics()
    for expression in of_model(made).values():
        for read in read_names(expression):
            assert read in known or re.sub("_(bucket|sum|count)$", "", read) in known, read


def test_requests_and_errors_of_vllm_are_counted_at_the_same_place() -> None:
    """The engine counts what it finished: in a full outage the ratio would have no dividend."""
    found = of_model(MADE["vllm"])
    totals = matchers(found["requests"])
    failed = [each for each in matchers(found["errors"]) if each not in totals]
    assert {name for name, _ in (*totals, *failed)} == {"http_requests_total"}
    for _, own in failed:
        status = {each for each in own if each[0] == "status"}
        assert ("http_requests_total", own - status) in totals
        assert status == {("status", "=", "5xx")}


def test_versions_are_told_by_a_label_or_by_the_value_of_a_gauge() -> None:
    found = of_model(MADE["custom"])["versions"]
    assert read_names(found) == {"model_info", "model_version"}
    assert 'count_valuesby(namespace,monitored_model,instance,monitored_model_version)("version"' in plain(found)


def test_targets_are_counted_as_prometheus_knows_them() -> None:
    identity = {("namespace", "=", "risk"), ("monitored_model", "=", "churn")}
    for expression in (signals.targets_up(ONE), signals.target_up(ONE), signals.targets_up_by_version(ONE)):
        assert matchers(expression) == [("up", identity)]
    assert aggregations(signals.targets_up_by_version(ONE)) == [
        ["namespace", "monitored_model", "monitored_model_version"]
    ]


# --- names of metrics ---


@settings(max_examples=200, deadline=None)
@given(any_metric_name, any_metric_name, any_metric_name, any_metric_name)
def test_every_admitted_name_of_a_metric_can_be_asked_for(requests: str, errors: str, latency: str, queue: str) -> None:
    """A name that is refused is a word of PromQL; whatever else the pattern admits renders, as it stands."""
    given = {
        "requests": {"counter": requests},
        "errors": {"counter": errors},
        "latency": {"histogram": latency},
        "queue": {"gauge": queue},
    }
    parsed = parse(body({**MINIMAL, "monitoring": {"signals": given}}))
    words = [name for name in (requests, errors, latency, queue) if name.lower() in PROMQL_WORDS]
    if words:
        assert isinstance(parsed, InvalidSpec)
        assert len(parsed.problems) == len(words)
        return
    assert isinstance(parsed, Model)
    assert render(parsed, Settings(), 1)
    found = {what: read_names(expression) for what, expression in of_model(parsed).items()}
    assert found["error ratio"] == {requests, errors}
    assert found["latency quantile"] == {f"{latency}_bucket"}
    assert found["queue"] == {queue}
    assert found["presence"] == {requests}


def test_models_that_share_what_is_remembered_ask_for_themselves_only() -> None:
    for number in range(3):
        made = model(name=f"m{number}", namespace=f"n{number}")
        for expression in of_model(made).values():
            for _, own in matchers(expression):
                assert {("namespace", "=", f"n{number}"), ("monitored_model", "=", f"m{number}")} <= own
