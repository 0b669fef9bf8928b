"""The operator as a process: one task group owns everything that runs; if a part dies, the whole ends.

Of several operators one leads. The leader works in sessions: one lasts as long as the cluster serves the same kinds. When
a custom resource is installed or removed, work in hand ends and a new session begins, which writes nothing if nothing
else has changed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from kubernetes.aio.client import Configuration

from .cluster import ApiError, Cluster, ConfigurationError, load_configuration
from .face import Face
from .health import measure_lag
from .kinds import MODEL, Kind
from .leader import RENEW_SECONDS, LeadershipLost, Lease
from .logs import reason
from .session import Session, heed_signals, patiently, pause
from .settings import Settings
from .traffic import trace
from .web import serving

CRD_POLL_SECONDS = 5.0
END_SECONDS = 25.0
"""Time between a signal and the end of the process, whatever hangs: Kubernetes kills a pod after thirty."""
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Run until told to stop by a signal.

    Raises ConfigurationError, CannotListen, or ApiError where trying again will not help.
    """
    try:
        asyncio.run(Operator(settings).run())
    except ExceptionGroup as group:
        raise _cause(group) from group


def _cause(group: ExceptionGroup) -> Exception:
    """What to tell of several failures: the one that brought the others about, if it is one that we know of."""
    for known in (ConfigurationError, ApiError):
        found: BaseException | None = group.subgroup(known)
        while isinstance(found, ExceptionGroup):
            found = found.exceptions[0]
        if isinstance(found, Exception):
            return found
    return group


class Operator:
    """One operator process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._face = Face()

    async def run(self) -> None:
        """Serve the own endpoint, and lead when it is our turn, until told to stop."""
        heed_signals(self._stop)
        configuration = await load_configuration()
        configuration.trace_configs = [trace(self._face.metrics, self._face.watches)]
        async with serving(self._settings.listen, self._face) as address:
            if address:
                log.info("listening on %s", address, extra=reason("Listening"))
            async with asyncio.TaskGroup() as group:
                beside = (
                    group.create_task(measure_lag(self._face.metrics.lag.observe, self._face.health.lagged)),
                    group.create_task(_end_in_time(self._stop)),
                )
                await (self._elect(configuration) if self._settings.leader_election else self._lead(configuration))
                for task in beside:
                    task.cancel()

    async def _elect(self, configuration: Configuration) -> None:
        """Lead when no other does."""
        client = Cluster(configuration, timeout=RENEW_SECONDS)
        lease = Lease(client, _lease_namespace(self._settings), self._settings.lease_name, _identity())
        self._face.health.role = "standby"
        try:
            if not await self._unless_stopped(_acquire(lease)):
                return
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(_keep(lease))
                await self._lead(configuration, lease.left)
                keeper.cancel()
            await lease.release()  # all that could write has ended
        finally:
            await client.close()

    async def _lead(self, configuration: Configuration, fence: Callable[[], float] = lambda: math.inf) -> None:
        """One session after the other, until told to stop."""
        self._face.health.role = "leading"
        self._face.metrics.leader.set(1)
        cluster = Cluster(configuration, timeout=self._settings.request_timeout_seconds, fence=fence)
        try:
            while (served := await self._wait_for_crd(cluster)) is not None:
                session = Session(self._settings, cluster, served, self._stop, self._face)
                if not await self._serve(session):
                    return
                log.info("the kinds that the cluster serves have changed: starting anew", extra=reason("KindsChanged"))
                self._face.forget_session()
        finally:
            await cluster.close()

    async def _serve(self, session: Session) -> bool:
        """One session. Returns whether another should follow."""
        try:
            return await session.serve()
        except (ExceptionGroup, ApiError):
            # A kind that is removed while it is listed or watched ends that with an error; so does real trouble.
            if not await session.kinds_differ():
                raise
            return True

    async def _wait_for_crd(self, cluster: Cluster) -> frozenset[Kind] | None:
        """The kinds that the cluster serves, once ours is among them; None when told to stop before."""
        told = False
        while not self._stop.is_set():
            served = await patiently(cluster.served, self._stop)
            if served is None or MODEL in served:
                return served
            if not told:
                what = f"{MODEL.plural}.{MODEL.group}"
                log.warning(
                    "the cluster has no %s: install it with kubectl apply -f crds/",
                    what,
                    extra=reason("CRDNotInstalled"),
                )
                told = True
            await pause(CRD_POLL_SECONDS, self._stop)
        return None

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Do something that may take for ever. Returns whether it was done; not, when told to stop before."""
        doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await doing
            return doing.done()
        finally:
            doing.cancel()
            stopping.cancel()


async def _acquire(lease: Lease) -> None:
    try:
        await lease.acquire()
    except ApiError as error:
        raise ConfigurationError(
            f"the lease {lease.namespace}/{lease.name} cannot be had: {error}. Give the operator its Role "
            "(config/rbac.yaml), another namespace by the setting leaseNamespace, or set leaderElection to false where "
            "only one operator runs"
        ) from error


async def _keep(lease: Lease) -> None:
    """Renew the lease. When that fails the process ends at once: all that it could still do is for another to do."""
    try:
        await lease.keep()
    except LeadershipLost as error:
        _cut_off(str(error), "LeadershipLost")


async def _end_in_time(stop: asyncio.Event) -> None:
    """End the process if that takes too long once it was told to: a task that hangs must not keep the lease."""
    await stop.wait()
    await asyncio.sleep(END_SECONDS)
    _cut_off(f"something did not end in {END_SECONDS:.0f} s", "NotEnded")


def _cut_off(message: str, why: str) -> NoReturn:
    log.error(message, extra=reason(why))
    logging.shutdown()
    os._exit(1)


def _lease_namespace(settings: Settings) -> str:
    own = _OWN_NAMESPACE.read_text().strip() if _OWN_NAMESPACE.exists() else "default"
    return settings.lease_namespace or own


def _identity() -> str:
    """A name that no other process has, and by which people find the pod."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
