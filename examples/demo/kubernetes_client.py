"""A cluster by its kubeconfig: the few requests that the demo sends, by the `kubernetes` library. Objects are plain dicts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

ERRORS = (ApiException, ResourceNotFoundError, HTTPError, config.ConfigException)
"""What a request can raise: a response with an error, an unknown kind, no connection, a bad kubeconfig."""
UNKNOWN = (NotFoundError, ResourceNotFoundError)
"""What a request for an object raises that does not exist, or whose kind does not."""
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FIELD_MANAGER = "monitored-models-demo"
TIMEOUT = 30.0


class Cluster:
    """The cluster of a kubeconfig's current context. `folder` keeps what is known of its kinds."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.kubeconfig = kubeconfig
        client = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self._client = DynamicClient(client, cache_file=str(folder / "kinds.json"))  # type: ignore[no-untyped-call]

    def get(self, path: str, **query: Any) -> Any:
        """Get an object, a list or, where the response is not JSON, text."""
        return self._request("get", path, query_params=list(query.items()))

    def find(self, path: str) -> Any | None:
        """Get an object; None if it does not exist."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Whether the object exists."""
        return self.find(path) is not None

    def post(self, path: str, body: Any, kind: str = "application/json") -> Any:
        """Post a body, or the text of one."""
        return self._request("post", path, body=body, content_type=kind)

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Apply one object server-side."""
        options = {"field_manager": FIELD_MANAGER, "force_conflicts": True, "_request_timeout": TIMEOUT}
        self._resource(manifest).server_side_apply(body=manifest, **options)

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Delete one object and, in the background, its dependents. Ignores an object that does not exist."""
        metadata = manifest["metadata"]
        options = {"propagation_policy": "Background", "_request_timeout": TIMEOUT}
        with contextlib.suppress(*UNKNOWN):
            self._resource(manifest).delete(metadata["name"], metadata.get("namespace"), **options)

    def _resource(self, manifest: Mapping[str, Any]) -> Any:
        return self._client.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"])

    def _request(self, method: str, path: str, **options: Any) -> Any:
        accept = {"Accept": "application/json, */*"}
        plain = {"serializer": lambda _, body: body, "header_params": accept, "_request_timeout": TIMEOUT}
        return self._client.request(method, path, **plain, **options)


def reason(error: Exception) -> str:
    """The API server's message, where the error has one."""
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
        return str(json.loads(error.body)["message"])  # type: ignore[attr-defined]
    return str(error)
