"""The input of a status, and a cause: why a condition is not True."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..api import Model
from ..cache.workload_status import DeploymentStatus, PodStatus
from ..integrations.grafana.dashboard_check import DashboardCheck
from ..plan.desired_state import DesiredState
from ..plan.planner import ChildProblem


@dataclass(frozen=True)
class NotificationState:
    """State of the AlertmanagerConfig that notifies about a model's alerts."""

    config: str
    problems: tuple[ChildProblem, ...] = ()
    refusal: str | None = None
    """Why prometheus-operator rejected it; None if it did not."""
    accepted_by: tuple[str, ...] = ()


class NotificationsUnknown:
    """The state is unknown: the profile that owns the AlertmanagerConfig is reconciled later."""


@dataclass(frozen=True)
class StatusInput:
    """Everything that the conditions are computed from."""

    wanted: DesiredState
    workload: DeploymentStatus | None
    pods: Sequence[PodStatus]
    problems: Sequence[ChildProblem]
    dashboard: DashboardCheck | None = None
    """Check of the dashboard in Grafana; None if Grafana is not configured or the model has no dashboard."""
    delivery: NotificationState | NotificationsUnknown | None = None
    """None without notifications."""

    @property
    def model(self) -> Model:
        """The model of this status."""
        return self.wanted.model


@dataclass(frozen=True)
class Cause:
    """Result of a check: why a condition is not True. `stalled` if only a change by someone can help."""

    reason: str
    message: str
    stalled: bool = False


def first_problem(problems: Iterable[ChildProblem]) -> Cause | None:
    """The cause behind the problems of children; None if there is none."""
    found = list(problems)
    if not found:
        return None
    waits = {"BeingDeleted"}
    return Cause(found[0].reason, "; ".join(p.message for p in found), stalled=found[0].reason not in waits)
