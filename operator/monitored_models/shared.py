"""MonitoringProfiles as last seen. Memory only, and like the view's: what is not newer than what is known is dropped.

Nothing of ours is ever written to a profile, so that no answer can come in after its deletion: of a profile that is gone
nothing needs to stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from .api import Shared

Place = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class SharedSource:
    """What someone wrote as a MonitoringProfile; the spec as JSON, so that what is made of it can be remembered by it."""

    name: str
    spec: bytes

    def shared(self) -> Shared:
        """The profile, as the parser takes it."""
        return Shared(self.name, json.loads(self.spec))


class SharedProfiles:
    """The profiles that are known."""

    def __init__(self) -> None:
        self._known: dict[Place, tuple[int, SharedSource]] = {}

    def get(self, place: Place) -> SharedSource | None:
        """A profile, or None when there is none of that name."""
        known = self._known.get(place)
        return known[1] if known else None

    def observe(self, place: Place, version: int, spec: bytes) -> bool:
        """Take note of a profile. Returns whether its spec is news."""
        known = self._known.get(place)
        if known and known[0] >= version > 0:
            return False
        seen = SharedSource(place[1], spec)
        if known and known[1] == seen:
            self._known[place] = version, known[1]
            return False
        self._known[place] = version, seen
        return True

    def vanished(self, place: Place, version: int) -> bool:
        """Take note that a profile is gone that had this version. Returns whether that is news."""
        known = self._known.get(place)
        if known is None or known[0] > version > 0:
            return False
        del self._known[place]
        return True

    def lost(self, alive: set[Place], listed_at: int) -> list[Place]:
        """What a full list no longer holds."""
        return [place for place, (version, _) in self._known.items() if place not in alive and version <= listed_at]
