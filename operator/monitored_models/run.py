"""The operator as a process: one task group owns everything that runs; if a part dies, the whole ends.

A session lasts as long as the cluster serves the same kinds. When a custom resource is installed or removed, work in
hand ends and a new session begins, which writes nothing if nothing else has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import kopf

from . import handlers
from .cluster import ApiError, Cluster, load_configuration
from .kinds import CHILDREN, MODEL, Kind
from .queue import WorkQueue
from .reconcile import Reconciler
from .resync import resync
from .settings import Settings
from .view import Key, View
from .wanted import Renderer

T = TypeVar("T")

PERSISTENT_FAILURES = 3
"""Failures in a row after which trouble with the API server is shown as a condition."""
CRD_POLL_SECONDS = 5.0
START_RETRY_SECONDS = 2.0

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Run until told to stop by a signal. Raises ConfigurationError, or ApiError where trying again will not help."""
    while asyncio.run(_session(settings)):
        log.info("the kinds that the cluster serves have changed: starting anew")


async def _session(settings: Settings) -> bool:
    """One session. Returns whether another should follow."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # until kopf takes them over, with the same effect
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cluster = Cluster(await load_configuration())
    try:
        served = await _wait_for_crd(cluster, stop)
        return served is not None and await _serve(Session(settings, cluster, served, stop))
    finally:
        await cluster.close()


async def _serve(session: Session) -> bool:
    try:
        return await session.serve()
    except (ExceptionGroup, ApiError):
        # A kind that is removed while it is listed or watched ends that with an error; so does real trouble.
        if not await session.kinds_differ():
            raise
        return True


async def _wait_for_crd(cluster: Cluster, stop: asyncio.Event) -> frozenset[Kind] | None:
    """The kinds that the cluster serves, once ours is among them; None when told to stop before."""
    told = False
    while not stop.is_set():
        served = await _patiently(cluster.served, stop)
        if served is None or MODEL in served:
            return served
        if not told:
            log.warning("the cluster has no %s.%s: install it with kubectl apply -f crds/", MODEL.plural, MODEL.group)
            told = True
        await _pause(CRD_POLL_SECONDS, stop)
    return None


async def _patiently(ask: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
    """Ask until there is an answer; None when told to stop before. Raises ApiError for an answer that will stay."""
    while not stop.is_set():
        try:
            return await ask()
        except ApiError as error:
            if not error.passing:
                raise
            log.warning("%s; trying again in %.0f s", error, START_RETRY_SECONDS)
            await _pause(max(START_RETRY_SECONDS, error.retry_after), stop)
    return None


async def _pause(delay: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), delay)


class Session:
    """Everything that runs while the cluster serves one set of kinds."""

    def __init__(self, settings: Settings, cluster: Cluster, served: frozenset[Kind], stop: asyncio.Event) -> None:
        self._settings, self._cluster, self._served, self._stop = settings, cluster, served, stop
        self._view = View()
        self._queue: WorkQueue[Key] = WorkQueue(group=lambda key: key.namespace)
        self._reconciler = Reconciler(
            self._view, cluster, Renderer(settings), served, clock=asyncio.get_running_loop().time
        )
        self._kinds_changed = False

    async def serve(self) -> bool:
        """Run until a signal comes or the kinds change. Returns whether it was the kinds."""
        await _patiently(self._resync, self._stop)
        log.info("%d models; kinds not served: %s", len(self._view.keys()), self._absent() or "none")
        async with asyncio.TaskGroup() as group:
            # Made before kopf starts: at its end, kopf cancels tasks that were made later.
            workers = [group.create_task(self._queue.work(self._handle)) for _ in range(self._settings.workers)]
            clocks = [group.create_task(self._resync_forever()), group.create_task(self._watch_kinds())]
            await self._watch()
            self._queue.close()
            await asyncio.wait(workers)
            for clock in clocks:
                clock.cancel()
        return self._kinds_changed

    async def kinds_differ(self) -> bool:
        """Whether the cluster now serves other kinds than when this session began."""
        return await self._cluster.served() != self._served

    def _absent(self) -> str:
        return ", ".join(kind.plural for kind in CHILDREN if kind not in self._served)

    async def _watch(self) -> None:
        configuration, namespaces = self._cluster.configuration, self._settings.namespaces
        registry = handlers.registry(self._view, self._queue, self._served)

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo:
            # Asked for anew each time: tokens of service accounts and of login programs expire.
            token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
            return handlers.connection(configuration, token)

        await kopf.operator(
            registry=registry,
            settings=handlers.operator_settings(),
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=self._stop,
        )

    async def _handle(self, key: Key) -> None:
        """Reconcile one model; whatever goes wrong is logged and tried again, and touches no other model."""
        tolerate = self._queue.failures(key) >= PERSISTENT_FAILURES
        try:
            again = await self._reconciler.reconcile(key, tolerate=tolerate)
        except ApiError as error:
            delay = self._queue.retry(key, error.retry_after)
            log.warning("%s: %s; trying again in %.1f s", key, error, delay)
        except Exception:
            delay = self._queue.retry(key)
            log.exception("%s: unexpected; trying again in %.1f s", key, delay)
        else:
            self._queue.succeeded(key)
            if again is not None:
                self._queue.add_after(key, again)

    async def _resync(self) -> None:
        for key in await resync(self._view, self._cluster, self._served, self._settings.namespaces):
            self._queue.add(key, routine=True)

    async def _resync_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            try:
                await self._resync()
            except ApiError as error:
                log.warning("resync: %s; it comes again in %.0f s", error, self._settings.resync_seconds)

    async def _watch_kinds(self) -> None:
        while True:
            await asyncio.sleep(self._settings.discovery_seconds)
            try:
                if await self.kinds_differ():
                    self._kinds_changed = True
                    self._stop.set()
                    return
            except ApiError as error:
                log.warning("looking for new kinds: %s", error)
