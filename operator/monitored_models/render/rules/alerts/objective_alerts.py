"""Alerts on error budgets, per objective: a fast burn (page) and a slow burn (ticket)."""

from __future__ import annotations

from ....api.monitoring import Slo
from .. import slos
from ..catalogue import Context
from ..promql import Matcher
from .alert import MODEL_TEMPLATE, ObjectiveAlert


def _fast(c: Context, budget: str, matchers: tuple[Matcher, ...]) -> str:
    return slos.burn_rate_condition(slos.PAGE, c.scope, budget, matchers)


def _slow(c: Context, budget: str, matchers: tuple[Matcher, ...]) -> str:
    return slos.burn_rate_condition(slos.TICKET, c.scope, budget, matchers)


OBJECTIVES = (
    ObjectiveAlert(
        name="ModelErrorBudgetFastBurn",
        for_="2m",
        severity="critical",
        summary="A model spends its error budget within days.",
        description=f"Objective {{{{ $labels.slo }}}} of {MODEL_TEMPLATE}: {{{{ $value | humanizePercentage }}}} of events are bad, "
        "where {budget} may be over {window}. At this rate the budget is gone within two to five days.",
        rationale="2 % of the budget went within an hour, or 5 % within six: waiting until morning costs a large part of it.",
        expression=_fast,
    ),
    ObjectiveAlert(
        name="ModelErrorBudgetSlowBurn",
        for_="15m",
        severity="warning",
        summary="A model spends its error budget before its time.",
        description=f"Objective {{{{ $labels.slo }}}} of {MODEL_TEMPLATE}: {{{{ $value | humanizePercentage }}}} of events are bad, "
        "where {budget} may be over {window}. At this rate the budget does not last.",
        rationale="10 % of the budget went within a day or three: the objective will be missed, and there is time to act.",
        expression=_slow,
    ),
)


def signal_label(slo: Slo) -> str:
    """Return the label `signal` of an objective's alerts, with the same values as other alerts use."""
    about = slo.indicator
    return "availability" if about.availability else "latency" if about.latency or about.ttft else f"slo-{slo.name}"
