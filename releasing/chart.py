"""The chart's archive. Helm keeps the times of the files, so equal files with equal times make equal archives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .commands import ReleaseError, run

NAME = "monitored-models"
"""Name of the chart, of the image, and of the namespace that the documents install into."""


def metadata(
    chart: Mapping[str, Any],
    *,
    changes: Iterable[Mapping[str, str]],
    image: str | None,
    home: str | None,
    sources: str | None,
) -> dict[str, Any]:
    """Chart.yaml with what only a release has: its changes, and the addresses that its builder names."""
    annotations = {**chart.get("annotations", {}), "artifacthub.io/changes": _yaml(list(changes))}
    if image:
        annotations["artifacthub.io/images"] = _yaml([{"name": NAME, "image": image}])
    addresses: dict[str, Any] = {"home": home, "sources": [sources] if sources else None}
    return {**chart, **{name: value for name, value in addresses.items() if value}, "annotations": annotations}


def with_registry(values: str, registry: str) -> str:
    """values.yaml with a registry as the default of all images."""
    text, count = re.subn(r"(?m)^imageRegistry: ''$", f"imageRegistry: {registry}", values)
    if count != 1:
        raise ReleaseError("values.yaml of the chart has no line `imageRegistry: ''`, which REGISTRY replaces")
    return text


def package(folder: Path, out: Path, time: int) -> None:
    """Package the chart in a folder into `out`."""
    for path in folder.rglob("*"):
        os.utime(path, (time, time))
    run("helm", "package", folder, "--destination", out)


def render(folder: Path, target: Path) -> None:
    """Write the chart's objects with its default values, for kubectl."""
    objects = run("helm", "template", NAME, folder, f"--namespace={NAME}", "--skip-tests")
    target.write_text(objects + "\n")


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)
