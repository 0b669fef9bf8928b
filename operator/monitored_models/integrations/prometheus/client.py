"""Prometheus client, by GET only and below one address. A query that a page repeats is sent once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from ...base.json_paths import JSON, objects

_AT_ONCE, _KEPT, _KEPT_SECONDS, _PATIENCE = 8, 512, 60.0, 60.0


class PrometheusError(Exception):
    """Prometheus rejected a query, or could not be reached; the message is for people."""


class Prometheus:
    """A Prometheus, or a server with a compatible API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._asked: dict[tuple[str, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def samples(self, query: str, at: float) -> list[JSON]:
        """Result of an instant query. Raises PrometheusError."""
        return _samples(await self._get("query", {"query": query, "time": f"{at:.3f}"}))

    async def range(self, query: str, begin: float, end: float, step: float) -> list[JSON]:
        """Result of a range query. Raises PrometheusError."""
        window = {"start": f"{begin:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return _samples(await self._get("query_range", {"query": query, **window}))

    async def label_values(self, label: str, selector: str, begin: float, end: float) -> list[str]:
        """Values of a label, of the series that a selector matches, or of all. Raises PrometheusError."""
        match = {"match[]": selector} if selector else {}
        found = await self._get(f"label/{label}/values", {**match, "start": f"{begin:.3f}", "end": f"{end:.3f}"})
        return [str(value) for value in found] if isinstance(found, list) else []

    async def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        now = time.monotonic()
        self._asked = {key: kept for key, kept in self._asked.items() if now - kept[0] < _KEPT_SECONDS}
        key = (path, *(f"{name}={value}" for name, value in parameters.items()))
        if key not in self._asked:
            while len(self._asked) >= _KEPT:
                del self._asked[next(iter(self._asked))]
            self._asked[key] = (now, asyncio.create_task(self._ask(path, parameters)))
        # A closed page must not cancel the query for the others that wait for it.
        return await asyncio.shield(self._asked[key][1])

    async def _ask(self, path: str, parameters: Mapping[str, str]) -> Any:
        address, patience = f"{self._url}/api/v1/{path}", aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with (
                self._turn,
                self._session.get(address, params=parameters, timeout=patience, allow_redirects=False) as answer,
            ):
                found = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise PrometheusError(f"Prometheus gave no answer: {str(error) or 'not in time'}") from error
        if not isinstance(found, dict) or found.get("status") != "success":
            said = found.get("error") if isinstance(found, dict) else None
            raise PrometheusError(str(said or f"Prometheus answered {status}"))
        return found.get("data")


def _samples(found: Any) -> list[JSON]:
    """Series of a response; a scalar becomes a series without labels."""
    if isinstance(found, dict) and found.get("resultType") in ("scalar", "string"):
        return [{"metric": {}, "value": found["result"]}] if found["resultType"] == "scalar" else []
    return [one for one in objects(found, "result") if "value" in one or one.get("values")]
