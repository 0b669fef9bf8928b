"""The input of a status, and a cause: why a condition is not True."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..api import Model
from ..cache.workload_status import DeploymentStatus, PodStatus
from ..plan.child_problems import ChildProblem
from ..plan.desired_state import DesiredState

MAX_MESSAGE = 2000
"""Characters of a condition's message: the schema allows a few more."""


@dataclass(frozen=True)
class NotificationState:
    """State of the AlertmanagerConfig that notifies about a model's alerts."""

    config: str
    problems: tuple[ChildProblem, ...] = ()
    rejection: str | None = None
    """Why prometheus-operator rejected it; None if it did not."""
    accepted_by: tuple[str, ...] = ()


class NotificationsUnknown:
    """The state is unknown: the profile that owns the AlertmanagerConfig is reconciled later."""


class IntegrationCheck(Protocol):
    """What an integration found for one condition of a model, such as `DashboardCheck`."""

    @property
    def status(self) -> str:
        """True, False or Unknown."""

    @property
    def reason(self) -> str:
        """A reason of the condition."""

    @property
    def message(self) -> str:
        """The message for people."""


@dataclass(frozen=True)
class StatusInput:
    """Everything that the conditions are computed from."""

    desired: DesiredState
    workload: DeploymentStatus | None
    pods: Sequence[PodStatus]
    problems: Sequence[ChildProblem]
    checks: Mapping[str, IntegrationCheck | None] = field(default_factory=dict)
    """Checks of integrations by condition type; None if the integration is off, or does not apply to the model."""
    notifications: NotificationState | NotificationsUnknown | None = None
    """None without notifications."""

    @property
    def model(self) -> Model:
        """The model of this status."""
        return self.desired.model

    @property
    def desired_replicas(self) -> int:
        """Replicas that should run: as many as the Deployment's spec has, once it exists."""
        return self.workload.desired if self.workload else self.model.minimum_replicas

    @property
    def ready_replicas(self) -> int:
        """Replicas that are ready."""
        return self.workload.ready if self.workload else 0


@dataclass(frozen=True)
class Cause:
    """Result of a check: why a condition is not True. `stalled` if only a change by someone can help."""

    reason: str
    message: str
    stalled: bool = False
