"""The dashboard of all models, which lists the unhealthy ones. It reads recorded series and the operator's metrics."""

from __future__ import annotations

from ...naming import labels
from ...naming.conditions import READY
from ...naming.series import CONDITION, INFO, REPLICAS_DESIRED, REPLICAS_READY
from ..rules.catalogue import ERROR_RATIO, LATENCY_MEAN, LATENCY_P95, THROUGHPUT
from . import common, panels
from .common import Chosen
from .dashboard import Dashboard, Variable, board_json
from .panels import GREEN, RED, Column, Panel, Query, Row, State

_NAMESPACE = ("namespace", "=~", "$namespace")
MODELS = Chosen(_NAMESPACE)
_ALL = Chosen(_NAMESPACE, (labels.SERIES_MODEL, "!=", ""))
"""For metrics that targets other than models expose too."""
_WHO = "{{namespace}}/{{monitored_model}}"


def dashboard_json() -> str:
    """Render the dashboard as JSON."""
    return board_json(board())


def board() -> Dashboard:
    """The dashboard of all models in the selected namespaces."""
    return Dashboard(
        uid=common.FLEET_UID,
        title="Models",
        description="Every MonitoredModel of the chosen namespaces: which are not well. A click on one leads to its dashboard.",
        rows=(
            Row("", (*_numbers(), _table())),
            Row("Worst", (_top_errors(), _top_latencies(), _latencies(), _errors())),
            Row("States and alerts", (_ready(), common.alerts(_ALL, of_all=True))),
        ),
        variables=(Variable("namespace", "Namespace", f"label_values({INFO}, namespace)"),),
        marks=(common.new_versions(_ALL, labels.BY_MODEL), common.alerts_begin(_ALL)),
        links=(common.OBJECTIVES, common.OPERATOR),
    )


def latency() -> str:
    """PromQL of each model's latency in seconds: the 95th percentile, or the mean if its server has no histogram."""
    of_each = (f"max by ({labels.BY_MODEL}) ({MODELS.series(name)})" for name in (LATENCY_P95, LATENCY_MEAN))
    return " or ".join(of_each)


def _with_condition(status: str) -> str:
    return MODELS.series(CONDITION, (("condition", "=", READY), ("status", "=", status)))


def _numbers() -> tuple[Panel, ...]:
    requests = f"sum({MODELS.series(THROUGHPUT)})"
    return (
        panels.stat("Models", "Models that are there.", f"count({MODELS.series(INFO)})", unit="short"),
        panels.stat(
            "Not ready",
            "Models whose condition Ready is not True.",
            f"count({_with_condition('False')}) or vector(0)",
            unit="short",
            red_from=1,
        ),
        panels.stat("Firing alerts", "Of all models.", common.firing(_ALL), unit="short", red_from=1),
        panels.stat("Requests of all", "Requests per second.", requests, unit="reqps"),
    )


def _table() -> Panel:
    about = f"{labels.BY_MODEL}, version, runtime, dashboard"
    by_model = [f"max by ({labels.BY_MODEL}) ({MODELS.series(name)})" for name in (THROUGHPUT, ERROR_RATIO)]
    replicas = [f"max by ({labels.BY_MODEL}) ({MODELS.series(name)})" for name in (REPLICAS_READY, REPLICAS_DESIRED)]
    return panels.table(
        "Every model",
        "What each model is and does. A click on a name leads to its dashboard.",
        (
            f"max by ({about}) ({MODELS.series(INFO)})",
            common.ready(MODELS),
            *by_model,
            latency(),
            *replicas,
        ),
        (
            Column("namespace", "Namespace"),
            Column(
                labels.SERIES_MODEL, "Model", link=common.to_model("dashboard"), link_title="Dashboard of this model"
            ),
            Column("Value #B", "Ready", states=common.STATES),
            Column("version", "Version"),
            Column("runtime", "Runtime"),
            Column("Value #C", "Requests", unit="reqps"),
            Column("Value #D", "Failed", unit="percentunit"),
            Column("Value #E", "Latency", unit="s"),
            Column("Value #F", "Replicas ready"),
            Column("Value #G", "Replicas"),
            Column("dashboard", "dashboard", hidden=True),
            Column("Value #A", "info", hidden=True),
        ),
        height=12,
    )


def _top_errors() -> Panel:
    query = Query(f"sort_desc(topk(10, max by ({labels.BY_MODEL}) ({MODELS.series(ERROR_RATIO)})))", _WHO)
    return panels.bars(
        "Most errors", "The ten models that fail the largest share of requests.", query, unit="percentunit"
    )


def _top_latencies() -> Panel:
    query = Query(f"sort_desc(topk(10, {latency()}))", _WHO)
    return panels.bars(
        "Slowest", "The ten models that take longest: p95, or the mean where there is no histogram.", query, unit="s"
    )


def _latencies() -> Panel:
    return panels.histogram("Latencies", "How many models take how long now.", latency(), unit="s")


def _errors() -> Panel:
    query = f"topk(10, max by ({labels.BY_MODEL}) ({MODELS.series(ERROR_RATIO)}))"
    return panels.lines("Error ratios", "The ten largest at each time.", {_WHO: query}, unit="percentunit")


def _ready() -> Panel:
    states = (State(1, "ready", GREEN), State(0, "not ready", RED), common.STATES[2])
    about = "Whether each model was Ready, as the operator saw it."
    return panels.timeline("Ready", about, Query(common.ready(MODELS), _WHO), states)
