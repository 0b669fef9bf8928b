"""MonitoringProfiles as last seen. Memory only, and like the view's: what is not newer than what is known is dropped.

Nothing of ours is ever written to a profile, so that no answer can come in after its deletion: of a profile that is gone
nothing needs to stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from ..api import ProfileSpec

NamespacedName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class ProfileSource:
    """What someone wrote as a MonitoringProfile; the spec as JSON, so that what is made of it can be remembered by it."""

    name: str
    spec: bytes

    def shared(self) -> ProfileSpec:
        """The profile, as the parser takes it."""
        return ProfileSpec(self.name, json.loads(self.spec))


@dataclass(frozen=True)
class ObservedProfile:
    """A MonitoringProfile as last seen."""

    source: ProfileSource
    namespace: str
    uid: str
    version: int
    deleting: bool


@dataclass(frozen=True)
class ProfileChange:
    """What an observation told: something about the profile, and of it something that its models inherit."""

    any: bool
    spec: bool


class ProfileStore:
    """The profiles that are known."""

    def __init__(self) -> None:
        self._known: dict[NamespacedName, ObservedProfile] = {}

    def get(self, place: NamespacedName) -> ObservedProfile | None:
        """A profile, or None when there is none of that name."""
        return self._known.get(place)

    def observe(self, place: NamespacedName, seen: ObservedProfile) -> ProfileChange:
        """Take note of a profile."""
        known = self._known.get(place)
        if known and known.version >= seen.version > 0:
            return ProfileChange(any=False, spec=False)
        if known and known.source == seen.source:
            seen = replace(seen, source=known.source)  # one copy of a spec
        self._known[place] = seen
        same = known is not None and replace(known, version=seen.version) == seen
        return ProfileChange(any=not same, spec=known is None or known.source != seen.source)

    def vanished(self, place: NamespacedName, version: int) -> bool:
        """Take note that a profile is gone that had this version. Returns whether that is news."""
        known = self._known.get(place)
        if known is None or known.version > version > 0:
            return False
        del self._known[place]
        return True

    def missing_from(self, alive: set[NamespacedName], listed_at: int) -> list[NamespacedName]:
        """What a full list no longer holds."""
        return [place for place, known in self._known.items() if place not in alive and known.version <= listed_at]
