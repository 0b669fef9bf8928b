"""Rejections of AlertmanagerConfigs by prometheus-operator, from its Events. In memory only: one for each of ours.

It posts an Event when it rejects one (for example for a missing Secret) and none when it accepts one. So an Event
counts only as long as the object is the one that it was about. Events expire an hour after the last of their kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..naming.kinds import ALERTMANAGER_CONFIG

Place = tuple[str, str]
"""Namespace and name."""
REASON = "InvalidConfiguration"
_PREAMBLE = "was rejected due to invalid configuration: "
"""The text before the cause."""
MAX_MESSAGE = 1000
"""Characters of a rejection that are kept."""


@dataclass(frozen=True)
class Rejection:
    """One Event that reports a rejection."""

    event: str
    version: int
    uid: str
    about: int
    """Resource version of the rejected AlertmanagerConfig; 0 if the Event does not have it."""
    text: str

    def still_about(self, uid: str, version: int) -> bool:
        """Whether it is about the current version of an object."""
        return self.uid == uid and (not self.about or self.about >= version)


class RejectionStore:
    """The known rejections, by namespace and name of the AlertmanagerConfig."""

    def __init__(self) -> None:
        self._known: dict[Place, Rejection] = {}

    def get(self, config: Place) -> Rejection | None:
        """The latest rejection of an AlertmanagerConfig."""
        return self._known.get(config)

    def observe(self, body: Mapping[str, Any], version: int) -> Place | None:
        """Store an Event. Returns the AlertmanagerConfig whose rejection changed, if any."""
        about = body.get("regarding") or {}
        if about.get("kind") != ALERTMANAGER_CONFIG.name or body.get("reason") != REASON:
            return None
        place = (body["metadata"]["namespace"], str(about.get("name", "")))
        known = self._known.get(place)
        if known and known.version >= version > 0:
            return None
        about_version = str(about.get("resourceVersion", ""))
        self._known[place] = Rejection(
            event=body["metadata"]["name"],
            version=version,
            uid=str(about.get("uid", "")),
            about=int(about_version) if about_version.isdigit() else 0,
            text=str(body.get("note", "")).split(_PREAMBLE, 1)[-1][:MAX_MESSAGE],
        )
        return place

    def vanished(self, namespace: str, event: str) -> Place | None:
        """Remove a deleted Event. Returns the AlertmanagerConfig whose rejection it was, if any."""
        places = (p for p, known in self._known.items() if p[0] == namespace and known.event == event)
        if place := next(places, None):
            del self._known[place]
        return place

    def forget(self, config: Place) -> None:
        """Drop the rejection of an AlertmanagerConfig that was deleted or is not ours."""
        self._known.pop(config, None)

    def missing_from(self, alive: set[Place], listed_at: int) -> list[Place]:
        """Known Events that a full list lacks."""
        return [
            (namespace, known.event)
            for (namespace, _), known in self._known.items()
            if (namespace, known.event) not in alive and known.version <= listed_at
        ]
