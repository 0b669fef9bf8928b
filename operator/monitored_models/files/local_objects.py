"""Reads MonitoredModels and MonitoringProfiles from local files for `mmctl`; errors name the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api import DEFAULT_PROFILE, GROUP, KIND, PROFILE_KIND, ProfileSpec, profile_name
from .yaml_loader import documents, expand, text


@dataclass(frozen=True)
class LocalObject:
    """One object of a file, with its own or the default namespace."""

    file: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The object's name, or a placeholder if it has none."""
        return str(self._metadata.get("name") or "(no name)")

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return str(self._metadata.get("namespace") or "default")

    @property
    def profile(self) -> str:
        """Name of the MonitoringProfile that applies to a model, if one of that name exists."""
        return profile_name(self.body) or DEFAULT_PROFILE

    @property
    def _metadata(self) -> dict[str, Any]:
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class LocalObjects:
    """All objects of our kinds in some files."""

    models: tuple[LocalObject, ...]
    profiles: tuple[LocalObject, ...]

    def profile_of(self, model: LocalObject) -> ProfileSpec | None:
        """The profile in these files that applies to a model; of two with one name the later, as when applied."""
        identity = (model.namespace, model.profile)
        found = [profile for profile in self.profiles if (profile.namespace, profile.name) == identity]
        spec = found[-1].body.get("spec") if found else None
        return ProfileSpec(model.profile, spec) if isinstance(spec, dict) else None


def read(files: Iterable[Path], namespace: str | None = None) -> LocalObjects:
    """Read every MonitoredModel and MonitoringProfile of files and folders; `-` is standard input.

    `namespace` is that of objects which name none. Raises UnreadableFile.
    """
    found = [_document(str(path), body, namespace) for file in files for path in expand(file) for body in _bodies(path)]
    return LocalObjects(
        models=tuple(document for document in found if document.body.get("kind") != PROFILE_KIND),
        profiles=tuple(document for document in found if document.body.get("kind") == PROFILE_KIND),
    )


def _bodies(path: Path) -> Iterator[dict[str, Any]]:
    for document in documents(str(path), text(path)):
        items = document.get("items") if isinstance(document, dict) else None
        yield from (item for item in (items if isinstance(items, list) else [document]) if _has_our_kind(item))


def _has_our_kind(item: Any) -> bool:
    """Whether a document is ours: other kinds in the same file are not, a misspelled kind of our group is."""
    return isinstance(item, dict) and (
        item.get("kind") in (KIND, PROFILE_KIND) or str(item.get("apiVersion", "")).startswith(f"{GROUP}/")
    )


def _document(file: str, body: dict[str, Any], namespace: str | None) -> LocalObject:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return LocalObject(file, body)
    return LocalObject(file, {**body, "metadata": {**({"namespace": namespace} if namespace else {}), **metadata}})
