"""The operator's own pages, as a probe or a Prometheus reads them."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from testbed.processes import Process, wait_until

IDLE_SECONDS = 3.0
_SAMPLE = re.compile(r"(\w+)\{(.*)\} ([0-9.e+]+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels and values of one metric in Prometheus' text format."""
    found = (_SAMPLE.match(line) for line in text.splitlines() if line.startswith(name + "{"))
    return [(dict(_LABEL.findall(match[2])), float(match[3])) for match in found if match]


def address(process: Process) -> str:
    """Where a process serves its pages; it has to say so in its log first."""
    found: list[re.Match[str]] = []

    def told() -> bool:
        found.extend(re.finditer(r"listening on (https?://[0-9.:]+)", process.log.read_text()))
        return bool(found)

    wait_until(told, "the address of the pages", timeout=60, processes=[process])
    return found[-1][1]


def page(process: Process, path: str, timeout: float = 30) -> tuple[int, str]:
    """Status and text of a page. Raises OSError where there is no answer in time."""
    try:
        with urllib.request.urlopen(address(process) + path, timeout=timeout) as response:  # noqa: S310  # loopback
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@dataclass(frozen=True)
class Idle:
    """An operator that has nothing left to do."""

    seconds: float
    """From the call until it had nothing left to do."""
    slowest_probe: float
    """Seconds that the slowest answer of /healthz took; every one was 200."""
    metrics: str
    """Its metrics then."""


def wait_idle(process: Process, models: int, timeout: float) -> Idle:
    """Wait until a process that starts has looked at every model and been idle for three seconds."""
    began = since = time.monotonic()
    address(process)  # a probe can be answered from then on
    seen, slowest = -1.0, 0.0
    while seen < models or time.monotonic() - since < IDLE_SECONDS:
        assert time.monotonic() - began < timeout, f"not idle within {timeout:.0f} s: {process.tail()}"
        assert process.alive(), process.tail()
        asked = time.monotonic()
        status, text = page(process, "/healthz")
        slowest = max(slowest, time.monotonic() - asked)
        assert status == 200, text
        _, metrics = page(process, "/metrics", timeout=60)
        looked = sum(value for _, value in samples(metrics, "monitored_models_reconcile_duration_seconds_count"))
        if looked != seen or "monitored_models_queue_depth 0.0" not in metrics:
            seen, since = looked, time.monotonic()
        time.sleep(0.2)
    return Idle(since - began, slowest, metrics)
