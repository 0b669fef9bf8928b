"""Errors of requests to the API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


class ConfigurationError(Exception):
    """No usable way to reach a cluster; the message names what was tried."""


@dataclass
class ApiError(Exception):
    """The API server rejected a request, or could not be reached (code 0)."""

    code: int
    reason: str
    message: str
    retry_after: float = 0.0

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in (0, HTTPStatus.TOO_MANY_REQUESTS) or self.code >= HTTPStatus.INTERNAL_SERVER_ERROR

    def __str__(self) -> str:
        return f"{self.code or 'no answer'} {self.reason}: {self.message}"


def api_error(code: int, reason: Any, content: Any, headers: Mapping[str, str]) -> ApiError:
    """The error of a response that is not 2xx, with the message of its Status if it has one."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else str(content or "")
    after = headers.get("Retry-After", "")
    try:
        status = json.loads(text)
        message, reason = status.get("message", text), status.get("reason", reason)
    except (ValueError, AttributeError):
        message = text[:500]
    return ApiError(code, str(reason), message, float(after) if after.isdigit() else 0.0)
