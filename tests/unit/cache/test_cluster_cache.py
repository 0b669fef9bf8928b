"""The view: what is known of models, children and pods, whatever the order in which news of them comes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import API_VERSION, KIND, PROFILE_KIND, RESTARTED_AT
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.naming.keys import Key, OwnerKey, ProfileKey
from monitored_models.naming.kinds import (
    ALERTMANAGER_CONFIG,
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    MODEL,
    POD,
    PROFILE,
    SERVICE,
    WATCHED,
    Kind,
)
from monitored_models.naming.labels import FIELD_MANAGER
from unit.specs import JSON, MINIMAL

LABEL = "monitoredmodels.dev/model"
CHURN, OTHER = Key("risk", "churn"), Key("risk", "other")


def metadata(name: str, version: int, uid: str = "", **more: Any) -> JSON:
    return {"name": name, "namespace": "risk", "uid": uid or f"uid-{name}", "resourceVersion": str(version), **more}


def model_body(version: int = 1, name: str = "churn", status: JSON | None = None, **more: Any) -> JSON:
    return {
        "metadata": metadata(name, version, **{"generation": 1, **more}),
        "spec": MINIMAL,
        **({"status": status} if status else {}),
    }


def owner(name: str = "churn", uid: str = "uid-churn", **changes: Any) -> JSON:
    return {"apiVersion": API_VERSION, "kind": KIND, "name": name, "uid": uid, "controller": True, **changes}


def child_body(name: str = "churn", version: int = 2, owners: list[JSON] | None = None, **more: Any) -> JSON:
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}}
    content = metadata(name, version, **{"managedFields": [entry], "labels": {LABEL: "churn"}, **more})
    return {"metadata": {**content, "ownerReferences": [owner()] if owners is None else owners}, "spec": {"a": 1}}


def pod_body(
    name: str, version: int = 3, ready: bool = True, created: str = "2026-01-01T00:00:00Z", **more: Any
) -> JSON:
    return {
        "metadata": metadata(name, version, **{"labels": {LABEL: "churn"}, "creationTimestamp": created, **more}),
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def changed(body: JSON, version: int, **spec: Any) -> JSON:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}, "spec": {**body["spec"], **spec}}


def contents(view: ClusterCache) -> JSON:
    """All that a view keeps."""
    kept = {kind.name + name: value for kind, each in view.watched.items() for name, value in vars(each.store).items()}
    return {**kept, "mutations": vars(view)["_accepted_mutations"]}


def memory(view: ClusterCache) -> dict[str, int]:
    """Sizes of all that a view keeps."""
    return {name: len(value) for name, value in contents(view).items() if hasattr(value, "__len__")}


def weight(kept: Any) -> int:
    """Number of values that are kept, at any depth."""
    if dataclasses.is_dataclass(kept):
        return sum(weight(getattr(kept, field.name)) for field in dataclasses.fields(kept))
    if isinstance(kept, dict):
        return sum(1 + weight(value) for value in kept.values())
    if isinstance(kept, list | tuple | set):
        return sum(weight(value) for value in kept)
    return 1


# --- what news is worth ---


def test_first_sight_of_anything_is_news() -> None:
    view = ClusterCache()
    assert view.observe(MODEL, model_body()) == [CHURN]
    assert view.observe(DEPLOYMENT, child_body()) == [CHURN]
    assert view.observe(POD, pod_body("p")) == [CHURN]
    assert (view.keys(), list(view.children(CHURN)), len(view.pods(CHURN))) == ([CHURN], [(DEPLOYMENT, "churn")], 1)


@pytest.mark.parametrize("kind", [MODEL, SERVICE, DEPLOYMENT, POD], ids=str)
def test_the_same_again_is_no_news(kind: Kind) -> None:
    bodies = {MODEL: model_body(), POD: pod_body("p")}
    body = bodies.get(kind, child_body())
    view = ClusterCache()
    assert view.observe(kind, body) == [CHURN]
    assert view.observe(kind, body) == []
    assert view.observe(kind, {**body, "metadata": {**body["metadata"], "resourceVersion": "9"}}) == []


def test_own_status_write_comes_back_as_no_news() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    written = model_body(2, status={"observedGeneration": 1})
    view.observe(MODEL, written)  # the answer to the write
    assert view.observe(MODEL, written) == []  # the echo of the watch
    assert view.observe(MODEL, model_body(1)) == []  # an event from before the write
    found = view.model(CHURN)
    assert found is not None
    assert found.stored_status() == {"observedGeneration": 1}


def test_own_apply_of_a_child_comes_back_as_no_news() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.observe(SERVICE, child_body(version=5))
    assert view.observe(SERVICE, child_body(version=5)) == []


CHANGES: list[tuple[str, JSON]] = [
    ("the spec", {"spec": {"image": "other"}}),
    ("the status", {"status": {"version": "1"}}),
    ("a deletion", {"metadata": metadata("churn", 2, generation=1, deletionTimestamp="2026-01-01T00:00:00Z")}),
    ("another object of the name", {"metadata": metadata("churn", 2, generation=1, uid="other")}),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_change_of_a_model_is_news(change: JSON) -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    assert view.observe(MODEL, {**model_body(2), **change}) == [CHURN]


def test_foreign_change_of_a_model_is_no_news() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    assert view.observe(MODEL, model_body(2, labels={"a": "b"}, annotations={"c": "d"})) == []


def test_restart_of_a_model_is_news() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    assert view.observe(MODEL, model_body(2, annotations={RESTARTED_AT: "2026-11-20T08:30:00Z"})) == [CHURN]
    observed = view.model(CHURN)
    assert observed is not None
    assert observed.source.body()["metadata"]["annotations"] == {RESTARTED_AT: "2026-11-20T08:30:00Z"}


def test_drift_of_a_child_is_news_and_foreign_change_is_not() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body(version=2))
    assert view.observe(SERVICE, changed(child_body(), 3, foreign=1)) == []
    assert view.observe(SERVICE, changed(child_body(), 4, a=2)) == [CHURN]


def test_status_of_a_deployment_is_news_and_that_of_a_service_is_not() -> None:
    view = ClusterCache()
    for kind, news in ((DEPLOYMENT, [CHURN]), (SERVICE, [])):
        view.observe(kind, child_body(version=2))
        assert view.observe(kind, {**child_body(version=3), "status": {"readyReplicas": 1}}) == news


def test_change_of_a_pod_is_news_only_when_its_facts_change() -> None:
    view = ClusterCache()
    view.observe(POD, pod_body("p", 3))
    assert view.observe(POD, pod_body("p", 4, annotations={"a": "b"})) == []
    assert view.observe(POD, pod_body("p", 5, ready=False)) == [CHURN]


# --- late news ---


def test_older_version_of_a_model_is_dropped() -> None:
    view = ClusterCache()
    view.observe(MODEL, changed(model_body(), 9, image="new"))
    assert view.observe(MODEL, changed(model_body(), 8, image="old")) == []
    found = view.model(CHURN)
    assert found is not None
    assert found.source.body()["spec"]["image"] == "new"


def test_older_version_of_a_child_is_dropped() -> None:
    view = ClusterCache()
    view.observe(SERVICE, changed(child_body(), 9, a=2))
    before = view.children(CHURN)
    assert view.observe(SERVICE, child_body(version=8)) == []
    assert view.children(CHURN) == before


def test_older_version_of_a_pod_is_dropped() -> None:
    view = ClusterCache()
    view.observe(POD, pod_body("p", 9, ready=False))
    assert view.observe(POD, pod_body("p", 8)) == []
    assert not view.pods(CHURN)[0].ready


def test_versions_are_compared_as_numbers() -> None:
    view = ClusterCache()
    view.observe(POD, pod_body("p", 9))
    assert view.observe(POD, pod_body("p", 10, ready=False)) == [CHURN]


@pytest.mark.parametrize("kind", [SERVICE, DEPLOYMENT])
def test_answer_to_an_earlier_write_is_dropped_after_the_deletion(kind: Kind) -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body())
    view.observe(kind, child_body(version=5))
    assert view.forget(kind, child_body(version=8)) == [CHURN]
    assert view.observe(kind, child_body(version=7)) == []
    assert view.children(CHURN) == {}
    assert view.observe(kind, child_body(version=9, uid="new")) == [CHURN]


def test_answer_to_a_status_write_is_dropped_after_the_deletion_of_the_model() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.observe(SERVICE, child_body(version=5))
    view.forget(MODEL, model_body(8))
    assert view.observe(MODEL, model_body(7, status={"version": "1"})) == []
    assert (view.model(CHURN), view.keys()) == (None, [])


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (SERVICE, child_body(version=8, uid="old"), child_body(version=9, uid="new")),
        (MODEL, model_body(8, uid="old"), model_body(9, uid="new")),
        (POD, pod_body("p", 8, uid="old"), pod_body("p", 9, uid="new")),
    ],
    ids=["child", "model", "pod"],
)
def test_late_deletion_of_an_earlier_object_leaves_the_new_one(kind: Kind, old: JSON, new: JSON) -> None:
    """The answer to a write, or a full list, can tell of the new object before the watch tells of the old one's end."""
    view = ClusterCache()
    view.observe(kind, new)
    assert view.forget(kind, old) == []
    assert view.keys() or view.children(CHURN) or view.pods(CHURN)


def test_late_news_of_an_earlier_model_leaves_the_new_one() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(9, uid="new"))
    assert view.observe(MODEL, model_body(8, uid="old")) == []
    found = view.model(CHURN)
    assert found is not None
    assert found.uid == "new"


# --- whose an object is ---

OWNERS: list[tuple[str, JSON, list[Key]]] = [
    ("the controller names the model", child_body(owners=[owner()]), [CHURN]),
    ("the controller wins over the label", child_body(owners=[owner("other")]), [Key("risk", "other")]),
    ("the label, when there is no owner", child_body(owners=[]), [CHURN]),
    ("the label, when the owner is no controller", child_body(owners=[owner("other", controller=False)]), [CHURN]),
    ("the label, when something else controls it", child_body(owners=[owner("other", kind="ReplicaSet")]), [CHURN]),
    ("nobody", child_body(owners=[], labels={}), []),
    (
        "the controller among several owners",
        child_body(owners=[owner("x", controller=False), owner("y")]),
        [Key("risk", "y")],
    ),
]


@pytest.mark.parametrize(("body", "keys"), [row[1:] for row in OWNERS], ids=[row[0] for row in OWNERS])
def test_model_that_a_child_belongs_to(body: JSON, keys: list[Key]) -> None:
    assert ClusterCache().observe(SERVICE, body) == keys


def test_pod_belongs_to_the_model_of_its_label() -> None:
    controlled = pod_body("p", ownerReferences=[owner("churn-5d4f", kind="ReplicaSet")])
    assert ClusterCache().observe(POD, controlled) == [CHURN]
    assert ClusterCache().observe(POD, pod_body("p", labels={})) == []


def test_child_remembers_who_controls_it_and_whether_we_applied_it() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body())
    view.observe(CONFIG_MAP, child_body(owners=[], managedFields=[]))
    found = view.children(CHURN)
    assert (found[SERVICE, "churn"].owner_uid, found[SERVICE, "churn"].applied) == ("uid-churn", True)
    assert (found[CONFIG_MAP, "churn"].owner_uid, found[CONFIG_MAP, "churn"].applied) == (None, False)


def test_object_without_labels_at_all_is_nobodys() -> None:
    assert ClusterCache().observe(SERVICE, {"metadata": metadata("x", 1), "spec": {}}) == []


@pytest.mark.parametrize("labels", [{}, {LABEL: "other"}], ids=["to nobody", "to another"])
def test_pod_that_moves_away_leaves_its_model(labels: JSON) -> None:
    """Taking the label off a pod is how people set one aside to look at it."""
    view = ClusterCache()
    view.observe(MODEL, model_body())
    view.observe(POD, pod_body("p", 3, ready=False))
    news = view.observe(POD, pod_body("p", 4, ready=False, labels=labels))
    assert news == [CHURN, *(Key("risk", name) for name in labels.values())]
    assert view.pods(CHURN) == []
    assert [len(view.pods(Key("risk", name))) for name in labels.values()] == [1] * len(labels)


def test_child_that_moves_to_another_model_is_news_for_both() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body())
    view.observe(SERVICE, child_body(version=5))
    assert view.observe(SERVICE, child_body(version=6, owners=[owner("other")])) == [CHURN, OTHER]
    assert (list(view.children(CHURN)), list(view.children(OTHER))) == ([], [(SERVICE, "churn")])
    assert view.observe(SERVICE, child_body(version=7)) == [OTHER, CHURN]
    assert (list(view.children(CHURN)), list(view.children(OTHER))) == ([(SERVICE, "churn")], [])


def test_child_that_loses_its_model_is_news_for_the_model() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body(version=5))
    assert view.observe(SERVICE, child_body(version=6, owners=[], labels={})) == [CHURN]
    assert memory(view) == memory(ClusterCache())


def test_move_back_that_is_late_news_is_dropped() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body(version=6, owners=[owner("other")]))
    assert view.observe(SERVICE, child_body(version=5)) == []
    assert (list(view.children(CHURN)), list(view.children(OTHER))) == ([], [(SERVICE, "churn")])


def test_deletion_of_what_has_moved_is_news_for_its_present_model() -> None:
    """The last state that a deletion tells can still carry the old label."""
    view = ClusterCache()
    view.observe(SERVICE, child_body(version=5))
    view.observe(SERVICE, child_body(version=6, owners=[owner("other")]))
    assert view.forget(SERVICE, child_body(version=7)) == [OTHER]
    assert memory(view) == memory(ClusterCache())


def test_pods_come_oldest_first() -> None:
    view = ClusterCache()
    for name, created in (("b", "2026-01-02"), ("a", "2026-01-03"), ("c", "2026-01-01")):
        view.observe(POD, pod_body(name, created=created))
    assert [pod.name for pod in view.pods(CHURN)] == ["c", "b", "a"]


def test_what_is_given_out_cannot_change_the_view() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body())
    view.children(CHURN).clear()
    view.pods(CHURN).append(view.pods(CHURN))  # type: ignore[arg-type]
    assert len(view.children(CHURN)) == 1
    assert view.pods(CHURN) == []


# --- memory ---


def test_nothing_stays_of_what_is_gone() -> None:
    view = ClusterCache()
    empty = memory(view)
    bodies = [(MODEL, model_body()), (POD, pod_body("p")), *((kind, child_body()) for kind in CHILDREN)]
    for kind, body in bodies:
        view.observe(kind, body)
    assert memory(view) != empty
    for kind, body in bodies:
        view.forget(kind, body)
    assert memory(view) == empty


def test_children_outlive_their_model_until_they_are_gone() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body())
    view.observe(SERVICE, child_body())
    view.forget(MODEL, model_body(5))
    assert (view.keys(), len(view.children(CHURN))) == ([], 1)
    view.forget(SERVICE, child_body(version=6))
    assert memory(view) == memory(ClusterCache())


def test_forgetting_what_was_never_seen_is_no_news() -> None:
    view = ClusterCache()
    assert view.forget(SERVICE, child_body()) == []
    assert memory(view) == memory(ClusterCache())


def test_pods_that_come_and_go_leave_nothing_behind() -> None:
    """An autoscaled model may go through thousands of pods in its life."""
    view = ClusterCache()
    view.observe(MODEL, model_body())
    for number in range(20):
        view.observe(POD, pod_body(f"churn-{number}", 10 + 2 * number))
        view.forget(POD, pod_body(f"churn-{number}", 11 + 2 * number))
    few = weight(contents(view))
    for number in range(20, 200):
        view.observe(POD, pod_body(f"churn-{number}", 10 + 2 * number))
        view.forget(POD, pod_body(f"churn-{number}", 11 + 2 * number))
    assert weight(contents(view)) <= few


def test_body_of_a_model_is_given_back_as_it_came() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(3, generation=4))
    found = view.model(CHURN)
    assert found is not None
    body = found.source.body()
    assert body["metadata"] == {"name": "churn", "namespace": "risk", "uid": "uid-churn", "generation": 4}
    assert (body["spec"], body["kind"], body["apiVersion"]) == (MINIMAL, KIND, API_VERSION)


# --- full lists ---


def test_list_drops_what_it_no_longer_holds() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.observe(SERVICE, child_body("churn", 5))
    view.observe(SERVICE, child_body("old", 6))
    assert view.prune(SERVICE, {("risk", "churn")}, listed_at=10) == [CHURN]
    assert list(view.children(CHURN)) == [(SERVICE, "churn")]


def test_list_leaves_what_is_newer_than_it() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body(version=11))
    assert view.prune(SERVICE, set(), listed_at=10) == []
    assert len(view.children(CHURN)) == 1


def test_list_of_one_kind_leaves_the_others() -> None:
    view = ClusterCache()
    view.observe(SERVICE, child_body())
    view.observe(CONFIG_MAP, child_body())
    view.observe(POD, pod_body("p"))
    view.prune(SERVICE, set(), listed_at=10)
    assert list(view.children(CHURN)) == [(CONFIG_MAP, "churn")]
    assert len(view.pods(CHURN)) == 1


def test_malformed_object_changes_nothing() -> None:
    """It must not block the others of its list, nor what comes later under its name."""
    view = ClusterCache()
    body = child_body()
    malformed = {**body, "metadata": {name: value for name, value in body["metadata"].items() if name != "uid"}}
    with pytest.raises(KeyError):
        view.observe(SERVICE, malformed)
    assert memory(view) == memory(ClusterCache())
    assert view.prune(SERVICE, set(), 10) == []
    assert view.observe(SERVICE, body) == [CHURN]


def test_empty_list_empties_the_view() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.observe(POD, pod_body("p"))
    assert view.prune(MODEL, set(), 10) == [CHURN]
    assert view.prune(POD, set(), 10) == [CHURN]
    assert memory(view) == memory(ClusterCache())


# --- profiles ---


def profile_body(name: str, version: int = 1, namespace: str = "risk", **spec: Any) -> JSON:
    return {"metadata": {**metadata(name, version), "namespace": namespace}, "spec": spec}


def naming(profile: str | None, name: str, namespace: str = "risk") -> JSON:
    """A model that names a profile, or none."""
    made = model_body(name=name)
    named = {"monitoring": {"profile": profile}} if profile else {}
    return {"metadata": {**made["metadata"], "namespace": namespace}, "spec": {**MINIMAL, **named}}


def crowd() -> ClusterCache:
    """Models that name a profile, another, the default one, and none; and one elsewhere."""
    view = ClusterCache()
    for profile, name in (("gold", "a"), ("gold", "b"), ("tin", "c"), ("default", "d"), (None, "e")):
        view.observe(MODEL, naming(profile, name))
    view.observe(MODEL, naming("gold", "a", namespace="other"))
    return view


def names(keys: Sequence[OwnerKey]) -> list[str]:
    assert all(key.namespace == "risk" for key in keys)
    return sorted(key.name for key in keys)


@pytest.mark.parametrize(
    ("profile", "concerned"), [("gold", ["a", "b"]), ("tin", ["c"]), ("default", ["d", "e"]), ("unused", [])]
)
def test_profile_is_news_for_exactly_the_models_that_it_counts_for(profile: str, concerned: list[str]) -> None:
    view = crowd()
    itself = ProfileKey("risk", profile)

    def news(keys: list[OwnerKey]) -> list[str]:
        assert keys[0] == itself
        return names(keys[1:])

    assert news(view.observe(PROFILE, profile_body(profile, 5))) == concerned
    assert view.observe(PROFILE, profile_body(profile, 5)) == []
    assert news(view.observe(PROFILE, profile_body(profile, 6, drift={}))) == concerned
    assert view.observe(PROFILE, profile_body(profile, 7, drift={})) == []  # a label, an annotation
    leaving = profile_body(profile, 8, drift={})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert view.observe(PROFILE, leaving) == [itself]
    assert news(view.forget(PROFILE, profile_body(profile, 9, drift={}))) == concerned


def shared(view: ClusterCache, name: str = "a", namespace: str = "risk") -> Any:
    found = view.model(Key(namespace, name))
    assert found is not None
    return view.profile_of(found.source)


def test_profile_of_a_model_is_that_of_its_namespace() -> None:
    view = crowd()
    view.observe(PROFILE, profile_body("gold", 5, drift={}))
    found = shared(view)
    assert (found.profile_spec().name, found.profile_spec().spec) == ("gold", {"drift": {}})
    assert shared(view, "b") == found
    assert shared(view, namespace="other") is None
    assert shared(view, "c") is None


def test_what_is_shared_can_be_remembered_by() -> None:
    one, other = crowd(), crowd()
    one.observe(PROFILE, profile_body("gold", 5, drift={}, freshness={"maxAge": "1d"}))
    other.observe(PROFILE, profile_body("gold", 6, freshness={"maxAge": "1d"}, drift={}))
    assert {shared(one): 1} == {shared(other): 1}
    other.observe(PROFILE, profile_body("gold", 7))
    assert shared(one) != shared(other)


def test_model_that_comes_to_name_another_profile_has_that_one() -> None:
    view = ClusterCache()
    view.observe(PROFILE, profile_body("gold", 1))
    view.observe(MODEL, model_body(2))
    assert shared(view, "churn") is None
    view.observe(MODEL, changed(model_body(), 3, monitoring={"profile": "gold"}))
    assert shared(view, "churn").name == "gold"


def test_late_news_of_a_profile_is_dropped() -> None:
    view = crowd()
    view.observe(PROFILE, profile_body("gold", 9, drift={}))
    assert view.observe(PROFILE, profile_body("gold", 8)) == []
    assert view.forget(PROFILE, profile_body("gold", 7)) == []
    assert shared(view).profile_spec().spec == {"drift": {}}


def test_list_drops_profiles_that_it_no_longer_holds_and_leaves_newer_ones() -> None:
    view = crowd()
    for number, name in enumerate(("gold", "tin", "default")):
        view.observe(PROFILE, profile_body(name, 9 + number))
    assert names(view.prune(PROFILE, {("risk", "default")}, listed_at=9)) == ["a", "b", "gold"]
    assert shared(view, "a") is None
    assert shared(view, "c").name == "tin"


def test_nothing_stays_of_a_profile_that_is_gone() -> None:
    view = ClusterCache()
    for number in range(20):
        view.observe(PROFILE, profile_body(f"p{number}", number + 1))
    assert memory(view) != memory(ClusterCache())
    for number in range(10):
        view.forget(PROFILE, profile_body(f"p{number}", 30))
    view.prune(PROFILE, set(), 40)
    assert memory(view) == memory(ClusterCache())


# --- what admission policies make of renderings ---


def test_what_is_settled_of_a_child_is_remembered_until_it_is_settled_otherwise() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    assert view.accepted_mutations(CHURN) == {}
    view.accept_mutation(CHURN, SERVICE, "churn", "rendered", "live")
    view.accept_mutation(CHURN, CONFIG_MAP, "churn", "r", "l")
    assert view.accepted_mutations(CHURN) == {
        (SERVICE, "churn"): ("rendered", "live"),
        (CONFIG_MAP, "churn"): ("r", "l"),
    }
    view.accept_mutation(CHURN, SERVICE, "churn", "rendered 2", "live 2")
    view.accept_mutation(CHURN, CONFIG_MAP, "churn", None, "l")
    assert view.accepted_mutations(CHURN) == {(SERVICE, "churn"): ("rendered 2", "live 2")}
    assert view.accepted_mutations(OTHER) == {}


def test_nothing_is_settled_for_a_model_that_is_gone() -> None:
    view = ClusterCache()
    view.accept_mutation(CHURN, SERVICE, "churn", "rendered", "live")
    assert not view.accepted_mutations(CHURN)


def test_what_is_settled_cannot_be_changed_from_outside() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.accept_mutation(CHURN, SERVICE, "churn", "rendered", "live")
    view.accepted_mutations(CHURN).clear()
    assert view.accepted_mutations(CHURN)


def test_what_is_settled_goes_with_the_model() -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    view.accept_mutation(CHURN, SERVICE, "churn", "rendered", "live")
    view.observe(SERVICE, child_body(version=2))
    view.forget(MODEL, model_body(3))
    view.forget(SERVICE, child_body(version=4))
    assert memory(view) == memory(ClusterCache())


# --- any order ---

Event = tuple[str, int]


@settings(max_examples=100, deadline=None)
@given(st.permutations([2, 3, 4, 5, 6]), st.lists(st.sampled_from([2, 3, 4, 5, 6]), max_size=5))
def test_newest_news_wins_in_any_order(order: list[int], repeated: list[int]) -> None:
    view = ClusterCache()
    for version in (*order, *repeated):
        view.observe(SERVICE, changed(child_body(), version, a=version))
    (only,) = view.children(CHURN).values()
    assert only.version == 6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["seen", "gone"]), st.integers(1, 9)), max_size=20))
def test_nothing_stays_after_any_history_that_ends_with_deletion(events: list[tuple[str, str, int]]) -> None:
    view = ClusterCache()
    view.observe(MODEL, model_body(1))
    for name, what, version in events:
        (view.observe if what == "seen" else view.forget)(SERVICE, child_body(name, version))
    for name in "abc":
        view.forget(SERVICE, child_body(name, 100))
    view.forget(MODEL, model_body(101))
    assert memory(view) == memory(ClusterCache())


EVERY_OWNER: list[OwnerKey] = [cls("risk", name) for cls in (Key, ProfileKey) for name in ("churn", "other")]


def some_body(kind: Kind, *, version: int, name: str, holder: str, uid: str, content: int) -> JSON:
    """An object of a kind; `holder` is its model, or the profile of a model, or nobody if empty."""
    labels = {LABEL: holder} if holder else {}
    if kind is MODEL:
        monitoring = {"profile": holder} if holder else {}
        return changed(model_body(name=name, uid=uid), version, replicas=content, monitoring=monitoring)
    if kind is PROFILE:
        return profile_body(name, version, content=content)
    if kind is POD:
        return pod_body(name, version, ready=content == 1, labels=labels)
    if kind is EVENT:
        about = {"kind": "AlertmanagerConfig", "name": name, "uid": uid, "resourceVersion": str(version - 2)}
        event = {"reason": "InvalidConfiguration", "note": f"cause {content}", "regarding": about}
        return {"metadata": metadata(f"of-{name}", version), **event}
    controllers = [owner(holder, kind=PROFILE_KIND if content else KIND)] if holder else []
    return changed(child_body(name, owners=controllers, uid=uid, labels={}), version, a=content)


def readable(view: ClusterCache, key: OwnerKey) -> tuple[Any, ...]:
    """All that the operator can read of an owner."""
    rejections = [view.rejection(key, name) for name in ("churn", "other")]
    if isinstance(key, ProfileKey):
        return view.profile(key), view.children(key), rejections
    model = view.model(key)
    return model, view.profile_of(model.source) if model else None, view.children(key), view.pods(key), rejections


BODIES = st.fixed_dictionaries(
    {
        "version": st.integers(1, 12),
        "name": st.sampled_from(["churn", "other"]),
        "holder": st.sampled_from(["churn", "churn", "other", ""]),
        "uid": st.sampled_from(["u1", "u2"]),
        "content": st.integers(0, 1),
    }
)
HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["observe", "observe", "forget", "prune"]),
        st.sampled_from([MODEL, PROFILE, SERVICE, ALERTMANAGER_CONFIG, ALERTMANAGER_CONFIG, POD, EVENT]),
        BODIES,
    ),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(HISTORY)
def test_owner_is_named_whatever_differs_for_it(history: list[tuple[str, Kind, JSON]]) -> None:
    view = ClusterCache()
    for what, kind, about in history:
        before = {key: readable(view, key) for key in EVERY_OWNER}
        body = some_body(kind, **about)
        if what == "prune":
            news = view.prune(kind, {("risk", body["metadata"]["name"])}, about["version"])
        else:
            news = view.observe(kind, body) if what == "observe" else view.forget(kind, body)
        assert {key for key in EVERY_OWNER if readable(view, key) != before[key]} <= set(news)
    for kind in WATCHED:
        view.prune(kind, set(), 12)
    assert memory(view) == memory(ClusterCache())
