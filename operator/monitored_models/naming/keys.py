"""Keys of what is reconciled by itself: a model, or a MonitoringProfile."""

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
    """The namespace and name of a MonitoringProfile; equal to no model's key."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} ({PROFILE_KIND})"


OwnerKey = Key | ProfileKey
"""What has children, and is worked on by itself."""
