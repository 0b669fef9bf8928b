"""The dashboard of all objectives: remaining error budgets and burn rates."""

from __future__ import annotations

from ...naming import labels
from ...naming.series import SLO_BUDGET
from ..rules import slos
from . import common, panels
from .common import Chosen
from .dashboard import Dashboard, Variable, board_json
from .objective_rows import BURN, COLORS, SPENT, WINDOWS
from .panels import Column, Panel, Row

_MODEL = (("namespace", "=~", "$namespace"), (labels.SERIES_MODEL, "=~", "$model"))
CHOSEN = Chosen(*_MODEL, (slos.SLO, "=~", "$slo"))
_ALERTS = Chosen(*_MODEL, (slos.SLO, "!=", ""), (slos.SLO, "=~", "$slo"))
BY_SLO = f"{labels.BY_MODEL}, {slos.SLO}"
_WHO = "{{namespace}}/{{monitored_model}} {{slo}}"


def dashboard_json() -> str:
    """Render the dashboard as JSON."""
    return board_json(board())


def board() -> Dashboard:
    """The dashboard of the selected objectives of the selected models."""
    of_namespace = '{namespace=~"$namespace"}'
    of_model = '{namespace=~"$namespace",monitored_model=~"$model"}'
    return Dashboard(
        uid=common.SLO_UID,
        title="Objectives of models",
        description="Error budgets of MonitoredModels: what is left, and how fast it goes.",
        rows=(
            Row("", (*_numbers(), _table())),
            Row(
                "Budgets", (_left(), _bad(), _events("Events", slos.EVENTS), _events("Bad events per second", slos.BAD))
            ),
            Row("Burn rates", tuple(map(_burn, WINDOWS))),
            Row("Alerts on budgets", (common.alerts(_ALERTS, of_all=True),)),
        ),
        variables=(
            Variable("namespace", "Namespace", f"label_values({SLO_BUDGET}, namespace)"),
            Variable("model", "Model", f"label_values({SLO_BUDGET}{of_namespace}, {labels.SERIES_MODEL})"),
            Variable("slo", "Objective", f"label_values({SLO_BUDGET}{of_model}, {slos.SLO})"),
        ),
        marks=(common.new_versions(Chosen(*_MODEL), labels.BY_MODEL), common.alerts_begin(_ALERTS)),
        links=(common.ALL_MODELS, common.OPERATOR),
    )


def left() -> str:
    """PromQL of the remaining share of each error budget."""
    return f"max by ({BY_SLO}) ({CHOSEN.series(slos.BUDGET_LEFT)})"


def burn_rate(window: str) -> str:
    """PromQL of each burn rate: the ratio of bad events divided by the budget."""
    budget = f"max by ({BY_SLO}) ({CHOSEN.series(SLO_BUDGET)})"
    return f"max by ({BY_SLO}) ({slos.error_ratio(window, CHOSEN)}) / on ({BY_SLO}) {budget}"


def _numbers() -> tuple[Panel, ...]:
    burning = f"count({burn_rate('1h')} > 1) or vector(0)"
    return (
        panels.stat("Chosen objectives", "How many there are.", f"count({CHOSEN.series(SLO_BUDGET)})", unit="short"),
        panels.gauge("Least budget left", "100% is all of it.", {"left": f"min({left()})"}, colors=SPENT),
        panels.stat(
            "Overspent", "Objectives that are missed.", f"count({left()} < 0) or vector(0)", unit="short", red_from=1
        ),
        panels.stat(
            "Burning", "Objectives whose budget goes too fast, over the last hour.", burning, unit="short", red_from=1
        ),
    )


def _table() -> Panel:
    return panels.table(
        "Every objective",
        "What is left of each budget, and the burn rates of the last hour and six hours.",
        (
            f"1 - max by ({BY_SLO}) ({CHOSEN.series(SLO_BUDGET)})",
            left(),
            burn_rate("1h"),
            burn_rate("6h"),
            f"max by ({BY_SLO}) ({CHOSEN.series(slos.EVENTS)})",
        ),
        (
            Column("namespace", "Namespace"),
            Column(labels.SERIES_MODEL, "Model"),
            Column(slos.SLO, "Objective"),
            Column("Value #A", "Wanted", unit="percentunit"),
            Column("Value #B", "Budget left", unit="percentunit", steps=SPENT),
            Column("Value #C", "Burn rate 1h", steps=COLORS),
            Column("Value #D", "Burn rate 6h", steps=panels.steps(orange_from=1, red_from=slos.PAGE[1].factor)),
            Column("Value #E", "Events", unit="ops"),
        ),
    )


def _left() -> Panel:
    about = "100% is all of it, below 0 it is overspent. Counted in half hours."
    return panels.lines("Error budget left", about, {_WHO: left()}, unit="percentunit", least=None)


def _bad() -> Panel:
    query = slos.error_ratio("1h", CHOSEN)
    return panels.lines("Bad events", "Share of bad events over the last hour.", {_WHO: query}, unit="percentunit")


def _events(title: str, series: str) -> Panel:
    return panels.lines(title, "Per second, over five minutes.", {_WHO: CHOSEN.series(series)}, unit="ops")


def _burn(window: str) -> Panel:
    (burn,) = (burn for burn in (*slos.PAGE, *slos.TICKET) if burn.long == window)
    about = f"{BURN} Red from {burn.factor:g}."
    return panels.lines(
        f"Burn rate over {window}", about, {_WHO: burn_rate(window)}, unit="short", red_from=burn.factor
    )
