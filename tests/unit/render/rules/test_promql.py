"""Expressions: the identity of the model on every selector, its grouping on every aggregation, and nothing unquoted."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api.validation import PROMQL_WORDS
from monitored_models.render.children import render
from monitored_models.render.rules import promql
from monitored_models.render.rules.promql import Matcher, metrics_in, quote, scoped, selector
from monitored_models.settings import Settings
from unit.promql_helpers import aggregations, plain, result_labels, selectors
from unit.specs import FULL, JSON, RUNTIMES, any_metric_name, model

MATCHERS: tuple[Matcher, ...] = (("namespace", "=", "risk"), ("monitored_model", "=", "churn"))
BY = ("namespace", "monitored_model")
IDENTITY = {"namespace": "risk", "monitored_model": "churn"}
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
    "avg_over_time(a[30m:5m])",
    "sum_over_time(sum(rate(a[5m]))[1h:5m]) / (sum_over_time(b[1h:5m]) > 0)",
    'count_values by (instance) ("version", v)',
    'label_replace(a, "b", "$1", "c", "(.*)")',
    "sum(a) or (sum by (le) (b) unless ignoring (le) (sum by (le) (c)))",
    "a - (b - c) * (d + e)",
    '{__name__=~"a|b"}',
    "quantile(0.9, topk(3, a))",
    "a * on (x) group_left (y) b",
    "a > bool 1",
]


@pytest.mark.parametrize("bare", BARE)
def test_every_selector_names_the_model(bare: str) -> None:
    before, after = selectors(bare), selectors(scoped(bare, MATCHERS, BY))
    assert len(after) == len(before)
    for found in after:
        equal = {m.name: m.value for m in found.matchers.matchers if m.op == promql_parser.MatchOp.Equal}
        assert equal == IDENTITY


@pytest.mark.parametrize("bare", BARE)
def test_every_aggregation_keeps_the_identity_of_the_model_and_its_own_labels(bare: str) -> None:
    before, after = aggregations(bare), aggregations(scoped(bare, MATCHERS, BY))
    assert [set(labels) for labels in after] == [set(labels) | set(BY) for labels in before]


@pytest.mark.parametrize("bare", BARE)
def test_nothing_else_of_an_expression_changes(bare: str) -> None:
    """Taking the identity off again gives the expression that went in."""
    assert plain(scoped(bare, (), ())) == plain(bare)


@pytest.mark.parametrize("bare", BARE)
def test_what_is_made_is_one_line_that_can_be_made_again(bare: str) -> None:
    once = scoped(bare, MATCHERS, BY)
    assert "\n" not in once
    assert scoped(once, (), BY) == once


@pytest.mark.parametrize(
    ("bare", "parameter"),
    [
        ("topk(3, a)", "(3,a{"),
        ("bottomk by (x) (3, a)", "(3,a{"),
        ("quantile(0.9, a)", "(0.9,a{"),
        ('count_values("v", a)', '("v",a{'),
        ('count_values by (x) ("v", sum(c))', '("v",sumby('),
        ("topk(scalar(b), a)", "(scalar(b{"),
    ],
)
def test_parameter_of_an_aggregation_is_kept(bare: str, parameter: str) -> None:
    assert parameter in plain(scoped(bare, MATCHERS, BY))


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
        scoped(bare, MATCHERS, BY)


@pytest.mark.parametrize(
    "bare", ["sum without (pod) (a)", "sum(a) without (pod)", 'a{b="c" or d="e"}', 'rate(a{b="c" or d="e"}[5m])']
)
def test_what_would_come_to_mean_something_else_raises(bare: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scoped(bare, MATCHERS, BY)


def test_window_is_not_filled_in_here() -> None:
    """A text of a user that says `$window` would be changed as well."""
    with pytest.raises(ValueError, match=r"."):
        scoped("rate(a[$window])", MATCHERS, BY)


@pytest.mark.parametrize("bare", ["", "sum(", "a{", "rate(a)", 'a{__name__="b"}'])
def test_what_is_not_promql_raises(bare: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scoped(bare, MATCHERS, BY)


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
    (found,) = selectors(scoped(bare, MATCHERS, BY))
    assert {m.name: m.value for m in found.matchers.matchers} == {**IDENTITY, "a": text}


@pytest.mark.parametrize(
    "text", ["$window", "a$window", "x\n  y", "a  b", "\\n", "${window}", "[$window]", "[5m]", *MARKS]
)
def test_text_that_looks_like_syntax_survives_scoping(text: str) -> None:
    bare = f"sum(rate({selector('x', (('a', '=', text),))}[5m]))"
    (found,) = selectors(scoped(bare, MATCHERS, BY))
    assert {m.name: m.value for m in found.matchers.matchers} == {**IDENTITY, "a": text}


NAMES = st.text(st.characters(exclude_categories=["Cs", "Co"]))
"""Without characters of private use, which no name in Kubernetes has."""


@given(NAMES, NAMES)
@settings(max_examples=100, deadline=None)
def test_values_of_the_scope_are_quoted_and_not_mixed_up(one: str, other: str) -> None:
    (found,) = selectors(scoped("sum(up)", (("a", "=", one), ("b", "!=", other)), ("namespace",)))
    assert {m.name: m.value for m in found.matchers.matchers} == {"a": one, "b": other}


def test_namespace_and_name_are_quoted() -> None:
    (found,) = selectors(scoped("sum(up)", (("namespace", "=", 'a"} or up{x="'),), ("namespace",)))
    assert [m.value for m in found.matchers.matchers] == ['a"} or up{x="']


def test_matcher_of_an_expression_never_takes_the_place_of_the_scope() -> None:
    """A profile that names another namespace gets nothing, rather than that namespace's series."""
    (found,) = selectors(scoped('up{namespace="other",monitored_model=~".*"}', MATCHERS, BY))
    assert {(m.name, m.value) for m in found.matchers.matchers} == {
        *IDENTITY.items(),
        ("namespace", "other"),
        ("monitored_model", ".*"),
    }


@pytest.mark.parametrize("operator", ["=", "!=", "=~", "!~"])
def test_operator_of_a_matcher_is_kept(operator: str) -> None:
    made = scoped("up", (("a", operator, "x"),), ())
    assert made == f'up{{a{operator}"x"}}'
    assert scoped(made, (), ()) == made


# --- what an expression reads ---


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up", {"up"}),
        ("rate(a[5m])", {"a"}),
        ("sum(rate(a[5m])) / (sum(b) > 0) or 0 * c", {"a", "b", "c"}),
        ("avg_over_time(a[30m:5m])", {"a"}),
        ("sum_over_time(sum(rate(a[5m]))[1h:5m])", {"a"}),
        ('{__name__=~"a|b"}', {"a|b"}),
        ('{__name__="a:b"}', {"a:b"}),
        ('count_values by (x) ("v", a)', {"a"}),
        ("topk(scalar(b), a)", {"a", "b"}),
        ("vllm:num_requests_running", {"vllm:num_requests_running"}),
        ("abs(a - timestamp(a)) > 30", {"a"}),
        ("time()", set()),
        ("absent(a)", {"a"}),
        ("-(a)", {"a"}),
    ],
)
def test_names_that_an_expression_reads(expression: str, names: set[str]) -> None:
    assert metrics_in(expression) == names


@given(any_metric_name.filter(lambda name: name.lower() not in PROMQL_WORDS))
@settings(max_examples=100, deadline=None)
def test_name_that_an_expression_reads_is_the_one_that_was_asked_for(name: str) -> None:
    assert metrics_in(f"sum(rate({selector(name, (('a', '=', 'b'),))}[5m]))") == {name}


# --- the labels of a result, as other tests ask for them ---


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("x", {"a", "b"}),
        ("sum by (a, z) (x)", {"a"}),
        ('count_values by (a) ("v", x)', {"a", "v"}),
        ('label_replace(x, "c", "$1", "a", "(.*)")', {"a", "b", "c"}),
        ("histogram_quantile(0.9, sum by (le, a) (unknown))", {"a"}),
        ("x > 5", {"a", "b"}),
        ("time() - x", {"a", "b"}),
        ("sum by (a) (x) or x", {"a", "b"}),
        ("sum by (a) (x) unless x", {"a"}),
        ("x * on (a) y", {"a"}),
        ("x * on (a) group_left (d) y", {"a", "b", "d"}),
        ("sum by (a) (x) * on (a) group_right () x", {"a", "b"}),
        ("x / ignoring (b) y", {"a"}),
        ('absent(x{n="1",m=~"2"})', {"n"}),
        ("max_over_time(x[5m:1m])", {"a", "b"}),
        ("-(x)", {"a", "b"}),
        ("unknown + 1", None),
        ("abs(unknown)", None),
    ],
)
def test_labels_of_a_result(expression: str, labels: set[str] | None) -> None:
    found = result_labels(expression, lambda name: None if name == "unknown" else frozenset("ab"))
    assert found == (None if labels is None else frozenset(labels))


# --- memory ---


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
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


def test_all_expressions_of_all_runtimes_are_remembered_at_once() -> None:
    remembered = vars(promql)["_scoped"]
    remembered.cache_clear()
    for spec in (*RUNTIMES.values(), FULL):
        render(model(spec), Settings(), 1)
    info = remembered.cache_info()
    assert info.currsize * 2 < info.maxsize
