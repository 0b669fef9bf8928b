"""Why a child is not in its desired state, as the cause of a condition. Several conditions are about children."""

from __future__ import annotations

from collections.abc import Iterable

from ..naming.conditions import Reason
from ..plan.child_problems import ChildProblem
from .condition_spec import ReasonDoc
from .status_input import Cause


def first_problem(problems: Iterable[ChildProblem]) -> Cause | None:
    """The cause behind the problems of children; None if there is none."""
    found = list(problems)
    if not found:
        return None
    stalled = found[0].reason != Reason.BEING_DELETED
    return Cause(found[0].reason, "; ".join(p.message for p in found), stalled)


CHILD_REASONS = (
    ReasonDoc(
        Reason.NAME_CONFLICT,
        "an object with a child's name has another owner; the operator does not change it",
        "rename the model, or delete the object",
    ),
    ReasonDoc(Reason.BEING_DELETED, "a child is terminating and is created again when it is gone", "wait"),
    ReasonDoc(
        Reason.FORBIDDEN,
        "the operator lacks permission to write a child",
        "the permission in the message; `config/rbac.yaml` has all of them",
    ),
    ReasonDoc(Reason.REJECTED, "the API server rejects a child: a field, a quota, an admission policy", "the message"),
    ReasonDoc(
        Reason.API_ERROR,
        "writing a child failed several times in a row",
        "wait; if it persists, the API server's log",
    ),
)
"""Reasons that children of all kinds have."""

CRD_REASONS = (
    ReasonDoc(
        Reason.CRD_NOT_INSTALLED,
        "the cluster has no ServiceMonitors or PrometheusRules; or no GrafanaDashboards, which the setting "
        "`grafanaOperator` needs",
        "install prometheus-operator's CRDs (0.85 or later), or set `spec.monitoring.scrape.enabled: false`; install "
        "grafana-operator, or remove the setting",
    ),
    ReasonDoc(Reason.CRD_TOO_OLD, "the CRDs lack a field", "update them"),
)
"""Reasons that only children of optional kinds have."""

APPLIED = ReasonDoc(Reason.APPLIED, "no problem")
