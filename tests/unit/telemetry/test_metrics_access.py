"""Who may read the metrics: one review for each token, kept for a minute, and no token that a client sends can do harm."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.naming.kinds import SUBJECT_ACCESS_REVIEW, TOKEN_REVIEW
from monitored_models.telemetry.http_server import application
from monitored_models.telemetry.metrics_access import (
    ALLOWED,
    CONCURRENT_REVIEWS,
    DECISION_SECONDS,
    DECISIONS,
    INVALID_TOKEN,
    NO_TOKEN,
    NOT_REVIEWED,
    MetricsAccess,
)
from monitored_models.telemetry.telemetry import Telemetry

T = TypeVar("T")
USER = {"username": "prometheus", "uid": "7", "groups": ["scrapers"], "extra": {"pod": ["p"]}}
GOOD, STRANGER = "good.token", "stranger"


class Reviewer(KubeClient):
    """Reviews two tokens: of Prometheus, which may read, and of a user who may not."""

    def __init__(self) -> None:
        super().__init__(Configuration())
        self.asked: Counter[str] = Counter()
        self.subjects: list[Mapping[str, Any]] = []
        self.error: ApiError | None = None
        self.at_once = self.most_at_once = 0

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        assert (method, query) == ("POST", None)
        assert body is not None
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.error:
            raise self.error
        if path == TOKEN_REVIEW.path():
            token = body["spec"]["token"]
            self.asked[token] += 1
            user = {GOOD: USER, STRANGER: {"username": STRANGER}}.get(token)
            return {"status": {"authenticated": True, "user": user} if user else {"error": "invalid bearer token"}}
        assert path == SUBJECT_ACCESS_REVIEW.path()
        self.subjects.append(body["spec"])
        return {"status": {"allowed": body["spec"]["user"] == USER["username"]}}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(test: Callable[[MetricsAccess, Reviewer, Clock], Awaitable[T]]) -> T:
    """Run a test in an event loop, with an access that it may ask."""

    async def main() -> T:
        reviewer, clock = Reviewer(), Clock()
        access = MetricsAccess(reviewer, clock)
        try:
            return await test(access, reviewer, clock)
        finally:
            await access.close()

    return asyncio.run(main())


def bearer(token: str) -> tuple[str]:
    return (f"Bearer {token}",)


def test_token_decides_and_its_identity_is_reviewed_completely() -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, _: Clock) -> None:
        assert await access.decide(bearer(GOOD)) == ALLOWED
        assert await access.decide(("bearer  " + GOOD,)) == ALLOWED  # as the standard reads a scheme
        assert reviewer.subjects == [
            {
                "user": "prometheus",
                "uid": "7",
                "groups": ["scrapers"],
                "extra": {"pod": ["p"]},
                "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
            }
        ]
        refused = await access.decide(bearer(STRANGER))
        assert refused.status == HTTPStatus.FORBIDDEN
        assert "stranger may not get /metrics" in refused.text
        assert await access.decide(bearer("unknown")) == INVALID_TOKEN

    run(test)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer a b",),
        ("Bearer a\nb",),
        ("Bearer a\n",),
        ("Bearer =",),
        ("Bearer tökn",),
        ("Bearer \udcff",),
        ("Bearer \N{ARABIC-INDIC DIGIT ONE}",),
        ("Basic Z29vZC50b2tlbg==",),
        ("Token good.token",),
        ("Bearergood.token",),
        ("Bearer good.token, Bearer good.token",),
        ("Bearer good.token", "Bearer good.token"),
        ("Bearer good.token", "Basic Zm9v"),
    ],
    ids=repr,
)
def test_anything_but_one_bearer_token_is_refused_without_a_review(headers: tuple[str, ...]) -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, _: Clock) -> None:
        assert await access.decide(headers) == NO_TOKEN
        assert not reviewer.asked

    run(test)


def test_requests_at_the_same_time_ask_once() -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, _: Clock) -> None:
        requests = [asyncio.create_task(access.decide(bearer(GOOD))) for _ in range(50)]
        await asyncio.sleep(0)
        requests[0].cancel()  # the one that began the review
        assert await asyncio.gather(*requests[1:]) == [ALLOWED] * 49
        assert reviewer.asked == {GOOD: 1}

    run(test)


@pytest.mark.parametrize("token", [GOOD, STRANGER, "unknown"])
def test_decision_is_kept_for_a_minute(token: str) -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, clock: Clock) -> None:
        first = await access.decide(bearer(token))
        clock.now += DECISION_SECONDS - 0.001
        assert await access.decide(bearer(token)) == first
        assert reviewer.asked == {token: 1}
        clock.now += 0.001
        assert await access.decide(bearer(token)) == first
        assert reviewer.asked == {token: 2}

    run(test)


@pytest.mark.parametrize("code", [0, 403, 429, 500])
def test_token_that_cannot_be_reviewed_is_refused_and_asked_about_again(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, clock: Clock) -> None:
        assert await access.decide(bearer(GOOD)) == ALLOWED
        reviewer.error = ApiError(code, "Odd", "no reviews today")
        assert await access.decide(bearer(GOOD)) == ALLOWED  # still known
        for _ in range(3):
            assert await access.decide(bearer(STRANGER)) == NOT_REVIEWED
        clock.now += DECISION_SECONDS
        assert await access.decide(bearer(GOOD)) == NOT_REVIEWED
        reviewer.error = None
        assert await access.decide(bearer(GOOD)) == ALLOWED

    run(test)
    assert [record.getMessage() for record in caplog.records] == [
        f"a token for /metrics was not reviewed: {code or 'no answer'} Odd: no reviews today"
    ]


def test_flood_of_tokens_is_bounded_and_displaces_no_one_who_may_read() -> None:
    async def test(access: MetricsAccess, reviewer: Reviewer, _: Clock) -> None:
        assert await access.decide(bearer(GOOD)) == ALLOWED
        await asyncio.gather(*(access.decide(bearer(f"guess-{number}")) for number in range(3 * DECISIONS)))
        assert reviewer.most_at_once <= CONCURRENT_REVIEWS
        kept = vars(access)["_decisions"]
        assert len(kept) == DECISIONS
        assert all(isinstance(key, bytes) and len(key) == 32 for key in kept)  # digests, not tokens
        assert not vars(access)["_pending"]
        assert await access.decide(bearer(GOOD)) == ALLOWED
        assert reviewer.asked[GOOD] == 1

    run(test)


def pages(*requests: bytes) -> list[tuple[int, bytes]]:
    """Status and complete response of raw requests, each on a connection of its own."""

    async def test(access: MetricsAccess, _reviewer: Reviewer, _clock: Clock) -> list[tuple[int, bytes]]:
        found = []
        async with TestServer(application(Telemetry(), 60.0, access)) as server:
            for request in requests:
                reader, writer = await asyncio.open_connection(server.host, server.port)
                writer.write(request)
                response = await reader.read()
                found.append((int(response.split()[1]), response))
                writer.close()
        return found

    return run(test)


def get(path: str, *headers: bytes) -> bytes:
    lines = (f"GET {path} HTTP/1.1".encode(), b"Host: h", b"Connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def test_only_the_metrics_are_protected() -> None:
    (health, _), (ready, _), (status, refusal), (allowed, metrics) = pages(
        get("/healthz"), get("/readyz"), get("/metrics"), get("/metrics", b"authorization: Bearer good.token")
    )
    assert (health, ready, status, allowed) == (200, 503, 401, 200)  # not ready: it has not started
    assert b"WWW-Authenticate: Bearer\r\n" in refusal
    assert b"monitored_models_" not in refusal
    assert b"monitored_models_build_info" in metrics


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((b"Authorization: Bearer stranger",), 403),
        ((b"Authorization: Bearer good.token", b"Authorization: Bearer good.token"), 401),
        ((b"Authorization: Bearer good.token", b"authorization: Bearer unknown"), 401),
        ((b"Authorization: Bearer \xff\xfe\x80",), 401),
        ((b"Authorization: Bearer " + "ключ".encode(),), 401),
        ((b"Authorization: Bearer " + b"a" * 8000,), 401),
        ((b"Authorization: Bearer " + b"a" * 100_000,), 400),
        ((b"Authorization: " + b"Bearer " * 1000 + b"good.token",), 401),
        ((b"Authorization: Bearer good.token\0",), 400),
        ((b"Authorization: Bearer unknown\r\n good.token",), 400),
        ((b"X-Authorization: Bearer good.token",), 401),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_hostile_header_gets_no_metrics_and_is_not_logged(
    headers: tuple[bytes, ...], code: int, caplog: pytest.LogCaptureFixture
) -> None:
    ((status, response), (after, _)) = pages(
        get("/metrics", *headers), get("/metrics", b"Authorization: Bearer good.token")
    )
    assert status == code
    assert b"monitored_models_" not in response
    assert after == 200
    assert "Bearer" not in caplog.text
    assert "Traceback" not in caplog.text
