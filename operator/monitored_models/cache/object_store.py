"""Objects as last observed, by reference and by owner: the rules about resource versions that hold for every kind.

Watch events, the lists of a resync and the responses to our own writes all come in here, in any order. A store ignores
an object whose resource version is not newer than the known one, or than the tombstone of a deleted one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import ClassVar, Generic, NamedTuple, TypeVar

from ..naming.keys import OwnerKey
from ..naming.kinds import Kind
from .live_objects import Body, resource_version

T = TypeVar("T")
V = TypeVar("V")

ObjectRef = tuple[Kind, str, str]
"""Kind, namespace and name of an object; the namespace of a cluster-scoped one is empty."""


class Stored(NamedTuple, Generic[T]):
    """What a store keeps of one object."""

    version: int
    owner: OwnerKey | None
    object: T


class Change(NamedTuple, Generic[T]):
    """The effect of an observation or a deletion on one object."""

    ref: ObjectRef
    before: T | None
    """As its owner had it until now; None if this owner did not have it."""
    after: T | None
    """As its owner has it now; None if the object was removed."""
    former_owner: OwnerKey | None
    """The owner that has lost the object, because it was deleted or has another owner now."""
    owner: OwnerKey | None
    """The owner that has the object now."""

    def owners(self) -> list[OwnerKey]:
        """The owners for which something changed; not those of a newer version with the same content."""
        gained = self.owner is not None and self.before != self.after
        return [key for key in (self.former_owner, self.owner if gained else None) if key is not None]


class ObjectStore(ABC, Generic[T]):
    """Objects of one kind, or of several. A subclass defines what is kept of an object (`read`) and who owns it."""

    owned: ClassVar[bool] = True
    """Whether only objects that have an owner are stored."""
    keeps_tombstones: ClassVar[bool] = False
    """Whether deletions are remembered, for as long as anything of the owner exists. That is for what the operator
    writes, because the response to a write can arrive after the deletion. Other objects come from lists and watches
    only, and their number may have no bound."""

    def __init__(self) -> None:
        self._objects: dict[ObjectRef, Stored[T]] = {}
        self._by_owner: dict[OwnerKey, dict[ObjectRef, T]] = {}
        self._tombstones: dict[OwnerKey, dict[ObjectRef, int]] = {}
        """Resource versions at which objects were deleted."""

    # --- what a subclass defines ---

    @abstractmethod
    def read(self, ref: ObjectRef, body: Body, known: T | None, /) -> T:
        """The parts of an object that are kept; parts that differ are a change. `known` is what was kept before."""

    def owner(self, _ref: ObjectRef, _body: Body, /) -> OwnerKey | None:
        """The owner of an object; None if it has none."""
        return None

    def ref(self, kind: Kind, body: Body, /) -> ObjectRef | None:
        """The reference under which an object is stored; None if it is of no interest."""
        metadata = body["metadata"]
        return kind, metadata.get("namespace", ""), metadata["name"]

    # --- reading ---

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[T]:
        return (stored.object for stored in self._objects.values())

    def get(self, kind: Kind, namespace: str, name: str) -> T | None:
        """An object, or None if none of that name exists."""
        stored = self._objects.get((kind, namespace, name))
        return stored.object if stored else None

    def owner_of(self, kind: Kind, namespace: str, name: str) -> OwnerKey | None:
        """The owner of a stored object."""
        stored = self._objects.get((kind, namespace, name))
        return stored.owner if stored else None

    def of(self, owner: OwnerKey) -> Mapping[ObjectRef, T]:
        """The objects of an owner, in the order in which they were first observed. Later changes show in the mapping."""
        return self._by_owner.get(owner, {})

    # --- writing ---

    def observe(self, kind: Kind, body: Body) -> Change[T] | None:
        """Store an observed object. Returns None if it is late or of no interest."""
        ref = self.ref(kind, body)
        if ref is None:
            return None
        version, stored = resource_version(body["metadata"]), self._objects.get(ref)
        if stored and stored.version >= version > 0:
            return None  # late, or the echo of our own write: the same version is the same object
        owner = self.owner(ref, body)
        tombstones = self._tombstones.get(owner, {}) if owner else {}
        ignored = (owner is None and self.owned) or tombstones.get(ref, -1) >= version > 0
        moved = stored is not None and stored.owner != owner
        before = stored.object if stored and not moved else None
        # Read first: a malformed object raises here, and changes nothing.
        after = None if ignored else self.read(ref, body, before)
        former_owner = self._delete(ref, version).former_owner if moved else None
        if after is None:
            return Change(ref, None, None, former_owner, None) if moved else None
        self._objects[ref] = Stored(version, owner, after)
        if owner is not None:
            self._by_owner.setdefault(owner, {})[ref] = after
        tombstones.pop(ref, None)
        return Change(ref, before, after, former_owner, owner)

    def remove(self, kind: Kind, namespace: str, name: str, version: int, /) -> Change[T] | None:
        """Remove an object that was deleted at this version. Returns None if it is unknown, or the deletion is late."""
        ref = (kind, namespace, name)
        stored = self._objects.get(ref)
        if stored is None or stored.version > version > 0:  # a late event of an earlier object of this name
            return None
        return self._delete(ref, version)

    def prune(self, kind: Kind, alive: AbstractSet[tuple[str, str]], listed_at: int) -> list[Change[T]]:
        """Remove what a full list of a kind lacks: deletions that the watch missed."""
        held = [(ref, stored.version) for ref, stored in self._objects.items() if ref[0] is kind]
        lost = [ref for ref, version in held if ref[1:] not in alive and version <= listed_at]
        return [self._delete(ref, listed_at) for ref in lost]

    def drop_tombstones(self, owner: OwnerKey) -> None:
        """Forget the deletions of an owner's objects."""
        self._tombstones.pop(owner, None)

    def _delete(self, ref: ObjectRef, version: int) -> Change[T]:
        _, owner, before = self._objects.pop(ref)
        if owner is not None:
            del self._by_owner[owner][ref]
            if not self._by_owner[owner]:
                del self._by_owner[owner]
            if self.keeps_tombstones:
                self._tombstones.setdefault(owner, {})[ref] = version
        return Change(ref, before, None, owner, None)


def one_copy(known: V | None, seen: V) -> V:
    """The known value if an equal one is seen: a spec is kept once, however often the rest of its object changes."""
    return known if known is not None and known == seen else seen
