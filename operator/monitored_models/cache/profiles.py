"""MonitoringProfiles as last observed. In memory only; like the cluster cache, it ignores what is not newer.

The operator never writes to a profile, so no response can arrive after its deletion: a deleted profile leaves no
tombstone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from ..api import ProfileSpec

NamespacedName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class ProfileSource:
    """A MonitoringProfile as its user wrote it; the spec as JSON, so that it can be the key of a cache."""

    name: str
    spec: bytes

    def shared(self) -> ProfileSpec:
        """The profile as the parser takes it."""
        return ProfileSpec(self.name, json.loads(self.spec))


@dataclass(frozen=True)
class ObservedProfile:
    """A MonitoringProfile as last observed."""

    source: ProfileSource
    namespace: str
    uid: str
    version: int
    deleting: bool


@dataclass(frozen=True)
class ProfileChange:
    """What an observation changed: anything of the profile, and anything that its models inherit."""

    any: bool
    spec: bool


class ProfileStore:
    """The known profiles."""

    def __init__(self) -> None:
        self._known: dict[NamespacedName, ObservedProfile] = {}

    def get(self, place: NamespacedName) -> ObservedProfile | None:
        """A profile, or None if none of that name exists."""
        return self._known.get(place)

    def observe(self, place: NamespacedName, seen: ObservedProfile) -> ProfileChange:
        """Store an observed profile. Returns what changed."""
        known = self._known.get(place)
        if known and known.version >= seen.version > 0:
            return ProfileChange(any=False, spec=False)
        if known and known.source == seen.source:
            seen = replace(seen, source=known.source)  # one copy of a spec
        self._known[place] = seen
        same = known is not None and replace(known, version=seen.version) == seen
        return ProfileChange(any=not same, spec=known is None or known.source != seen.source)

    def vanished(self, place: NamespacedName, version: int) -> bool:
        """Remove a profile that was deleted at this version. Returns whether that changed anything."""
        known = self._known.get(place)
        if known is None or known.version > version > 0:
            return False
        del self._known[place]
        return True

    def missing_from(self, alive: set[NamespacedName], listed_at: int) -> list[NamespacedName]:
        """Known profiles that a full list lacks."""
        return [place for place, known in self._known.items() if place not in alive and known.version <= listed_at]
