"""The dashboards of the demo's models on a local page, rendered live by `mmctl dashboard preview`."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import models
import yaml
from prometheus import Prometheus

from monitored_models.preview import dashboard_reader, sources
from monitored_models.settings import Settings
from testbed.processes import free_port, start, wait_for_url

MODELS = "models.yaml"
SHARED = Path(__file__).parents[2] / "config/monitoring.yaml"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def running(metrics: Prometheus, image: str | None, folder: Path, *, own: bool) -> Iterator[str | None]:
    """Yield the URL of the page; None if the cluster is not the demo's own: its Prometheus is not reachable from here."""
    if not own:
        yield None
        return
    wanted = [manifest for manifest in models.manifests(image) if manifest["kind"] == "MonitoredModel"]
    file = folder / MODELS
    file.write_text(yaml.safe_dump_all(wanted))
    listen = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "dashboard", "preview"]
    options: list[str | Path] = [
        "-f",
        file,
        "-f",
        SHARED,
        "--prometheus",
        metrics.url,
        "--listen",
        listen,
        "--range",
        "15m",
    ]
    process = start("preview", [*command, *options], log=folder / "preview.log")
    try:
        wait_for_url(f"http://{listen}/", timeout=120, processes=[process])
        yield f"http://{listen}"
    finally:
        process.kill()


QUIET = ("Alerts", "Alerts over time", "Firing alerts", "Disk")
"""Panels that are empty in a healthy cluster, or that need data which the kubelet lacks with containerd."""


def gaps(address: str | None, folder: Path) -> list[str]:
    """Return the panels of the models' dashboards that are not drawn or have no data yet."""
    if address is None:
        return []
    boards = dashboard_reader.dashboards(sources.found_in((folder / MODELS,), None, Settings()))
    return [
        f"the panel {panel.title!r} of {board.title} is {state}"
        for board in boards
        for row in board.rows
        for panel in row.panels
        if (state := json.loads(_get(f"{address}/d/{board.slug}/panels/{panel.number}"))["state"]) != "drawn"
        and panel.title not in QUIET
    ]


def _get(url: str) -> str:
    with _direct.open(url, timeout=30) as answer:
        text: str = answer.read().decode()
        return text
