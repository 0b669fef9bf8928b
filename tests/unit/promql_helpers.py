"""PromQL taken apart for tests: what an expression reads, and how it groups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import promql_parser

Matcher = tuple[str, str, str]
"""Label, operator, value."""
_OPERATORS = (
    (promql_parser.MatchOp.Equal, "="),
    (promql_parser.MatchOp.NotEqual, "!="),
    (promql_parser.MatchOp.Re, "=~"),
    (promql_parser.MatchOp.NotRe, "!~"),
)


def _look(expression: str, at: Callable[[promql_parser.Expr], None]) -> None:
    def visit(node: promql_parser.Expr) -> bool:
        at(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every selector, those inside of ranges and subqueries included."""
    found: list[promql_parser.VectorSelector] = []

    def at(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            assert not node.matchers.or_matchers
            found.append(node)

    _look(expression, at)
    return found


def aggregations(expression: str) -> list[list[str]]:
    """Labels by which each aggregation groups."""
    found: list[list[str]] = []

    def at(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            found.append(list(node.modifier.labels) if node.modifier else [])

    _look(expression, at)
    return found


def ranges(expression: str) -> list[timedelta]:
    """Every window of a range of raw samples."""
    found: list[timedelta] = []

    def at(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.range)

    _look(expression, at)
    return found


def matcher(found: promql_parser.Matcher) -> Matcher:
    """A matcher as a value."""
    operator = next(text for member, text in _OPERATORS if member == found.op)
    return found.name, operator, found.value


def matchers(expression: str) -> list[tuple[str, set[Matcher]]]:
    """Metric and matchers of every selector; where the name itself is matched, there is no metric."""
    return [(s.name or "", {matcher(each) for each in s.matchers.matchers}) for s in selectors(expression)]


def read_names(expression: str) -> set[str]:
    """Names of the series that are read, or the expressions that name them."""
    return {name or next(value for label, _, value in own if label == "__name__") for name, own in matchers(expression)}


def plain(expression: str) -> str:
    """An expression without its spaces and its empty braces, as the parser prints it."""
    return "".join(promql_parser.parse(expression).prettify().split()).replace("{}", "").replace("by()", "")


Labels = frozenset[str] | None
"""Labels that a result may have; None where any may be, and NUMBER where it is none at all."""
NUMBER: frozenset[str] = frozenset({"\0"})
_OF_NUMBERS = ("time", "scalar", "pi")


def result_labels(expression: str, of_series: Callable[[str], Labels] = lambda _name: None) -> Labels:
    """Labels of the series that an expression gives. `of_series` knows those of the series that it reads."""
    return _labels(promql_parser.parse(expression), of_series)


def _labels(node: promql_parser.Expr, of_series: Callable[[str], Labels]) -> Labels:
    if isinstance(node, promql_parser.NumberLiteral):
        return NUMBER
    if isinstance(node, promql_parser.VectorSelector | promql_parser.MatrixSelector):
        named = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        return of_series(named.name or "")
    if isinstance(node, promql_parser.ParenExpr | promql_parser.UnaryExpr | promql_parser.SubqueryExpr):
        return _labels(node.expr, of_series)
    if isinstance(node, promql_parser.AggregateExpr):
        return _of_aggregation(node, _labels(node.expr, of_series))
    if isinstance(node, promql_parser.Call):
        return _of_call(node, of_series)
    assert isinstance(node, promql_parser.BinaryExpr), node
    return _of_both(node, _labels(node.lhs, of_series), _labels(node.rhs, of_series))


def _of_aggregation(node: promql_parser.AggregateExpr, inner: Labels) -> Labels:
    assert node.modifier is not None
    by = frozenset(node.modifier.labels)
    counted = {node.param.val} if isinstance(node.param, promql_parser.StringLiteral) else set()
    return (by if inner is None else by & inner) | counted


def _of_call(node: promql_parser.Call, of_series: Callable[[str], Labels]) -> Labels:
    if node.func.name in _OF_NUMBERS:
        return NUMBER
    if node.func.name == "absent":
        (selector,) = node.args
        assert isinstance(selector, promql_parser.VectorSelector)
        return frozenset(m.name for m in selector.matchers.matchers if m.op == promql_parser.MatchOp.Equal)
    inner = next((_labels(arg, of_series) for arg in node.args if _is_vector(arg)), NUMBER)
    if inner is None or inner == NUMBER:
        return inner
    if node.func.name == "label_replace":
        made = node.args[1]
        assert isinstance(made, promql_parser.StringLiteral)
        return inner | {made.val}
    return inner - {"le"} if node.func.name == "histogram_quantile" else inner


def _is_vector(node: promql_parser.Expr) -> bool:
    return not isinstance(node, promql_parser.NumberLiteral | promql_parser.StringLiteral)


def _of_both(node: promql_parser.BinaryExpr, left: Labels, right: Labels) -> Labels:
    operator = str(node.op)
    if operator == "or":
        return None if left is None or right is None else left | right
    if operator in ("and", "unless"):
        return left
    if NUMBER in (left, right):
        return right if left == NUMBER else left
    return _matched(node.modifier, left, right)


def _matched(modifier: promql_parser.BinModifier | None, left: Labels, right: Labels) -> Labels:
    if modifier is None or modifier.matching is None:
        return right if left is None else left
    many = {"ManyToOne": left, "OneToMany": right}
    for cardinality, labels in many.items():
        if cardinality in str(modifier.card):
            return None if labels is None else labels | frozenset(modifier.group_labels or ())
    on = frozenset(modifier.matching.labels)
    if modifier.matching.type == promql_parser.LabelModifierType.Include:
        return on
    return None if left is None else left - on
