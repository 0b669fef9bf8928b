"""Service level objectives: events counted over five minutes, and ratios, budgets and burn rates from their sums.

Ratios of sums are correct under uneven traffic, unlike a mean of ratios. A long window reads some hundred samples
instead of a rate over raw series. The multi-window, multi-burn-rate alerts and their factors are those of the
SRE Workbook, chapter 5 ("Alerting on SLOs"), table 5-8.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...api.fields import seconds
from ...api.monitoring import Slo
from . import signals
from .promql import Matcher
from .scope import Scope, SeriesSelector
from .signals import SignalSource

EVENTS = "monitored_model:slo_events"
"""Events per second, over five minutes."""
BAD = "monitored_model:slo_bad_events"
"""Bad events per second, over five minutes."""
EVENTS_HALF_HOUR = "monitored_model:slo_events:avg30m"
BAD_HALF_HOUR = "monitored_model:slo_bad_events:avg30m"
BUDGET_LEFT = "monitored_model:slo_budget_left"
"""Remaining share of the error budget: 1 is the full budget, below 0 it is overspent."""
STEP = "5m"
MIN_BAD_EVENTS = 3
"""Minimum number of bad events in a window for a burn rate alert: of ten requests per night, one may fail."""
SLO = "slo"


@dataclass(frozen=True)
class BurnRateWindow:
    """A burn rate threshold, exceeded over a long window and still over a short one."""

    long: str
    short: str
    factor: float
    """Multiple of the rate at which the budget lasts exactly 30 days."""


PAGE = (BurnRateWindow("1h", "5m", 14.4), BurnRateWindow("6h", "30m", 6))
TICKET = (BurnRateWindow("1d", "2h", 3), BurnRateWindow("3d", "6h", 1))


def budget(slo: Slo) -> float:
    """Return the error budget: the share of events that may be bad."""
    return round(1 - slo.objective / 100, 12)


def events(server: SignalSource, slo: Slo, scope: Scope) -> tuple[str, str] | None:
    """PromQL of all events and of bad events, per second; None if the server cannot count them."""
    about = slo.indicator
    if about.ratio:
        total, part = (
            signals.counter_rate(c, scope) for c in (about.ratio.total, about.ratio.good or about.ratio.bad) if c
        )
        # Some counters do not exist before their first event.
        counted = f"{part} or 0 * ({total})"
        return total, (f"{total} - ({counted})" if about.ratio.good else counted)
    if about.availability:
        return _pair(signals.requests(server, scope), signals.errors(server, scope))
    signal, limit = _threshold(slo)
    total_, good = signals.observation_rate(server, signal, scope), signals.count_below(server, signal, scope, limit)
    return _pair(total_, None if total_ is None or good is None else f"{total_} - {good}")


def _pair(total: str | None, bad: str | None) -> tuple[str, str] | None:
    return None if total is None or bad is None else (total, bad)


def _threshold(slo: Slo) -> tuple[str, float]:
    """Return the signal of a duration threshold, and the threshold in seconds."""
    if slo.indicator.ttft:
        return "time_to_first_token", seconds(slo.indicator.ttft.threshold)
    assert slo.indicator.latency is not None  # API validation: exactly one is set
    return "latency", seconds(slo.indicator.latency.threshold)


def signal_of(slo: Slo) -> str:
    """Return an objective's signal, as named in the runtime profile; empty for a ratio of the spec's own counters."""
    if slo.indicator.ratio:
        return ""
    return "errors" if slo.indicator.availability else _threshold(slo)[0]


def unknown_bucket_boundary(server: SignalSource, slo: Slo) -> str | None:
    """Return why a threshold cannot be counted: the bucket bounds are known and it is not one of them. Else None."""
    if slo.indicator.ratio or slo.indicator.availability:
        return None
    signal, limit = _threshold(slo)
    source = server.durations[signal]
    known = [histogram for histogram in source.histograms if histogram.buckets] if source else []
    if source is None or not known or len(known) < len(source.histograms):
        return None
    wanted = signals.le_values(limit / source.scale)
    bounds = sorted({bound for histogram in known for bound in histogram.buckets})
    if any(set(wanted) & set(signals.le_values(bound)) for bound in bounds):
        return None
    in_seconds = [bound * source.scale for bound in bounds]
    below = [f"{bound:g} s" for bound in in_seconds if bound < limit][-1:]
    above = [f"{bound:g} s" for bound in in_seconds if bound > limit][:1]
    return f"{limit:g} s is no bound of {known[0].name}; the nearest are {' and '.join(below + above)}"


def budget_recordings(scope: Scope) -> list[tuple[str, str]]:
    """Return the names and expressions of the half-hour averages of all objectives' events."""
    return [
        (target, f"avg_over_time({scope.series(source)}[30m:{STEP}])")
        for source, target in ((EVENTS, EVENTS_HALF_HOUR), (BAD, BAD_HALF_HOUR))
    ]


def budget_left(period: str, scope: Scope, limit: str, matchers: tuple[Matcher, ...] = ()) -> str:
    """PromQL of the remaining share of the budget, from half-hour averages: 1,440 samples for 30 days."""
    bad, total = (scope.series(name, matchers) for name in (BAD_HALF_HOUR, EVENTS_HALF_HOUR))
    ratio = f"sum_over_time({bad}[{period}:30m]) / (sum_over_time({total}[{period}:30m]) > 0)"
    return f"1 - ({ratio}) / {limit}"


def error_ratio(window: str, scope: SeriesSelector, matchers: tuple[Matcher, ...] = ()) -> str:
    """Share of bad events over a window, 0 to 1. Sums use steps of five minutes, so the samples do not overlap."""
    bad, total = (scope.series(name, matchers) for name in (BAD, EVENTS))
    if window == STEP:
        return f"{bad} / ({total} > 0)"
    return f"sum_over_time({bad}[{window}:{STEP}]) / (sum_over_time({total}[{window}:{STEP}]) > 0)"


def burn_rate_condition(
    burns: tuple[BurnRateWindow, ...], scope: Scope, limit: str, matchers: tuple[Matcher, ...] = ()
) -> str:
    """PromQL of an alert condition: the share of bad events, if any of the burn rates is too high."""
    bad = scope.series(BAD, matchers)
    tiers = [
        f"({error_ratio(burn.long, scope, matchers)} > {_times(burn.factor, limit)} "
        f"and {error_ratio(burn.short, scope, matchers)} > {_times(burn.factor, limit)} "
        f"and sum_over_time({bad}[{burn.long}:{STEP}]) > {MIN_BAD_EVENTS / 300:g})"
        for burn in burns
    ]
    return " or ".join(tiers)


def _times(factor: float, limit: str) -> str:
    try:
        return f"{factor * float(limit):.12g}"
    except ValueError:  # a series to join, so the factor is appended on its right
        return f"{limit} * {factor:g}" if factor != 1 else limit
