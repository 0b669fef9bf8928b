"""Dashboards from files: dashboard JSON, objects that contain it, and the rendered dashboards of MonitoredModels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..api import GROUP, InvalidSpec, parse
from ..base.json_paths import JSON
from ..files.local_objects import LocalObject, LocalObjects, read
from ..files.yaml_loader import UnreadableFile, documents, expand, text
from ..render.children import render
from ..render.workload.replicas import replicas
from ..settings import Settings
from .dashboard_reader import in_object


class NoDashboards(Exception):
    """There is no dashboard to display. The message names the file and the reason."""


def found_in(files: Sequence[Path], namespace: str | None, settings: Settings) -> list[JSON]:
    """Return every dashboard of the files and folders; `-` is standard input. Raises NoDashboards."""
    paths = [path for file in files for path in expand(file)]
    found, ours = list[JSON](), list[Path]()
    try:
        for path in paths:
            read_documents = list(_documents(path))
            found += [dashboard for document in read_documents for dashboard in in_object(document)]
            if str(path) != "-" and any(_has_our_group(document) for document in read_documents):
                ours.append(path)
        manifests = read(ours, namespace)
    except UnreadableFile as error:
        raise NoDashboards(str(error)) from error
    for model in manifests.models:
        found += _of_model(model, manifests, settings)
    if not found:
        raise NoDashboards("no dashboard, and no MonitoredModel that has one, in " + ", ".join(map(str, files)))
    return found


def _documents(path: Path) -> Iterator[Any]:
    """Yield the documents of a file, and the items of a List one by one."""
    content = text(path)
    try:
        # The YAML parser takes seconds for a large dashboard.
        found = [json.loads(content)] if content.lstrip().startswith("{") else documents(str(path), content)
    except (ValueError, RecursionError):
        found = documents(str(path), content)
    for one in found:
        items = one.get("items") if isinstance(one, dict) else None
        yield from items if isinstance(items, list) else [one]


def _has_our_group(document: Any) -> bool:
    return isinstance(document, dict) and str(document.get("apiVersion", "")).startswith(f"{GROUP}/")


def _of_model(document: LocalObject, manifests: LocalObjects, settings: Settings) -> list[JSON]:
    model = parse(document.body, settings.platform, manifests.profile_of(document))
    if isinstance(model, InvalidSpec):
        raise NoDashboards("; ".join(f"{document.file}: {document.name}: {problem}" for problem in model.problems))
    children = render(model, settings, replicas(model, None))
    return [dashboard for child in children for dashboard in in_object(child)]
