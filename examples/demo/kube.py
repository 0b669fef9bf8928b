"""A small Kubernetes API client for any kubeconfig: token, client certificate or exec credential plugin.

It handles authentication only; objects are plain dicts. It keeps one connection per thread open, because the demo
sends many requests. It uses the standard library only, plus PyYAML for the kubeconfig.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

FIELD_MANAGER = "monitored-models-demo"
TIMEOUT = 30.0


class ApiError(RuntimeError):
    """An error response of the API server, with its HTTP status and message."""

    def __init__(self, status: int, what: str, answer: str) -> None:
        with contextlib.suppress(ValueError, AttributeError):
            answer = json.loads(answer).get("message", answer)
        super().__init__(f"{what}: {status} {answer}")
        self.status = status


class Cluster:
    """The cluster of a kubeconfig's current context."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"]).get("user") or {}
        url = urlsplit(cluster["server"])
        self._host, self._port = url.hostname or "localhost", url.port or (443 if url.scheme == "https" else 80)
        self._base = url.path.rstrip("/")
        credentials = _Credentials(user, kubeconfig.parent)
        self.url, self.headers = cluster["server"].rstrip("/"), credentials.headers()
        self.tls = _tls(cluster, credentials, kubeconfig.parent) if url.scheme == "https" else None
        self._connections = threading.local()
        self._collections: dict[tuple[str, str], tuple[str, bool]] = {}

    def get(self, path: str) -> Any:
        """Get an object or a list."""
        return json.loads(self.request("GET", path))

    def exists(self, path: str) -> bool:
        """Whether the object exists."""
        try:
            self.request("GET", path)
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise
            return False
        return True

    def apply(self, manifest: Mapping[str, Any]) -> Any:
        """Apply one object server-side and return it as the API server stored it."""
        return self.apply_text(self.path(manifest), json.dumps(manifest).encode())

    def apply_text(self, path: str, manifest: bytes) -> Any:
        """Apply one object, passed as YAML text, server-side."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
        return json.loads(self.request("PATCH", f"{path}?{query}", manifest, "application/apply-patch+yaml"))

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Delete one object and, in the background, its dependents. Ignores an object that does not exist."""
        try:
            self.request("DELETE", f"{self.path(manifest)}?propagationPolicy=Background")
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Return the API path of an object. Raises ApiError if the API server does not know its kind."""
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        if (version, kind) not in self._collections:
            group = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in self.get(group)["resources"]:
                if "/" not in resource["name"]:
                    self._collections[version, resource["kind"]] = (resource["name"], resource["namespaced"])
            if (version, kind) not in self._collections:
                raise ApiError(404, f"{kind} {metadata['name']}", f"there is no such kind in {version}")
        group = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural, namespaced = self._collections[version, kind]
        folder = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"{group}{folder}/{plural}/{metadata['name']}"

    def request(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """Send one request and return the response body. Raises ApiError on a status of 300 or above."""
        headers = self.headers | {"Accept": "application/json, */*", "Content-Type": kind}
        for attempt in (1, 2):
            connection, fresh = self._connection()
            try:
                connection.request(method, self._base + path, body, headers)
                response = connection.getresponse()
                answer = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                del self._connections.open
                # The server may have closed a kept-alive connection in the meantime.
                if fresh or attempt == 2 or isinstance(error, TimeoutError):
                    raise
        if response.status >= 300:
            raise ApiError(response.status, f"{method} {path.partition('?')[0]}", answer.decode(errors="replace"))
        return answer

    def service(self, namespace: str, service: str, port: str | int, path: str, body: Any = None) -> bytes:
        """Call a Service through the API server's proxy: GET, or POST if there is a body."""
        target = f"/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy/{path.lstrip('/')}"
        if body is None:
            return self.request("GET", target)
        return self.request("POST", target, json.dumps(body).encode())

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        kept: http.client.HTTPConnection | None = getattr(self._connections, "open", None)
        if kept is not None:
            return kept, False
        if self.tls:
            self._connections.open = http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT, context=self.tls
            )
        else:
            self._connections.open = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        return self._connections.open, True


class _Credentials:
    """Credentials of a kubeconfig's user. An exec plugin runs once."""

    def __init__(self, user: Mapping[str, Any], folder: Path) -> None:
        self._user = {**user, **_login(user["exec"])} if "exec" in user else user
        self._folder = folder

    def headers(self) -> dict[str, str]:
        token = self._user.get("token")
        if not token and "tokenFile" in self._user:
            token = (self._folder / self._user["tokenFile"]).read_text().strip()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def load_into(self, context: ssl.SSLContext) -> None:
        certificates = _file(self._user, "client-certificate", self._folder)
        with certificates as certificate, _file(self._user, "client-key", self._folder) as private:
            if certificate:
                context.load_cert_chain(certificate, private)


def _login(program: Mapping[str, Any]) -> dict[str, str]:
    environment = os.environ | {each["name"]: each["value"] for each in program.get("env") or ()}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(
        {"apiVersion": program["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    )
    command = [program["command"], *(program.get("args") or ())]
    status = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)["status"]
    given = {"token": status.get("token")}
    for ours, theirs in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
        if theirs in status:
            given[ours] = base64.b64encode(status[theirs].encode()).decode()
    return given


def _tls(cluster: Mapping[str, Any], credentials: _Credentials, folder: Path) -> ssl.SSLContext:
    with _file(cluster, "certificate-authority", folder) as authority:
        context = ssl.create_default_context(cafile=authority)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    credentials.load_into(context)
    return context


@contextlib.contextmanager
def _file(holder: Mapping[str, Any], name: str, folder: Path) -> Iterator[str | None]:
    """Yield the path of a file that a kubeconfig names or embeds, because ssl reads certificates only from files."""
    if content := holder.get(f"{name}-data"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(content))
            file.flush()
            yield file.name
    else:
        yield str(folder / holder[name]) if holder.get(name) else None


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
