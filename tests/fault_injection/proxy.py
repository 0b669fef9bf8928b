"""A counting proxy in front of the real API server, which can spoil single requests and watches.

It speaks TLS with the API server's own certificate, passes everything on as it came, and keeps a record of every
request. What it spoils is told by traps: the k-th request that matches gets a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from yarl import URL

from testbed.controlplane import ControlPlane

_PATH = re.compile(
    r"/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/(?P<namespace>[^/]+))?"
    r"(?:/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?)?$"
)
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}
_NOT_OURS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")
_STATUS = {409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


@dataclass(frozen=True)
class Fault:
    """What happens to a request."""

    name: str
    code: int = 0
    """The answer, instead of passing the request on; 0: none of ours."""
    retry_after: int = 0
    """Seconds that the answer asks to wait for."""
    passed_on: bool = False
    """Whether the API server gets the request."""
    hang: bool = False
    """Whether the answer is kept back; otherwise the connection is reset."""
    kill: bool = False
    """Whether the operator is killed."""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("409", code=409),
        Fault("422", code=422),
        Fault("429", code=429, retry_after=2),
        Fault("500", code=500),
        Fault("timeout-before", hang=True),
        Fault("timeout-after", hang=True, passed_on=True),
        Fault("reset-before"),
        Fault("reset-after", passed_on=True),
        Fault("kill-before", kill=True),
        Fault("kill-after", kill=True, passed_on=True),
    )
}


@dataclass
class Call:
    """One request, and what became of it."""

    method: str
    path: str
    namespace: str
    resource: str
    """As in monitoredmodels/status."""
    name: str
    watch: bool
    time: float
    """Monotonic seconds."""
    code: int = 0
    """Of the API server's answer; 0 where it has not been asked."""
    fault: str = ""

    @property
    def write(self) -> bool:
        """Whether it changes anything that counts: Events are a courtesy, Leases and reviews are not objects of users."""
        ours = self.resource not in ("events", "leases")
        return self.method != "GET" and ours and not self.resource.endswith("reviews")

    @property
    def what(self) -> str:
        """As in `PATCH services`."""
        return f"{self.method} {self.resource}"


Matches = Callable[[Call], bool]
Kill = Callable[[], None]


@dataclass
class Trap:
    """The k-th call that matches gets a fault, and so do the ones after it, as often as told."""

    matches: Matches
    at: int
    fault: Fault
    times: int = 1
    kill: Kill = lambda: None
    """Ends the operator, for faults that do."""
    seen: int = 0
    sprung: list[Call] = field(default_factory=list)

    def catches(self, call: Call) -> bool:
        """Whether this call is the one."""
        if not self.matches(call):
            return False
        self.seen += 1
        if not self.at <= self.seen < self.at + self.times:
            return False
        self.sprung.append(call)
        return True


class Proxy:
    """The proxy, in a thread of its own, while inside."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.calls: list[Call] = []
        self.traps: list[Trap] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._watches: dict[_Watch, None] = {}
        self._refused: list[Matches] = []
        self._frozen: list[Matches] = []
        self._lists: dict[tuple[str, float], bytes] = {}
        self._replaying: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def kubeconfig(self, user: str, file: Path) -> Path:
        """A kubeconfig by which a user of the control plane comes through here."""
        config = json.loads(self.plane.kubeconfig_for(user).read_text())
        config["clusters"][0]["cluster"]["server"] = self.url
        file.write_text(json.dumps(config))
        return file

    # --- what is spoiled ---

    @contextmanager
    def trap(self, trap: Trap) -> Iterator[Trap]:
        """Have a trap set while inside."""
        self.traps.append(trap)
        try:
            yield trap
        finally:
            self.traps.remove(trap)

    @contextmanager
    def frozen(self, matches: Matches) -> Iterator[None]:
        """Watches that match stay open and tell nothing while inside; what they missed never comes."""
        self._frozen.append(matches)
        try:
            yield
        finally:
            self._frozen.remove(matches)

    @contextmanager
    def cut(self, matches: Matches, how: str) -> Iterator[None]:
        """End watches that match, by `close`, `drop` or `gone` (410), and let no new one begin while inside."""
        self._refused.append(matches)
        for watch in [watch for watch in list(self._watches) if matches(watch.call)]:
            self._loop.call_soon_threadsafe(watch.end, how)
        try:
            yield
        finally:
            self._refused.remove(matches)

    def replay_lists(self, namespace: str, until: float) -> None:
        """Answer the next request for each list of a namespace as it was answered last before that time."""
        for (path, at), content in sorted(self._lists.items(), key=lambda item: item[0][1]):
            if f"/namespaces/{namespace}/" in path and at <= until:
                self._replaying[path] = content

    def writes(self, namespace: str, since: float = 0.0) -> list[Call]:
        """Writes in a namespace that the API server has been asked for."""
        calls = list(self.calls)
        return [c for c in calls if c.write and c.namespace == namespace and c.code and c.time >= since]

    # --- the server ---

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        tls = ssl.create_default_context(cafile=self.plane.ca_file)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        unlimited = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=unlimited
        ) as self._session:
            application = web.Application(client_max_size=2**26)
            application.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.plane.directory / "server.crt", self.plane.directory / "server.key")
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            self.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call, body = _call(request), await request.read()
        self.calls.append(call)
        trap = next((trap for trap in list(self.traps) if trap.catches(call)), None)
        if trap is not None:
            return await self._spoil(request, call, body, trap)
        if call.watch:
            return await self._watch(request, call)
        if call.method == "GET" and (kept := self._replaying.pop(request.path_qs, None)):
            call.fault = "old list"
            return web.Response(body=kept, content_type="application/json")
        status, headers, content = await self._ask(request, call, body)
        if call.method == "GET" and call.namespace and not call.name and "Content-Encoding" not in headers:
            self._lists[request.path_qs, call.time] = content
        return web.Response(status=status, headers=headers, body=content)

    def _target(self, request: web.Request) -> URL:
        return URL(self.plane.url + request.raw_path, encoded=True)

    async def _ask(self, request: web.Request, call: Call, body: bytes) -> tuple[int, dict[str, str], bytes]:
        async with self._session.request(
            request.method,
            self._target(request),
            headers=_headers(request),
            data=body or None,
            skip_auto_headers=_NOT_OURS,
        ) as answer:
            content = await answer.read()
            call.code = answer.status
            return answer.status, _kept(dict(answer.headers)), content

    async def _spoil(self, request: web.Request, call: Call, body: bytes, trap: Trap) -> web.StreamResponse:
        fault, call.fault = trap.fault, trap.fault.name
        if fault.passed_on:
            await asyncio.shield(self._ask(request, call, body))
        if fault.kill:
            trap.kill()
        if fault.code:
            headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
            status = {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": f"a {fault.code} of the proxy",
                "reason": _STATUS[fault.code],
                "code": fault.code,
            }
            return web.json_response(status, status=fault.code, headers=headers)
        if fault.hang:
            await asyncio.sleep(300)
        return _reset(request)

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        if any(matches(call) for matches in self._refused):
            return _reset(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        watch = _Watch(call)
        self._watches[watch] = None
        try:
            async with self._session.get(
                self._target(request), headers=_headers(request), skip_auto_headers=_NOT_OURS
            ) as answer:
                call.code = answer.status
                response.set_status(answer.status)
                await response.prepare(request)
                await self._forward(answer, response, watch)
        finally:
            del self._watches[watch]
        if watch.how == "drop":
            return _reset(request)
        if watch.how == "gone":
            status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
        await response.write_eof()
        return response

    async def _forward(self, answer: aiohttp.ClientResponse, response: web.StreamResponse, watch: _Watch) -> None:
        ended = asyncio.ensure_future(watch.ended.wait())
        try:
            while True:
                reading = asyncio.ensure_future(answer.content.readany())
                reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, if it was one
                await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    reading.cancel()
                    return
                if not (chunk := reading.result()):
                    return
                if any(matches(watch.call) for matches in self._frozen):
                    watch.deaf = True
                if not watch.deaf:  # once events are lost, a line may have been, too
                    await response.write(chunk)
        finally:
            ended.cancel()


class _Watch:
    """A watch that is open."""

    def __init__(self, call: Call) -> None:
        self.call, self.how, self.deaf = call, "", False
        self.ended = asyncio.Event()

    def end(self, how: str) -> None:
        self.how = how
        self.ended.set()


def _call(request: web.Request) -> Call:
    found = _PATH.match(request.path)
    parts: dict[str, Any] = found.groupdict() if found else {}
    subresource = f"/{parts['subresource']}" if parts.get("subresource") else ""
    return Call(
        method=request.method,
        path=request.path,
        namespace=parts.get("namespace") or "",
        resource=(parts.get("resource") or "") + subresource,
        name=parts.get("name") or "",
        watch=request.query.get("watch") in ("true", "1"),
        time=time.monotonic(),
    )


def _headers(request: web.Request) -> dict[str, str]:
    return _kept(dict(request.headers))


def _kept(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection, without a word."""
    if request.transport is not None:
        with contextlib.suppress(OSError):
            request.transport.abort()
    return web.Response()
