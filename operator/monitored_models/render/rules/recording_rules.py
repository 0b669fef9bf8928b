"""Recording rules of a model: its catalogue and the events of its objectives."""

from __future__ import annotations

from itertools import starmap

from ...api import Model
from . import slos
from .catalogue import Context, Offer
from .rule_types import RecordingRule


def catalogue_rules(offered: tuple[Offer, ...]) -> dict[str, list[RecordingRule]]:
    """Return the recording rules by group name. No group has more than twenty."""
    groups: dict[str, list[RecordingRule]] = {}
    for offer in offered:
        if offer.expression:
            groups.setdefault(offer.entry.group, []).append(RecordingRule(offer.entry.series, offer.expression))
    return groups


def objective_rules(model: Model, context: Context) -> tuple[list[RecordingRule], list[RecordingRule]]:
    """Return the rules that count the events of each objective, and those that record its remaining budget."""
    counted, left = [], []
    for slo in model.monitoring.slos:
        found = slos.events(context.server, slo, context.scope)
        if found is None:
            continue
        about = {slos.SLO: slo.name}
        counted += [
            RecordingRule(series, expression, about)
            for series, expression in zip((slos.EVENTS, slos.BAD), found, strict=True)
        ]
        matchers = ((slos.SLO, "=", slo.name),)
        expression = slos.budget_left(slo.window, context.scope, f"{slos.budget(slo):.12g}", matchers)
        left.append(RecordingRule(slos.BUDGET_LEFT, expression, about))
    if not counted:
        return [], []
    return counted, [*starmap(RecordingRule, slos.budget_recordings(context.scope)), *left]
