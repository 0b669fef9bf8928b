"""Keys of the owners that are reconciled: models and MonitoringProfiles."""

from __future__ import annotations

from dataclasses import dataclass

from ..api import PROFILE_KIND


@dataclass(frozen=True, order=True)
class Key:
    """The namespace and name of a model."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, order=True)
class ProfileKey:
    """The namespace and name of a MonitoringProfile; never equal to a model's key."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} ({PROFILE_KIND})"


OwnerKey = Key | ProfileKey
"""Key of an owner: it has children, and is reconciled on its own."""
