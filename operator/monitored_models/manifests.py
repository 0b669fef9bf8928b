"""MonitoredModels in files: reading them for `mmctl`, with the file and the place of whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import GROUP, KIND, InvalidSpec, Model, parse
from .yamlfile import documents, text


@dataclass(frozen=True)
class Document:
    """One MonitoredModel of a file, parsed."""

    file: str
    name: str
    parsed: Model | InvalidSpec


def read(files: Iterable[Path], namespace: str | None = None) -> list[Document]:
    """Every MonitoredModel of the files and folders, `-` being standard input. Raises UnreadableFile.

    `namespace` is that of models which name none.
    """
    bodies = [(str(path), body) for file in files for path in _expand(file) for body in _bodies(path)]
    return [_document(file, body, namespace) for file, body in bodies]


def _expand(path: Path) -> list[Path]:
    suffixes = (".yaml", ".yml", ".json")
    return sorted(p for p in path.rglob("*") if p.suffix in suffixes) if path.is_dir() else [path]


def _bodies(path: Path) -> Iterator[dict[str, Any]]:
    for document in documents(str(path), text(path)):
        items = document.get("items") if isinstance(document, dict) else None
        yield from (item for item in (items if isinstance(items, list) else [document]) if _is_model(item))


def _is_model(item: Any) -> bool:
    """Whether a document is for us: other kinds in the same file are not, a misspelt kind of our group is."""
    return isinstance(item, dict) and (
        item.get("kind") == KIND or str(item.get("apiVersion", "")).startswith(f"{GROUP}/")
    )


def _document(file: str, body: dict[str, Any], namespace: str | None) -> Document:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return Document(file, "(no name)", parse(body))
    placed = {**body, "metadata": {**({"namespace": namespace} if namespace else {}), **metadata}}
    return Document(file, str(metadata.get("name") or "(no name)"), parse(placed))
