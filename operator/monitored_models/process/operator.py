"""The operator process: one task group owns everything that runs; if one part fails, the process ends.

One of several operators leads. The leader works in controller runs, each of which lasts as long as the cluster serves
the same kinds. When a custom resource is installed or removed, the reconciles in flight finish and a new controller run
begins, which writes nothing if nothing else has changed.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import TypeVar

from ..kube.client import KubeClient, load_configuration
from ..kube.errors import ApiError, ConfigurationError
from ..naming.conditions import Reason
from ..naming.kinds import MODEL, Kind
from ..settings import Settings
from ..telemetry.api_client_metrics import trace_config
from ..telemetry.heartbeat import keep_beating
from ..telemetry.logs import reason
from ..telemetry.telemetry import Telemetry
from .controller_run import ControllerRun, install_signal_handlers, retry_until_stopped, sleep_or_stop, unless_stopped
from .supervisor import Supervisor

T = TypeVar("T")

CRD_POLL_SECONDS = 5.0
END_SECONDS = 25.0
"""Time from a signal to the end of the process, even if something hangs: Kubernetes kills a pod after thirty."""

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Run until a signal stops the process.

    Raises ConfigurationError, ListenError, or ApiError for a permanent error.
    """
    try:
        asyncio.run(Operator(settings).run())
    except ExceptionGroup as group:
        raise _root_cause(group) from group


def _root_cause(group: ExceptionGroup) -> Exception:
    """The failure to report from a group: the one that caused the others, if it is of a known type."""
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
        self._telemetry = Telemetry()
        self._supervisor = Supervisor(settings, self._telemetry)

    async def run(self) -> None:
        """Serve the HTTP endpoint, and lead once elected, until stopped."""
        install_signal_handlers(self._stop)
        self._telemetry.steps.exempt_from_garbage_collection()
        self._telemetry.steps.time_garbage_collection()
        address = await self._supervisor.start()
        try:
            if address:
                log.info("listening on %s", address, extra=reason("Listening"))
            async with asyncio.TaskGroup() as group:
                beside = (
                    group.create_task(
                        keep_beating(
                            self._telemetry.heartbeat,
                            self._telemetry.metrics.lag.observe,
                            self._telemetry.health.record_lag,
                        )
                    ),
                    group.create_task(self._enforce_shutdown_deadline()),
                )
                await self._lead_when_elected()
                for task in beside:
                    task.cancel()
        finally:
            await self._supervisor.finish()  # the Lease is released last: everything that could write has ended

    async def _lead_when_elected(self) -> None:
        """Lead when no other instance does."""
        if not self._settings.leader_election:
            await self._lead(lambda: math.inf)
            return
        self._telemetry.health.role = "standby"
        fence = await unless_stopped(self._supervisor.lead(), self._stop)
        if fence is not None:
            await self._lead(fence)

    async def _lead(self, fence: Callable[[], float]) -> None:
        """Run one controller run after another, until stopped."""
        self._telemetry.health.role = "leading"
        self._telemetry.metrics.leader.set(1)
        configuration = await load_configuration()
        configuration.trace_configs = [trace_config(self._telemetry.metrics, self._telemetry.watches)]
        cluster = KubeClient(
            configuration, timeout=self._settings.request_timeout_seconds, fence=fence, steps=self._telemetry.steps
        )
        try:
            while (served := await self._wait_for_crd(cluster)) is not None:
                session = ControllerRun(self._settings, cluster, served, self._stop, self._telemetry)
                if not await self._serve(session):
                    return
                log.info("the kinds that the cluster serves have changed: starting anew", extra=reason("KindsChanged"))
                self._telemetry.reset()
        finally:
            await cluster.close()

    async def _serve(self, session: ControllerRun) -> bool:
        """Run one controller run. Returns whether another should follow."""
        try:
            return await session.serve()
        except (ExceptionGroup, ApiError):
            # Removing a kind while it is listed or watched causes an error; so does a real failure.
            if not await session.kinds_differ():
                raise
            return True

    async def _wait_for_crd(self, client: KubeClient) -> frozenset[Kind] | None:
        """Wait until the cluster serves MonitoredModels. Returns the served kinds; None if stopped first."""
        reported = False
        while not self._stop.is_set():
            served = await retry_until_stopped(client.served_kinds, self._stop)
            if served is None or MODEL in served:
                return served
            if not reported:
                what = f"{MODEL.plural}.{MODEL.group}"
                log.warning(
                    "the cluster has no %s: install it with kubectl apply -f crds/",
                    what,
                    extra=reason(Reason.CRD_NOT_INSTALLED),
                )
                reported = True
            await sleep_or_stop(CRD_POLL_SECONDS, self._stop)
        return None

    async def _enforce_shutdown_deadline(self) -> None:
        """End the process if its shutdown takes too long: a task that hangs must not keep the Lease."""
        await self._stop.wait()
        self._supervisor.end_within(END_SECONDS)
