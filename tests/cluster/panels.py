"""The panels of models' dashboards, drawn by `mmctl dashboard preview` over the cluster's Prometheus."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from monitored_models.preview import dashboard_reader, sources
from monitored_models.settings import Settings
from testbed.processes import free_port, start, wait_for_url

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
EMPTY_WHEN_HEALTHY = {"Alerts", "Alerts over time", "Firing alerts"}


@dataclass(frozen=True)
class Preview:
    """The page of some models' dashboards."""

    url: str
    file: Path

    def gaps(self) -> list[str]:
        """Panels that are not drawn or have no data yet."""
        return [
            f"{board.title}: {panel.title}: {state}"
            for board in dashboard_reader.dashboards(sources.found_in((self.file,), None, Settings()))
            for row in board.rows
            for panel in row.panels
            if panel.title not in EMPTY_WHEN_HEALTHY
            and (state := json.loads(_get(f"{self.url}/d/{board.slug}/panels/{panel.number}"))["state"]) != "drawn"
        ]


@contextmanager
def preview(models: list[dict[str, Any]], prometheus: str, folder: Path) -> Iterator[Preview]:
    """Serve the page."""
    file = folder / "models.yaml"
    file.write_text(yaml.safe_dump_all(models))
    listen = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "dashboard", "preview", "-f", file]
    options = ["--prometheus", prometheus, "--listen", listen, "--range", "5m"]
    process = start("preview", [*command, *options], log=folder / "preview.log")
    try:
        wait_for_url(f"http://{listen}/", processes=[process])
        yield Preview(f"http://{listen}", file)
    finally:
        process.kill()


def _get(url: str) -> str:
    with _direct.open(url, timeout=60) as answer:
        text: str = answer.read().decode()
        return text
