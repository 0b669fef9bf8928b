"""The conditions of a model, in the order of its status. A new one is an entry here: statuses and docs follow.

Nothing here depends on how often something changes: measurements are metrics, not status.
"""

from __future__ import annotations

from ..naming import conditions
from ..naming.conditions import Reason
from .condition_spec import ConditionSpec, ConditionState, absent, true
from .dashboard_checks import DASHBOARD_READY
from .monitoring_checks import MONITORED, MONITORING_APPLIED, MONITORING_CONFIGURED, applied_summary
from .notification_checks import NOTIFICATIONS_READY
from .status_input import Cause, StatusInput
from .workload_checks import WORKLOAD_READY, ready_summary

READY = ConditionSpec(
    type=conditions.READY,
    true_means="`WorkloadReady` and `MonitoringApplied`",
    checks=(WORKLOAD_READY.cause, MONITORING_APPLIED.cause),
    otherwise=lambda s: true(Reason.READY, f"{ready_summary(s)}; {applied_summary(s)}"),
    on_invalid_spec=lambda cause, _stored: ConditionState("False", cause.reason, cause.message),
    reasons=(*WORKLOAD_READY.reasons, *MONITORING_APPLIED.reasons),
)


def _progress(s: StatusInput) -> Cause | None:
    """Why Ready is not True, for generic tools, which distinguish waiting from being stuck. Suspended is neither."""
    cause = READY.cause(s)
    return cause if cause and cause.reason != Reason.SUSPENDED else None


def _progress_state(s: StatusInput) -> ConditionState:
    cause = _progress(s)
    assert cause
    return true(cause.reason, cause.message)


RECONCILING = ConditionSpec(
    type=conditions.RECONCILING,
    true_means="present only while it is True: a change is in progress; wait",
    is_present=lambda s: (cause := _progress(s)) is not None and not cause.stalled,
    otherwise=_progress_state,
    on_invalid_spec=absent,
    reasons=READY.reasons,
)
STALLED = ConditionSpec(
    type=conditions.STALLED,
    true_means="present only while it is True: someone has to change something",
    is_present=lambda s: (cause := _progress(s)) is not None and cause.stalled,
    otherwise=_progress_state,
    on_invalid_spec=lambda cause, _stored: true(cause.reason, cause.message),
    reasons=READY.reasons,
)

CONDITIONS = (
    READY,
    WORKLOAD_READY,
    MONITORING_APPLIED,
    MONITORING_CONFIGURED,
    MONITORED,
    DASHBOARD_READY,
    NOTIFICATIONS_READY,
    RECONCILING,
    STALLED,
)
