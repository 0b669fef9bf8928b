"""A real Chromium without a window, spoken to by its DevTools protocol over a WebSocket: no driver is needed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from testbed import debian
from testbed.processes import Process, start

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


_PATIENCE = 90


class PageError(AssertionError):
    """A page did not come to what was awaited; the message has what it said instead."""


@dataclass
class Page:
    """One open page."""

    _socket: aiohttp.ClientWebSocketResponse
    _session: str
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    complaints: list[str] = field(default_factory=list)
    """What the page wrote to its console as errors, and exceptions of its scripts."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and address of every request."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A call of the protocol; events that come in meanwhile are noted."""
        number = next(self._numbers)
        message = {"id": number, "sessionId": self._session, "method": method, "params": parameters}
        await self._socket.send_json(message)
        while True:
            found = json.loads(await self._socket.receive_str(timeout=60))
            if found.get("id") == number:
                if "error" in found:
                    raise PageError(f"{method}: {found['error']}")
                result: dict[str, Any] = found["result"]
                return result
            self._note(found)

    def _note(self, event: dict[str, Any]) -> None:
        about = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(about["exceptionDetails"])[:2000])
            case "Log.entryAdded" if about["entry"]["level"] == "error":
                self.complaints.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.asked.append((about["request"]["method"], about["request"]["url"]))

    async def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise PageError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    async def wait(self, condition: str) -> Any:
        """The value of an expression, once it is true."""
        # What happens in a page can only be looked at again and again.
        for _ in range(_PATIENCE * 10):
            if found := await self.evaluate(condition):
                return found
            await asyncio.sleep(0.1)
        told = await self.evaluate("document.body ? document.body.innerText.slice(0, 2000) : location.href")
        raise PageError(f"not within {_PATIENCE} s: {condition}\n{self.complaints}\n{told}")

    async def picture(self, file: Path, *, scale: float = 1) -> None:
        """The whole page as PNG."""
        height = await self.evaluate("document.documentElement.scrollHeight")
        width = await self.evaluate("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(found["data"]))  # noqa: ASYNC240


@asynccontextmanager
async def page(url: str, folder: Path, *, width: int = 1440, height: int = 900) -> AsyncIterator[Page]:
    """A page in a Chromium of its own, which keeps its files in a folder. Raises ToolError where there is none."""
    debian.ensure("chromium")
    process = start(
        "chromium",
        [
            debian.command("chromium"),
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
        ],
        log=folder / "chromium.log",
    )
    try:
        address = await _address(process, folder / "profile/DevToolsActivePort")
        async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
            await socket.send_json({"id": 0, "method": "Target.createTarget", "params": {"url": "about:blank"}})
            target = (await _result(socket, 0))["targetId"]
            attach = {"targetId": target, "flatten": True}
            await socket.send_json({"id": 0, "method": "Target.attachToTarget", "params": attach})
            made = Page(socket, (await _result(socket, 0))["sessionId"])
            for domain in ("Page", "Runtime", "Log", "Network"):
                await made.call(f"{domain}.enable")
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            await made.call("Emulation.setDeviceMetricsOverride", **size)
            await made.call("Page.navigate", url=url)
            yield made
    finally:
        process.kill()


async def _result(socket: aiohttp.ClientWebSocketResponse, number: int) -> dict[str, Any]:
    while True:
        found = json.loads(await socket.receive_str(timeout=60))
        if found.get("id") == number:
            result: dict[str, Any] = found["result"]
            return result


async def _address(process: Process, file: Path) -> str:
    for _ in range(_PATIENCE * 10):
        with contextlib.suppress(FileNotFoundError, ValueError):
            port, path = file.read_text().split()  # noqa: ASYNC240 -- nothing else runs meanwhile
            return f"ws://127.0.0.1:{port}{path}"
        if not process.alive():
            break
        await asyncio.sleep(0.1)
    raise PageError(f"chromium did not start\n{process.tail()}")
