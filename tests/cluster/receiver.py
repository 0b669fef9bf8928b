"""Where notifications of the cluster end: a web service on this machine, at an address that pods reach."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What Alertmanager's webhook has sent."""

    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def received(self, alert: str, model: str, status: str) -> bool:
        """Whether it was notified of an alert on a model with this status: `firing` or `resolved`."""
        return any(
            each["status"] == status
            and (each["labels"]["alertname"], each["labels"].get("monitored_model")) == (alert, model)
            for message in list(self.messages)
            for each in message["alerts"]
        )


@contextmanager
def listening(address: str) -> Iterator[Receiver]:
    """Listen on a free port of an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    receiver = Receiver(f"http://{address}:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
