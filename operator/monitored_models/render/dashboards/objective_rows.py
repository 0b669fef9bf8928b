"""Rows on the objectives of one model: remaining error budgets and burn rates."""

from __future__ import annotations

from ...api.monitoring import Slo
from ..rules import slos
from ..rules.catalogue import recorded
from . import panels
from .panel_source import PanelSource
from .panels import Panel, Row

WINDOWS = ("1h", "6h", "1d", "3d")
"""The long windows of the burn rate alerts."""
FAST = slos.PAGE[0].factor
COLORS = panels.steps(orange_from=1, red_from=FAST)
BURN = (
    "Bad events, as multiples of what the budget allows: at 1 it lasts exactly for 30 days. Alerts fire above 14.4 over 1h, "
    "6 over 6h, 3 over 1d and 1 over 3d."
)
SPENT = (panels.Step(None, panels.RED), panels.Step(0.1, panels.ORANGE), panels.Step(0.3, panels.GREEN))
"""Colors of the remaining budget."""


def counted(s: PanelSource) -> list[Slo]:
    """Return the objectives whose events the server's metrics can count."""
    return [slo for slo in s.model.monitoring.slos if slos.events(s.context.server, slo, s.context.scope)]


def headline(s: PanelSource) -> list[Panel]:
    """Gauge of the lowest remaining budget; empty without objectives."""
    if not counted(s):
        return []
    about = "Of the objective that has least left: 100% is all of it, 0 none or less."
    query = {"left": f"min({recorded(slos.BUDGET_LEFT, s.context.scope)})"}
    return [panels.gauge("Budget left", about, query, colors=SPENT)]


def objectives(s: PanelSource) -> Row:
    """Row with budget, bad events and burn rates of each objective."""
    found, scope = counted(s), s.context.scope
    if not found:
        return Row("Objectives", ())
    return Row(
        "Objectives",
        (
            panels.lines(
                "Error budget left",
                "Of each objective: 100% is all of it, below 0 it is overspent. Counted in half hours.",
                {"{{slo}}": recorded(slos.BUDGET_LEFT, scope)},
                unit="percentunit",
                least=None,
            ),
            panels.lines(
                "Bad events",
                "Share of bad events over the last hour, of each objective.",
                {"{{slo}}": slos.error_ratio("1h", scope)},
                unit="percentunit",
            ),
            *(_burn(s, slo) for slo in found),
        ),
    )


def _burn(s: PanelSource, slo: Slo) -> Panel:
    matchers = ((slos.SLO, "=", slo.name),)
    rates = {w: f"({slos.error_ratio(w, s.context.scope, matchers)}) / {slos.budget(slo):.12g}" for w in WINDOWS}
    return panels.lines(f"Burn rate of {slo.name}", BURN, rates, unit="short", orange_from=1, red_from=FAST)
