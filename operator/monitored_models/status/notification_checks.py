"""The condition of notifications. Ready does not depend on it: the platform's own routes still receive the alerts."""

from __future__ import annotations

from ..naming import conditions
from ..naming.conditions import Reason
from .child_reasons import APPLIED, CHILD_REASONS, CRD_REASONS, first_problem
from .condition_spec import ConditionSpec, ConditionState, ReasonDoc, true, unknown_if_stored
from .status_input import Cause, NotificationState, NotificationsUnknown, StatusInput


def _config_problem(s: StatusInput) -> Cause | None:
    return first_problem(_state(s).problems)


def _rejected(s: StatusInput) -> Cause | None:
    state = _state(s)
    if state.rejection is None:
        return None
    message = f"prometheus-operator refuses AlertmanagerConfig {state.config}: {state.rejection}"
    return Cause(Reason.CONFIGURATION_REJECTED, message, stalled=True)


def _in_place(s: StatusInput) -> ConditionState:
    state = _state(s)
    applied = f"AlertmanagerConfig {state.config} is in place"
    if state.accepted_by:
        return true(Reason.APPLIED, f"{applied}; taken by Alertmanager {', '.join(state.accepted_by)}")
    return true(
        Reason.APPLIED,
        f"{applied}, and prometheus-operator has said nothing against it; whether an Alertmanager selects it, it does not say",
    )


def _state(s: StatusInput) -> NotificationState:
    assert isinstance(s.notifications, NotificationState)
    return s.notifications


NOTIFICATIONS_READY = ConditionSpec(
    type=conditions.NOTIFICATIONS_READY,
    true_means="present only if `notifications` apply to the model: the AlertmanagerConfig that notifies the receivers is in "
    "place, and prometheus-operator has not rejected it. False blocks nothing",
    is_present=lambda s: s.notifications is not None,
    is_known=lambda s: not isinstance(s.notifications, NotificationsUnknown),
    checks=(_config_problem, _rejected),
    otherwise=_in_place,
    on_invalid_spec=unknown_if_stored,
    reasons=(
        *CRD_REASONS,
        *CHILD_REASONS,
        ReasonDoc(
            Reason.CONFIGURATION_REJECTED,
            "prometheus-operator rejects it and gives the cause in an Event, or in the object's status if it has one: usually "
            "a missing Secret or a missing key in it",
            "what the message names",
        ),
        APPLIED,
    ),
)
