"""The API server client for the operator's writes and lists. Thin: it does not decide what should exist.

`kubernetes.aio` provides configuration, authentication and TLS. Requests use its REST client, below the layer that
builds result objects, which would cost more than everything else here.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import getproxies

import aiohttp
from kubernetes import aio as kubernetes
from kubernetes.aio import client as api
from kubernetes.aio import config as configs

from ..base.step_timer import Steps
from ..naming.kinds import CHILDREN, EVENT, MODEL, PROFILE, SELECTING_KINDS, Kind
from ..naming.labels import FIELD_MANAGER
from .errors import ApiError, ConfigurationError, api_error
from .list_pages import FIRST_PAGE, ListPage, next_limit

TIMEOUT_SECONDS, CONNECT_SECONDS = 30.0, 10.0
CREATE_ONLY_RESOURCE_VERSION = "1"
"""A resource version that no object has, because etcd's first is an empty store's: an apply with it can only create."""
_APPLY = "application/apply-patch+yaml; charset=utf-8"
"""Because of the parameter, the REST client leaves the encoding to us."""
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


async def load_configuration() -> api.Configuration:
    """Configuration to reach the cluster: KUBECONFIG, else the pod's service account, else ~/.kube/config.

    Raises ConfigurationError if none is usable.
    """
    configuration = api.Configuration()
    try:
        if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            configs.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            file = os.environ.get("KUBECONFIG") or None  # which the library reads only once, on import
            await configs.load_kube_config(file, client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (configs.ConfigException, OSError) as error:
        raise ConfigurationError(
            f"no cluster to talk to: {error}. Set KUBECONFIG to a file, or run inside a cluster"
        ) from error
    configuration.client_session_kwargs = {"trust_env": trust_environment()}
    return configuration


def trust_environment() -> bool:
    """Whether sessions read the environment: only if it names a proxy.

    They would also read ~/.netrc, in a thread, for each request, and fail if it has an entry for the host, because we
    set the Authorization header ourselves.
    """
    return bool(getproxies())


class KubeClient:
    """Client of one API server, with a timeout in seconds for each request.

    `fence` returns the seconds for which a write that starts now may be in flight; at 0 no write starts.
    """

    def __init__(
        self,
        configuration: api.Configuration,
        *,
        timeout: float = TIMEOUT_SECONDS,
        fence: Callable[[], float] = lambda: math.inf,
        steps: Steps | None = None,
    ) -> None:
        self.configuration, self._steps = configuration, steps or Steps()
        self._timeout, self._fence = timeout, fence
        self._client = kubernetes.client.ApiClient(configuration)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """Send one request. Raises ApiError unless the response is 2xx, and for a write when another may lead."""
        headers = {"Accept": accept, "Content-Type": content_type}
        content = await self._send(method, path, query, body, headers)
        with self._steps.timed("decode"):
            try:
                result: dict[str, Any] = json.loads(content)
            except ValueError as error:  # a proxy in between, for example
                raise ApiError(0, "InvalidResponse", f"not JSON: {error}") from error
        return result

    async def get(self, path: str, *, accept: str = "application/json") -> dict[str, Any] | None:
        """An object, or None if it does not exist. Raises ApiError."""
        try:
            return await self.request("GET", path, accept=accept)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> bytes:
        """The content of the response to one request."""
        sent = {**headers, "User-Agent": FIELD_MANAGER}
        url = f"{self.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            if token := await self.token():
                sent["Authorization"] = token
            response = await self._client.rest_client.request(  # type: ignore[no-untyped-call]
                method,
                url,
                headers=sent,
                body=self._encoded(body) if body and headers["Content-Type"] == _APPLY else body,
                _request_timeout=self._timeout_for(method),
            )
            content = await response.read()
        except api.ApiException as error:
            raise api_error(error.status or 0, error.reason, error.body, error.headers or {}) from error
        except (TimeoutError, aiohttp.ClientError, OSError, configs.ConfigException) as error:
            raise ApiError(0, type(error).__name__, str(error)) from error
        if not 200 <= response.status < 300:
            raise api_error(response.status, response.reason, content, response.headers)
        return bytes(content)

    def _encoded(self, body: Mapping[str, Any]) -> bytes:
        with self._steps.timed("encode"):
            return _encode(body)

    def _timeout_for(self, method: str) -> aiohttp.ClientTimeout:
        left = self._timeout if method == "GET" else min(self._timeout, self._fence())
        if left <= 0:
            raise ApiError(0, "NotLeading", "the lease has not been renewed in time: nothing is written")
        # Not rounded up, as aiohttp does from 5 s on: another may lead a moment after the fence.
        return aiohttp.ClientTimeout(total=left, connect=min(left, CONNECT_SECONDS), ceil_threshold=math.inf)

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context of connections to the API server."""
        context: ssl.SSLContext = self._client.rest_client.ssl_context
        return context

    async def token(self) -> str:
        """The value of the Authorization header; empty with a client certificate. Read again when it expires."""
        return await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""

    async def apply(self, kind: Kind, child: Mapping[str, Any], uid: str | None) -> dict[str, Any]:
        """Server-side apply of a child: only if it is still the object with this uid or, without one, if none exists.

        Returns the object. Raises ApiError 409 if the condition is not met.
        """
        metadata = {**child["metadata"], **({"uid": uid} if uid else {"resourceVersion": CREATE_ONLY_RESOURCE_VERSION})}
        path = kind.path(metadata["namespace"], metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        return await self.request("PATCH", path, query, {**child, "metadata": metadata}, content_type=_APPLY)

    async def apply_status(self, namespace: str, name: str, uid: str, status: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply of a model's status, only if it is still that object. Returns the object."""
        body = {
            "apiVersion": MODEL.api_version,
            "kind": MODEL.name,
            "metadata": {"name": name, "namespace": namespace, "uid": uid},
            "status": status,
        }
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self.request("PATCH", MODEL.path(namespace, name, "status"), query, body, content_type=_APPLY)

    async def metadata(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        """The metadata of an object, or None if it does not exist."""
        return await self.get(kind.path(namespace, name), accept=_METADATA_ONLY)

    async def exists(self, kind: Kind, namespace: str, name: str, uid: str) -> bool:
        """Whether the object of this name is still the one with this uid."""
        found = await self.metadata(kind, namespace, name)
        return found is not None and found["metadata"]["uid"] == uid

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete an object if it is still the one with this uid."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self.request("DELETE", kind.path(namespace, name), body=body)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return
            if error.code == HTTPStatus.CONFLICT and not await self.exists(kind, namespace, name, uid):
                return  # replaced by another; otherwise the conflict was transient
            raise

    async def create_event(self, namespace: str, body: Mapping[str, Any]) -> None:
        """Create an Event."""
        await self.request("POST", EVENT.path(namespace), body=body)

    async def list_pages(
        self, kind: Kind, namespace: str | None, selector: str | None, fields: str | None = None
    ) -> AsyncIterator[tuple[list[dict[str, Any]], int]]:
        """A full list of a kind, page by page, each with the resource version of the list."""
        query = {"limit": str(FIRST_PAGE), **({"labelSelector": selector} if selector else {})}
        query |= {"fieldSelector": fields} if fields else {}
        while True:
            content = await self._send("GET", kind.path(namespace), query, None, _JSON)
            page = ListPage(content.decode())
            items = []
            while (item := self._next_of(page)) is not None:
                items.append(item)
                await asyncio.sleep(0)  # a page of large objects must not block everything else
            metadata = page.metadata()
            version = metadata.get("resourceVersion", "")
            yield items, int(version) if version.isdigit() else 0
            if not (token := metadata.get("continue")):
                return
            query |= {"continue": token, "limit": str(next_limit(len(items), len(content)))}

    def _next_of(self, page: ListPage) -> dict[str, Any] | None:
        with self._steps.timed("decode"):
            return page.next()

    async def served_kinds(
        self, kinds: Iterable[Kind] = (MODEL, PROFILE, *CHILDREN, *SELECTING_KINDS)
    ) -> frozenset[Kind]:
        """Which of the kinds the API server serves."""
        candidates = list(kinds)
        versions = sorted({kind.api_version for kind in candidates})
        resources = dict(zip(versions, await asyncio.gather(*map(self._resources, versions)), strict=True))
        return frozenset(kind for kind in candidates if kind.plural in resources[kind.api_version])

    async def _resources(self, api_version: str) -> set[str]:
        prefix = "/apis/" if "/" in api_version else "/api/"
        try:
            found = await self.request("GET", prefix + quote(api_version))
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return set()
            raise
        return {resource["name"] for resource in found["resources"]}


_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _encode(body: Mapping[str, Any]) -> bytes:
    """JSON that is also valid YAML, as which an apply is parsed: no surrogate pairs, no raw control characters."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
