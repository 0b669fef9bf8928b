"""PromQL: selectors, and the only place that adds a model's identity to an expression.

Expressions come from runtime profiles, or from the structured signals of a spec, as bare PromQL. `scoped` adds matchers
and grouping in the syntax tree, so a query never contains unquoted user text, and parses the result again.
"""

from __future__ import annotations

import re
from functools import lru_cache

import promql_parser as promql

Matcher = tuple[str, str, str]
"""Label, operator, value."""


@lru_cache(maxsize=256)  # the rules of a model quote its namespace and name a hundred times
def quote(text: str) -> str:
    """Return a PromQL string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def selector(metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
    """Return a vector selector."""
    inside = ",".join(f"{name}{operator}{quote(value)}" for name, operator, value in matchers)
    return f"{metric}{{{inside}}}" if inside else metric


_MARK = "\ue000"
"""With a number, a placeholder for a matcher value during the rewrite."""


def scoped(bare: str, matchers: tuple[Matcher, ...], by: tuple[str, ...]) -> str:
    """Add the matchers to each selector and the grouping to each aggregation of a bare expression.

    Raises ValueError if the expression or the result is not valid PromQL.
    """
    mark = _MARK
    while mark in bare:  # user text contains the mark, so make it longer
        mark += _MARK
    names = tuple((name, operator) for name, operator, _ in matchers)
    result = _scoped(bare, names, by, mark)
    for index, (_, _, value) in enumerate(matchers):
        result = result.replace(f'"{mark}{index}"', quote(value))
    return result


def metrics_in(bare: str) -> frozenset[str]:
    """Return the names of the metrics that an expression reads. A regex on `__name__` is returned as is."""
    found: set[str] = set()

    def visit(node: promql.Expr) -> promql.Expr | None:
        named = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(named, promql.VectorSelector):
            by_label = next((m.value for m in named.matchers.matchers if m.name == "__name__"), None)
            found.add(named.name or by_label or "")
        return None

    promql.transform(promql.parse(bare), None, visit)
    return frozenset(found - {""})


@lru_cache(maxsize=2048)
def _scoped(bare: str, names: tuple[tuple[str, str], ...], by: tuple[str, ...], mark: str) -> str:
    """Scope with placeholders for the values, so that one cache entry serves all models with this expression."""
    matchers = tuple((name, operator, f"{mark}{index}") for index, (name, operator) in enumerate(names))

    def rewrite(node: promql.Expr) -> promql.Expr | None:
        if isinstance(node, promql.VectorSelector):
            return promql.parse(_rescoped(node, matchers))
        if isinstance(node, promql.MatrixSelector):
            inner = _rescoped(node.vector_selector, matchers)
            return promql.parse(f"{inner}[{promql.display_duration(node.range)}]")
        if isinstance(node, promql.SubqueryExpr) and (node.offset is not None or node.at is not None):
            raise ValueError(f"offset and @ are not supported: {node.prettify()}")
        if isinstance(node, promql.AggregateExpr):
            return promql.parse(_regrouped(node, by))
        return None

    return _line(promql.parse(promql.transform(promql.parse(bare), None, rewrite).prettify()))


def _line(tree: promql.Expr) -> str:
    # The printer breaks lines only between tokens, because line breaks inside strings are escaped.
    return re.sub(r"\n\s*", " ", tree.prettify()).strip()


def _rescoped(node: promql.VectorSelector, added: tuple[Matcher, ...]) -> str:
    if node.offset is not None or node.at is not None:
        raise ValueError(f"offset and @ are not supported: {node.prettify()}")
    if node.matchers.or_matchers:
        raise ValueError(f"`or` between matchers is not supported: {node.prettify()}")
    own = tuple((m.name, _operator(m.op), m.value) for m in node.matchers.matchers)
    return selector(node.name or "", (*added, *(m for m in own if m not in added)))


def _operator(op: promql.MatchOp) -> str:
    spelled = (
        (promql.MatchOp.Equal, "="),
        (promql.MatchOp.NotEqual, "!="),
        (promql.MatchOp.Re, "=~"),
        (promql.MatchOp.NotRe, "!~"),
    )
    return next(text for member, text in spelled if member == op)  # the enumeration is not hashable


def _regrouped(node: promql.AggregateExpr, by: tuple[str, ...]) -> str:
    if node.modifier and node.modifier.type == promql.AggModifierType.Without:
        raise ValueError(f"without is not supported, name what to keep: {node.prettify()}")
    own = tuple(node.modifier.labels) if node.modifier else ()
    grouping = ", ".join(dict.fromkeys((*by, *own)))
    parameter = f"{node.param.prettify()}, " if node.param else ""
    return f"{node.op} by ({grouping}) ({parameter}{node.expr.prettify()})"
