"""A client of Prometheus' HTTP API: GET requests below one address. The preview and the demo use it.

The session brings what the address needs: TLS, a token, a proxy. Errors are texts for people.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from ...base.json_paths import JSON, objects

MAX_CONCURRENT = 8
"""Requests at the same time; others wait."""
MAX_CACHED = 512
"""Responses that are cached; beyond that, the oldest are dropped."""
TIMEOUT_SECONDS = 60.0


class PrometheusError(Exception):
    """Prometheus rejected a query, or could not be reached; the message is for people."""


class Prometheus:
    """A Prometheus, or a server with a compatible API.

    With `cache_seconds`, an identical request within that time is sent once, for callers such as a page whose panels
    repeat a query.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, *, cache_seconds: float = 0.0) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._cache_seconds = cache_seconds
        self._turn = asyncio.Semaphore(MAX_CONCURRENT)
        self._cache: dict[tuple[str, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def samples(self, query: str, at: float | None = None) -> list[JSON]:
        """Result of an instant query, now or at a time in Unix seconds. Raises PrometheusError."""
        time_of = {} if at is None else {"time": f"{at:.3f}"}
        return _samples(await self._get("query", {"query": query, **time_of}))

    async def range(self, query: str, begin: float, end: float, step: float) -> list[JSON]:
        """Result of a range query; times in Unix seconds. Raises PrometheusError."""
        window = {"start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return _samples(await self._get("query_range", {"query": query, **window}))

    async def label_values(self, label: str, selector: str, begin: float, end: float) -> list[str]:
        """Values of a label, of the series that a selector matches, or of all. Raises PrometheusError."""
        match = {"match[]": selector} if selector else {}
        found = await self._get(f"label/{label}/values", {**match, "start": f"{begin:.3f}", "end": f"{end:.3f}"})
        return [str(value) for value in found] if isinstance(found, list) else []

    async def rule_groups(self) -> list[JSON]:
        """The loaded rule groups, each with `name` and `rules`. Raises PrometheusError."""
        return objects(await self._get("rules", {}), "groups")

    async def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        if not self._cache_seconds:
            return await self._send(path, parameters)
        now = time.monotonic()
        self._cache = {key: entry for key, entry in self._cache.items() if now - entry[0] < self._cache_seconds}
        key = (path, *(f"{name}={value}" for name, value in parameters.items()))
        if key not in self._cache:
            while len(self._cache) >= MAX_CACHED:
                del self._cache[next(iter(self._cache))]
            self._cache[key] = (now, asyncio.create_task(self._send(path, parameters)))
        # A closed page must not cancel the query for the others that wait for it.
        return await asyncio.shield(self._cache[key][1])

    async def _send(self, path: str, parameters: Mapping[str, str]) -> Any:
        address, timeout = f"{self._url}/api/v1/{path}", aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with (
                self._turn,
                self._session.get(address, params=parameters, timeout=timeout, allow_redirects=False) as response,
            ):
                body = await response.json(content_type=None)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise PrometheusError(f"Prometheus gave no answer: {str(error) or 'not in time'}") from error
        if not isinstance(body, dict) or body.get("status") != "success":
            message = body.get("error") if isinstance(body, dict) else None
            raise PrometheusError(str(message or f"Prometheus answered {status}"))
        return body.get("data")


def _samples(found: Any) -> list[JSON]:
    """Series of a response; a scalar becomes a series without labels."""
    if isinstance(found, dict) and found.get("resultType") in ("scalar", "string"):
        return [{"metric": {}, "value": found["result"]}] if found["resultType"] == "scalar" else []
    return [one for one in objects(found, "result") if "value" in one or one.get("values")]
