"""YAML as Kubernetes reads it: a date is a string, a map has each key once, and the result has only JSON's types."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from weakref import WeakSet

import yaml

_NOT_JSON = ("binary", "omap", "pairs", "set", "timestamp")


class UnreadableFile(Exception):
    """A file cannot be read as YAML; the message names the file and the position."""


def accept_exponents(loader: type[yaml.resolver.BaseResolver]) -> None:
    """Have a loader take 5e-05, which Helm and kubectl write, for a number: YAML 1.1 takes it for a text."""
    pattern = re.compile(r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$")
    loader.add_implicit_resolver("tag:yaml.org,2002:float", pattern, list("-+.0123456789"))


class _Loader(yaml.SafeLoader):
    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: WeakSet[yaml.MappingNode] = WeakSet()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # Check before merging adds the keys of other maps to the node; a node that is merged twice is checked once.
        if node not in self._checked:
            self._checked.add(node)
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
            if twice := next((key for key in keys if keys.count(key) > 1), None):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {twice!r} stands twice in one map", node.start_mark
                )
        super().flatten_mapping(node)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
accept_exponents(_Loader)
_Loader.yaml_constructors = {
    tag: made
    for tag, made in yaml.SafeLoader.yaml_constructors.items()
    if tag not in [f"tag:yaml.org,2002:{name}" for name in _NOT_JSON]
}


def documents(name: str, text: str) -> list[Any]:
    """Every document of a YAML text. Raises UnreadableFile, with the name."""
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFile(f"{name}: {' '.join(str(error).split())}") from error


def text(path: Path) -> str:
    """The text of a file; `-` is standard input. Raises UnreadableFile."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: {error}") from error


def expand(path: Path) -> list[Path]:
    """The YAML and JSON files below a folder, sorted; any other path is itself the only one."""
    suffixes = (".yaml", ".yml", ".json")
    return sorted(p for p in path.rglob("*") if p.suffix in suffixes) if path.is_dir() else [path]
