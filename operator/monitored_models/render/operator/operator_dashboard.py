"""The dashboard of the operator itself: reconciles, work queue, API requests and process."""

from __future__ import annotations

from ...naming.series import MAX_WATCH_AGE, PREFIX
from ..dashboards import common, panels
from ..dashboards.dashboard import Dashboard, board_json
from ..dashboards.panels import Column, Panel, Row
from . import operator_queries


def dashboard_json() -> str:
    """Render the dashboard as JSON."""
    return board_json(board())


def board() -> Dashboard:
    """The dashboard of all scraped operator instances."""
    return Dashboard(
        uid=common.OPERATOR_UID,
        title="MonitoredModel operator",
        description="The operator itself: does it work, does it keep up, what does it ask of the API server.",
        rows=(
            Row("", _numbers()),
            Row("Work", _work()),
            Row("API server", _requests()),
            Row("Process", _process()),
            Row("Models in trouble", (_false_conditions(),)),
        ),
        links=(common.ALL_MODELS, common.OBJECTIVES),
    )


def _numbers() -> tuple[Panel, ...]:
    return (
        panels.stat(
            "Leaders", "Operators that work: one.", f"sum ({PREFIX}leader)", unit="short", red_below=1, red_from=2
        ),
        panels.stat("Models", "Models that the leader knows of.", f"max ({PREFIX}models)", unit="short"),
        panels.stat("Ready", "Models that are Ready.", operator_queries.models_ready(), unit="short"),
        panels.stat(
            "Failing reconciles",
            "Share of reconciles that fail. Red from the limit of MonitoredModelsReconcileErrors, 0.2.",
            operator_queries.error_ratio(),
            unit="percentunit",
            red_from=0.2,
        ),
    )


def _work() -> tuple[Panel, ...]:
    return (
        panels.lines(
            "Reconciles",
            "Reconciles per second, by outcome.",
            {"{{outcome}}": operator_queries.rate("reconcile_duration_seconds_count", "outcome")},
            unit="ops",
        ),
        panels.lines(
            "Duration of reconciles",
            "Time that a reconcile takes, requests included.",
            {f"p{q * 100:g}": operator_queries.quantile("reconcile_duration_seconds", q) for q in (0.5, 0.99)},
            unit="s",
        ),
        panels.lines(
            "Queue", "Models that wait for a worker.", {"waiting": f"max ({PREFIX}queue_depth)"}, unit="short"
        ),
        panels.lines(
            "Age of the queue",
            "How long the oldest of them has waited, and the wait of most. Red from MonitoredModelsWorkQueueSlow, 120 s.",
            {"oldest": operator_queries.queue_age(), "p99": operator_queries.quantile("queue_wait_seconds", 0.99)},
            unit="s",
            red_from=120,
        ),
    )


def _requests() -> tuple[Panel, ...]:
    return (
        panels.lines(
            "Requests to the API server",
            "Requests per second, by verb.",
            {"{{verb}}": operator_queries.rate("api_requests_total", "verb")},
            unit="reqps",
        ),
        panels.lines(
            "Answers of the API server",
            "Requests per second, by status code; 0 is no answer.",
            {"{{code}}": operator_queries.rate("api_requests_total", "code")},
            unit="reqps",
        ),
        panels.lines(
            "Latency of the API server",
            "99th percentile of the time until it answers, by verb.",
            {"{{verb}}": operator_queries.quantile("api_request_duration_seconds", 0.99, "verb")},
            unit="s",
        ),
        panels.lines(
            "Age of watches",
            "Time since a watch was opened; it is opened anew every four minutes. Red from MonitoredModelsWatchStale.",
            {"{{resource}}": operator_queries.watch_age()},
            unit="s",
            red_from=MAX_WATCH_AGE,
        ),
    )


def _process() -> tuple[Panel, ...]:
    return (
        panels.lines(
            "Lag of the event loop",
            "How late one timer in a hundred comes. Red from MonitoredModelsEventLoopLagging, 0.5 s.",
            {"p99": operator_queries.loop_lag()},
            unit="s",
            red_from=0.5,
        ),
        panels.lines(
            "Memory",
            "Resident memory, by process.",
            # The join keeps only operators, because every process can expose this metric.
            {"{{instance}}": f"process_resident_memory_bytes and on (instance) {PREFIX}build_info"},
            unit="bytes",
        ),
        panels.lines(
            "CPU",
            "Cores in use, by process.",
            {
                "{{instance}}": f"rate(process_cpu_seconds_total[{operator_queries.WINDOW}]) and on (instance) {PREFIX}build_info"
            },
            unit="short",
        ),
    )


def _false_conditions() -> Panel:
    return panels.table(
        "Conditions that are False",
        "Models by condition and reason.",
        (operator_queries.models_by_false_condition(),),
        (Column("condition", "Condition"), Column("reason", "Reason"), Column("Value", "Models")),
        no_value="none",
    )
