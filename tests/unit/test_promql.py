"""Expressions: the identity of the model on every selector, its grouping on every aggregation, and nothing unquoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import InvalidSpec, Model, parse
from monitored_models.api.rules import PROMQL_WORDS
from monitored_models.desired import promql, render
from monitored_models.desired.promql import Scope, quote, rate_window, scoped, selector
from monitored_models.settings import Settings
from unit.specs import JSON, MINIMAL, RUNTIMES, any_metric_name, body, model

SCOPE = Scope(
    matchers=(("namespace", "=", "risk"), ("monitored_model", "=", "churn")),
    by=("namespace", "monitored_model"),
    window="300s",
)
IDENTITY = {"namespace": "risk", "monitored_model": "churn"}


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):  # also the one inside a matrix selector
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from found


def aggregations(expression: str) -> list[list[str]]:
    found: list[list[str]] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.AggregateExpr):
            found.append(list(node.modifier.labels) if node.modifier else [])
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


BARE = [
    "up",
    "sum(up)",
    "sum by (le) (rate(h_bucket[5m]))",
    "sum by (namespace, x) (up)",
    'sum(rate(a{status=~"5..",b!="x"}[5m])) / (sum(rate(c[5m])) > 0) / 1000000',
    "histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))",
    "max(sum by (pod) (up)) or 0 * sum(other)",
    "absent(a) and on (namespace) (b > 0)",
    "sum(a) by (x)",
    "-a",
    "max_over_time(a[1h])",
]


@pytest.mark.parametrize("bare", BARE)
def test_every_selector_names_the_model(bare: str) -> None:
    for found in selectors(scoped(bare, SCOPE)):
        equal = {m.name: m.value for m in found.matchers.matchers if m.op == promql_parser.MatchOp.Equal}
        assert equal == IDENTITY


@pytest.mark.parametrize("bare", BARE)
def test_every_aggregation_keeps_the_identity_of_the_model_and_its_own_labels(bare: str) -> None:
    before, after = aggregations(bare), aggregations(scoped(bare, SCOPE))
    assert [set(labels) for labels in after] == [set(labels) | set(SCOPE.by) for labels in before]


@pytest.mark.parametrize("bare", BARE)
def test_nothing_else_of_an_expression_changes(bare: str) -> None:
    """Taking the identity off again gives the expression that went in."""
    taken_off = scoped(bare, Scope(matchers=(), by=(), window="5m"))
    once = str(promql_parser.parse(bare).prettify())
    assert _words(taken_off) == _words(once)


@pytest.mark.parametrize(
    ("bare", "parameter"), [("topk(3, a)", "3"), ("quantile(0.9, a)", "0.9"), ('count_values("v", a)', '"v"')]
)
def test_parameter_of_an_aggregation_is_never_lost_in_silence(bare: str, parameter: str) -> None:
    try:
        made = scoped(bare, SCOPE)
    except ValueError:
        return
    assert parameter in made


def _words(expression: str) -> str:
    plain = promql_parser.parse(expression).prettify()
    return "".join(plain.split()).replace("{}", "").replace("by()", "")


@pytest.mark.parametrize(
    "bare",
    [
        "a offset 1h",
        "a offset -1h",
        "rate(a[5m] offset 10m)",
        "sum(rate(a[5m] offset 10m)) / sum(b)",
        "a @ 100",
        "a @ end()",
        "rate(a[5m] @ 100)",
        "max_over_time(a[1h:1m] offset 5m)",
        "max_over_time(a[1h:1m] @ 100)",
    ],
)
def test_offset_and_at_raise(bare: str) -> None:
    with pytest.raises(ValueError, match="offset"):
        scoped(bare, SCOPE)


def test_window_is_not_filled_in_here() -> None:
    """A text of a user that says `$window` would be changed as well."""
    with pytest.raises(ValueError, match=r"."):
        scoped("rate(a[$window])", SCOPE)


def test_further_grouping_can_be_asked_for() -> None:
    (labels,) = aggregations(scoped("sum(up)", SCOPE, ("pod",)))
    assert labels == ["namespace", "monitored_model", "pod"]


@pytest.mark.parametrize("bare", ["", "sum(", "a{", "rate(a)", 'a{__name__="b"}'])
def test_what_is_not_promql_raises(bare: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scoped(bare, SCOPE)


ANY = st.text(st.characters(exclude_categories=["Cs"]))
MARKS = ["\ue000", "\ue0000", "\ue0001", "\ue00010", "a\ue0000", '"\ue0000']
"""Text that looks like what stands for the values of the scope while an expression is worked on."""


@given(ANY | st.sampled_from(['"', "\\", '\\"', '"}', "\n", "{{", "$window", "[5m]", "} or up{", "\r\n", "\t", "\x00"]))
@settings(max_examples=200, deadline=None)
def test_quoted_text_comes_back_as_it_was(text: str) -> None:
    (found,) = selectors(f"x{{a={quote(text)}}}")
    assert [(m.name, m.value) for m in found.matchers.matchers] == [("a", text)]


@given(ANY)
@settings(max_examples=200, deadline=None)
def test_text_of_a_matcher_survives_scoping(text: str) -> None:
    bare = f"sum(rate({selector('x', (('a', '=', text),))}[5m]))"
    (found,) = selectors(scoped(bare, SCOPE))
    assert {m.name: m.value for m in found.matchers.matchers} == {**IDENTITY, "a": text}


@pytest.mark.parametrize(
    "text", ["$window", "a$window", "x\n  y", "a  b", "\\n", "${window}", "[$window]", "[5m]", *MARKS]
)
def test_text_that_looks_like_syntax_survives_scoping(text: str) -> None:
    bare = f"sum(rate({selector('x', (('a', '=', text),))}[5m]))"
    (found,) = selectors(scoped(bare, SCOPE))
    assert {m.name: m.value for m in found.matchers.matchers} == {**IDENTITY, "a": text}


def test_namespace_and_name_are_quoted() -> None:
    strange = Scope(matchers=(("namespace", "=", 'a"} or up{x="'),), by=("namespace",), window="300s")
    (found,) = selectors(scoped("sum(up)", strange))
    assert [m.value for m in found.matchers.matchers] == ['a"} or up{x="']


@pytest.mark.parametrize(
    ("interval", "window"),
    [("500ms", 300), ("30s", 300), ("75s", 300), ("76s", 304), ("119s", 476), ("2m", 480)],
)
def test_rates_look_back_five_minutes_or_four_scrapes(interval: str, window: int) -> None:
    made = model(monitoring__scrape__interval=interval, monitoring__scrape__timeout="100ms")
    assert rate_window(made) == f"{window}s"


@pytest.mark.parametrize(
    "interval", ["121s", "3m", "5m", "6m", "1h", "24h", "999999s", "999999m", "100000h", "999999h"]
)
def test_interval_at_which_prometheus_would_lose_its_series_is_refused(interval: str) -> None:
    parsed = parse(body({**MINIMAL, "monitoring": {"scrape": {"interval": interval}}}))
    assert isinstance(parsed, InvalidSpec)
    assert [problem.field for problem in parsed.problems] == ["spec.monitoring.scrape.interval"]
    assert "2m" in parsed.problems[0].message


# --- the signals of a model ---

SIGNALS: JSON = {
    "requests": {"counter": "c", "matchers": {"who": "[$window]"}},
    "errors": {"counter": "e", "matchers": {"who": "$window"}},
    "latency": {"histogram": "h", "matchers": {"who": "a[$window]b"}},
}
MADE = {
    **{runtime: model(spec) for runtime, spec in RUNTIMES.items()},
    "own names": model(monitoring__signals=SIGNALS),
    "own latency only": model(monitoring__signals={"latency": SIGNALS["latency"]}),
    "own errors only": model(monitoring__signals={"errors": SIGNALS["errors"]}),
}


def rated(made: Model, scope: Scope) -> dict[str, str]:
    """Every expression of a model that rates a counter."""
    found = {
        "requests": promql.requests(made, scope),
        "errors": promql.errors(made, scope),
        "error ratio": promql.error_ratio(made, scope),
        "quantile": promql.latency_quantile(made, scope, 0.95),
        "mean": promql.latency_mean(made, scope),
        "buckets": promql.latency_buckets(made, scope),
    }
    return {name: expression for name, expression in found.items() if expression is not None}


def ranges(expression: str) -> list[timedelta]:
    found: list[timedelta] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.range)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.mark.parametrize("window", ["300s", "1200s"])
@pytest.mark.parametrize("name", MADE)
def test_every_rate_of_a_model_is_over_the_window(name: str, window: str) -> None:
    made = MADE[name]
    expressions = rated(made, replace(promql.model_scope(made), window=window))
    assert {"requests", "errors", "error ratio"} < expressions.keys()
    for expression in expressions.values():
        assert set(ranges(expression)) == {timedelta(seconds=int(window.removesuffix("s")))}


@pytest.mark.parametrize("name", [name for name in MADE if name not in RUNTIMES])
def test_matcher_of_a_user_that_looks_like_the_window_survives(name: str) -> None:
    made = MADE[name]
    scope = promql.model_scope(made)
    given = {signal: SIGNALS[signal]["matchers"]["who"] for signal in SIGNALS}
    asked = {m.value for e in rated(made, scope).values() for s in selectors(e) for m in s.matchers.matchers}
    signals = made.spec.monitoring.signals
    assert signals is not None
    assert {value for signal, value in given.items() if getattr(signals, signal)} <= asked
    assert {m.value for s in selectors(promql.presence(made, scope)) for m in s.matchers.matchers} <= asked


def test_requests_and_errors_of_vllm_are_counted_at_the_same_place() -> None:
    """The engine counts what it finished: in a full outage the ratio would have no dividend."""
    made = MADE["vllm"]
    scope = promql.model_scope(made)
    (total,), (failed,) = selectors(promql.requests(made, scope)), selectors(promql.errors(made, scope))
    assert (total.name, failed.name) == ("http_requests_total", "http_requests_total")
    all_of, failures = ({m.name: m.value for m in found.matchers.matchers} for found in (total, failed))
    assert failures == {**all_of, "status": "5xx"}


@pytest.mark.parametrize("scale", [0.001, 1e-07, 1, 1000, 1e-300])
def test_scale_of_a_histogram_turns_quantiles_into_seconds(scale: float) -> None:
    made = model(monitoring__signals={"latency": {"histogram": "h", "scale": scale}})
    expression = promql.latency_quantile(made, promql.model_scope(made), 0.95)
    assert expression is not None
    assert ("*" in expression) == (scale != 1)
    assert promql_parser.parse(expression)


# --- names of metrics ---


@settings(max_examples=300, deadline=None)
@given(any_metric_name, any_metric_name, any_metric_name)
def test_every_admitted_name_of_a_metric_can_be_asked_for(requests: str, errors: str, latency: str) -> None:
    """A name that is refused is a word of PromQL; whatever else the pattern admits renders, as it stands."""
    signals = {"requests": {"counter": requests}, "errors": {"counter": errors}, "latency": {"histogram": latency}}
    parsed = parse(body({**MINIMAL, "monitoring": {"signals": signals}}))
    words = [name for name in (requests, errors, latency) if name.lower() in PROMQL_WORDS]
    if words:
        assert isinstance(parsed, InvalidSpec)
        assert len(parsed.problems) == len(words)
        return
    assert isinstance(parsed, Model)
    assert render(parsed, Settings(), 1)
    scope = promql.model_scope(parsed)
    asked = {found.name for expression in rated(parsed, scope).values() for found in selectors(expression)}
    assert asked == {requests, errors, f"{latency}_bucket"}
    assert [found.name for found in selectors(promql.presence(parsed, scope))] == [requests]


# --- memory ---


@pytest.mark.parametrize("spec", RUNTIMES.values(), ids=RUNTIMES)
def test_models_that_share_expressions_share_what_is_remembered_of_them(spec: JSON) -> None:
    """Parsing again for each of thousands of models is slow; remembering for each of them takes memory."""
    remembered = vars(promql)["_scoped"].cache_info
    render(model(spec, name="first"), Settings(), 1)
    after_one = remembered()
    for number in range(50):
        render(model(spec, name=f"m{number}", namespace=f"n{number}"), Settings(), 1)
    assert remembered().currsize == after_one.currsize
    assert remembered().misses == after_one.misses
    assert remembered().hits > after_one.hits


def test_models_that_share_what_is_remembered_ask_for_themselves_only() -> None:
    for number in range(3):
        made = model(name=f"m{number}", namespace=f"n{number}")
        for expression in rated(made, promql.model_scope(made)).values():
            for found in selectors(expression):
                assert {(m.name, m.value) for m in found.matchers.matchers} == {
                    ("namespace", f"n{number}"),
                    ("monitored_model", f"m{number}"),
                }
