"""Whom a rule is about: one model, with its limits as numbers, or all models, with their limits as series.

Every rule is written once and given a scope. `OneModel` makes the rules of a model's own PrometheusRule. `Fleet` makes
the same rule for all models at once, by namespace and model, joined with series that say what each of them wants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ...api import Model
from ...api.fields import seconds
from ...naming import labels
from ...naming import object_names as names
from .promql import Matcher, quote, scoped, selector
from .thresholds import thresholds

FLEET_WINDOW = 300
LIMIT = "monitored_model_limit"
"""Series of a fleet's limits: labels limit, and the model's identity."""
ALERT = "monitored_model_alert"
"""Series of the alerts that a model has: labels alert, severity, and the model's identity; always 1."""
BOUND = "monitored_model_slo_bound"
"""Series of the bound that an objective's threshold is, in every spelling: labels slo, indicator, le; always 1."""
_BY = ", ".join(labels.IDENTITY)


class SeriesSelector(Protocol):
    """Whose recorded series are read."""

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the models."""


class Scope(SeriesSelector, Protocol):
    """What a rule needs to know of whom it is about."""

    @property
    def by(self) -> tuple[str, ...]:
        """Labels by which results are grouped."""

    @property
    def window(self) -> str:
        """Window over which counters are rated."""

    def own(self, bare: str) -> str:
        """An expression over series of the models' own targets. Raises ValueError when it is not PromQL."""

    def over_pods(self, bare: str) -> str:
        """An expression over series of the kubelet's that name pods, with the model's label added."""

    def over_claims(self, bare: str) -> str | None:
        """The same for series that name volume claims; None where there are none."""

    def limit(self, name: str) -> str:
        """What follows a comparison: the limit of this name."""

    def with_threshold(self, metric: str) -> str:
        """Of a series of objectives those whose objective is a threshold on a duration."""

    def none_of(self, series: str) -> str:
        """One series for a model that should run and has none of these."""

    def had_time(self) -> str:
        """Targets that have answered before, or are older than the time in which they may load."""


@dataclass(frozen=True)
class ModelScope:
    """The series of one model; its limits stand in the expressions as numbers."""

    model: Model

    @property
    def by(self) -> tuple[str, ...]:
        """Labels by which results are grouped."""
        return labels.IDENTITY

    @cached_property
    def window(self) -> str:
        """Five minutes, or four scrapes where those take longer."""
        return f"{max(FLEET_WINDOW, round(4 * seconds(self.model.scrape_interval)))}s"

    @cached_property
    def _matchers(self) -> tuple[Matcher, ...]:
        values = (self.model.namespace, self.model.name)
        return tuple((name, "=", value) for name, value in zip(labels.IDENTITY, values, strict=True))

    @cached_property
    def _limits(self) -> dict[str, float]:
        return thresholds(self.model)

    def own(self, bare: str) -> str:
        """An expression over series of the model's own targets. Raises ValueError when it is not PromQL."""
        return scoped(bare.replace("$window", self.window), self._matchers, self.by)

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the model."""
        return selector(metric, (*self._matchers, *matchers))

    def over_pods(self, bare: str) -> str:
        """Over the kubelet's series, whose pods are known by their name."""
        return self._named(bare, ("pod", "=~", names.pod_pattern(self.model)))

    def over_claims(self, bare: str) -> str | None:
        """Over the claims that the spec names."""
        claims = names.claims(self.model)
        return self._named(bare, ("persistentvolumeclaim", "=~", "|".join(map(re.escape, claims)))) if claims else None

    def _named(self, bare: str, matcher: Matcher) -> str:
        found = scoped(bare.replace("$window", self.window), (self._matchers[0], matcher), ())
        return f'label_replace({found}, {quote(labels.SERIES_MODEL)}, {quote(self.model.name)}, "", "")'

    def limit(self, name: str) -> str:
        """The limit as a number."""
        return repr(self._limits[name])

    def with_threshold(self, metric: str) -> str:
        """By the names of those objectives."""
        slos = self.model.monitoring.slos
        names = [slo.name for slo in slos if slo.indicator.latency or slo.indicator.ttft]
        return self.series(metric, (("slo", "=~", "|".join(names)),))

    def none_of(self, series: str) -> str:
        """absent() keeps the model's identity from the matchers."""
        return f"absent({series})"

    def had_time(self) -> str:
        """By what Prometheus remembers of the target."""
        up, loading = self.series("up"), f"{self._limits['startup']:.0f}s"
        return f"(max_over_time({up}[{loading}]) > 0 or {up} offset {loading})"


@dataclass(frozen=True)
class FleetScope:
    """All models at once, or those of one runtime; their limits are joined from series that the operator exports."""

    runtime: str | None = None

    @property
    def by(self) -> tuple[str, ...]:
        """Labels by which results are grouped."""
        return labels.IDENTITY

    @property
    def window(self) -> str:
        """Five minutes."""
        return f"{FLEET_WINDOW}s"

    def own(self, bare: str) -> str:
        """An expression over the models' own targets, kept to those of the runtime."""
        return self.of_runtime(
            scoped(bare.replace("$window", self.window), ((labels.SERIES_MODEL, "!=", ""),), self.by)
        )

    def of_runtime(self, expression: str) -> str:
        """What an expression says of the runtime's models; of all where there is no runtime."""
        if self.runtime is None:
            return expression
        info = selector("monitored_model_info", (("runtime", "=", self.runtime),))
        return f"(({expression}) and on ({_BY}) {info})"  # in parentheses: it is part of others

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of all models."""
        return selector(metric, ((labels.SERIES_MODEL, "!=", ""), *matchers))

    def over_pods(self, bare: str) -> str:
        """Over the kubelet's series, joined with what the operator says of pods: each is one model's."""
        found = f"({bare.replace('$window', self.window)})"
        joined = f"{found} * on (namespace, pod) group_left ({labels.SERIES_MODEL}) {_once('monitored_model_pod_info', 'pod')}"
        return self.of_runtime(joined)

    def over_claims(self, bare: str) -> str | None:
        """Over the kubelet's series, joined with what the operator says of claims: several models may mount one."""
        mounted = _once("monitored_model_claim_info", "persistentvolumeclaim")
        return self.of_runtime(f"{mounted} * on (namespace, persistentvolumeclaim) group_left () ({bare})")

    def limit(self, name: str) -> str:
        """The limit as a series to join with."""
        return f"on ({_BY}) group_left () max by ({_BY}) ({selector(LIMIT, (('limit', '=', name),))})"

    def with_threshold(self, metric: str) -> str:
        """By the series of bounds."""
        return f"{self.series(metric)} and on ({_BY}, slo) {BOUND}"

    def none_of(self, series: str) -> str:
        """Models that should run, less those that have the series."""
        return f"(max by ({_BY}) (monitored_model_replicas_desired) > 0) unless on ({_BY}) {series}"

    def had_time(self) -> str:
        """By what Prometheus remembers of the target, and by the age of the pod, which the operator tells."""
        up = self.series("up")
        age = f"time() - max by ({_BY}, pod) (monitored_model_pod_created_timestamp_seconds)"
        return f"(max_over_time({up}[2h]) > 0 or {up} and on ({_BY}, pod) ({age} > {self.limit('startup')}))"

    def with_severity(self, expression: str, alert: str) -> str:
        """The expression for the models that have this alert, with the severity that each of them gives it."""
        has = f"max by ({_BY}, severity) ({selector(ALERT, (('alert', '=', alert),))})"
        return f"({expression}) * on ({_BY}) group_left (severity) {has}"


def _once(info: str, label: str) -> str:
    """A series of the operator's by model and label. Its restart may show it twice for a moment: max makes it one."""
    return f"max by ({_BY}, {label}) ({info})"
