"""The condition of the dashboard in Grafana. Neither Ready nor any other condition depends on it."""

from __future__ import annotations

from dataclasses import replace

from ..naming import conditions
from ..naming.conditions import Reason
from ..naming.kinds import CONFIG_MAP
from .child_reasons import first_problem
from .condition_spec import ConditionSpec, ConditionState, ReasonDoc, absent
from .status_input import Cause, StatusInput


def _not_applied(s: StatusInput) -> Cause | None:
    problem = first_problem(p for p in s.problems if p.kind is CONFIG_MAP)
    return replace(problem, reason=Reason.NOT_APPLIED) if problem else None


def _checked(s: StatusInput) -> bool:
    return s.checks.get(conditions.DASHBOARD_READY) is not None


def _check(s: StatusInput) -> ConditionState:
    check = s.checks[conditions.DASHBOARD_READY]
    assert check
    return ConditionState(check.status, check.reason, check.message)


DASHBOARD_READY = ConditionSpec(
    type=conditions.DASHBOARD_READY,
    true_means="Grafana has loaded the dashboard, and the data source that its panels query responds. Present only if the "
    "setting [`grafana`](settings.md) is present and the model has a dashboard; `Ready` does not depend on it",
    is_present=_checked,
    checks=(_not_applied,),
    otherwise=_check,
    on_invalid_spec=absent,
    reasons=(
        ReasonDoc(
            Reason.NOT_APPLIED,
            "False: the dashboard's ConfigMap is not in place",
            "the message, which is that of `MonitoringApplied`",
        ),
        ReasonDoc(
            Reason.GRAFANA_FORBIDDEN,
            "Unknown: Grafana rejects the token, or the token lacks a permission; the message quotes Grafana",
            "the token in `tokenFile`, its [permissions](settings.md#asking-grafana)",
        ),
        ReasonDoc(
            Reason.GRAFANA_UNREACHABLE,
            "Unknown: Grafana does not respond, or the response is not one of Grafana",
            "`grafana.url`, network policies, Grafana's log",
        ),
        ReasonDoc(Reason.NOT_CHECKED, "Unknown: this operator has not had a response from Grafana yet", "wait"),
        ReasonDoc(Reason.LOADING, "Unknown: Grafana has not loaded it yet, and `graceSeconds` have not passed", "wait"),
        ReasonDoc(
            Reason.NOT_LOADED,
            "False: Grafana has not loaded it within `graceSeconds`",
            "check that the sidecar's label is that of `dashboardLabels`, that its `searchNamespace` includes the model's "
            "namespace, and that the token may see the folder; the sidecar's log",
        ),
        ReasonDoc(
            Reason.DATA_SOURCE_FAILING,
            "False: Grafana's health check of the data source fails; the message quotes Grafana",
            "the data source in Grafana; the setting `dataSource` if it is another",
        ),
        ReasonDoc(Reason.LOADED, "True: no problem"),
    ),
)
