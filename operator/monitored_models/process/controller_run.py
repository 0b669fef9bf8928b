"""The leader's work while the cluster serves one set of kinds: watches, the work queue and its workers, full lists."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

import kopf

from ..cache.cluster_cache import ClusterCache
from ..integrations.grafana.poller import Poller
from ..integrations.grafana.tracker import DashboardTracker
from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.keys import Key, OwnerKey
from ..naming.kinds import CHILDREN, PROFILE, Kind
from ..plan.render_cache import RenderCache
from ..reconcile.applier import Applier
from ..reconcile.model import ModelReconciler
from ..reconcile.profile import ProfileReconciler
from ..reconcile.status_writer import StatusWriter
from ..reconcile.workqueue import WorkQueue
from ..settings import Settings
from ..telemetry.logs import about, reason
from ..telemetry.telemetry import Telemetry
from . import watch
from .label_discovery import LabelDiscovery
from .resync import resync

T = TypeVar("T")

PERSISTENT_FAILURES = 3
"""Consecutive failures after which an API server error is reported as a condition."""
START_RETRY_SECONDS = 2.0
STOP_SECONDS = 20.0
"""Time for reconciles in flight to finish; Kubernetes kills a pod after thirty seconds."""

log = logging.getLogger(__name__)


def install_signal_handlers(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def retry_until_stopped(ask: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
    """Repeat a call until it succeeds; None if stopped first. Raises ApiError for a permanent error."""
    while not stop.is_set():
        try:
            return await ask()
        except ApiError as error:
            if not error.transient:
                raise
            log.warning("%s; trying again in %.0f s", error, START_RETRY_SECONDS, extra=reason(error.reason))
            await sleep_or_stop(max(START_RETRY_SECONDS, error.retry_after), stop)
    return None


async def sleep_or_stop(delay: float, stop: asyncio.Event) -> None:
    """Sleep for `delay` seconds, or until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), delay)


async def unless_stopped(work: Awaitable[T], stop: asyncio.Event) -> T | None:
    """The result of a wait without a limit; None if `stop` is set first."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        task.cancel()
        stopping.cancel()


class ControllerRun:
    """Everything that runs while the cluster serves one set of kinds."""

    def __init__(
        self,
        settings: Settings,
        client: KubeClient,
        served: frozenset[Kind],
        stop: asyncio.Event,
        telemetry: Telemetry,
    ) -> None:
        self._settings, self._client, self._served, self._stop = settings, client, served, stop
        self._telemetry, self._metrics = telemetry, telemetry.metrics
        self._cache = ClusterCache()
        self._queue: WorkQueue[OwnerKey] = WorkQueue(
            group=lambda key: key.namespace, waited=telemetry.metrics.queue_wait.observe
        )
        self._clock = asyncio.get_running_loop().time
        self._dashboards = self._make_dashboard_tracker()
        self._labels = LabelDiscovery(client, served, settings, telemetry.selectors)
        applier, renders = Applier(client, self._cache), RenderCache(settings)
        self._profiles = ProfileReconciler(
            applier=applier,
            renders=renders,
            served=served,
            enqueue=self._enqueue_models,
            recheck_seconds=settings.recheck_seconds,
            labels=self._labels.labels,
        )
        self._models = ModelReconciler(
            applier=applier,
            renders=renders,
            served=served,
            enqueue=self._enqueue_models,
            recheck_seconds=settings.recheck_seconds,
            labels=self._labels.labels,
            status_writer=StatusWriter(self._cache, client, self._clock),
            metrics=telemetry.series,
            profiles=self._profiles,
            steps=telemetry.steps,
            dashboards=self._dashboards,
        )
        self._ending = asyncio.Event()
        self._kinds_changed = False

    async def serve(self) -> bool:
        """Run until stopped or until the served kinds change. Returns whether the kinds changed."""
        self._metrics.depth.set_function(self._queue.depth)
        self._metrics.age.set_function(self._queue.age)
        self._metrics.models.set_function(self._cache.count)
        await unless_stopped(retry_until_stopped(self._first_list, self._stop), self._stop)
        await unless_stopped(self._labels.start(), self._stop)
        if self._stop.is_set():
            return False  # what is cached may be incomplete
        self._telemetry.health.synced = True
        log.info("%d models; kinds not served: %s", self._cache.count(), self._absent(), extra=reason("Started"))
        async with asyncio.TaskGroup() as group:
            # Created before kopf starts: when kopf ends, it cancels the tasks that were created later.
            workers = [group.create_task(self._queue.work(self._handle)) for _ in range(self._settings.workers)]
            kopf_runs = asyncio.Event()
            clocks = [
                group.create_task(work)
                for work in (
                    self._resync_forever(),
                    self._watch_kinds(),
                    self._watch_selectors(),
                    self._end_when_stopped(),
                    self._reinstall_signal_handlers(kopf_runs),
                    self._poll_grafana(),
                )
            ]
            await self._watch(kopf_runs)
            self._queue.close()
            _, unfinished = await asyncio.wait(workers, timeout=STOP_SECONDS)
            for task in (*clocks, *unfinished):
                task.cancel()
        return self._kinds_changed

    async def kinds_differ(self) -> bool:
        """Whether the cluster now serves other kinds than when this controller run began."""
        return await self._client.served_kinds() != self._served

    def _make_dashboard_tracker(self) -> DashboardTracker | None:
        grafana = self._settings.grafana
        if grafana is None:
            return None
        tracker = DashboardTracker(
            self._clock, grace=grafana.grace_seconds, tolerance=grafana.tolerance_seconds, marked=grafana.annotations
        )
        self._metrics.grafana_waiting.set_function(lambda: len(tracker.changes))
        return tracker

    async def _poll_grafana(self) -> None:
        """Poll Grafana forever, if configured. Changed models are enqueued at low priority, behind users' edits."""
        if self._settings.grafana and self._dashboards:
            await Poller(
                self._settings.grafana,
                self._dashboards,
                self._metrics,
                lambda key: self._queue.add(key, routine=True),
            ).run()

    def _absent(self) -> str:
        return ", ".join(kind.plural for kind in (*CHILDREN, PROFILE) if kind not in self._served) or "none"

    async def _watch(self, runs: asyncio.Event) -> None:
        namespaces = self._settings.namespaces
        connections = watch.SessionPool(self._client)
        registry = watch.registry(self._cache, self._queue, self._served, self._telemetry.steps)
        kopf.on.login(registry=registry)(connections.log_in)
        try:
            await kopf.operator(
                registry=registry,
                settings=watch.operator_settings(),
                # It only names peers, of which there are none. By default kopf asks who the user is; in a container the
                # user has no name.
                identity="monitored-models",  # type: ignore[arg-type]
                clusterwide=not namespaces,
                namespaces=namespaces,
                stop_flag=self._ending,
                ready_flag=runs,
            )
        finally:
            await connections.close()

    def _enqueue_models(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._queue.add(key, routine=True)

    async def _handle(self, key: OwnerKey) -> None:
        """Reconcile one model or profile. Any failure is logged and retried, and affects no other key."""
        surface_errors, began, outcome = self._queue.failures(key) >= PERSISTENT_FAILURES, self._clock(), "error"
        try:
            if isinstance(key, Key):
                delay = await self._models.reconcile(key, surface_errors=surface_errors)
            else:
                delay = await self._profiles.reconcile(key, surface_errors=surface_errors)
        except ApiError as error:
            delay = self._queue.retry(key, error.retry_after)
            self._metrics.errors.labels(error.reason).inc()
            log.warning("%s; trying again in %.1f s", error, delay, extra=about(key, error.reason))
        except Exception:
            delay = self._queue.retry(key)
            self._metrics.errors.labels("Unexpected").inc()
            log.exception("unexpected; trying again in %.1f s", delay, extra=about(key, "Unexpected"))
        else:
            outcome = "ok"
            self._queue.succeeded(key)
            if delay is not None:
                self._queue.add_after(key, delay)
        self._metrics.reconciles.labels(outcome).observe(self._clock() - began)

    async def _first_list(self) -> int:
        """List everything once. What is cached by then stays for long, so that no garbage collection need visit it."""
        return await self._resync(partial(self._telemetry.steps.exempt_from_garbage_collection, only_young=True))

    async def _resync(self, after_page: Callable[[], None] = lambda: None) -> int:
        keys = await resync(
            self._cache,
            self._client,
            self._served,
            self._settings.namespaces,
            self._telemetry.steps,
            after_page=after_page,
        )
        for key in keys:
            self._queue.add(key, routine=True)
        return len(keys)

    async def _resync_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            try:
                self._metrics.resync_corrections.inc(await self._resync())
            except ApiError as error:
                delay = self._settings.resync_seconds
                log.warning("resync: %s; it comes again in %.0f s", error, delay, extra=reason(error.reason))

    async def _watch_kinds(self) -> None:
        while True:
            await asyncio.sleep(self._settings.discovery_seconds)
            try:
                if await self.kinds_differ():
                    self._kinds_changed = True
                    self._ending.set()
                    return
            except ApiError as error:
                log.warning("looking for new kinds: %s", error, extra=reason(error.reason))

    async def _watch_selectors(self) -> None:
        """Read selectors in each period, and enqueue the models and profiles whose children need other labels."""
        while True:
            await asyncio.sleep(self._settings.discovery_seconds)
            before = self._labels.selections
            await self._labels.refresh()
            for key in self._cache.owners() if self._labels.selections is not before else ():
                if before.found_labels(key.namespace) != self._labels.labels(key.namespace):
                    self._queue.add(key, routine=True)

    async def _end_when_stopped(self) -> None:
        await self._stop.wait()
        self._kinds_changed = False  # a stop takes precedence over a change of kinds
        self._ending.set()

    async def _reinstall_signal_handlers(self, kopf_runs: asyncio.Event) -> None:
        """Reinstall our signal handlers: kopf's work only while it runs, and a signal must also end what follows."""
        await kopf_runs.wait()
        install_signal_handlers(self._stop)
