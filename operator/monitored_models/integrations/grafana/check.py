"""From what Grafana said to what is said of a dashboard, and changes of version to be marked on it. Pure.

Trouble that all models share comes in here only when it has lasted (`dashboards`), and its words stay as they were first:
each difference would be a status write for each model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...naming.keys import Key


@dataclass(frozen=True)
class DashboardCheck:
    """What is to be said of a dashboard, as condition."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class GrafanaSnapshot:
    """What Grafana said when it was asked."""

    loaded: frozenset[str]
    """Uids of the dashboards that it has."""
    source: str
    """Name of the data source that panels ask."""
    data_source_error: str = ""
    """Grafana's words when that data source does not answer."""


@dataclass(frozen=True)
class GrafanaOutage:
    """Why Grafana could not be asked."""

    reason: str
    words: str


UNREACHABLE, FORBIDDEN = "GrafanaUnreachable", "GrafanaForbidden"
_FOUND = ("Loaded", "NotLoaded")
_KNOWN = (*_FOUND, UNREACHABLE, FORBIDDEN, "DataSourceFailing", "Loading")


@dataclass(frozen=True)
class State:
    """What is known of Grafana as a whole: the latest answer, and trouble that has lasted."""

    look: GrafanaSnapshot | None = None
    looked_at: float = 0.0
    trouble: GrafanaOutage | None = None
    lasting: bool = False
    """Whether the data source has failed for so long that it counts."""


def evaluate(state: State, uid: str, since: float, said: DashboardCheck | None, grace: float) -> DashboardCheck:
    """The verdict on a dashboard that was first wanted or last seen at `since`. `said` was told before. Pure."""
    if state.trouble:
        words = f"{state.trouble.words}; nothing is known of the dashboard until Grafana answers"
        return _keep_message(DashboardCheck("Unknown", state.trouble.reason, words), said)
    if state.look is None:
        unasked = DashboardCheck("Unknown", "NotChecked", "Grafana has not answered yet whether it has the dashboard")
        return said if said and said.reason in _KNOWN else unasked
    if uid not in state.look.loaded:
        if state.looked_at - since < grace:
            loading = DashboardCheck(
                "Unknown", "Loading", f"Grafana has not loaded it yet; this may take {_told(grace)}"
            )
            return said if said and said.reason in _FOUND else loading
        return DashboardCheck(
            "False",
            "NotLoaded",
            f"Grafana has had no dashboard {uid} for {_told(grace)}: check that its sidecar looks for the labels of the "
            "operator's setting dashboardLabels and in this namespace (searchNamespace), and that the operator's token may "
            "see the dashboard's folder",
        )
    if state.look.data_source_error and (state.lasting or not said or said.reason != "Loaded"):
        return _keep_message(DashboardCheck("False", "DataSourceFailing", state.look.data_source_error), said)
    return DashboardCheck("True", "Loaded", f"Grafana has loaded it, and the data source {state.look.source} answers")


def _keep_message(found: DashboardCheck, said: DashboardCheck | None) -> DashboardCheck:
    """What was said, where only words differ: they may hold a time or a port, and each would be a write per model."""
    return said if said and (said.status, said.reason) == (found.status, found.reason) else found


def _told(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


@dataclass(frozen=True)
class VersionChange:
    """A model that went from one version to another."""

    key: Key
    uid: str
    before: str
    after: str
    since: str
    """When, as in the status."""

    @property
    def milliseconds(self) -> int:
        """When, as Grafana has times."""
        return int(datetime.fromisoformat(self.since).timestamp() * 1000)

    @property
    def text(self) -> str:
        """What the annotation says."""
        return f"version {self.before} -> {self.after}"

    @property
    def tags(self) -> list[str]:
        """Tags by which the annotation is found."""
        return ["monitored-models", str(self.key)]

    def age(self, now: datetime) -> float:
        """Seconds since then."""
        return (now - datetime.fromisoformat(self.since)).total_seconds()


def last_version_change(key: Key, uid: str, status: Mapping[str, Any]) -> VersionChange | None:
    """The last change of version that a stored status tells of, or None."""
    before, after, since = (status.get(name) for name in ("previousVersion", "version", "versionSince"))
    if not (before and after and since):
        return None
    try:
        aware = datetime.fromisoformat(since).tzinfo is not None
    except ValueError:  # a time that someone else put into the status
        return None
    return VersionChange(key, uid, before, after, since) if aware else None
