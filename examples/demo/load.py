"""A small load on the demo's models: a few requests per second for each, some of them invalid."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

from kubernetes_client import ERRORS, Cluster
from models import FEATURES, NAMESPACE

REQUESTS_PER_SECOND = 5.0
WRONG = 0.02
"""Share of requests that lack one feature."""


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """Send requests through the API server until the context ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=_load, args=(cluster, name, stop), daemon=True) for name in FEATURES]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=5)


def _load(cluster: Cluster, name: str, stop: threading.Event) -> None:
    while not stop.wait(random.expovariate(REQUESTS_PER_SECOND)):
        row = [random.uniform(1, largest) for largest in FEATURES[name]]
        if random.random() < WRONG:
            row.pop()
        # Errors are expected: a model that is not up yet fails, and the server rejects the invalid requests.
        with contextlib.suppress(*ERRORS):
            cluster.post(f"/api/v1/namespaces/{NAMESPACE}/services/{name}:http/proxy/predict", {"instances": [row]})
