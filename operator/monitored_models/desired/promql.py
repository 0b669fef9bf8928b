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


@lru_cache(maxsize=4096)
def scoped(bare: str, scope: Scope, extra_by: tuple[str, ...] = ()) -> str:
    """A bare expression with the scope's matchers on each selector and its grouping on each aggregation.

    Raises ValueError when the expression, or what comes of it, is not PromQL.
    """
    tree = promql.parse(bare.replace("$window", scope.window))

    def rewrite(node: promql.Expr) -> promql.Expr | None:
        if isinstance(node, promql.VectorSelector):
            return promql.parse(_rescoped(node, scope.matchers))
        if isinstance(node, promql.MatrixSelector):
            inner = _rescoped(node.vector_selector, scope.matchers)
            return promql.parse(f"{inner}[{promql.display_duration(node.range)}]")
        if isinstance(node, promql.AggregateExpr):
            return promql.parse(_regrouped(node, (*scope.by, *extra_by)))
        return None

    return _line(promql.parse(promql.transform(tree, None, rewrite).prettify()))


def _line(tree: promql.Expr) -> str:
    # The printer breaks lines between tokens only: line breaks inside strings are escaped.
    return re.sub(r"\n\s*", " ", tree.prettify()).strip()


def _rescoped(node: promql.VectorSelector, added: tuple[Matcher, ...]) -> str:
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


def _counter(signal: CounterSignal) -> str:
    inside = tuple((name, "=~", value) for name, value in sorted(signal.matchers.items()))
    return selector(signal.counter, inside)


def _bare_requests(model: Model) -> str:
    given = model.spec.monitoring.signals or Signals()
    if given.requests:
        return f"sum(rate({_counter(given.requests)}[$window]))"
    if given.latency:  # a histogram counts the requests that it measures
        return f"sum(rate({_histogram(given.latency, '_count')}[$window]))"
    return model.profile.signals.requests


def _bare_errors(model: Model) -> str:
    given = model.spec.monitoring.signals or Signals()
    return f"sum(rate({_counter(given.errors)}[$window]))" if given.errors else model.profile.signals.errors


def _histogram(signal: LatencySignal, suffix: str) -> str:
    inside = tuple((name, "=~", value) for name, value in sorted(signal.matchers.items()))
    return selector(f"{signal.histogram}{suffix}", inside)


def latency_source(model: Model) -> Latency:
    """Where the request duration comes from; the histogram as a bucket selector."""
    given = (model.spec.monitoring.signals or Signals()).latency
    if given:
        return Latency(histogram=_histogram(given, "_bucket"), scale=given.scale)
    source = model.profile.signals.latency
    if source.histogram:
        return Latency(histogram=f"{source.histogram}_bucket", scale=source.scale)
    return source


def _scale(expression: str, factor: float) -> str:
    return expression if factor == 1 else f"{expression} * {factor!r}"


# --- the signals of a model, scoped ---


def requests(model: Model, scope: Scope) -> str:
    """Requests per second."""
    return scoped(_bare_requests(model), scope)


def errors(model: Model, scope: Scope) -> str:
    """Failed requests per second."""
    return scoped(_bare_errors(model), scope)


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
    buckets = scoped(f"sum by (le) (rate({source.histogram}[$window]))", scope)
    return _scale(f"histogram_quantile({quantile}, {buckets})", source.scale)


def latency_mean(model: Model, scope: Scope) -> str | None:
    """The mean request duration in seconds, or None where the runtime has a histogram."""
    mean = latency_source(model).mean
    return None if mean is None else scoped(mean, scope)


def latency_buckets(model: Model, scope: Scope) -> str | None:
    """Requests per second by bucket, for heatmaps; None where the runtime has no histogram."""
    source = latency_source(model)
    return source.histogram and scoped(f"sum by (le) (rate({source.histogram}[$window]))", scope)


def presence(model: Model, scope: Scope) -> str:
    """The selector of a series that a healthy server of this kind always exposes."""
    given = model.spec.monitoring.signals or Signals()
    if given.requests:
        bare = _counter(given.requests)
    elif given.latency:
        bare = _histogram(given.latency, "_count")
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
