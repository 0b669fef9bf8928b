"""The supervisor thread: it renews the Lease, serves the operator's HTTP endpoint, and ends a process that hangs.

It has its own event loop and client, so that a long step of the work delays neither a renewal of the Lease nor the
response to a probe. The work asks it for three things only: to lead, to end the process in time, and to finish.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..kube.client import KubeClient, load_configuration
from ..kube.errors import ApiError, ConfigurationError
from ..settings import Settings
from ..telemetry.api_client_metrics import trace_config
from ..telemetry.http_server import run_server
from ..telemetry.logs import reason
from ..telemetry.metrics_access import REVIEW_SECONDS, MetricsAccess
from ..telemetry.telemetry import Telemetry
from .leader_election import RENEW_SECONDS, LeaderElector, LeadershipLost

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""Time between two checks of the work's event loop."""
LOG_SECONDS = 1.0
"""Time for the last log lines: a thread that hangs may own a logging lock."""
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

log = logging.getLogger(__name__)


class Supervisor:
    """One thread per process. The work's event loop calls its methods."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings, self._telemetry = settings, telemetry
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._watched = threading.get_ident()
        self._started: Future[str] = Future()
        self._ended: Future[None] = Future()
        self._lease: LeaderElector | None = None

    async def start(self) -> str:
        """Start the thread. Returns the address of the HTTP endpoint, empty if none is served.

        Raises ListenError, and ConfigurationError if tokens are to be reviewed and no cluster is configured.
        """
        self._thread.start()
        return await asyncio.wrap_future(self._started)

    async def lead(self) -> Callable[[], float]:
        """Wait until this process leads. Returns the fence: the seconds that a write which starts now may take.

        Raises ConfigurationError if the Lease cannot be acquired.
        """
        lease = await self._call(self._acquire())
        return lease.write_budget

    def end_within(self, seconds: float) -> None:
        """End the process after this many seconds, even if something hangs."""
        message = f"the process did not end within {seconds:.0f} s"
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, end_process, message, "NotEnded")

    async def finish(self) -> None:
        """Release the Lease and end the thread. Call only when this process can no longer write."""
        self._loop.call_soon_threadsafe(self._finishing.set)
        await asyncio.wrap_future(self._ended)

    async def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread's loop; canceling the caller cancels it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    # --- everything below runs in the thread ---

    def _run(self) -> None:
        try:
            asyncio.run(self._supervise())
        except BaseException as error:  # any failure of the thread ends the process
            if not self._started.done():
                self._started.set_exception(error)
                return
            log.exception("the supervisor failed", extra=reason("Unexpected"))
            end_process("the thread that holds the Lease has ended", "SupervisorEnded")
        self._ended.set_result(None)

    async def _supervise(self) -> None:
        self._loop, self._finishing = asyncio.get_running_loop(), asyncio.Event()
        async with (
            self._metrics_access() as access,
            run_server(self._settings, self._telemetry, access) as address,
            asyncio.TaskGroup() as self._tasks,
        ):
            watching = self._tasks.create_task(self._watch_work())
            self._started.set_result(address)
            await self._finishing.wait()
            watching.cancel()
            await self._release()

    @asynccontextmanager
    async def _metrics_access(self) -> AsyncIterator[MetricsAccess | None]:
        """What decides who may read the metrics; None if everyone may, or nothing is served."""
        if self._settings.metrics_authentication == "none" or not self._settings.listen:
            yield None
            return
        access = MetricsAccess(await self._connect(REVIEW_SECONDS))
        try:
            yield access
        finally:
            await access.close()

    async def _watch_work(self) -> None:
        """End the process if its work hangs. The Lease then expires, and another instance leads."""
        limit = self._settings.hang_timeout_seconds
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if self._telemetry.heartbeat.measure() >= limit:
                # The Lease is not released: the work could wake up before the process ends, and write.
                end_process(
                    f"the event loop has not turned for {limit:.0f} s; it stands in: {self._where()}", "WorkHangs"
                )

    def _where(self) -> str:
        """The innermost calls of the work's thread, outermost first."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  # documented for this purpose
        calls = traceback.extract_stack(frame)[-6:] if frame else []
        return " > ".join(f"{Path(call.filename).name}:{call.lineno} {call.name}" for call in calls) or "unknown"

    async def _acquire(self) -> LeaderElector:
        client = await self._connect(RENEW_SECONDS)
        lease = LeaderElector(client, _lease_namespace(self._settings), self._settings.lease_name, _identity())
        try:
            await lease.acquire()
        except BaseException as error:
            await client.close()
            if not isinstance(error, ApiError):
                raise
            raise ConfigurationError(
                f"the lease {lease.namespace}/{lease.name} cannot be had: {error}. Give the operator its Role "
                "(config/rbac.yaml), another namespace by the setting leaseNamespace, or set leaderElection to false "
                "where only one operator runs"
            ) from error
        self._lease, self._keeping = lease, self._tasks.create_task(_keep(lease))
        return lease

    async def _connect(self, limit: float) -> KubeClient:
        """A client for this thread's loop, with a limit in seconds for each request. Raises ConfigurationError."""
        configuration = await load_configuration()
        configuration.trace_configs = [trace_config(self._telemetry.metrics, self._telemetry.watches)]
        return KubeClient(configuration, timeout=limit)

    async def _release(self) -> None:
        if self._lease is None:
            return
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self._lease.release()
        await self._lease.client.close()


async def _keep(lease: LeaderElector) -> None:
    """Renew the Lease. If that fails, the process ends at once: the next leader does the rest."""
    try:
        await lease.renew_forever()
    except LeadershipLost as error:
        end_process(str(error), "LeadershipLost")


def end_process(message: str, why: str) -> NoReturn:
    """End the process at once with exit code 1, and log the reason if the log can still be written."""

    def last_line() -> None:
        log.error(message, extra=reason(why))
        logging.shutdown()

    writing = threading.Thread(target=last_line, daemon=True)
    writing.start()
    writing.join(LOG_SECONDS)
    os._exit(1)


def _lease_namespace(settings: Settings) -> str:
    own = _OWN_NAMESPACE.read_text().strip() if _OWN_NAMESPACE.exists() else "default"
    return settings.lease_namespace or own


def _identity() -> str:
    """A unique name of this process, by which people find its pod."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
