"""Turns Grafana's answers into dashboard checks, and status into version changes to annotate. Pure.

An outage that affects all models arrives here only after the tolerance (`integrations/tracker.py`), and its message
stays as first reported: each difference would be a status write for each model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...naming.conditions import Reason
from ...naming.keys import Key
from ..tracker import FleetState, Outage


@dataclass(frozen=True)
class DashboardCheck:
    """The condition of one dashboard."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class GrafanaSnapshot:
    """Grafana's answers to one poll."""

    loaded: frozenset[str]
    """Uids of the dashboards that Grafana has."""
    source: str
    """Name of the data source that panels query."""
    data_source_error: str = ""
    """Grafana's message if that data source does not answer."""

    @property
    def problem(self) -> Outage | None:
        """The data source, if it does not answer."""
        return Outage(Reason.DATA_SOURCE_FAILING, self.data_source_error) if self.data_source_error else None

    def has(self, uid: str) -> bool:
        """Whether Grafana has a dashboard."""
        return uid in self.loaded


_FOUND = (Reason.LOADED, Reason.NOT_LOADED)
_KNOWN = (
    *_FOUND,
    Reason.GRAFANA_UNREACHABLE,
    Reason.GRAFANA_FORBIDDEN,
    Reason.DATA_SOURCE_FAILING,
    Reason.LOADING,
)

State = FleetState[GrafanaSnapshot]
"""State of Grafana for all models: the latest answer, and an outage that has lasted."""


def evaluate(state: State, uid: str, since: float, previous: DashboardCheck | None, grace: float) -> DashboardCheck:
    """Check a dashboard that was first tracked or last seen at `since`. `said` is the last reported check. Pure."""
    if state.outage:
        message = f"{state.outage.message}; nothing is known of the dashboard until Grafana answers"
        return _keep_message(DashboardCheck("Unknown", state.outage.reason, message), previous)
    snapshot = state.snapshot
    if snapshot is None:
        unasked = DashboardCheck(
            "Unknown", Reason.NOT_CHECKED, "Grafana has not answered yet whether it has the dashboard"
        )
        return previous if previous and previous.reason in _KNOWN else unasked
    if not snapshot.has(uid):
        if state.polled_at - since < grace:
            loading = DashboardCheck(
                "Unknown", Reason.LOADING, f"Grafana has not loaded it yet; this may take {_format_seconds(grace)}"
            )
            return previous if previous and previous.reason in _FOUND else loading
        return DashboardCheck(
            "False",
            Reason.NOT_LOADED,
            f"Grafana has had no dashboard {uid} for {_format_seconds(grace)}: check that its sidecar looks for the labels of the "
            "operator's setting dashboardLabels and in this namespace (searchNamespace), and that the operator's token may "
            "see the dashboard's folder",
        )
    if snapshot.data_source_error and (state.lasting or not previous or previous.reason != Reason.LOADED):
        return _keep_message(DashboardCheck("False", Reason.DATA_SOURCE_FAILING, snapshot.data_source_error), previous)
    return DashboardCheck(
        "True", Reason.LOADED, f"Grafana has loaded it, and the data source {snapshot.source} answers"
    )


def _keep_message(found: DashboardCheck, previous: DashboardCheck | None) -> DashboardCheck:
    """Keep the last reported check if only the message differs.

    Messages may contain a time or a port, and each difference would be a write per model.
    """
    return previous if previous and (previous.status, previous.reason) == (found.status, found.reason) else found


def _format_seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


@dataclass(frozen=True)
class VersionChange:
    """A model's change from one version to another."""

    key: Key
    uid: str
    before: str
    after: str
    since: str
    """Time of the change, as in the status."""

    @property
    def milliseconds(self) -> int:
        """Time of the change, as Grafana stores times."""
        return int(datetime.fromisoformat(self.since).timestamp() * 1000)

    @property
    def text(self) -> str:
        """Text of the annotation."""
        return f"version {self.before} -> {self.after}"

    @property
    def tags(self) -> list[str]:
        """Tags by which the annotation is found."""
        return ["monitored-models", str(self.key)]

    def age(self, now: datetime) -> float:
        """Seconds since the change."""
        return (now - datetime.fromisoformat(self.since)).total_seconds()


def last_version_change(key: Key, uid: str, status: Mapping[str, Any]) -> VersionChange | None:
    """The last version change in a stored status, or None."""
    before, after, since = (status.get(name) for name in ("previousVersion", "version", "versionSince"))
    if not (before and after and since):
        return None
    try:
        aware = datetime.fromisoformat(since).tzinfo is not None
    except ValueError:  # an invalid time that someone else put into the status
        return None
    return VersionChange(key, uid, before, after, since) if aware else None
