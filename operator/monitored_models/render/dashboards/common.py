"""Common parts of the dashboards: UIDs, links, state colors, and queries of alerts, versions and conditions."""

from __future__ import annotations

from ...naming import labels
from ...naming.conditions import ON_DASHBOARDS, READY
from ...naming.series import CONDITION
from ..rules.promql import Matcher, selector
from ..rules.scope import SeriesSelector
from .dashboard import Annotation, Link
from .panels import GREEN, GREY, RED, Column, Panel, Query, State, table, timeline

FLEET_UID = "monitored-models-fleet"
SLO_UID = "monitored-models-slo"
OPERATOR_UID = "monitored-models-operator"
STATES = (State(1, "True", GREEN), State(0, "False", RED), State(2, "Unknown", GREY))
FIRING = (State(1, "firing", RED),)
SAME_CHOICE = "${datasource:queryparam}&${__url_time_range}"
"""Query string of a link to another dashboard: keeps the selected data source and time range."""
ALL_MODELS = Link("All models", f"/d/{FLEET_UID}", "Every model that is monitored")
OBJECTIVES = Link("Objectives", f"/d/{SLO_UID}", "Error budgets of all models")
OPERATOR = Link("Operator", f"/d/{OPERATOR_UID}", "The operator itself")


def to_model(uid: str) -> str:
    """Return a link to a model's dashboard; `uid` is the column that contains the UID of the dashboard."""
    return f"/d/${{__data.fields.{uid}}}?{SAME_CHOICE}"


def firing(scope: SeriesSelector) -> str:
    """PromQL of the number of firing alerts."""
    return f"count({scope.series('ALERTS', (('alertstate', '=', 'firing'),))}) or vector(0)"


def alerts(scope: SeriesSelector, *, of_all: bool = False, width: int = 24) -> Panel:
    """Table of all pending and firing alerts."""
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
    """State timeline of the firing alerts."""
    query = f"max by (alertname) ({scope.series('ALERTS', (('alertstate', '=', 'firing'),))})"
    about = "When which alert fired."
    return timeline("Alerts over time", about, Query(query, "{{alertname}}"), FIRING, width=24)


def condition(scope: SeriesSelector, by: str, *matchers: Matcher) -> str:
    """PromQL of condition statuses as numbers, the values of STATES."""

    def having(status: str) -> str:
        return f"max by ({by}) ({scope.series(CONDITION, (*matchers, ('status', '=', status)))})"

    return f"{having('True')} or 0 * {having('False')} or 2 * {having('Unknown')}"


def conditions(scope: SeriesSelector) -> Panel:
    """State timeline of a model's conditions."""
    return timeline(
        "Conditions",
        "The conditions in the model's status, as the operator saw them.",
        Query(condition(scope, "condition", ("condition", "=~", "|".join(ON_DASHBOARDS))), "{{condition}}"),
        STATES,
        width=12,
    )


def ready(scope: SeriesSelector) -> str:
    """PromQL of each model's condition Ready as a number, a value of STATES."""
    return condition(scope, labels.BY_MODEL, ("condition", "=", READY))


def new_versions(scope: SeriesSelector, by: str) -> Annotation:
    """Annotation where pods of a version start to answer scrapes, after none did in the ten minutes before."""
    by_version = f"{by}, {labels.SERIES_VERSION}" if by else labels.SERIES_VERSION
    up = scope.series("up", ((labels.SERIES_VERSION, "!=", ""),))
    # The offset of one step ends the annotation after one step, so it has exactly one value at any step.
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
    """Annotation where an alert starts to fire."""
    now = scope.series("ALERTS", (("alertstate", "=", "firing"),))
    by = f"{labels.BY_MODEL}, alertname"
    return Annotation(
        "Alerts",
        f"count by ({by}) ({now}) unless count by ({by}) ({now} offset $__interval)",
        "Alert",
        f"{{{{alertname}}}} {{{{{labels.SERIES_MODEL}}}}}",
        "red",
    )


class Chosen:
    """Selects series by the template variables of a dashboard."""

    def __init__(self, *matchers: Matcher) -> None:
        self._matchers = matchers

    def series(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """The selector of one metric of the models."""
        return selector(metric, (*self._matchers, *matchers))
