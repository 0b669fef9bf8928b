"""Rejections of AlertmanagerConfigs by prometheus-operator, from its Events: the latest one for each config of ours.

It posts an Event when it rejects one (for example for a missing Secret) and none when it accepts one. So an Event
counts only as long as the object is the one that it was about. Events expire an hour after the last of their kind. We
post none of them, so they need no tombstones.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from ..naming.keys import OwnerKey
from ..naming.kinds import ALERTMANAGER_CONFIG, EVENT, Kind
from .children import MAX_REJECTION, ObservedChild
from .live_objects import Body, resource_version
from .object_store import Change, ObjectRef, ObjectStore

REASON = "InvalidConfiguration"
_PREAMBLE = "was rejected due to invalid configuration: "
"""The text before the cause."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One Event that reports a rejection."""

    event: str
    version: int
    """Compared too: after a newer Event, the same cause is a new rejection."""
    uid: str
    about: int
    """Resource version of the rejected AlertmanagerConfig; 0 if the Event does not have it."""
    text: str

    def still_about(self, uid: str, version: int) -> bool:
        """Whether it is about the current version of an object."""
        return self.uid == uid and (not self.about or self.about >= version)


class RejectionStore(ObjectStore[Rejection]):
    """The known rejections, each under the name of the AlertmanagerConfig instead of the Event's.

    `owner_of` finds the owner of a child. A config of others has none, so its rejections are not stored: anyone may
    post Events.
    """

    def __init__(self, owner_of: Callable[[Kind, str, str], OwnerKey | None]) -> None:
        super().__init__()
        self._owner_of = owner_of

    def text_about(self, namespace: str, config: ObservedChild | None) -> str | None:
        """Why the current version of an AlertmanagerConfig was rejected; None if unknown."""
        if config is None or config.rejection or config.accepted_by:  # its own status takes precedence over an Event
            return config.rejection if config else None
        known = self.get(EVENT, namespace, config.name)
        return known.text if known and known.still_about(config.uid, config.version) else None

    def ref(self, kind: Kind, body: Body, /) -> ObjectRef | None:
        """The AlertmanagerConfig that was rejected, with the kind of the Event; None if it is about something else."""
        about = body.get("regarding") or {}
        if about.get("kind") != ALERTMANAGER_CONFIG.name or body.get("reason") != REASON:
            return None
        return kind, body["metadata"]["namespace"], str(about.get("name", ""))

    def owner(self, ref: ObjectRef, _body: Body, /) -> OwnerKey | None:
        """The owner of the AlertmanagerConfig."""
        _, namespace, config = ref
        return self._owner_of(ALERTMANAGER_CONFIG, namespace, config)

    def read(self, _ref: ObjectRef, body: Body, _known: Rejection | None, /) -> Rejection:
        """The cause, and the version of the AlertmanagerConfig that was rejected for it."""
        metadata, about = body["metadata"], body["regarding"]
        about_version = str(about.get("resourceVersion", ""))
        return Rejection(
            event=metadata["name"],
            version=resource_version(metadata),
            uid=str(about.get("uid", "")),
            about=int(about_version) if about_version.isdigit() else 0,
            text=str(body.get("note", "")).split(_PREAMBLE, 1)[-1][:MAX_REJECTION],
        )

    def remove(self, kind: Kind, namespace: str, event: str, _version: int, /) -> Change[Rejection] | None:
        """Remove the rejection of a deleted Event. No deletion is late: each Event has a name of its own."""
        configs = (
            ref[2] for ref, stored in self._objects.items() if (ref[1], stored.object.event) == (namespace, event)
        )
        config = next(configs, None)
        return None if config is None else super().remove(kind, namespace, config, 0)

    def prune(self, kind: Kind, alive: AbstractSet[tuple[str, str]], listed_at: int) -> list[Change[Rejection]]:
        """Remove the rejections of Events that a full list lacks."""
        held = ((ref[1:], (ref[1], stored.object.event)) for ref, stored in self._objects.items())
        return super().prune(kind, {config for config, event in held if event in alive}, listed_at)

    def drop(self, namespace: str, config: str) -> None:
        """Drop the rejection of an AlertmanagerConfig that was deleted, or has another owner."""
        super().remove(EVENT, namespace, config, 0)
