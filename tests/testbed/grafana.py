"""A stand-in for the part of Grafana's HTTP API that the operator asks: Grafana's server is no program that tests can build.

As documented for Grafana 10 to 13: bearer tokens, bodies of errors, limits and pages of a search, the health of a data
source as 200 or 400, annotations found by all of their tags. It counts what it is asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = Any
TOKEN = "glsa_a-token-for-tests_12345678"  # noqa: S105
DEFAULT_LIMIT, MOST = 1000, 5000
"""Hits of a search in one answer."""
ANNOTATIONS = 100
"""Annotations in one answer, unless asked for more."""
PROMETHEUS = {"id": 1, "uid": "prometheus", "name": "Prometheus", "type": "prometheus", "isDefault": True}


@dataclass
class Grafana:
    """What it has, how it behaves, and what it was asked."""

    url: str = ""
    token: str = TOKEN
    dashboards: set[str] = field(default_factory=set)
    """Uids of dashboards with our tag."""
    sources: list[JSON] = field(default_factory=lambda: [PROMETHEUS])
    failing: str = ""
    """What is wrong with the data source."""
    forbidden: str = ""
    """Path that the token may not use."""
    down: bool = False
    """Whether it closes connections without an answer."""
    refuses: bool = False
    """Whether it takes no annotation."""
    delay: float = 0.0
    """Seconds before any answer."""
    annotations: list[JSON] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, method: str, path: str, query: dict[str, list[str]], token: str, body: JSON) -> tuple[int, JSON]:  # noqa: PLR0911 - a table of paths
        """Status and body."""
        self.asked[f"{method} {path}"] += 1
        if path != "/api/health" and token != f"Bearer {self.token}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""}
        if self.forbidden and path.startswith(self.forbidden):
            return 403, {
                "message": "You'll need additional permissions to perform this action",
                "accessErrorId": "ACE1",
            }
        match method, path.split("/")[2:]:
            case "GET", ["health"]:
                return 200, {"database": "ok", "version": "12.2.0"}
            case "GET", ["search"]:
                return 200, self._search(query)
            case "GET", ["datasources"]:
                return 200, self.sources
            case "GET", ["datasources", "uid", uid, "health"]:
                return self._health(uid)
            case "GET", ["annotations"]:
                return 200, self._find(query)
            case "POST", ["annotations"]:
                return self._annotate(body)
        return 404, {"message": "Not found"}

    def _search(self, query: dict[str, list[str]]) -> JSON:
        limit, page = int(query.get("limit", [DEFAULT_LIMIT])[0]), int(query.get("page", ["1"])[0])
        if query.get("type") != ["dash-db"] or query.get("tag") != ["monitored-models"]:
            return []
        limit = min(limit, MOST)
        found = sorted(self.dashboards)[(page - 1) * limit : page * limit]
        return [{"id": n, "uid": uid, "title": uid, "type": "dash-db", "tags": []} for n, uid in enumerate(found)]

    def _health(self, uid: str) -> tuple[int, JSON]:
        if not any(source["uid"] == uid for source in self.sources):
            return 404, {"message": "Data source not found", "messageId": "", "statusCode": 404, "traceID": ""}
        if self.failing:
            return 400, {"status": "ERROR", "message": self.failing, "details": {}}
        return 200, {"status": "OK", "message": "Successfully queried the Prometheus API.", "details": {}}

    def _find(self, query: dict[str, list[str]]) -> JSON:
        first, last = (int(query.get(name, ["0"])[0]) for name in ("from", "to"))
        tags, limit = set(query.get("tags", [])), int(query.get("limit", [ANNOTATIONS])[0])
        return [
            each
            for each in self.annotations
            if tags <= set(each["tags"]) and (not last or first <= each["time"] <= last)
        ][:limit]

    def _annotate(self, body: JSON) -> tuple[int, JSON]:
        if self.refuses:
            return 400, {"message": "Failed to save annotation"}
        if body.get("dashboardUID") not in self.dashboards:
            return 404, {"message": "Dashboard not found"}
        self.annotations.append({"id": len(self.annotations) + 1, **body})
        return 200, {"message": "Annotation added", "id": len(self.annotations)}


@contextmanager
def running_grafana(**options: Any) -> Iterator[Grafana]:
    """One that listens on a free port, below a path, as behind a proxy."""
    grafana = Grafana(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            time.sleep(grafana.delay)
            if grafana.down:
                self.close_connection = True
                return
            path = url.path.removeprefix("/grafana")
            code, answer = grafana.answer(
                self.command, path, parse_qs(url.query), self.headers.get("Authorization", ""), body
            )
            text = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            """Serve, whatever becomes of the other side."""
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    grafana.url = f"http://127.0.0.1:{server.server_port}/grafana"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
