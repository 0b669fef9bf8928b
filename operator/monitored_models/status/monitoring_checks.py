"""The conditions of a model's monitoring: applied, configured as requested, and proven to work."""

from __future__ import annotations

from ..naming import conditions, labels
from ..naming.conditions import Reason
from ..naming.kinds import CONFIG_MAP, MONITORING_KINDS, PROMETHEUS_RULE, SERVICE_MONITOR
from .child_reasons import APPLIED, CHILD_REASONS, CRD_REASONS, first_problem
from .condition_spec import ConditionSpec, ConditionState, ReasonDoc, true
from .status_input import Cause, StatusInput


def _monitoring_problem(s: StatusInput) -> Cause | None:
    return first_problem(p for p in s.problems if p.kind in MONITORING_KINDS)


def applied_summary(s: StatusInput) -> str:
    """The monitoring objects of the model, for messages."""
    texts = {
        SERVICE_MONITOR: "ServiceMonitor",
        PROMETHEUS_RULE: f"{s.desired.rules} rules",
        CONFIG_MAP: "dashboard",
    }
    applied = [text for kind, text in texts.items() if any(child.kind is kind for child in s.desired.children)]
    return ", ".join(applied) + " in place" if applied else "switched off by spec.monitoring"


MONITORING_APPLIED = ConditionSpec(
    type=conditions.MONITORING_APPLIED,
    true_means="ServiceMonitor, PrometheusRule and dashboard are in place, or switched off",
    checks=(_monitoring_problem,),
    otherwise=lambda s: true(Reason.APPLIED, applied_summary(s)),
    reasons=(*CHILD_REASONS, *CRD_REASONS, APPLIED),
)


def _unmet(s: StatusInput) -> Cause | None:
    """Requested monitoring that is unavailable. This does not affect Ready, because the rest is applied."""
    notes = s.desired.notes
    return Cause(notes[0].reason, "; ".join(note.message for note in notes)) if notes else None


MONITORING_CONFIGURED = ConditionSpec(
    type=conditions.MONITORING_CONFIGURED,
    true_means="everything that spec, MonitoringProfile and settings request of the monitoring is available. False blocks "
    "nothing: `Ready` does not depend on it",
    checks=(_unmet,),
    otherwise=lambda _s: true(Reason.COMPLETE, "all that is asked for can be had"),
    reasons=(
        ReasonDoc(
            Reason.PROFILE_NOT_FOUND,
            "the namespace has no MonitoringProfile with the name in `spec.monitoring.profile`; it is used as soon as it "
            "exists",
            "create it, or correct the name",
        ),
        ReasonDoc(
            Reason.PROFILE_INVALID,
            "the MonitoringProfile is ignored entirely, because it is invalid by itself or in combination with the model's "
            "own fields",
            "the field in the message",
        ),
        ReasonDoc(
            Reason.DEFAULTS_INVALID,
            "`monitoring` in the operator's settings is ignored entirely, for the same reasons",
            "the field in the message",
        ),
        ReasonDoc(
            Reason.SIGNAL_UNAVAILABLE,
            "an objective or a threshold needs a signal that the server does not expose",
            "another indicator, or `spec.monitoring.signals`",
        ),
        ReasonDoc(
            Reason.THRESHOLD_NOT_COUNTED,
            "the threshold of an objective is not a bucket boundary of the server's histogram",
            "a threshold from the message, or other buckets in the server",
        ),
        ReasonDoc(Reason.COMPLETE, "everything is available"),
    ),
)


def _unverified(s: StatusInput) -> ConditionState:
    series = f'up{{namespace="{s.model.namespace}",{labels.SERIES_MODEL}="{s.model.name}"}}'
    message = f"nothing asks Prometheus yet whether metrics arrive; look for {series}"
    return ConditionState("Unknown", Reason.NOT_VERIFIED, message)


MONITORED = ConditionSpec(
    type=conditions.MONITORED,
    true_means="metrics have arrived. The operator does not check this yet: it is always `Unknown`, `NotVerified`",
    otherwise=_unverified,
    reasons=(ReasonDoc(Reason.NOT_VERIFIED, "Unknown: the operator does not check yet whether metrics arrive"),),
)
