"""Calls to Grafana through grafana-client: the queries, their timeouts, and errors with Grafana's messages.

Every failure is raised as GrafanaError, whatever the libraries below raise: no answer of another server may end the
operator.
"""

from __future__ import annotations

import asyncio
import os
import re
import string
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grafana_client.api import AsyncGrafanaApi
from grafana_client.client import GrafanaException, GrafanaTimeoutError
from niquests.exceptions import Timeout

from ...naming.conditions import Reason
from ...settings import Grafana
from ...telemetry.operator_metrics import Metrics
from ..tracker import Outage
from .dashboard_check import VersionChange

PAGE = 1000
"""Dashboards in one page of a search: half a megabyte."""
PAGES = 100
"""Maximum number of pages, for a search that never ends."""
TAG = "monitored-models"
MAX_MESSAGE = 300
"""Characters kept of another system's message."""
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class GrafanaError(Exception):
    """A call without a usable answer. `code` is 0 and `response_message` empty if Grafana did not answer at all."""

    def __init__(self, text: str, *, code: int = 0, response_message: str = "") -> None:
        super().__init__(text)
        self.code, self.response_message = code, response_message

    @property
    def unauthorized(self) -> bool:
        """Whether Grafana rejects the token for this call."""
        return self.code in _DENIED

    @property
    def is_request_error(self) -> bool:
        """Whether Grafana rejects this request, and may accept another."""
        return HTTPStatus.BAD_REQUEST <= self.code < HTTPStatus.INTERNAL_SERVER_ERROR and not self.unauthorized

    def as_outage(self) -> Outage:
        """The outage of Grafana that this error means."""
        return Outage(Reason.GRAFANA_FORBIDDEN if self.unauthorized else Reason.GRAFANA_UNREACHABLE, str(self))


class GrafanaClient:
    """Client of one Grafana. Each call raises GrafanaError."""

    def __init__(self, settings: Grafana, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._token = ""
        self._api: Any = None

    async def dashboard_uids(self) -> frozenset[str]:
        """Uids of all dashboards with our tag."""
        found: set[str] = set()
        for page in range(1, PAGES + 1):
            ask = (await self._client()).search.search_dashboards(tag=TAG, type_="dash-db", limit=PAGE, page=page)
            rows = await self._call("search", ask, list)
            found.update(str(row.get("uid")) for row in rows if isinstance(row, Mapping))
            if len(rows) < PAGE:
                break
        return frozenset(found)

    async def data_source_health(self) -> tuple[str, str]:
        """Name of the data source that panels query, and its problem, if any."""
        uid = name = self._settings.data_source
        if not uid:
            ask = (await self._client()).datasource.list_datasources()
            uid, name = _default(await self._call("datasources", ask, list))
        if not uid:
            return "", "Grafana has no data source of type prometheus, which the panels ask"
        try:
            answer = await self._call("health", (await self._client()).datasource.health(uid), dict)
        except GrafanaError as error:
            if error.unauthorized:
                raise
            return name, f"the data source {name} of Grafana does not answer: {error.response_message or error}"
        well = str(answer.get("status", "")).upper() == "OK"
        return name, "" if well else f"the data source {name} of Grafana does not answer: {_message(answer)}"

    async def annotate(self, change: VersionChange) -> bool:
        """Write an annotation, unless an operator did so and died before recording it. Returns whether it wrote one."""
        annotations, when = (await self._client()).annotations, change.milliseconds
        found = await self._call(
            "find_annotations",
            annotations.find_annotations(time_from=when - 1, time_to=when + 1, tags=change.tags, limit=10),
            list,
        )
        if any(isinstance(row, Mapping) and row.get("time") == when for row in found):
            return False
        await self._call(
            "annotate",
            annotations.add_annotation(
                dashboard_uid=change.uid, time_from=when, time_to=when, tags=change.tags, text=change.text
            ),
            dict,
        )
        return True

    async def _call(self, what: str, ask: Awaitable[Any], kind: type) -> Any:
        """The answer to a call, of the expected type."""
        url, seconds, outcome = self._settings.url, self._settings.timeout_seconds, "ok"
        try:
            async with asyncio.timeout(seconds):
                answer = await ask
        except (TimeoutError, GrafanaTimeoutError, Timeout) as error:
            outcome = "timeout"
            raise GrafanaError(f"Grafana at {url} did not answer in {seconds:g} s") from error
        except GrafanaException as error:
            said = _message(error.response) or _truncate(error.message)
            failed = GrafanaError(
                f"Grafana at {url} answered {error.status_code}: {said}", code=error.status_code, response_message=said
            )
            outcome = "denied" if failed.unauthorized else "refused"
            raise failed from error
        except Exception as error:
            outcome = "unreachable"
            raise GrafanaError(f"Grafana at {url} cannot be asked: {_truncate(_root(error))}") from error
        finally:
            self._metrics.grafana_requests.labels(what, outcome).inc()
        if not isinstance(answer, kind):
            raise GrafanaError(f"the answer of {url} is not Grafana's: is the address right?")
        return answer

    async def _client(self) -> Any:  # the library has no types
        """A client with the current token, which may change at any time."""
        token = _token(Path(self._settings.token_file))
        if self._api is None or token != self._token:
            await self.close()
            self._token, self._api = token, client(self._settings, token)
        return self._api

    async def close(self) -> None:
        """Close all connections."""
        api, self._api = self._api, None
        if api is not None:
            with suppress(Exception):  # errors of a discarded session do not matter
                await api.client.s.close()


def client(settings: Grafana, token: str) -> AsyncGrafanaApi:
    """A client, without `from_url`, which loses IPv6's brackets and the path of a URL without a slash at the end."""
    url = urlsplit(settings.url)
    host = f"[{url.hostname}]" if url.hostname and ":" in url.hostname else url.hostname
    path = url.path.strip("/")
    return AsyncGrafanaApi(
        auth=token,
        protocol=url.scheme,
        host=host,
        port=url.port,
        url_path_prefix=f"{path}/" if path else "",
        timeout=settings.timeout_seconds,
    )


def _token(file: Path) -> str:
    """The token. It is checked here: the client's error would quote a token that fits no header."""
    try:
        token = file.read_text().strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise GrafanaError(f"the token file {file} cannot be read: {why}") from error
    if not token or not set(token) <= set(string.ascii_letters + string.digits + string.punctuation):
        raise GrafanaError(f"the token file {file} holds no token")
    return token


def _default(sources: list[Any]) -> tuple[str, str]:
    """Uid and name of the data source that panels query: the default one, or else the first, of type prometheus."""
    known = [row for row in sources if isinstance(row, Mapping) and row.get("type") == "prometheus" and row.get("uid")]
    best = min(known, key=lambda row: (not row.get("isDefault"), str(row.get("name"))), default={})
    return str(best.get("uid", "")), str(best.get("name", ""))


def _root(error: BaseException) -> str:
    """The root of a chain of errors: the message of the system or of the last library, without its objects."""
    found, at = error, error.__cause__ or error.__context__
    while at is not None:
        found, at = at, at.__cause__ or at.__context__
    if isinstance(found, ConnectionError) and found.errno:
        return os.strerror(found.errno)
    return re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:? ?", "", str(found)) or type(found).__name__


def _message(answer: Any) -> str:
    """Grafana's message in an answer."""
    return _truncate(str(answer.get("message", "")) if isinstance(answer, Mapping) else str(answer or ""))


def _truncate(text: str) -> str:
    return " ".join(text.split())[:MAX_MESSAGE]
