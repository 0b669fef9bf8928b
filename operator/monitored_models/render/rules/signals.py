"""The signals of a model server as PromQL, in base units: small functions that rules and panels both use.

A runtime profile maps signals to the metrics of one type of server. For a custom runtime, a spec may name the metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from ...api import Model
from ...api.monitoring import CounterSignal, GaugeSignal, LatencySignal, Signals
from ...naming import labels
from ...runtimes import Durations, Histogram, RuntimeProfile
from .promql import metrics_in, quote, selector
from .scope import Scope

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class SignalSource:
    """The metrics of a model server: those of its runtime profile, overridden by the signals of a spec."""

    profile: RuntimeProfile
    user_signals: Signals

    @cached_property
    def expressions(self) -> dict[str, tuple[str, ...]]:
        """Maps each signal to its alternative bare expressions. Counters are rated over $window."""
        known, given = self.profile.signals, self.user_signals
        requests = _rates(given.requests)
        if given.latency and not requests:  # the histogram's count is the number of requests
            requests = (f"rate({_metric(f'{given.latency.histogram}_count', given.latency)}[$window])",)
        return {
            "requests": requests or known.requests,
            "errors": _rates(given.errors) or known.errors,
            "tokens": _rates(given.tokens) or known.tokens,
            "prompt_tokens": known.prompt_tokens,
            "queue": _gauges(given.queue) or known.queue,
            "kv_cache": _gauges(given.kv_cache) or known.kv_cache,
            **{name: getattr(known, name) for name in ("cpu", "memory", "disk", "gpu")},
        }

    @cached_property
    def durations(self) -> dict[str, Durations | None]:
        """Maps each duration signal to its source, or None."""
        known, given = self.profile.signals, self.user_signals
        return {
            "latency": _histogram(given.latency) or known.latency,
            "time_to_first_token": _histogram(given.time_to_first_token) or known.time_to_first_token,
            "inter_token": _histogram(given.inter_token) or known.inter_token,
        }

    @cached_property
    def presence(self) -> str:
        """Bare selector of a series that a healthy server of this runtime always exposes."""
        given = self.user_signals
        if given.requests:
            return _metric(given.requests.counter, given.requests)
        if given.latency:
            return _metric(f"{given.latency.histogram}_count", given.latency)
        return self.profile.signals.presence

    def metrics(self) -> frozenset[str]:
        """Return the names of all metrics that the signals read; histograms without _bucket, _sum and _count."""
        bare = [expression for several in self.expressions.values() for expression in several] + [self.presence]
        found = [d for d in self.durations.values() if d]
        bare += [expression for durations in found for expression in durations.mean]
        version = self.profile.signals.reported_version
        bare += [series for series in (version.series, version.gauge) if series] if version else []
        named = {name for expression in bare for name in metrics_in(expression.replace("$window", "5m"))}
        return frozenset(named | {histogram.name for durations in found for histogram in durations.histograms})


def server(model: Model) -> SignalSource:
    """Return the signal source of a model."""
    return SignalSource(model.runtime, model.monitoring.signals or Signals())


def _metric(name: str, signal: CounterSignal | GaugeSignal | LatencySignal) -> str:
    found = selector(name, tuple((label, "=~", value) for label, value in sorted(signal.matchers.items())))
    return found.replace("$", "\\x24")  # escaped, because $window in user text is literal


def _rates(signal: CounterSignal | None) -> tuple[str, ...]:
    return (f"rate({_metric(signal.counter, signal)}[$window])",) if signal else ()


def _gauges(signal: GaugeSignal | None) -> tuple[str, ...]:
    return (_metric(signal.gauge, signal),) if signal else ()


def _histogram(signal: LatencySignal | None) -> Durations | None:
    if signal is None:
        return None
    where = _metric("", signal).strip("{}")
    return Durations(histograms=(Histogram(name=signal.histogram, where=where),), scale=signal.scale)


def counter_rate(signal: CounterSignal, scope: Scope) -> str:
    """Events per second of a counter in a spec."""
    return scope.own(f"sum(rate({_metric(signal.counter, signal)}[$window]))")


# --- alternatives: for each pod, the first available one counts ---


def _coalesce(alternatives: Sequence[str], aggregation: str) -> str:
    if len(alternatives) == 1:
        return f"{aggregation}({alternatives[0]})"
    inner = " or ".join(f"{aggregation} by (instance) ({expression})" for expression in alternatives)
    return f"{aggregation}({inner})"


def _aggregated(server: SignalSource, signal: str, scope: Scope, aggregation: str) -> str | None:
    alternatives = server.expressions[signal]
    return scope.own(_coalesce(alternatives, aggregation)) if alternatives else None


def _buckets(histograms: Sequence[Histogram], bound: str = "") -> str:
    """Bucket rates by bound over all pods, for each pod from the first histogram that it exposes."""
    if len(histograms) == 1:
        return f"rate({_part(histograms[0], 'bucket', bound)}[$window])"
    combined = ""
    for histogram in histograms:
        rates = f"sum by (instance, le) (rate({_part(histogram, 'bucket', bound)}[$window]))"
        # Exclude entire pods: two histograms may have different bounds, which must not mix.
        combined = f"{combined} or ({rates} unless ignoring (le) ({combined}))" if combined else rates
    return combined


def _part(histogram: Histogram, part: str, bound: str = "") -> str:
    inside = ",".join(text for text in (histogram.where, bound) if text)
    return f"{histogram.name}_{part}{{{inside}}}"


def _summed(histograms: Sequence[Histogram], part: str) -> str:
    return _coalesce([f"rate({_part(histogram, part)}[$window])" for histogram in histograms], "sum")


def scaled(expression: str, factor: float) -> str:
    """Multiply an expression by a factor."""
    return expression if factor == 1 else f"{expression} * {factor!r}"


# --- queries of rules and panels ---


def requests(server: SignalSource, scope: Scope) -> str | None:
    """Requests per second."""
    return _aggregated(server, "requests", scope, "sum")


def errors(server: SignalSource, scope: Scope) -> str | None:
    """Failed requests per second; 0 if there are requests but no error series.

    Many servers create the error series only with the first error.
    """
    failed, total = _aggregated(server, "errors", scope, "sum"), requests(server, scope)
    if failed is None:
        return None
    return failed if total is None else f"{failed} or 0 * ({total})"


def error_ratio(server: SignalSource, scope: Scope) -> str | None:
    """Share of failed requests, 0 to 1; no value without requests."""
    failed, total = errors(server, scope), requests(server, scope)
    return None if failed is None or total is None else f"({failed}) / (({total}) > 0)"


def tokens(server: SignalSource, scope: Scope) -> str | None:
    """Generated tokens per second."""
    return _aggregated(server, "tokens", scope, "sum")


def prompt_tokens(server: SignalSource, scope: Scope) -> str | None:
    """Prompt tokens per second."""
    return _aggregated(server, "prompt_tokens", scope, "sum")


def queue(server: SignalSource, scope: Scope) -> str | None:
    """Number of waiting requests."""
    return _aggregated(server, "queue", scope, "sum")


def kv_cache(server: SignalSource, scope: Scope) -> str | None:
    """Share of the key-value cache in use, 0 to 1, of the fullest pod."""
    return _aggregated(server, "kv_cache", scope, "max")


def gpu(server: SignalSource, scope: Scope) -> str | None:
    """GPU utilization as the server reports it, 0 to 1."""
    return _aggregated(server, "gpu", scope, "avg")


def self_reported(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """CPU, memory or disk usage as the server reports it."""
    return _aggregated(server, signal, scope, "sum")


def quantile(server: SignalSource, signal: str, scope: Scope, share: float) -> str | None:
    """A quantile of a duration, in seconds; None if the server has no histogram of it."""
    source = server.durations[signal]
    if source is None or not source.histograms:
        return None
    buckets = scope.own(f"sum by (le) ({_buckets(source.histograms)})")
    return scaled(f"histogram_quantile({share}, {buckets})", source.scale)


def mean(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """The mean of a duration, in seconds."""
    source = server.durations[signal]
    if source is None:
        return None
    if source.mean:  # over several pods, a mean of means, because this server exposes no sums
        return scaled(scope.own(_coalesce(source.mean, "avg")), source.scale)
    whole = f"{_summed(source.histograms, 'sum')} / ({_summed(source.histograms, 'count')} > 0)"
    return scaled(scope.own(whole), source.scale)


def buckets(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Requests per second by bucket, for heatmaps; None if there is no histogram in seconds."""
    source = server.durations[signal]
    if source is None or not source.histograms or source.scale != 1:
        return None  # the bounds of a histogram in other units cannot be rescaled
    return scope.own(f"sum by (le) ({_buckets(source.histograms)})")


def observation_rate(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Observations of a duration per second; None if there is no histogram."""
    source = server.durations[signal]
    return scope.own(_summed(source.histograms, "count")) if source and source.histograms else None


def count_below(server: SignalSource, signal: str, scope: Scope, seconds: float) -> str | None:
    """Observations per second of at most `seconds`; no value if that is not a bucket bound of the histogram."""
    source = server.durations[signal]
    if source is None or not source.histograms:
        return None
    return scope.own(f"sum({_buckets(source.histograms, bound_matcher(seconds / source.scale))})")


def bucket_rates(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Observations per second by bucket, with bounds in the server's own unit."""
    source = server.durations[signal]
    return scope.own(f"sum by (le) ({_buckets(source.histograms)})") if source and source.histograms else None


def le_values(bound: float) -> tuple[str, ...]:
    """Return the spellings of a bound in servers and Prometheus versions: 1, 1.0, 1e+06, 1.274823e+06."""
    rounded = float(f"{bound:.12g}")  # 0.3 / 0.001 is slightly more than 300
    whole = (f"{rounded:.0f}",) if rounded == int(rounded) else ()
    digits = len(Decimal(repr(rounded)).normalize().as_tuple().digits)
    exponent = (f"{rounded:.{digits - 1}e}",) if rounded >= 1e6 or rounded < 1e-3 else ()
    return tuple(dict.fromkeys((f"{rounded:.12g}", repr(rounded), *whole, *exponent)))


def bound_matcher(bound: float) -> str:
    """Return a matcher of the label le for one bound, in any spelling."""
    escaped = "|".join(text.replace(".", "\\\\.").replace("+", "\\\\+") for text in le_values(bound))
    return f'le=~"{escaped}"'


def up_series(server: SignalSource, scope: Scope) -> str:
    """Scoped selector of a series that a healthy server of this runtime always exposes."""
    return scope.own(server.presence)


def reported_versions(server: SignalSource, scope: Scope) -> str | None:
    """Series with the version that the server reports in the label version."""
    reported = server.profile.signals.reported_version
    if reported is None:
        return None
    found = []
    if reported.series:
        named = f'label_replace({reported.series}, "version", "$1", "{reported.label}", {quote(reported.pattern)})'
        found.append(f"count by (version, instance, {labels.SERIES_VERSION}) ({named})")
    if reported.gauge:
        found.append(f'count_values by (instance, {labels.SERIES_VERSION}) ("version", {reported.gauge})')
    return scope.own(" or ".join(found))


def targets_up(scope: Scope) -> str:
    """Number of pods that answer scrapes."""
    return scope.own("sum(up)")


def target_up(scope: Scope) -> str:
    """For each pod, 1 if it answers scrapes, else 0."""
    return scope.own("up")


def targets_up_by_version(scope: Scope) -> str:
    """Number of pods that answer scrapes, by their version label."""
    return scope.own(f"sum by ({labels.SERIES_VERSION}) (up)")
