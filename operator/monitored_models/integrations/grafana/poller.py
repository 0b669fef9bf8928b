"""Polls Grafana regularly, once for the entire fleet, and annotates version changes on dashboards.

A poll is a search for all dashboards of this operator, in pages, and one health check of the data source that panels
query: never a call per model. Every call has a timeout, failures only delay the next poll, and nothing else in the
operator waits for any of this. `check` evaluates the answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from ...naming.keys import Key
from ...settings import Grafana
from ...telemetry.logs import about, reason
from ...telemetry.operator_metrics import Metrics
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
        self._settings, self._dashboards, self._metrics, self._moved = settings, dashboards, metrics, moved
        self._calls = GrafanaClient(settings, metrics)
        self._clock = asyncio.get_running_loop().time
        self._due = self._clock()
        self._failures = 0
        """Consecutive polls that failed, or found the data source failing."""
        self._answers = False
        """Whether Grafana answered the last poll."""
        self._refusals = 0
        """Consecutive rounds in which Grafana accepted no annotation."""
        self._annotate_at = 0.0

    async def run(self) -> None:
        """Poll Grafana and annotate version changes, until canceled."""
        try:
            while True:
                if self._clock() >= self._due or (not self._failures and self._dashboards.has_pending()):
                    await self._poll()
                if self._answers and self._clock() >= self._annotate_at:
                    await self._annotate()
                await asyncio.sleep(
                    max(0.0, min(self._due - self._clock(), FAST_POLL_SECONDS, self._settings.check_seconds))
                )
        finally:
            await self._calls.close()

    # --- polling ---

    async def _poll(self) -> None:
        try:
            found = GrafanaSnapshot(await self._calls.dashboard_uids(), *await self._calls.data_source_health())
        except GrafanaError as error:
            self._answers = False
            keys = self._dashboards.record_failure(error.as_outage())
            self._back_off(str(error), error.as_outage().reason)
        else:
            self._answers = True
            keys = self._dashboards.record_success(found)
            self._metrics.grafana_answered.set_to_current_time()
            if found.data_source_error:
                self._back_off(found.data_source_error, "DataSourceFailing")
            else:
                self._recovered()
        for key in keys:
            self._moved(key)

    def _back_off(self, words: str, why: str) -> None:
        again = min(FIRST_RETRY * 2.0 ** min(self._failures, 16), self._settings.check_seconds)
        self._failures += 1
        self._due = self._clock() + again
        log.warning("%s; asking again in %.0f s", words, again, extra=reason(why))

    def _recovered(self) -> None:
        if self._failures:
            log.info("Grafana and its data source answer again", extra=reason("GrafanaAnswers"))
        self._failures = 0
        self._due = self._clock() + self._settings.check_seconds

    async def _annotate(self) -> None:
        """Annotate version changes on loaded dashboards, until all are done, a poll is due, or Grafana fails."""
        changes = self._dashboards.changes
        for late in changes.expire(datetime.now(UTC)):
            log.warning("%s is not marked in Grafana: too late", late.text, extra=about(late.key, "NotAnnotated"))
        for change in changes.waiting():
            if self._clock() >= self._due:
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
            again = self._dashboards.changes.refused(change)
            then = "trying again later" if again else "given up"
            log.warning("%s not marked: %s; %s", change.text, error, then, extra=about(change.key, "NotAnnotated"))
            return
        wait = min(FAST_POLL_SECONDS * 2.0 ** min(self._refusals, 16), self._settings.check_seconds)
        self._refusals += 1
        self._annotate_at = self._clock() + wait
        log.warning(
            "changes of version are not marked: %s; trying again", error, extra=reason(error.as_outage().reason)
        )
