"""The client of Prometheus' HTTP API, against a server that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitored_models.integrations.prometheus.client import Prometheus, PrometheusError

JSON = dict[str, Any]
SAMPLE = {"metric": {"job": "a"}, "value": [1.0, "2"]}
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [SAMPLE]}}


def asking(
    work: Callable[[Prometheus], Awaitable[Any]], answer: web.Response | JSON = VECTOR, *, cache_seconds: float = 0.0
) -> tuple[Any, list[str]]:
    """The result of some work with a client, and the requests that reached the server."""
    requests: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(request.raw_path)
        if isinstance(answer, web.Response):
            return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
        return web.json_response(answer)

    async def run() -> Any:
        application = web.Application()
        application.router.add_get("/{path:.*}", handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with aiohttp.ClientSession() as session:
                return await work(Prometheus(session, f"http://127.0.0.1:{port}/prom/", cache_seconds=cache_seconds))
        finally:
            await runner.cleanup()

    return asyncio.run(run()), requests


def test_instant_query_now_and_at_a_time() -> None:
    assert asking(lambda client: client.samples("up")) == ([SAMPLE], ["/prom/api/v1/query?query=up"])
    assert asking(lambda client: client.samples("up", 5)) == ([SAMPLE], ["/prom/api/v1/query?query=up&time=5.000"])


def test_scalar_is_a_series_without_labels() -> None:
    answer = {"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}}
    assert asking(lambda client: client.samples("3"), answer)[0] == [{"metric": {}, "value": [1, "3"]}]


def test_rule_groups() -> None:
    answer = {"status": "success", "data": {"groups": [{"name": "a", "rules": []}]}}
    found, requests = asking(lambda client: client.rule_groups(), answer)
    assert (found, requests) == ([{"name": "a", "rules": []}], ["/prom/api/v1/rules"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            web.json_response({"status": "error", "error": "parse error: unexpected <by>"}, status=400),
            "unexpected <by>",
        ),
        (web.Response(text="<html>sign in</html>", status=200), "gave no answer"),
        (web.Response(status=302, headers={"Location": "http://elsewhere.example.com"}), "answered 302"),
        (web.json_response([1]), "answered 200"),
        (web.json_response({"message": "forbidden"}, status=403), "answered 403"),
    ],
    ids=["rejected", "not JSON", "redirect", "not an object", "a proxy"],
)
def test_what_is_no_result_is_an_error_for_people(answer: web.Response, message: str) -> None:
    with pytest.raises(PrometheusError, match=message):
        asking(lambda client: client.samples("up"), answer)


def test_address_where_nothing_listens_is_an_error_for_people() -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await Prometheus(session, "http://127.0.0.1:1").samples("up")

    with pytest.raises(PrometheusError, match="gave no answer"):
        asyncio.run(run())


@pytest.mark.parametrize(("cache_seconds", "requests"), [(0.0, 3), (60.0, 1)], ids=["without", "with"])
def test_cache_sends_equal_requests_once(cache_seconds: float, requests: int) -> None:
    async def thrice(client: Prometheus) -> None:
        await asyncio.gather(client.samples("up", 5), client.samples("up", 5))
        await client.samples("up", 5)

    assert len(asking(thrice, cache_seconds=cache_seconds)[1]) == requests
