"""Types and reasons of the conditions of a model, each written only here. `status/conditions.py` has the conditions."""

from __future__ import annotations

from ..api import UnmetReason

READY = "Ready"
WORKLOAD_READY = "WorkloadReady"
MONITORING_APPLIED = "MonitoringApplied"
MONITORING_CONFIGURED = "MonitoringConfigured"
MONITORED = "Monitored"
DASHBOARD_READY = "DashboardReady"
NOTIFICATIONS_READY = "NotificationsReady"
RECONCILING = "Reconciling"
STALLED = "Stalled"

ON_DASHBOARDS = (READY, WORKLOAD_READY, MONITORING_APPLIED, MONITORING_CONFIGURED, MONITORED)
"""Conditions in the timeline of a model's dashboard: those of every model, for which True is the healthy status."""


class Reason:
    """Reasons of conditions. Users and alerts depend on them: they are stable."""

    # of Ready and WorkloadReady
    INVALID_SPEC = "InvalidSpec"
    SUSPENDED = "Suspended"
    PODS_REFUSED = "PodsRefused"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_CONFIG_INVALID = "ContainerConfigInvalid"
    OUT_OF_MEMORY = "OutOfMemory"
    CRASH_LOOPING = "CrashLooping"
    ROLLOUT_BLOCKED = "RolloutBlocked"
    UNSCHEDULABLE = "Unschedulable"
    PAUSED = "Paused"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ROLLING_OUT = "RollingOut"
    PODS_NOT_READY = "PodsNotReady"
    READY = "Ready"

    # of children that are not in their desired state
    NAME_CONFLICT = "NameConflict"
    BEING_DELETED = "BeingDeleted"
    FORBIDDEN = "Forbidden"
    REJECTED = "Rejected"
    API_ERROR = "ApiError"
    CRD_NOT_INSTALLED = "CRDNotInstalled"
    CRD_TOO_OLD = "CRDTooOld"
    APPLIED = "Applied"

    # of MonitoringConfigured and Monitored
    PROFILE_NOT_FOUND = UnmetReason.PROFILE_NOT_FOUND
    PROFILE_INVALID = UnmetReason.PROFILE_INVALID
    DEFAULTS_INVALID = UnmetReason.DEFAULTS_INVALID
    SIGNAL_UNAVAILABLE = "SignalUnavailable"
    THRESHOLD_NOT_COUNTED = "ThresholdNotCounted"
    COMPLETE = "Complete"
    NOT_VERIFIED = "NotVerified"

    # of DashboardReady
    NOT_APPLIED = "NotApplied"
    GRAFANA_FORBIDDEN = "GrafanaForbidden"
    GRAFANA_UNREACHABLE = "GrafanaUnreachable"
    NOT_CHECKED = "NotChecked"
    LOADING = "Loading"
    NOT_LOADED = "NotLoaded"
    DATA_SOURCE_FAILING = "DataSourceFailing"
    LOADED = "Loaded"

    # of NotificationsReady
    CONFIGURATION_REJECTED = "ConfigurationRejected"


STUCK = (
    Reason.PROGRESS_DEADLINE_EXCEEDED,
    Reason.ROLLOUT_BLOCKED,
    Reason.PODS_REFUSED,
    Reason.IMAGE_PULL_FAILED,
    Reason.CONTAINER_CONFIG_INVALID,
    Reason.UNSCHEDULABLE,
    Reason.PAUSED,
)
"""Reasons of WorkloadReady that need manual action, except those with their own alerts. ModelRolloutStuck lists them."""
