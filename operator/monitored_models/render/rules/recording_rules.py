"""Recording rules of a model: its catalogue and the events of its objectives."""

from __future__ import annotations

from typing import Any

from ...api import Model
from . import slos
from .catalogue import Context, Offer


def catalogue_groups(offered: tuple[Offer, ...]) -> dict[str, list[dict[str, Any]]]:
    """Return the recording rules by group name. No group has more than twenty."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for offer in offered:
        if offer.expression:
            groups.setdefault(offer.entry.group, []).append({"record": offer.entry.series, "expr": offer.expression})
    return groups


def objective_rules(model: Model, context: Context) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rules that count the events of each objective, and those that record its remaining budget."""
    counted, left = [], []
    for slo in model.monitoring.slos:
        found = slos.events(context.server, slo, context.scope)
        if found is None:
            continue
        counted += [
            {"record": series, "expr": expression, "labels": {slos.SLO: slo.name}}
            for series, expression in zip((slos.EVENTS, slos.BAD), found, strict=True)
        ]
        matchers = ((slos.SLO, "=", slo.name),)
        expression = slos.budget_left(slo.window, context.scope, f"{slos.budget(slo):.12g}", matchers)
        left.append({"record": slos.BUDGET_LEFT, "expr": expression, "labels": {slos.SLO: slo.name}})
    if not counted:
        return [], []
    halves = [{"record": series, "expr": expression} for series, expression in slos.budget_recordings(context.scope)]
    return counted, [*halves, *left]
