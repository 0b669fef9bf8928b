"""Polls Grafana regularly, once for the entire fleet, and annotates version changes on dashboards.

A poll is a search for all dashboards of this operator, in pages, and one health check of the data source that panels
query: never a call per model. Every call has a timeout, failures only delay the next poll, and nothing else in the
operator waits for any of this. `dashboard_check` evaluates the answers; `integrations/poller.py` decides when to poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from ...base.backoff import Backoff
from ...naming.keys import Key
from ...settings import Grafana
from ...telemetry.logs import about, reason
from ...telemetry.operator_metrics import Metrics
from ..poller import FleetPoller, PollLog, Schedule
from ..tracker import Outage
from .client import GrafanaClient, GrafanaError
from .dashboard_check import GrafanaSnapshot, VersionChange
from .tracker import DashboardTracker

FAST_POLL_SECONDS = 30.0
"""Seconds between polls while a dashboard is new; version changes wait no longer either."""
FIRST_RETRY = 10.0
"""Seconds until a failed poll is retried; twice as many each time, up to checkSeconds."""

log = logging.getLogger(__name__)


class Poller:
    """Polls one Grafana forever. `moved` receives each model whose check has changed."""

    def __init__(
        self, settings: Grafana, dashboards: DashboardTracker, metrics: Metrics, moved: Callable[[Key], None]
    ) -> None:
        self._dashboards, self._metrics = dashboards, metrics
        self._calls = GrafanaClient(settings, metrics)
        self._clock = asyncio.get_running_loop().time
        self._polls = FleetPoller(
            self._fetch,
            dashboards,
            moved,
            clock=self._clock,
            schedule=Schedule(
                settings.check_seconds, FAST_POLL_SECONDS, backoff=Backoff(FIRST_RETRY, settings.check_seconds)
            ),
            log=PollLog(log, recovery="Grafana and its data source answer again", recovery_reason="GrafanaAnswers"),
            between=self._annotate,
        )
        self._annotation_backoff = Backoff(FAST_POLL_SECONDS, settings.check_seconds)
        self._refusals = 0
        """Consecutive rounds in which Grafana accepted no annotation."""
        self._annotate_at = 0.0

    async def run(self) -> None:
        """Poll Grafana and annotate version changes, until canceled."""
        try:
            await self._polls.run()
        finally:
            await self._calls.close()

    async def _fetch(self) -> GrafanaSnapshot | Outage:
        try:
            found = GrafanaSnapshot(await self._calls.dashboard_uids(), *await self._calls.data_source_health())
        except GrafanaError as error:
            return error.as_outage()
        self._metrics.grafana_answered.set_to_current_time()
        return found

    async def _annotate(self) -> None:
        """Annotate version changes on loaded dashboards, until all are done, a poll is due, or Grafana fails."""
        if self._clock() < self._annotate_at:
            return
        changes = self._dashboards.changes
        for late in changes.expire(datetime.now(UTC)):
            log.warning("%s is not marked in Grafana: too late", late.text, extra=about(late.key, "NotAnnotated"))
        for change in changes.waiting():
            if self._polls.is_due():
                return
            if not self._dashboards.has(change.uid):
                continue
            try:
                written = await self._calls.annotate(change)
            except GrafanaError as error:
                self._back_off_annotations(change, error)
                if not error.is_request_error:
                    return
            else:
                if written:
                    log.info("%s marked in Grafana", change.text, extra=about(change.key, "Annotated"))
                changes.done(change)
                self._refusals = 0

    def _back_off_annotations(self, change: VersionChange, error: GrafanaError) -> None:
        if error.is_request_error:
            again = self._dashboards.changes.record_rejection(change)
            then = "trying again later" if again else "given up"
            log.warning("%s not marked: %s; %s", change.text, error, then, extra=about(change.key, "NotAnnotated"))
            return
        self._refusals += 1
        self._annotate_at = self._clock() + self._annotation_backoff.delay(self._refusals)
        log.warning(
            "changes of version are not marked: %s; trying again", error, extra=reason(error.as_outage().reason)
        )
