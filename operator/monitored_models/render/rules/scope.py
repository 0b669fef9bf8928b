"""Scope of a rule: one model, with its thresholds as numbers, or all models, with their thresholds as series.

Each rule is defined once, for any scope. `ModelScope` yields the rules of a model's own PrometheusRule. `FleetScope`
yields the same rule for all models at once, by namespace and model, joined with series that contain each model's
configuration.
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
from ...naming.series import (
    CLAIM_INFO,
    ENABLED_ALERT,
    INFO,
    POD_CREATED,
    POD_INFO,
    REPLICAS_DESIRED,
    SLO_BUCKET,
    THRESHOLD,
)
from .promql import Matcher, quote, scoped, selector
from .thresholds import thresholds

FLEET_WINDOW = 300


class SeriesSelector(Protocol):
    """Selects the series of one or more models."""

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the models."""


class Scope(SeriesSelector, Protocol):
    """The interface between a rule and the models that it covers."""

    @property
    def by(self) -> tuple[str, ...]:
        """Labels by which results are grouped."""

    @property
    def window(self) -> str:
        """Window over which counters are rated."""

    def own(self, bare: str) -> str:
        """Scope an expression over series of the models' own targets. Raises ValueError if it is not PromQL."""

    def over_pods(self, bare: str) -> str:
        """Scope an expression over kubelet series with a label pod, and add the label of the model."""

    def over_claims(self, bare: str) -> str | None:
        """Scope an expression over kubelet series of volume claims; None if the model has no claims."""

    def limit(self, name: str) -> str:
        """The right-hand side of a comparison with the threshold of this name."""

    def with_threshold(self, metric: str) -> str:
        """Select those series of objectives whose objective has a duration threshold."""

    def none_of(self, series: str) -> str:
        """One series per model that should run but lacks these series."""

    def had_time(self) -> str:
        """Targets that have answered before, or are older than their startup time."""


@dataclass(frozen=True)
class ModelScope:
    """The series of one model. Its thresholds are numbers in the expressions."""

    model: Model

    @property
    def by(self) -> tuple[str, ...]:
        """Labels by which results are grouped."""
        return labels.IDENTITY

    @cached_property
    def window(self) -> str:
        """Five minutes, or four scrape intervals if they are longer."""
        return f"{max(FLEET_WINDOW, round(4 * seconds(self.model.scrape_interval)))}s"

    @cached_property
    def _matchers(self) -> tuple[Matcher, ...]:
        values = (self.model.namespace, self.model.name)
        return tuple((name, "=", value) for name, value in zip(labels.IDENTITY, values, strict=True))

    @cached_property
    def _limits(self) -> dict[str, float]:
        return thresholds(self.model)

    def own(self, bare: str) -> str:
        """Scope an expression over series of the model's own targets. Raises ValueError if it is not PromQL."""
        return scoped(bare.replace("$window", self.window), self._matchers, self.by)

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the model."""
        return selector(metric, (*self._matchers, *matchers))

    def over_pods(self, bare: str) -> str:
        """Select the pods in the kubelet's series by their names."""
        return self._named(bare, ("pod", "=~", names.pod_pattern(self.model)))

    def over_claims(self, bare: str) -> str | None:
        """Select the claims that the spec names."""
        claims = names.claims(self.model)
        return self._named(bare, ("persistentvolumeclaim", "=~", "|".join(map(re.escape, claims)))) if claims else None

    def _named(self, bare: str, matcher: Matcher) -> str:
        found = scoped(bare.replace("$window", self.window), (self._matchers[0], matcher), ())
        return f'label_replace({found}, {quote(labels.SERIES_MODEL)}, {quote(self.model.name)}, "", "")'

    def limit(self, name: str) -> str:
        """The threshold as a number."""
        return repr(self._limits[name])

    def with_threshold(self, metric: str) -> str:
        """Select these objectives by name."""
        slos = self.model.monitoring.slos
        names = [slo.name for slo in slos if slo.indicator.latency or slo.indicator.ttft]
        return self.series(metric, (("slo", "=~", "|".join(names)),))

    def none_of(self, series: str) -> str:
        """Use absent(), which takes the model's identity from the matchers."""
        return f"absent({series})"

    def had_time(self) -> str:
        """Use the target's history of `up` in Prometheus."""
        up, loading = self.series("up"), f"{self._limits['startup']:.0f}s"
        return f"(max_over_time({up}[{loading}]) > 0 or {up} offset {loading})"


@dataclass(frozen=True)
class FleetScope:
    """All models, or those of one runtime. Their thresholds are joined from series that the operator exports."""

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
        """Scope an expression over the models' own targets, restricted to the runtime."""
        return self.of_runtime(
            scoped(bare.replace("$window", self.window), ((labels.SERIES_MODEL, "!=", ""),), self.by)
        )

    def of_runtime(self, expression: str) -> str:
        """Restrict an expression to models of the runtime, if one is set."""
        if self.runtime is None:
            return expression
        info = selector(INFO, (("runtime", "=", self.runtime),))
        return f"(({expression}) and on ({labels.BY_MODEL}) {info})"  # in parentheses, because it becomes part of other expressions

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of all models."""
        return selector(metric, ((labels.SERIES_MODEL, "!=", ""), *matchers))

    def over_pods(self, bare: str) -> str:
        """Join the kubelet's series with the operator's pod info. Each pod belongs to one model."""
        found = f"({bare.replace('$window', self.window)})"
        joined = f"{found} * on (namespace, pod) group_left ({labels.SERIES_MODEL}) {_once(POD_INFO, 'pod')}"
        return self.of_runtime(joined)

    def over_claims(self, bare: str) -> str | None:
        """Join the kubelet's series with the operator's claim info. Several models may mount one claim."""
        mounted = _once(CLAIM_INFO, "persistentvolumeclaim")
        return self.of_runtime(f"{mounted} * on (namespace, persistentvolumeclaim) group_left () ({bare})")

    def limit(self, name: str) -> str:
        """The threshold as a series to join."""
        return f"on ({labels.BY_MODEL}) group_left () max by ({labels.BY_MODEL}) ({selector(THRESHOLD, (('limit', '=', name),))})"

    def with_threshold(self, metric: str) -> str:
        """Join with the series of bucket bounds."""
        return f"{self.series(metric)} and on ({labels.BY_MODEL}, slo) {SLO_BUCKET}"

    def none_of(self, series: str) -> str:
        """Models with desired replicas, without those that have the series."""
        return f"(max by ({labels.BY_MODEL}) ({REPLICAS_DESIRED}) > 0) unless on ({labels.BY_MODEL}) {series}"

    def had_time(self) -> str:
        """Use the target's history of `up` in Prometheus and the pod age that the operator exports."""
        up = self.series("up")
        age = f"time() - max by ({labels.BY_MODEL}, pod) ({POD_CREATED})"
        return (
            f"(max_over_time({up}[2h]) > 0 or {up} and on ({labels.BY_MODEL}, pod) ({age} > {self.limit('startup')}))"
        )

    def with_severity(self, expression: str, alert: str) -> str:
        """Restrict an expression to models with this alert enabled, and add each model's severity."""
        has = f"max by ({labels.BY_MODEL}, severity) ({selector(ENABLED_ALERT, (('alert', '=', alert),))})"
        return f"({expression}) * on ({labels.BY_MODEL}) group_left (severity) {has}"


def _once(info: str, label: str) -> str:
    """Deduplicate an operator series with max, because a restart may briefly expose it twice."""
    return f"max by ({labels.BY_MODEL}, {label}) ({info})"
