"""The operator as a process: one task group owns everything that runs; if a part dies, the whole ends.

A session lasts as long as the cluster serves the same kinds. When a custom resource is installed or removed, work in
hand ends and a new session begins, which writes nothing if nothing else has changed.
"""

from __future__ import annotations

import asyncio
import logging

import kopf

from . import handlers
from .cluster import ApiError, Cluster, load_configuration
from .kinds import CHILDREN, MODEL, Kind
from .queue import WorkQueue
from .reconcile import Reconciler
from .resync import resync
from .settings import Settings
from .view import Key, View

PERSISTENT_FAILURES = 3
"""Failures in a row after which trouble with the API server is shown as a condition."""
CRD_POLL_SECONDS = 5.0

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Run until told to stop by a signal. Raises ConfigurationError, or ApiError when the cluster cannot be listed."""
    while asyncio.run(_session(settings)):
        log.info("the kinds that the cluster serves have changed: starting anew")


async def _session(settings: Settings) -> bool:
    """One session. Returns whether another should follow."""
    cluster = Cluster(await load_configuration())
    try:
        served = await _wait_for_crd(cluster)
        try:
            return await Session(settings, cluster, served).serve()
        except ExceptionGroup:
            # A kind that is removed while it is watched ends its watch with an error; so does real trouble.
            if await cluster.served() == served:
                raise
            return True
    finally:
        await cluster.close()


async def _wait_for_crd(cluster: Cluster) -> frozenset[Kind]:
    told = False
    while MODEL not in (served := await cluster.served()):
        if not told:
            log.warning("the cluster has no %s.%s: install it with kubectl apply -f crds/", MODEL.plural, MODEL.group)
            told = True
        await asyncio.sleep(CRD_POLL_SECONDS)
    return served


class Session:
    """Everything that runs while the cluster serves one set of kinds."""

    def __init__(self, settings: Settings, cluster: Cluster, served: frozenset[Kind]) -> None:
        self._settings, self._cluster, self._served = settings, cluster, served
        self._view = View()
        self._queue: WorkQueue[Key] = WorkQueue()
        self._reconciler = Reconciler(self._view, cluster, settings, served, clock=asyncio.get_running_loop().time)
        self._kinds_changed = asyncio.Event()

    async def serve(self) -> bool:
        """Run until a signal comes or the kinds change. Returns whether it was the kinds."""
        await self._resync(routine=True)
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
        return self._kinds_changed.is_set()

    def _absent(self) -> str:
        return ", ".join(kind.plural for kind in CHILDREN if kind not in self._served)

    async def _watch(self) -> None:
        configuration, namespaces = self._cluster.configuration, self._settings.namespaces
        registry = handlers.registry(self._view, self._queue, self._served)
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo:
            return handlers.connection(configuration, token)

        await kopf.operator(
            registry=registry,
            settings=handlers.operator_settings(),
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=self._kinds_changed,
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

    async def _resync(self, *, routine: bool) -> None:
        for key in await resync(self._view, self._cluster, self._served, self._settings.namespaces):
            self._queue.add(key, routine=routine)

    async def _resync_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            try:
                await self._resync(routine=True)
            except ApiError as error:
                log.warning("resync: %s; it comes again in %.0f s", error, self._settings.resync_seconds)

    async def _watch_kinds(self) -> None:
        while True:
            await asyncio.sleep(self._settings.discovery_seconds)
            try:
                if await self._cluster.served() != self._served:
                    self._kinds_changed.set()
                    return
            except ApiError as error:
                log.warning("looking for new kinds: %s", error)
