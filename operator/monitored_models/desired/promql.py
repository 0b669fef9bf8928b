"""PromQL: every expression that rules and panels use, each built by one small function.

Expressions come from runtime profiles, or from the structured signals of a spec, as bare PromQL. `scoped` puts the
matchers and the grouping of a model on the syntax tree, so that no text of a user is ever spliced into a query
unquoted, and parses what it made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import promql_parser as promql

from ..api import Model
from ..api.rules import seconds
from ..api.spec import CounterSignal, LatencySignal, Signals
from ..runtimes import Latency
from . import labels

Matcher = tuple[str, str, str]
"""Label, operator, value."""


@dataclass(frozen=True)
class Scope:
    """Which series count, by which labels results are grouped, and over which window counters are rated."""

    matchers: tuple[Matcher, ...]
    by: tuple[str, ...]
    window: str


def model_scope(model: Model) -> Scope:
    """The series of one model."""
    values = (model.namespace, model.name)
    return Scope(
        matchers=tuple((name, "=", value) for name, value in zip(labels.IDENTITY, values, strict=True)),
        by=labels.IDENTITY,
        window=rate_window(model),
    )


def rate_window(model: Model) -> str:
    """Window of rates: five minutes, or four scrapes where those take longer."""
    return f"{max(300, round(4 * seconds(model.spec.monitoring.scrape.interval)))}s"


def quote(text: str) -> str:
    """A PromQL string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def selector(metric: str, matchers: tuple[Matcher, ...]) -> str:
    """A vector selector."""
    inside = ",".join(f"{name}{operator}{quote(value)}" for name, operator, value in matchers)
    return f"{metric}{{{inside}}}"


_MARK = "\ue000"
"""Stands, with a number, for a value of the scope while an expression is worked on."""


def scoped(bare: str, scope: Scope, extra_by: tuple[str, ...] = ()) -> str:
    """A bare expression with the scope's matchers on each selector and its grouping on each aggregation.

    Raises ValueError when the expression, or what comes of it, is not PromQL.
    """
    mark = _MARK
    while mark in bare:  # text of a user's; one more makes the difference
        mark += _MARK
    names = tuple((name, operator) for name, operator, _ in scope.matchers)
    result = _scoped(bare, names, (*scope.by, *extra_by), mark)
    for index, (_, _, value) in enumerate(scope.matchers):
        result = result.replace(f'"{mark}{index}"', quote(value))
    return result


@lru_cache(maxsize=1024)
def _scoped(bare: str, names: tuple[tuple[str, str], ...], by: tuple[str, ...], mark: str) -> str:
    """The expression with marks for the values: one entry serves all models that share an expression."""
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
    # The printer breaks lines between tokens only: line breaks inside strings are escaped.
    return re.sub(r"\n\s*", " ", tree.prettify()).strip()


def _rescoped(node: promql.VectorSelector, added: tuple[Matcher, ...]) -> str:
    if node.offset is not None or node.at is not None:
        raise ValueError(f"offset and @ are not supported: {node.prettify()}")
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
    own = tuple(node.modifier.labels) if node.modifier else ()
    grouping = ", ".join(dict.fromkeys((*by, *own)))
    return f"{node.op} by ({grouping}) ({node.expr.prettify()})"


# --- the signals of a model, bare ---


def _metric(name: str, signal: CounterSignal | LatencySignal) -> str:
    return selector(name, tuple((label, "=~", value) for label, value in sorted(signal.matchers.items())))


def _summed_rate(series: str, window: str) -> str:
    return f"sum(rate({series}[{window}]))"


def _of_profile(expression: str, window: str) -> str:
    return expression.replace("$window", window)


def _given(model: Model) -> Signals:
    return model.spec.monitoring.signals or Signals()


def _bare_requests(model: Model, window: str) -> str:
    given = _given(model)
    if given.requests:
        return _summed_rate(_metric(given.requests.counter, given.requests), window)
    if given.latency:  # a histogram counts the requests that it measures
        return _summed_rate(_metric(f"{given.latency.histogram}_count", given.latency), window)
    return _of_profile(model.profile.signals.requests, window)


def _bare_errors(model: Model, window: str) -> str:
    given = _given(model).errors
    if given:
        return _summed_rate(_metric(given.counter, given), window)
    return _of_profile(model.profile.signals.errors, window)


def latency_source(model: Model) -> Latency:
    """Where the request duration comes from; the histogram as a selector of its buckets."""
    given, known = _given(model).latency, model.profile.signals.latency
    if given:
        return Latency(histogram=_metric(f"{given.histogram}_bucket", given), scale=given.scale)
    if known.histogram:
        return Latency(histogram=f"{known.histogram}_bucket", scale=known.scale)
    return known


def _scale(expression: str, factor: float) -> str:
    return expression if factor == 1 else f"{expression} * {factor!r}"


# --- the signals of a model, scoped ---


def requests(model: Model, scope: Scope) -> str:
    """Requests per second."""
    return scoped(_bare_requests(model, scope.window), scope)


def errors(model: Model, scope: Scope) -> str:
    """Failed requests per second."""
    return scoped(_bare_errors(model, scope.window), scope)


def error_ratio(model: Model, scope: Scope) -> str:
    """Share of requests that fail, 0 to 1; no value while there are no requests.

    Many servers create the error series with the first error, hence the second half of the dividend.
    """
    total = requests(model, scope)
    return f"({errors(model, scope)} or 0 * ({total})) / (({total}) > 0)"


def latency_quantile(model: Model, scope: Scope, quantile: float) -> str | None:
    """A quantile of the request duration in seconds, or None where the runtime has no histogram."""
    source = latency_source(model)
    if source.histogram is None:
        return None
    buckets = scoped(f"sum by (le) (rate({source.histogram}[{scope.window}]))", scope)
    return _scale(f"histogram_quantile({quantile}, {buckets})", source.scale)


def latency_mean(model: Model, scope: Scope) -> str | None:
    """The mean request duration in seconds, or None where the runtime has a histogram."""
    mean = latency_source(model).mean
    return None if mean is None else scoped(_of_profile(mean, scope.window), scope)


def latency_buckets(model: Model, scope: Scope) -> str | None:
    """Requests per second by bucket, for heatmaps; None where the runtime has no histogram."""
    source = latency_source(model)
    return source.histogram and scoped(f"sum by (le) (rate({source.histogram}[{scope.window}]))", scope)


def presence(model: Model, scope: Scope) -> str:
    """The selector of a series that a healthy server of this kind always exposes."""
    given = _given(model)
    if given.requests:
        bare = _metric(given.requests.counter, given.requests)
    elif given.latency:
        bare = _metric(f"{given.latency.histogram}_count", given.latency)
    else:
        bare = model.profile.signals.presence
    return scoped(bare, scope)


def targets_up(scope: Scope) -> str:
    """Number of pods that answer scrapes."""
    return scoped("sum(up)", scope)


def target_up(scope: Scope) -> str:
    """1 for each pod that answers scrapes, 0 for one that does not."""
    return scoped("up", scope)


def targets_up_by_version(scope: Scope) -> str:
    """Number of pods that answer scrapes, by the version that they serve."""
    return scoped(f"sum by ({labels.SERIES_VERSION}) (up)", scope)
