"""The client of Prometheus' HTTP API, against a server whose answers the test chooses."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitored_models.integrations.prometheus.client import MAX_RESPONSE_BYTES, Prometheus, PrometheusError

JSON = dict[str, Any]
SAMPLE = {"metric": {"job": "a"}, "value": [1.0, "2"]}
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [SAMPLE]}}


def asking(
    work: Callable[[Prometheus], Awaitable[Any]],
    answer: web.Response | JSON = VECTOR,
    *,
    cache_seconds: float = 0.0,
    login: str = "",
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
                return await work(
                    Prometheus(session, f"http://{login}127.0.0.1:{port}/prom/", cache_seconds=cache_seconds)
                )
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
            "answered 400: parse error: unexpected <by>",
        ),
        (
            web.json_response({"status": "Failure", "message": "pods is forbidden"}, status=403),
            "403: pods is forbidden",
        ),
        (web.Response(text="<html>sign in</html>", status=200), "answered 200, .*; check that"),
        (
            web.Response(status=302, headers={"Location": "http://elsewhere.example.com"}),
            "answered 302, .*; check that",
        ),
        (web.json_response([1]), "answered 200, .*; check that"),
        (web.Response(text="[" * 100_000), "answered 200, .*; check that"),
        (web.Response(body=b" " * (MAX_RESPONSE_BYTES + 1)), "more than 64 MiB; choose a shorter range"),
    ],
    ids=["rejected", "a proxy", "not JSON", "redirect", "not an object", "nested too deeply", "too large"],
)
def test_error_names_the_address_and_the_way_out(answer: web.Response, message: str) -> None:
    with pytest.raises(PrometheusError, match=message) as caught:
        asking(lambda client: client.samples("up"), answer, login="somebody:s3cret@")
    assert re.search(r"http://127\.0\.0\.1:\d+/prom\b", str(caught.value))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("port", ["1", "99999"], ids=["nothing listens", "no such port"])
def test_address_that_cannot_be_reached_is_named(port: str) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await Prometheus(session, f"http://somebody:s3cret@127.0.0.1:{port}/").samples("up")

    with pytest.raises(PrometheusError, match=rf"cannot reach Prometheus at http://127\.0\.0\.1:{port}: ") as caught:
        asyncio.run(run())
    assert "s3cret" not in str(caught.value)


def test_server_that_does_not_answer_is_given_up() -> None:
    async def run(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            await Prometheus(session, url, timeout=0.2).samples("up")

    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(PrometheusError, match=r"127.* did not answer within 0\.2 s; choose a shorter range"),
    ):
        asyncio.run(run(f"http://127.0.0.1:{silent.getsockname()[1]}"))


@pytest.mark.parametrize(("cache_seconds", "requests"), [(0.0, 3), (60.0, 1)], ids=["without", "with"])
def test_cache_sends_equal_requests_once(cache_seconds: float, requests: int) -> None:
    async def thrice(client: Prometheus) -> None:
        await asyncio.gather(client.samples("up", 5), client.samples("up", 5))
        await client.samples("up", 5)

    assert len(asking(thrice, cache_seconds=cache_seconds)[1]) == requests
