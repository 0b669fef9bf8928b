"""The operator's own HTTP endpoint: /healthz, /readyz and /metrics. It is read-only.

The supervisor's thread serves it, so that it answers while the work is busy. The series of thousands of models are
sent in chunks, between which that thread renews the Lease and lets the work continue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ..settings import Settings
from .logs import reason
from .metrics_access import ALLOWED, METRICS_PATH, MetricsAccess
from .server_certificate import ServerCertificate
from .telemetry import Telemetry

_TEXT = "text/plain; version=0.0.4; charset=utf-8"

log = logging.getLogger(__name__)


class ListenError(Exception):
    """The address is in use or not local, or its certificate is not usable; the message names the setting."""


@asynccontextmanager
async def run_server(
    settings: Settings, telemetry: Telemetry, access: MetricsAccess | None = None
) -> AsyncIterator[str]:
    """Serve within the context; yields the address, empty if nothing is served. Raises ListenError.

    With `access`, it decides about each request for the metrics.
    """
    listen = settings.listen
    if not listen:
        yield ""
        return
    if access and not settings.tls:
        log.warning("tokens for %s travel in clear text: set tls", METRICS_PATH, extra=reason("NoTLS"))
    try:
        tls = ServerCertificate(settings.tls).context if settings.tls else None
    except OSError as error:
        raise ListenError(f"cannot listen on {listen}: {error}. Correct the setting tls") from error
    pages = application(telemetry, settings.hang_timeout_seconds, access)
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        host, port = listen.rsplit(":", 1)
        site = web.TCPSite(runner, host.strip("[]") or None, int(port), ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {listen}: {error.strerror or error}. Give another address by the setting listen, "
                'or "" for none'
            ) from error
        bound = runner.addresses[0]
        yield f"{'https' if tls else 'http'}://{host or 'localhost'}:{bound[1]}"
    finally:
        await runner.cleanup()


def _without_request(record: logging.LogRecord) -> bool:
    """Remove the content of a malformed request, which aiohttp reports: it may contain a token."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


def application(telemetry: Telemetry, hang_timeout: float, access: MetricsAccess | None = None) -> web.Application:
    """The web application with the three pages. Those for probes are open to everyone."""
    logging.getLogger("aiohttp.server").addFilter(_without_request)  # there once, however often it is added

    async def healthz(_request: web.Request) -> web.Response:
        stalled = telemetry.heartbeat.stalled
        if stalled >= hang_timeout:
            text = f"the event loop of the work has not turned for {stalled:.0f} s\n"
            return web.Response(text=text, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        checks = telemetry.ready()
        lines = [f"[{'-' if wrong else '+'}] {name}: {wrong or 'ok'}\n" for name, wrong in checks.items()]
        code = HTTPStatus.SERVICE_UNAVAILABLE if any(checks.values()) else HTTPStatus.OK
        return web.Response(text=f"{telemetry.health.role}\n{''.join(lines)}", status=code)

    async def own_metrics(request: web.Request) -> web.StreamResponse:
        if access and (decision := await access.decide(request.headers.getall("Authorization", ()))) != ALLOWED:
            challenge = {"WWW-Authenticate": "Bearer"} if decision.status == HTTPStatus.UNAUTHORIZED else {}
            return web.Response(text=decision.text, status=decision.status, headers=challenge)
        response = web.StreamResponse(headers={"Content-Type": _TEXT})
        await response.prepare(request)
        await response.write(telemetry.metrics.text())
        for piece in telemetry.series.chunks():
            await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    made = web.Application()
    made.router.add_get("/healthz", healthz)
    made.router.add_get("/readyz", readyz)
    made.router.add_get(METRICS_PATH, own_metrics)
    return made
