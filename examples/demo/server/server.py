"""A small model server to monitor: it trains one scikit-learn model at start and answers predictions over HTTP.

Two models can be chosen by MODEL_NAME; both learn from data made up here, so nothing is downloaded. The server
exposes what an operator of models needs to see: `inference_latency_seconds` (every prediction request, failed ones
too), `inference_errors_total`, and the figures of the process.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np  # type: ignore[import-not-found, unused-ignore]
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENCY = Histogram("inference_latency_seconds", "Time to work out the answer to a request.", buckets=BUCKETS)
ERRORS = Counter("inference_errors_total", "Prediction requests that were not answered with a prediction.")
MAX_BODY = 1 << 20
MAX_ROWS = 1000
# A pod receives requests for a moment after its SIGTERM still, until every client has learned that it is going.
GOODBYE_SECONDS = 2.0


def train_churn() -> Any:
    """Learn who leaves, from tenure (months), monthly charge, support calls and months left in the contract."""
    random = np.random.default_rng(7)
    x = random.uniform((0, 15, 0, 0), (72, 120, 9, 24), (5000, 4))
    leaning = x @ np.array([-0.05, 0.03, 0.6, -0.12]) - 2.0 + random.logistic(size=5000)
    return RandomForestClassifier(50, random_state=7).fit(x, (leaning > 0).astype(int))


def train_house_price() -> Any:
    """Learn a price from area (m²), rooms, age (years) and distance to the centre (km)."""
    random = np.random.default_rng(7)
    x = random.uniform((30, 1, 0, 0), (250, 8, 100, 40), (5000, 4))
    price = 3000 * x[:, 0] * np.exp(-x[:, 3] / 30) + 8000 * x[:, 1] - 500 * x[:, 2]
    return GradientBoostingRegressor(random_state=7).fit(x, price + random.normal(0, 10_000, 5000))


TRAINERS = {"churn": train_churn, "house-price": train_house_price}


class RefusedError(Exception):
    """A request that gets no prediction: the HTTP status, and what to tell the client."""


class Server(ThreadingHTTPServer):
    """One thread per connection; holds the one model of this process."""

    daemon_threads = False  # server_close() then waits for the requests in flight
    request_queue_size = 128
    name = os.environ.get("MODEL_NAME", "churn")
    version = os.environ.get("MODEL_VERSION", "unknown")
    model: Any = None
    leaving = False

    def predict(self, body: bytes) -> list[Any]:
        """Read {"instances": [[…], …]} and predict for each row."""
        if self.model is None:
            raise RefusedError(503, "the model is still being trained")
        columns = self.model.n_features_in_
        try:
            rows = np.array(json.loads(body)["instances"], dtype=float)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            rows = np.empty(0)
        if rows.ndim != 2 or rows.shape[1] != columns or len(rows) > MAX_ROWS or not np.isfinite(rows).all():
            wanted = f"1 to {MAX_ROWS} rows of {columns} finite numbers"
            raise RefusedError(400, f'the body must be {{"instances": [[number, …], …]}} with {wanted}')
        return list(self.model.predict(rows).tolist())


class Handler(BaseHTTPRequestHandler):
    """The routes; an instance serves one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    timeout = 5  # so long can a silent connection hold up the end of the process

    def do_GET(self) -> None:
        """Say what this is and how it does."""
        server = self.server
        ready = server.model is not None and not server.leaving
        match self.path.split("?", 1)[0]:
            case "/":
                self.answer(200, {"model": server.name, "version": server.version, "ready": ready})
            case "/health/live":
                self.answer(200, {"live": True})
            case "/health/ready":
                self.answer(200 if ready else 503, {"ready": ready})
            case "/metrics":
                self.send(200, CONTENT_TYPE_LATEST, generate_latest())
            case _:
                self.answer(404, {"error": "not found"})

    def do_POST(self) -> None:
        """Predict."""
        if self.path.split("?", 1)[0] != "/predict":
            self.close_connection = True  # its body is not read, and would be taken for the next request
            self.answer(404, {"error": "not found: predictions are at POST /predict"})
            return
        # Counted before the answer leaves: a client that has its answer finds itself in /metrics.
        reply: dict[str, Any]
        with LATENCY.time():
            try:
                status, reply = 200, {"predictions": self.server.predict(self.body())}
            except RefusedError as refused:
                status, reply = refused.args[0], {"error": refused.args[1]}
            except Exception as error:  # noqa: BLE001 - what a model raises is this request's failure only
                self.log_error("prediction failed: %r", error)
                self.close_connection = True
                status, reply = 500, {"error": "internal error"}
        if status != 200:
            ERRORS.inc()
        self.answer(status, reply)

    def body(self) -> bytes:
        """Read the request's body, of a length that is known and bearable."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 9 and int(length) <= MAX_BODY):
            self.close_connection = True
            raise RefusedError(400, f"a Content-Length of at most {MAX_BODY} is needed")
        return self.rfile.read(int(length))

    def answer(self, status: int, reply: object) -> None:
        """Send JSON."""
        self.send(status, "application/json", json.dumps(reply, ensure_ascii=False).encode() + b"\n")

    def send(self, status: int, kind: str, body: bytes) -> None:
        """Send anything."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection or self.server.leaving:
            self.send_header("Connection", "close")  # http.server then closes it, too
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are counted in /metrics; a line for each would drown what matters."""


def main() -> None:
    """Serve until SIGTERM; listen before training, so that the probes are answered from the first moment."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    if Server.name not in TRAINERS:
        raise SystemExit(f"MODEL_NAME must be one of {', '.join(TRAINERS)}, not {Server.name!r}")
    server = Server(("", int(os.environ.get("PORT", "8080"))), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    started = time.monotonic()
    server.model = TRAINERS[server.name]()
    print(f"{server.name} {server.version} trained in {time.monotonic() - started:.2f} s", flush=True)
    stop.wait()
    server.leaving = True
    time.sleep(GOODBYE_SECONDS)
    server.shutdown()
    server.server_close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
