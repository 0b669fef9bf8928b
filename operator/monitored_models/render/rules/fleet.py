"""Rules for all models at once, from the same definitions as a model's own rules. Nothing deploys them yet.

The number of rules depends on the number of runtimes, not of models. The rules join each model's configuration from
series that `series` returns. A model's own rules still cover servers whose metrics a spec names, ratios of a spec's own
counters, and overrides of `for`, of labels and of the quality window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import starmap

from ...api import Model
from ...api.fields import seconds
from ...api.monitoring import Indicator, Signals, Slo, Threshold
from ...naming import labels
from ...naming.series import ENABLED_ALERT, SLO, SLO_BUCKET, SLO_BUDGET, THRESHOLD
from ...runtimes import CUSTOM, RuntimeProfile
from ...settings import Settings
from . import quality, signals, slos
from .alerts.alert import Alert, ObjectiveAlert
from .alerts.groups import ALERTS, is_enabled, override_of
from .alerts.objective_alerts import OBJECTIVES
from .catalogue import Context, offers
from .promql import selector
from .recording_rules import catalogue_rules
from .rule_types import AlertingRule, RecordingRule, Rule, RuleGroup, alert_annotations
from .scope import FleetScope
from .signals import SignalSource
from .thresholds import thresholds

_BY_SLO = f"{labels.BY_MODEL}, {slos.SLO}"
_SIGNALS = {"latency": "latency", "ttft": "time_to_first_token"}


def groups(profiles: Mapping[str, RuntimeProfile], settings: Settings) -> list[RuleGroup]:
    """Return all rule groups, with at most twenty rules each."""
    groups: dict[str, Sequence[Rule]] = {}
    for profile in profiles.values():
        context = Context(SignalSource(profile, Signals()), FleetScope(profile.id), quality.DEFAULT_WINDOW)
        by_name: dict[str, Sequence[Rule]] = {
            **catalogue_rules(offers(context)),
            "events": _events(context),
            "alerts": _alerts((a for a in ALERTS if a.by_runtime), context, settings),
        }
        for name, rules in by_name.items():
            groups[f"{profile.id}.{name}"] = [_of(profile, rule) for rule in rules]
    every = Context(SignalSource(profiles[CUSTOM], Signals()), FleetScope(), quality.DEFAULT_WINDOW)
    common = _alerts((a for a in ALERTS if not a.by_runtime), every, settings)
    groups["alerts-1"], groups["alerts-2"] = common[:15], common[15:]
    groups["alerts-objectives"] = [_objective_alert(alert, every, settings) for alert in OBJECTIVES]
    groups["budgets"] = _budgets(every)
    return [RuleGroup(f"monitored-models.{name}", tuple(rules)) for name, rules in groups.items() if rules]


def _of(profile: RuntimeProfile, rule: Rule) -> Rule:
    """Add the runtime label, which distinguishes the rule from those of other runtimes with the same name."""
    return replace(rule, labels={**rule.labels, labels.SERIES_RUNTIME: profile.id})


def _events(context: Context) -> list[RecordingRule]:
    """Return the rules that count the events of all objectives of one runtime's models."""
    scope, server = context.scope, context.server
    pairs = [("availability", signals.requests(server, scope), signals.errors(server, scope))]
    for indicator, signal in _SIGNALS.items():
        total, bounds = signals.observation_rate(server, signal, scope), signals.bucket_rates(server, signal, scope)
        if total is None or bounds is None:
            continue
        # `series` exports the threshold of an objective as a bucket bound in the server's own unit.
        good = f"sum by ({_BY_SLO}) (({bounds}) * on ({labels.BY_MODEL}, le) group_right () {_per_objective(SLO_BUCKET, indicator, 'le')})"
        pairs.append((indicator, total, good))
    counted: dict[str, list[str]] = {slos.EVENTS: [], slos.BAD: []}
    for indicator, total, part in pairs:
        if total is None or part is None:
            continue
        every = f"({total}) * on ({labels.BY_MODEL}) group_right () {_per_objective(SLO, indicator)}"
        some = f"({part}) * on ({labels.BY_MODEL}) group_right () {_per_objective(SLO, indicator)}"
        counted[slos.EVENTS].append(f"({every})")
        counted[slos.BAD].append(f"({some if indicator == 'availability' else f'{every} - on ({_BY_SLO}) {part}'})")
    # One rule per series: several rules with equal name and labels would look like a mistake.
    return [RecordingRule(series, " or ".join(several)) for series, several in counted.items() if several]


def _per_objective(series: str, indicator: str, *more: str) -> str:
    by = ", ".join((_BY_SLO, *more))
    return f"max by ({by}) ({selector(series, (('indicator', '=', indicator),))})"


def _budget(*matchers: tuple[str, str, str]) -> str:
    return f"on ({_BY_SLO}) group_left () max by ({_BY_SLO}) ({selector(SLO_BUDGET, matchers)})"


def _budgets(context: Context) -> list[RecordingRule]:
    halves = starmap(RecordingRule, slos.budget_recordings(context.scope))
    left = [slos.budget_left(p, context.scope, _budget(("window", "=", p))) for p in ("28d", "30d")]
    return [*halves, RecordingRule(slos.BUDGET_LEFT, " or ".join(left))]


def _alerts(alerts: Iterable[Alert], context: Context, settings: Settings) -> list[AlertingRule]:
    assert isinstance(context.scope, FleetScope)
    found = ((alert, alert.expression(context)) for alert in alerts)
    return [
        _rule(alert, alert.signal, context.scope.of_runtime(expression), settings)
        for alert, expression in found
        if expression is not None
    ]


def _objective_alert(alert: ObjectiveAlert, context: Context, settings: Settings) -> AlertingRule:
    return _rule(alert, "objective", alert.expression(context, _budget(), ()), settings)


def _rule(alert: Alert | ObjectiveAlert, signal: str, expression: str, settings: Settings) -> AlertingRule:
    text = alert.description.replace("{limit}", "that of its spec").replace("{wanted}", "more replicas")
    text = text.replace("{budget}", "less").replace("{window}", "its window")
    return AlertingRule(
        alert.name,
        FleetScope().with_severity(expression, alert.name),
        alert.for_,
        labels={"signal": signal},
        annotations=alert_annotations(
            alert.name, summary=alert.summary, description=text, runbooks=settings.runbook_url
        ),
    )


# --- the configuration of each model, as series ---


Series = tuple[str, dict[str, str], float]
"""Name, labels in addition to the identity, value."""


def series(model: Model) -> list[Series]:
    """Return the series that configure the rules of the fleet for this model."""
    found: list[Series] = [(THRESHOLD, {"limit": name}, value) for name, value in thresholds(model).items()]
    # Alerts on the runtime's own metric names do not apply if the spec names other metrics.
    usual = [alert for alert in ALERTS if not (alert.by_runtime and model.monitoring.signals)]
    on = [(alert.name, alert.severity) for alert in usual if is_enabled(alert, model)]
    if model.minimum_replicas and model.monitoring.slos:
        on += [(a.name, a.severity) for a in OBJECTIVES if override_of(model, a.name).enabled is not False]
    found += [
        (ENABLED_ALERT, {"alert": name, "severity": override_of(model, name).severity or default}, 1)
        for name, default in on
    ]
    for slo in model.monitoring.slos:
        found += _of_objective(slo, model)
    return found


def _of_objective(slo: Slo, model: Model) -> list[Series]:
    indicator = next((name for name in ("availability", *_SIGNALS) if getattr(slo.indicator, name)), None)
    if indicator is None:  # the model's own rules count ratios of the spec's counters
        return []
    about = {"slo": slo.name, "indicator": indicator}
    found: list[Series] = [(SLO, about, 1), (SLO_BUDGET, {"slo": slo.name, "window": slo.window}, slos.budget(slo))]
    threshold = _threshold(slo.indicator, indicator)
    source = model.runtime.signals.latency if indicator == "latency" else model.runtime.signals.time_to_first_token
    if threshold and source:
        bound = seconds(threshold.threshold) / source.scale
        found += [(SLO_BUCKET, {**about, "le": text}, 1) for text in signals.le_values(bound)]
    return found


def _threshold(indicator: Indicator, name: str) -> Threshold | None:
    found = getattr(indicator, name)
    return found if isinstance(found, Threshold) else None
