"""MonitoredModels in files: reading them for `mmctl`, with the file and the place of whatever is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .api import GROUP, KIND, InvalidSpec, Model, parse


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a date is a string, and a key stands once in a map."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice!r} stands twice in one map", node.start_mark
            )
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Document:
    """One MonitoredModel of a file, parsed."""

    file: str
    name: str
    parsed: Model | InvalidSpec


class UnreadableFile(Exception):
    """A file cannot be read as YAML; the message names the file and the place."""


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
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text()
        documents = list(yaml.load_all(text, Loader=_Loader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableFile(f"{path}: {' '.join(str(error).split())}") from error
    for document in documents:
        items = document.get("items", [document]) if isinstance(document, dict) else [document]
        yield from (item for item in items if _is_model(item))


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
