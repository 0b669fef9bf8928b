"""Requests to a model of the demo's server, at the address of its Service, which kube-proxy serves on this machine too."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from typing import Any, Self

from monitored_models.naming.kinds import SERVICE
from operator_testbed import Bed

ROW: list[Any] = [12, 70, 3, 6]
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Load:
    """Requests one after the other, each on a connection of its own, until the context ends."""

    def __init__(self, url: str, *, threads: int = 2, pause: float = 0.05, row: list[Any] = ROW, rows: int = 1) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._url, self._pause = url, pause
        self._body = json.dumps({"instances": [row] * rows}).encode()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                post(self._url, self._body)
                self.answered += 1
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(str(error))


def post(url: str, body: bytes = json.dumps({"instances": [ROW]}).encode()) -> bytes:
    """Send one request and return the answer. Raises OSError."""
    request = urllib.request.Request(f"{url}/predict", body)  # noqa: S310 (always http)
    with _direct.open(request, timeout=30) as answer:
        return bytes(answer.read())


def address(bed: Bed, name: str, namespace: str = "models") -> str:
    """The URL of a model's Service."""
    service = bed.get(SERVICE, namespace, name)
    assert service is not None
    return f"http://{service['spec']['clusterIP']}:8080"
