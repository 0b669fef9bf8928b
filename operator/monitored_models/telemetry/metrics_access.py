"""Who may read /metrics: a TokenReview authenticates the bearer token of a request, a SubjectAccessReview authorizes its user.

Decisions are kept for a minute, by a hash of the token. Without the API server, a token without a decision is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.kinds import SUBJECT_ACCESS_REVIEW, TOKEN_REVIEW, Kind
from .logs import reason

METRICS_PATH = "/metrics"
DECISION_SECONDS = 60.0
"""Time for which a decision is kept: a token that was revoked is accepted for so long."""
DECISIONS = 256
"""Maximum number of decisions that are kept."""
REVIEW_SECONDS = 5.0
"""Time for the reviews of one token: a Prometheus gives up after ten by default."""
CONCURRENT_REVIEWS = 8
"""Maximum number of tokens that are reviewed at a time, however many a client tries."""
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """Whether a request may read the metrics: OK, or the status of the refusal and its text."""

    status: HTTPStatus
    text: str = ""


ALLOWED = Decision(HTTPStatus.OK)
NO_TOKEN = Decision(HTTPStatus.UNAUTHORIZED, "send one header: Authorization: Bearer TOKEN\n")
INVALID_TOKEN = Decision(HTTPStatus.UNAUTHORIZED, "the token is not valid\n")
NOT_REVIEWED = Decision(HTTPStatus.SERVICE_UNAVAILABLE, "the API server did not review the token\n")


class MetricsAccess:
    """Decides about requests for the metrics, with a client of its own. Used in one event loop."""

    def __init__(self, client: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._decisions: dict[bytes, tuple[Decision, float]] = {}
        self._pending: dict[bytes, asyncio.Task[Decision]] = {}
        self._slots = asyncio.Semaphore(CONCURRENT_REVIEWS)
        self._slots_of_readers = asyncio.Semaphore(CONCURRENT_REVIEWS)
        self._reported = ""

    async def decide(self, authorization: Sequence[str]) -> Decision:
        """The decision about a request with these Authorization headers."""
        match = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if match is None:
            return NO_TOKEN
        token = match[1]
        key = hashlib.sha256(token.encode()).digest()
        decision, until = self._decisions.get(key, (NOT_REVIEWED, 0.0))
        if self._clock() < until:
            return decision
        if key not in self._pending:
            self._pending[key] = asyncio.create_task(self._review(key, token))
        return await asyncio.shield(self._pending[key])  # one request that ends must not end the review of others

    async def close(self) -> None:
        """Cancel the reviews in flight, and close the client."""
        for task in self._pending.values():
            task.cancel()
        await self._client.close()

    async def _review(self, key: bytes, token: str) -> Decision:
        until = self._clock() + DECISION_SECONDS
        # Whoever could read before does not wait behind those who guess tokens.
        last, _ = self._decisions.get(key, (NOT_REVIEWED, 0.0))
        slots = self._slots_of_readers if last is ALLOWED else self._slots
        try:
            async with asyncio.timeout(REVIEW_SECONDS), slots:
                decision = await self._ask(token)
        except (ApiError, TimeoutError) as error:
            self._report(str(error) or f"no answer within {REVIEW_SECONDS:.0f} s")
            return NOT_REVIEWED
        finally:
            del self._pending[key]
        self._reported = ""
        self._keep(key, decision, until)
        return decision

    async def _ask(self, token: str) -> Decision:
        authenticated = await self._create(TOKEN_REVIEW, {"token": token})
        if authenticated.get("authenticated") is not True:
            return INVALID_TOKEN
        user = authenticated.get("user", {})
        if "username" not in user:
            return INVALID_TOKEN
        subject = {
            "user": user["username"],
            **{name: user[name] for name in ("uid", "groups", "extra") if name in user},
        }
        attributes = {"path": METRICS_PATH, "verb": "get"}
        allowed = await self._create(SUBJECT_ACCESS_REVIEW, {**subject, "nonResourceAttributes": attributes})
        if allowed.get("allowed") is True:
            return ALLOWED
        return Decision(
            HTTPStatus.FORBIDDEN,
            f"{user['username']} may not get {METRICS_PATH}: bind it to a ClusterRole with nonResourceURLs "
            f"[{METRICS_PATH}] and verbs [get]\n",
        )

    async def _create(self, kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
        """The status of a review, which exists only in the response."""
        body = {"apiVersion": kind.api_version, "kind": kind.name, "spec": spec}
        status: dict[str, Any] = (await self._client.request("POST", kind.path(), body=body)).get("status", {})
        return status

    def _keep(self, key: bytes, decision: Decision, until: float) -> None:
        self._decisions[key] = (decision, until)
        if len(self._decisions) > DECISIONS:
            # Refusals go first: whoever tries many tokens must not displace those of a Prometheus.
            del self._decisions[min(self._decisions, key=self._worth)]

    def _worth(self, key: bytes) -> tuple[bool, float]:
        decision, until = self._decisions[key]
        return decision is ALLOWED and self._clock() < until, until

    def _report(self, problem: str) -> None:
        """Log a problem once, until it is over or another one."""
        if problem != self._reported:
            log.warning("a token for %s was not reviewed: %s", METRICS_PATH, problem, extra=reason("TokenNotReviewed"))
        self._reported = problem
