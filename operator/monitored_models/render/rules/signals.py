"""The signals of a model server: which of its metrics say what, in base units, as small functions that rules and panels share.

A runtime profile says it for a kind of server; where the runtime is custom, a spec may name its server's own metrics.
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
    """A kind of model server, with names that a spec gives instead of the profile's."""

    profile: RuntimeProfile
    given: Signals

    @cached_property
    def expressions(self) -> dict[str, tuple[str, ...]]:
        """Signal to its alternatives, bare. Counters are rated over $window."""
        known, given = self.profile.signals, self.given
        requests = _rates(given.requests)
        if given.latency and not requests:  # a histogram counts the requests that it measures
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
        """Signal to where its durations come from."""
        known, given = self.profile.signals, self.given
        return {
            "latency": _histogram(given.latency) or known.latency,
            "time_to_first_token": _histogram(given.time_to_first_token) or known.time_to_first_token,
            "inter_token": _histogram(given.inter_token) or known.inter_token,
        }

    @cached_property
    def presence(self) -> str:
        """The selector of a series that a healthy server of this kind always exposes, bare."""
        given = self.given
        if given.requests:
            return _metric(given.requests.counter, given.requests)
        if given.latency:
            return _metric(f"{given.latency.histogram}_count", given.latency)
        return self.profile.signals.presence

    def metrics(self) -> frozenset[str]:
        """Names of all metrics that the signals read; of histograms without _bucket, _sum and _count."""
        bare = [expression for several in self.expressions.values() for expression in several] + [self.presence]
        found = [d for d in self.durations.values() if d]
        bare += [expression for durations in found for expression in durations.mean]
        version = self.profile.signals.reported_version
        bare += [series for series in (version.series, version.gauge) if series] if version else []
        named = {name for expression in bare for name in metrics_in(expression.replace("$window", "5m"))}
        return frozenset(named | {histogram.name for durations in found for histogram in durations.histograms})


def server(model: Model) -> SignalSource:
    """The server of a model."""
    return SignalSource(model.profile, model.monitoring.signals or Signals())


def _metric(name: str, signal: CounterSignal | GaugeSignal | LatencySignal) -> str:
    found = selector(name, tuple((label, "=~", value) for label, value in sorted(signal.matchers.items())))
    return found.replace("$", "\\x24")  # in another spelling: a text of a user's that says $window means itself


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
    """Events per second of a counter that a spec names."""
    return scope.own(f"sum(rate({_metric(signal.counter, signal)}[$window]))")


# --- alternatives: of each pod the first counts ---


def _coalesce(alternatives: Sequence[str], aggregation: str) -> str:
    if len(alternatives) == 1:
        return f"{aggregation}({alternatives[0]})"
    inner = " or ".join(f"{aggregation} by (instance) ({expression})" for expression in alternatives)
    return f"{aggregation}({inner})"


def _aggregated(server: SignalSource, signal: str, scope: Scope, aggregation: str) -> str | None:
    alternatives = server.expressions[signal]
    return scope.own(_coalesce(alternatives, aggregation)) if alternatives else None


def _buckets(histograms: Sequence[Histogram], bound: str = "") -> str:
    """Bucket rates by bound of all pods, of each pod those of the first histogram that it exposes."""
    if len(histograms) == 1:
        return f"rate({_part(histograms[0], 'bucket', bound)}[$window])"
    combined = ""
    for histogram in histograms:
        rates = f"sum by (instance, le) (rate({_part(histogram, 'bucket', bound)}[$window]))"
        # As sets of pods: two histograms may have different bounds, which must not mix.
        combined = f"{combined} or ({rates} unless ignoring (le) ({combined}))" if combined else rates
    return combined


def _part(histogram: Histogram, part: str, bound: str = "") -> str:
    inside = ",".join(text for text in (histogram.where, bound) if text)
    return f"{histogram.name}_{part}{{{inside}}}"


def _summed(histograms: Sequence[Histogram], part: str) -> str:
    return _coalesce([f"rate({_part(histogram, part)}[$window])" for histogram in histograms], "sum")


def scaled(expression: str, factor: float) -> str:
    """An expression times a factor."""
    return expression if factor == 1 else f"{expression} * {factor!r}"


# --- what rules and panels ask ---


def requests(server: SignalSource, scope: Scope) -> str | None:
    """Requests per second."""
    return _aggregated(server, "requests", scope, "sum")


def errors(server: SignalSource, scope: Scope) -> str | None:
    """Failed requests per second; 0 while there are requests.

    Many servers create the error series with the first error, hence the second half.
    """
    failed, total = _aggregated(server, "errors", scope, "sum"), requests(server, scope)
    if failed is None:
        return None
    return failed if total is None else f"{failed} or 0 * ({total})"


def error_ratio(server: SignalSource, scope: Scope) -> str | None:
    """Share of requests that fail, 0 to 1; no value while there are no requests."""
    failed, total = errors(server, scope), requests(server, scope)
    return None if failed is None or total is None else f"({failed}) / (({total}) > 0)"


def tokens(server: SignalSource, scope: Scope) -> str | None:
    """Generated tokens per second."""
    return _aggregated(server, "tokens", scope, "sum")


def prompt_tokens(server: SignalSource, scope: Scope) -> str | None:
    """Tokens of prompts per second."""
    return _aggregated(server, "prompt_tokens", scope, "sum")


def queue(server: SignalSource, scope: Scope) -> str | None:
    """Requests that wait."""
    return _aggregated(server, "queue", scope, "sum")


def kv_cache(server: SignalSource, scope: Scope) -> str | None:
    """Share of the key-value cache in use, 0 to 1, of the pod where it is highest."""
    return _aggregated(server, "kv_cache", scope, "max")


def gpu(server: SignalSource, scope: Scope) -> str | None:
    """Use of the GPUs as the server itself says, 0 to 1."""
    return _aggregated(server, "gpu", scope, "avg")


def self_reported(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """CPU, memory or disk as the server itself says."""
    return _aggregated(server, signal, scope, "sum")


def quantile(server: SignalSource, signal: str, scope: Scope, share: float) -> str | None:
    """A quantile of a duration, in seconds; None where the server has no histogram of it."""
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
    if source.mean:  # of several pods the mean of means: what a server without sums can give
        return scaled(scope.own(_coalesce(source.mean, "avg")), source.scale)
    whole = f"{_summed(source.histograms, 'sum')} / ({_summed(source.histograms, 'count')} > 0)"
    return scaled(scope.own(whole), source.scale)


def buckets(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Requests per second by bucket, for heatmaps; None where there is no histogram in seconds."""
    source = server.durations[signal]
    if source is None or not source.histograms or source.scale != 1:
        return None  # the bounds of a histogram in other units cannot be rescaled
    return scope.own(f"sum by (le) ({_buckets(source.histograms)})")


def observation_rate(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Measurements per second of a duration; None where there is no histogram."""
    source = server.durations[signal]
    return scope.own(_summed(source.histograms, "count")) if source and source.histograms else None


def count_below(server: SignalSource, signal: str, scope: Scope, seconds: float) -> str | None:
    """Measurements per second that were at most this long; no value where that is no bound of the histogram."""
    source = server.durations[signal]
    if source is None or not source.histograms:
        return None
    return scope.own(f"sum({_buckets(source.histograms, bound_matcher(seconds / source.scale))})")


def bucket_rates(server: SignalSource, signal: str, scope: Scope) -> str | None:
    """Measurements per second by bucket, in the server's own unit."""
    source = server.durations[signal]
    return scope.own(f"sum by (le) ({_buckets(source.histograms)})") if source and source.histograms else None


def le_values(bound: float) -> tuple[str, ...]:
    """How servers and versions of Prometheus write a bound: 1, 1.0, 1e+06, 1.274823e+06."""
    rounded = float(f"{bound:.12g}")  # 0.3 / 0.001 is 300 and a little
    whole = (f"{rounded:.0f}",) if rounded == int(rounded) else ()
    digits = len(Decimal(repr(rounded)).normalize().as_tuple().digits)
    exponent = (f"{rounded:.{digits - 1}e}",) if rounded >= 1e6 or rounded < 1e-3 else ()
    return tuple(dict.fromkeys((f"{rounded:.12g}", repr(rounded), *whole, *exponent)))


def bound_matcher(bound: float) -> str:
    """A matcher of the label le for one bound, however it is spelled."""
    escaped = "|".join(text.replace(".", "\\\\.").replace("+", "\\\\+") for text in le_values(bound))
    return f'le=~"{escaped}"'


def up_series(server: SignalSource, scope: Scope) -> str:
    """The selector of a series that a healthy server of this kind always exposes."""
    return scope.own(server.presence)


def reported_versions(server: SignalSource, scope: Scope) -> str | None:
    """Series by the version that the server itself says it serves, in the label version."""
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
    """1 for each pod that answers scrapes, 0 for one that does not."""
    return scope.own("up")


def targets_up_by_version(scope: Scope) -> str:
    """Number of pods that answer scrapes, by the version that their label names."""
    return scope.own(f"sum by ({labels.SERIES_VERSION}) (up)")
