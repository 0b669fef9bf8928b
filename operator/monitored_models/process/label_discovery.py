"""Finds the labels by which Prometheus and Alertmanager objects select children, and reports what it found.

One list of each kind before the first reconcile, so that no child is written twice, and one in each period after it.
What cannot be read changes nothing: children keep the labels of the last successful list, or have the configured ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from http import HTTPStatus

from ..integrations.prometheus.selectors import Finding, Outcome, SelectingObject, Selection, Selections, selections_of
from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.conditions import Reason
from ..naming.kinds import SELECTING_KINDS, Kind
from ..settings import FoundLabels, Settings
from ..telemetry.logs import reason
from ..telemetry.operator_metrics import SelectorCollector

START_RETRY_SECONDS = (2.0, 4.0)
"""Delays at the start while lists fail for a transient reason. Then the operator starts with the configured labels."""
_EXPECTED = (
    Outcome.SELECTED,
    Outcome.SELECTS_NOTHING,
    Outcome.NONE_FOUND,
    Outcome.SERVED_NAMESPACES,
    Reason.CRD_NOT_INSTALLED,
)
"""Outcomes that are logged, but do not need attention."""

log = logging.getLogger(__name__)


class LabelDiscovery:
    """The labels of children in each namespace, as last found. With the setting `labels: configured`, it reads nothing."""

    def __init__(
        self, client: KubeClient, served: Collection[Kind], settings: Settings, collector: SelectorCollector
    ) -> None:
        self._client, self._served, self._settings, self._collector = client, served, settings, collector
        self._lists: dict[Kind, list[Selection]] = {}
        """The selections in the last successful list of each kind."""
        self._failures: dict[Kind, ApiError] = {}
        self._limited: set[Kind] = set()
        """Kinds that may be listed in the served namespaces only, so that the whole cluster is not tried again."""
        self._findings: frozenset[Finding] = frozenset()
        self.selections = Selections((), settings)

    def labels(self, namespace: str) -> FoundLabels:
        """The labels to add to the children in a namespace."""
        return self.selections.found_labels(namespace)

    async def start(self) -> None:
        """Read for the first time. Failures delay the start for a moment only: models are served without monitoring."""
        await self.refresh()
        for delay in START_RETRY_SECONDS:
            if any(error.transient for error in self._failures.values()):
                await asyncio.sleep(delay)
                await self.refresh()

    async def refresh(self) -> None:
        """Read all kinds again, and report what has changed."""
        if self._settings.labels != "auto":
            return
        await asyncio.gather(*(self._read(kind) for kind in SELECTING_KINDS if kind in self._served))
        known = frozenset(selection for listed in self._lists.values() for selection in listed)
        if known != self.selections.known:
            selections = Selections(known, self._settings)
            await asyncio.to_thread(lambda: selections.findings)  # of hundreds of objects: half a second
            self.selections = selections
        self._report(self.selections.findings.union(self._about_kinds()))

    async def _read(self, kind: Kind) -> None:
        served = self._settings.namespaces
        try:
            self._lists[kind] = await self._list(kind, served if kind in self._limited else (None,))
            self._failures.pop(kind, None)
        except ApiError as error:
            if error.code == HTTPStatus.FORBIDDEN and served and kind not in self._limited:
                self._limited.add(kind)
                await self._read(kind)
            else:
                self._failures[kind] = error

    async def _list(self, kind: Kind, namespaces: Iterable[str | None]) -> list[Selection]:
        found: list[Selection] = []
        for namespace in namespaces:
            async for items, _ in self._client.list_pages(kind, namespace, None):
                for body in items:
                    found += selections_of(kind, body)
        return found

    def _about_kinds(self) -> list[Finding]:
        """Findings about the kinds that could not be read everywhere, or of which no object exists."""
        found = []
        for kind in SELECTING_KINDS:
            if kind not in self._served:
                found.append(_about(kind, Reason.CRD_NOT_INSTALLED, "the cluster does not have this kind"))
            elif error := self._failures.get(kind):
                kept = "of the last list" if self._lists.get(kind) else "of the settings only"
                detail = error.reason if error.transient else error.message  # which is the same each time
                found.append(_about(kind, error.reason, f"cannot be listed, so the labels {kept} are used: {detail}"))
            elif kind in self._limited:
                found.append(_about(kind, Outcome.SERVED_NAMESPACES, "may be listed in the served namespaces only"))
            elif not self._lists.get(kind):
                found.append(_about(kind, Outcome.NONE_FOUND, "the cluster has no such object"))
        return found

    def _report(self, findings: frozenset[Finding]) -> None:
        """Log each finding once, and export all."""
        for each in sorted(findings - self._findings, key=lambda each: (each.by, each.selects)):
            level = logging.INFO if each.outcome in _EXPECTED else logging.WARNING
            what = f"{each.by} and {each.selects}s" if each.selects else str(each.by)
            log.log(level, "%s: %s", what, each.explanation, extra=reason(each.outcome))
        gone = {each.by for each in self._findings} - {each.by for each in findings}
        for by in sorted(each for each in gone if each.name):
            log.info("%s: it no longer exists", by, extra=reason("Deleted"))
        self._findings = findings
        self._collector.rows = [
            (each.by.kind, each.by.namespace, each.by.name, each.selects, each.outcome) for each in findings
        ]


def _about(kind: Kind, outcome: str, explanation: str) -> Finding:
    return Finding(SelectingObject(kind.name), "", outcome, explanation)
