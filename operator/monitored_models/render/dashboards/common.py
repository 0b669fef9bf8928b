"""What dashboards have in common: where they are, what states look like, and what is asked of alerts, versions and conditions."""

from __future__ import annotations

from ...naming import labels
from ...naming.series import CONDITION
from ..rules.promql import Matcher, selector
from ..rules.scope import SeriesSelector
from .dashboard import Annotation, Link
from .panels import GREEN, GREY, RED, Column, Panel, Query, State, table, timeline

FLEET_UID = "monitored-models-fleet"
SLO_UID = "monitored-models-slo"
OPERATOR_UID = "monitored-models-operator"
BY = ", ".join(labels.IDENTITY)
SHOWN = "Ready|WorkloadReady|MonitoringApplied|MonitoringConfigured|Monitored"
"""Conditions of which True is good."""
STATES = (State(1, "True", GREEN), State(0, "False", RED), State(2, "Unknown", GREY))
FIRING = (State(1, "firing", RED),)
SAME_CHOICE = "${datasource:queryparam}&${__url_time_range}"
"""Of a link to another dashboard: the data source and the time range that are shown."""
ALL_MODELS = Link("All models", f"/d/{FLEET_UID}", "Every model that is monitored")
OBJECTIVES = Link("Objectives", f"/d/{SLO_UID}", "Error budgets of all models")
OPERATOR = Link("Operator", f"/d/{OPERATOR_UID}", "The operator itself")


def to_model(uid: str) -> str:
    """A link to the dashboard of a model, by the column that has its uid."""
    return f"/d/${{__data.fields.{uid}}}?{SAME_CHOICE}"


def firing(scope: SeriesSelector) -> str:
    """The number of alerts that fire."""
    return f"count({scope.series('ALERTS', (('alertstate', '=', 'firing'),))}) or vector(0)"


def alerts(scope: SeriesSelector, *, of_all: bool = False, width: int = 24) -> Panel:
    """Every alert that is pending or fires."""
    who = (Column("namespace", "Namespace"), Column(labels.SERIES_MODEL, "Model")) if of_all else ()
    group = ", ".join([*(labels.IDENTITY if of_all else ()), "alertname", "alertstate", "severity", "slo", "pod"])
    return table(
        "Alerts",
        "Alerts that fire, and those whose condition holds and that fire when it lasts (pending).",
        (f"max by ({group}) ({scope.series('ALERTS')})",),
        (
            *who,
            Column("alertname", "Alert"),
            Column("alertstate", "State"),
            Column("severity", "Severity"),
            Column("slo", "Objective"),
            Column("pod", "Pod"),
            Column("Value", "Value", hidden=True),
        ),
        width=width,
        no_value="-",
    )


def alerts_over_time(scope: SeriesSelector) -> Panel:
    """When which alert fired."""
    query = f"max by (alertname) ({scope.series('ALERTS', (('alertstate', '=', 'firing'),))})"
    about = "When which alert fired."
    return timeline("Alerts over time", about, Query(query, "{{alertname}}"), FIRING, width=24)


def condition(scope: SeriesSelector, by: str, *matchers: Matcher) -> str:
    """Conditions as numbers, the keys of STATES."""

    def having(status: str) -> str:
        return f"max by ({by}) ({scope.series(CONDITION, (*matchers, ('status', '=', status)))})"

    return f"{having('True')} or 0 * {having('False')} or 2 * {having('Unknown')}"


def conditions(scope: SeriesSelector) -> Panel:
    """The conditions of a model over time."""
    return timeline(
        "Conditions",
        "The conditions in the model's status, as the operator saw them.",
        Query(condition(scope, "condition", ("condition", "=~", SHOWN)), "{{condition}}"),
        STATES,
        width=12,
    )


def ready(scope: SeriesSelector) -> str:
    """Ready of each model as a number, a key of STATES."""
    return condition(scope, BY, ("condition", "=", "Ready"))


def new_versions(scope: SeriesSelector, by: str) -> Annotation:
    """A mark where a version begins to answer that did not in the ten minutes before."""
    by_version = f"{by}, {labels.SERIES_VERSION}" if by else labels.SERIES_VERSION
    up = scope.series("up", ((labels.SERIES_VERSION, "!=", ""),))
    # One step later it did answer one step before: so that there is one value, whatever the step.
    before = f"count by ({by_version}) (max_over_time({up}[10m] offset $__interval))"
    who = f"{{{{{labels.SERIES_MODEL}}}}} " if by else ""
    return Annotation(
        "New versions",
        f"count by ({by_version}) ({up}) unless {before}",
        "New version",
        f"{who}{{{{{labels.SERIES_VERSION}}}}}",
        "blue",
    )


def alerts_begin(scope: SeriesSelector) -> Annotation:
    """A mark where an alert begins to fire."""
    now = scope.series("ALERTS", (("alertstate", "=", "firing"),))
    by = f"{BY}, alertname"
    return Annotation(
        "Alerts",
        f"count by ({by}) ({now}) unless count by ({by}) ({now} offset $__interval)",
        "Alert",
        f"{{{{alertname}}}} {{{{{labels.SERIES_MODEL}}}}}",
        "red",
    )


class Chosen:
    """Series of the models that are chosen at the top of a dashboard."""

    def __init__(self, *matchers: Matcher) -> None:
        self._matchers = matchers

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the models."""
        return selector(metric, (*self._matchers, *matchers))
