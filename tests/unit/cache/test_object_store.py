"""Object stores: the rules that hold for every kind, and what another kind takes: a store, and a line in the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.cache.cluster_cache import ClusterCache, Watched
from monitored_models.cache.live_objects import Body, labelled_model, resource_version
from monitored_models.cache.object_store import Change, ObjectRef, ObjectStore, one_copy
from monitored_models.naming.keys import Key, OwnerKey
from monitored_models.naming.kinds import CHILDREN, MODEL, WATCHED, Kind
from unit.cache.test_cluster_cache import CHURN, LABEL, OTHER, memory, model_body
from unit.specs import JSON

# --- another kind in the cache: nodes, which no model owns, and whose drain concerns all models ---

NODE = Kind("", "v1", "Node", "nodes")


@dataclass(frozen=True, slots=True)
class ObservedNode:
    schedulable: bool


class NodeStore(ObjectStore[ObservedNode]):
    owned = False

    def read(self, _ref: ObjectRef, body: Body, _known: ObservedNode | None, /) -> ObservedNode:
        return ObservedNode(not body["spec"].get("unschedulable", False))


def cache_with_nodes() -> ClusterCache:
    cache = ClusterCache()

    def on_node(change: Change[ObservedNode]) -> list[OwnerKey]:
        return [*cache.keys()] if change.before != change.after else []

    cache.watched[NODE] = Watched(NodeStore(), on_node)
    cache.observe(MODEL, model_body())
    return cache


def node_body(version: int = 5, **spec: bool) -> JSON:
    return {"metadata": {"name": "n1", "uid": "uid-n1", "resourceVersion": str(version)}, "spec": spec}


def test_node_concerns_the_models_when_it_changes() -> None:
    cache = cache_with_nodes()
    assert cache.observe(NODE, node_body()) == [CHURN]
    assert cache.observe(NODE, node_body()) == []
    assert cache.observe(NODE, node_body(6)) == []
    assert cache.observe(NODE, node_body(7, unschedulable=True)) == [CHURN]
    assert cache.observe(NODE, node_body(6)) == []
    assert cache.watched[NODE].store.get(NODE, "", "n1") == ObservedNode(schedulable=False)


def test_node_goes_by_its_deletion_and_by_a_list_that_lacks_it() -> None:
    cache = cache_with_nodes()
    empty = memory(cache)
    cache.observe(NODE, node_body())
    assert cache.forget(NODE, node_body(4)) == []
    assert cache.forget(NODE, node_body(6)) == [CHURN]
    cache.observe(NODE, node_body(7))
    assert cache.prune(NODE, {("", "n1")}, 9) == []
    assert cache.prune(NODE, set(), 6) == []
    assert cache.prune(NODE, set(), 9) == [CHURN]
    assert memory(cache) == empty


def test_every_watched_kind_has_a_store() -> None:
    assert set(ClusterCache().watched) == set(WATCHED)


def test_only_what_the_operator_writes_leaves_tombstones() -> None:
    watched = ClusterCache().watched
    assert {kind for kind, each in watched.items() if each.store.keeps_tombstones} == {MODEL, *CHILDREN}


# --- the rules, with a kind of ours that carries the label of its model ---

CLAIM = Kind("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims")


@dataclass(frozen=True, slots=True)
class ObservedClaim:
    version: int = field(compare=False)
    content: int


class ClaimStore(ObjectStore[ObservedClaim]):
    def owner(self, _ref: ObjectRef, body: Body, /) -> Key | None:
        return labelled_model(body["metadata"])

    def read(self, _ref: ObjectRef, body: Body, _known: ObservedClaim | None, /) -> ObservedClaim:
        return ObservedClaim(resource_version(body["metadata"]), body["spec"]["content"])


class WrittenClaimStore(ClaimStore):
    keeps_tombstones: ClassVar[bool] = True


def claim_body(version: int = 5, name: str = "c", model: str | None = "churn", content: int = 0) -> JSON:
    labels = {LABEL: model} if model else {}
    return {
        "metadata": {"name": name, "namespace": "risk", "labels": labels, "resourceVersion": str(version)},
        "spec": {"content": content},
    }


def owners(change: Change[ObservedClaim] | None) -> list[OwnerKey]:
    return change.owners() if change else []


def test_same_version_is_the_same_object() -> None:
    store = ClaimStore()
    store.observe(CLAIM, claim_body(5))
    assert store.observe(CLAIM, claim_body(5, content=1)) is None
    assert store.observe(CLAIM, claim_body(5, model="other")) is None


def test_response_after_the_deletion_is_ignored_where_tombstones_are_kept() -> None:
    kept, none = WrittenClaimStore(), ClaimStore()
    for store in (kept, none):
        store.observe(CLAIM, claim_body(5))
        store.remove(CLAIM, "risk", "c", 8)
        store.observe(CLAIM, claim_body(7))
    assert (len(kept), len(none)) == (0, 1)
    assert owners(kept.observe(CLAIM, claim_body(9))) == [CHURN]
    assert not any(vars(kept)["_tombstones"].values())


def test_tombstones_are_those_of_one_owner_until_they_are_dropped() -> None:
    store = WrittenClaimStore()
    store.observe(CLAIM, claim_body(5))
    store.remove(CLAIM, "risk", "c", 8)
    assert owners(store.observe(CLAIM, claim_body(7, model="other"))) == [OTHER]
    store.remove(CLAIM, "risk", "c", 7)
    store.drop_tombstones(OTHER)
    assert store.observe(CLAIM, claim_body(6)) is None
    store.drop_tombstones(CHURN)
    assert owners(store.observe(CLAIM, claim_body(6))) == [CHURN]


def test_object_that_loses_its_owner_is_dropped() -> None:
    store = WrittenClaimStore()
    assert store.observe(CLAIM, claim_body(4, model=None)) is None
    store.observe(CLAIM, claim_body(5))
    assert owners(store.observe(CLAIM, claim_body(6, model=None))) == [CHURN]
    assert (len(store), store.of(CHURN), store.owner_of(CLAIM, "risk", "c")) == (0, {}, None)


def test_object_without_a_version_is_always_taken() -> None:
    store = WrittenClaimStore()
    unversioned = {**claim_body(content=1), "metadata": {**claim_body()["metadata"], "resourceVersion": ""}}
    store.observe(CLAIM, claim_body(5))
    assert owners(store.observe(CLAIM, unversioned)) == [CHURN]
    assert owners(store.remove(CLAIM, "risk", "c", 0)) == [CHURN]
    assert owners(store.observe(CLAIM, unversioned)) == [CHURN]


@pytest.mark.parametrize(("seen", "same"), [(b"spec", True), (b"other", False)])
def test_equal_value_is_kept_once(seen: bytes, same: bool) -> None:
    known = b"".join([b"sp", b"ec"])  # equal to the literal, but another object
    assert (one_copy(known, seen) is known) == same
    assert one_copy(known, seen) == seen
    assert one_copy(None, seen) is seen


# --- any history ---

NAMES, VERSIONS = st.sampled_from(["c", "d"]), st.integers(1, 9)
Operation = Callable[[ClaimStore], list[Change[ObservedClaim]]]


def observing(version: int, name: str, model: str | None, content: int) -> Operation:
    def operation(store: ClaimStore) -> list[Change[ObservedClaim]]:
        change = store.observe(CLAIM, claim_body(version, name, model, content))
        return [change] if change else []

    return operation


def removing(version: int, name: str) -> Operation:
    def operation(store: ClaimStore) -> list[Change[ObservedClaim]]:
        change = store.remove(CLAIM, "risk", name, version)
        return [change] if change else []

    return operation


def pruning(version: int, alive: set[str]) -> Operation:
    return lambda store: store.prune(CLAIM, {("risk", name) for name in alive}, version)


HISTORIES = st.lists(
    st.one_of(
        st.builds(observing, VERSIONS, NAMES, st.sampled_from(["churn", "other", None]), st.integers(0, 1)),
        st.builds(removing, VERSIONS, NAMES),
        st.builds(pruning, VERSIONS, st.sets(NAMES)),
    ),
    max_size=25,
)
STORES = st.sampled_from([ClaimStore, WrittenClaimStore])


def by_owner(store: ClaimStore) -> dict[OwnerKey, dict[ObjectRef, ObservedClaim]]:
    return {key: dict(store.of(key)) for key in (CHURN, OTHER)}


@settings(max_examples=300, deadline=None)
@given(STORES, HISTORIES)
def test_changes_name_exactly_the_owners_whose_objects_differ(kind: type[ClaimStore], history: list[Operation]) -> None:
    store = kind()
    for operation in history:
        before = by_owner(store)
        changes = operation(store)
        after = by_owner(store)
        differ = {key for key in after if after[key] != before[key]}
        assert {key for change in changes for key in change.owners()} == differ
        assert sum(map(len, after.values())) == len(store)


@settings(max_examples=300, deadline=None)
@given(STORES, HISTORIES)
def test_no_object_goes_back_to_an_earlier_version(kind: type[ClaimStore], history: list[Operation]) -> None:
    store = kind()
    for operation in history:
        before = {ref: claim.version for key in (CHURN, OTHER) for ref, claim in store.of(key).items()}
        operation(store)
        after = {ref: claim.version for key in (CHURN, OTHER) for ref, claim in store.of(key).items()}
        assert all(after[ref] >= version for ref, version in before.items() if ref in after)


@settings(max_examples=300, deadline=None)
@given(HISTORIES, st.integers(9, 12), st.integers(7, 14))
def test_deleted_object_stays_deleted_until_a_newer_one_comes(
    history: list[Operation], deleted: int, seen: int
) -> None:
    store = WrittenClaimStore()
    for operation in [*history, observing(9, "c", "churn", 0)]:
        operation(store)
    for change in removing(deleted, "c")(store):
        assert isinstance(change.former_owner, Key)
        again = store.observe(CLAIM, claim_body(seen, model=change.former_owner.name))
        assert (again is None) == (seen <= deleted)


@settings(max_examples=100, deadline=None)
@given(STORES, HISTORIES)
def test_nothing_stays_after_an_empty_list_but_the_tombstones_of_owners(
    kind: type[ClaimStore], history: list[Operation]
) -> None:
    store = kind()
    for operation in history:
        operation(store)
    store.prune(CLAIM, set(), 9)
    for key in (CHURN, OTHER):
        store.drop_tombstones(key)
    assert vars(store) == vars(kind())
