"""A client of Prometheus' HTTP API: GET requests below one address. The preview uses it.

The session brings what the address needs: TLS, a token, a proxy. Requests have a timeout, responses a largest size.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from ...base.json_paths import JSON, objects

MAX_CONCURRENT = 8
"""Requests at the same time; others wait."""
MAX_CACHED = 512
"""Responses that are cached; beyond that, the oldest are dropped."""
MAX_RESPONSE_BYTES = 64 * 2**20
"""Size of a response; a larger one is an error, so that no query can fill the memory."""
TIMEOUT_SECONDS = 60.0


class PrometheusError(Exception):
    """Prometheus rejected a query, or could not be reached; the message names its address and the way out."""


class Prometheus:
    """A Prometheus, or a server with a compatible API.

    With `cache_seconds`, an identical request within that time is sent once, for callers such as a page whose panels
    repeat a query.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        cache_seconds: float = 0.0,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._cache_seconds = cache_seconds
        self._turn = asyncio.Semaphore(MAX_CONCURRENT)
        self._cache: dict[tuple[str, ...], tuple[float, asyncio.Task[Any]]] = {}

    @property
    def address(self) -> str:
        """The URL without its user name and password."""
        scheme, _, rest = self._url.partition("://")
        return f"{scheme}://{rest.rsplit('@', 1)[-1]}"

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
        url, timeout = f"{self._url}/api/v1/{path}", aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with (
                self._turn,
                self._session.get(url, params=parameters, timeout=timeout, allow_redirects=False) as response,
            ):
                status, content = response.status, await self._content(response)
        except TimeoutError as error:
            raise PrometheusError(
                f"Prometheus at {self.address} did not answer within {self._timeout:g} s; choose a shorter range"
            ) from error
        except (aiohttp.ClientError, ValueError) as error:
            why = str(error).replace(self._url, self.address)
            raise PrometheusError(
                f"cannot reach Prometheus at {self.address}: {why}; check the address, and that it is reachable from here"
            ) from error
        return self._data(status, content)

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                raise PrometheusError(
                    f"the response of Prometheus at {self.address} has more than {MAX_RESPONSE_BYTES // 2**20} MiB; "
                    "choose a shorter range, or a query with fewer series"
                )
        return bytes(content)

    def _data(self, status: int, content: bytes) -> Any:
        """`data` of a response of the API. Raises PrometheusError for any other response."""
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            body = {}
        if body.get("status") == "success":
            return body.get("data")
        # A proxy in front, such as the API server's, has its own field for the reason.
        if message := body.get("error") or body.get("message"):
            raise PrometheusError(f"Prometheus at {self.address} answered {status}: {message}")
        raise PrometheusError(
            f"{self.address} answered {status}, not with the JSON of Prometheus; check that this is the address of its "
            "API, without a login in front"
        )


def _samples(found: Any) -> list[JSON]:
    """Series of a response; a scalar becomes a series without labels."""
    if isinstance(found, dict) and found.get("resultType") in ("scalar", "string"):
        return [{"metric": {}, "value": found["result"]}] if found["resultType"] == "scalar" else []
    return [one for one in objects(found, "result") if "value" in one or one.get("values")]
