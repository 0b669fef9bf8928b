"""What the operator owns of an object: projection by the API server's record of fields, and equality of digests."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from monitored_models.api import Model
from monitored_models.kube import applied_fields
from monitored_models.naming.labels import FIELD_MANAGER
from monitored_models.render.children import render
from monitored_models.settings import Settings
from unit.specs import FULL, JSON, TRITON, VLLM, model, models, with_


def entry(fields: JSON, manager: str = FIELD_MANAGER, operation: str = "Apply", **more: Any) -> JSON:
    return {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


def live(content: JSON, *entries: JSON, **metadata: Any) -> JSON:
    return {"kind": "X", "metadata": {"name": "x", "managedFields": list(entries), **metadata}, **content}


def owned(content: JSON, fields: JSON) -> Any:
    """What is ours of an object's content."""
    return {
        key: value
        for key, value in applied_fields.owned_fields_of(live(content, entry(fields))).items()
        if key != "metadata"
    }


# --- projection ---

PORTS = [
    {"containerPort": 8080, "protocol": "TCP", "name": "http"},
    {"containerPort": 9100, "protocol": "TCP", "name": "other"},
]
PORT_KEY = 'k:{"containerPort":8080,"protocol":"TCP"}'
PROJECTIONS: list[tuple[str, JSON, JSON, Any]] = [
    ("a field", {"spec": {"a": 1, "b": 2}}, {"f:spec": {"f:a": {}}}, {"spec": {"a": 1}}),
    ("nested fields", {"spec": {"a": {"b": 1, "c": 2}}}, {"f:spec": {"f:a": {"f:b": {}}}}, {"spec": {"a": {"b": 1}}}),
    (
        "an atomic map",
        {"spec": {"sel": {"x": "1", "y": "2"}}},
        {"f:spec": {"f:sel": {}}},
        {"spec": {"sel": {"x": "1", "y": "2"}}},
    ),
    ("an atomic list", {"spec": {"l": [1, 2]}}, {"f:spec": {"f:l": {}}}, {"spec": {"l": [1, 2]}}),
    ("a field that is gone", {"spec": {"b": 2}}, {"f:spec": {"f:a": {}, "f:b": {}}}, {"spec": {"b": 2}}),
    ("a whole part that is gone", {}, {"f:spec": {"f:a": {}}}, {}),
    (
        "an item by its key",
        {"ports": PORTS},
        {"f:ports": {PORT_KEY: {".": {}, "f:name": {}}}},
        {"ports": [{"name": "http"}]},
    ),
    (
        "an item by its key, keys included",
        {"ports": PORTS},
        {"f:ports": {PORT_KEY: {".": {}, "f:containerPort": {}, "f:protocol": {}, "f:name": {}}}},
        {"ports": [PORTS[0]]},
    ),
    ("an item by its key that is gone", {"ports": PORTS[1:]}, {"f:ports": {PORT_KEY: {"f:name": {}}}}, {}),
    ("an item by its value", {"l": ["a", "b", 3]}, {"f:l": {'v:"b"': {}, "v:3": {}}}, {"l": ["b", 3]}),
    ("an item by its value that is gone", {"l": ["a"]}, {"f:l": {'v:"b"': {}}}, {}),
    ("a field and its presence", {"spec": {"a": 1}}, {"f:spec": {".": {}, "f:a": {}}}, {"spec": {"a": 1}}),
    ("a name with a dot", {"data": {"a.b/c": "1", "d": "2"}}, {"f:data": {"f:a.b/c": {}}}, {"data": {"a.b/c": "1"}}),
    ("something that became another type", {"spec": "x"}, {"f:spec": {"f:a": {}}}, {"spec": "x"}),
]


@pytest.mark.parametrize(
    ("content", "fields", "ours"), [row[1:] for row in PROJECTIONS], ids=[row[0] for row in PROJECTIONS]
)
def test_projection_on_what_is_ours(content: JSON, fields: JSON, ours: Any) -> None:
    assert owned(content, fields) == ours


NOT_OURS: list[tuple[str, list[JSON]]] = [
    ("nothing", []),
    ("another manager", [entry({"f:spec": {"f:a": {}}}, manager="kubectl")]),
    ("our name, but an update", [entry({"f:spec": {"f:a": {}}}, operation="Update")]),
    ("our name, but the status", [entry({"f:spec": {"f:a": {}}}, subresource="status")]),
]


@pytest.mark.parametrize("entries", [row[1] for row in NOT_OURS], ids=[row[0] for row in NOT_OURS])
def test_nothing_is_ours_that_we_did_not_apply(entries: list[JSON]) -> None:
    body = live({"spec": {"a": 1}}, *entries, labels={"x": "y"})
    assert applied_fields.owned_fields_of(body) in ({}, {"metadata": {}})
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(
        {"metadata": {"name": "x"}, "spec": {"a": 1}}
    )


def test_object_without_a_record_of_fields_is_not_ours() -> None:
    assert applied_fields.digest_live({"metadata": {"name": "x"}, "spec": {"a": 1}}) == applied_fields.digest_live(
        {"metadata": {"name": "y"}}
    )


@pytest.mark.parametrize(
    ("entries", "others"),
    [
        ([], False),
        ([entry({"f:spec": {"f:replicas": {}}})], False),
        ([entry({"f:spec": {"f:replicas": {}}}, operation="Update", subresource="scale", manager="kubectl")], True),
        ([entry({"f:spec": {"f:paused": {}}}, manager="kubectl")], False),
        ([entry({"f:spec": {"f:replicas": {}}}), entry({"f:spec": {"f:replicas": {}}}, manager="hpa")], True),
        ([entry({"f:spec": {}}, manager="x")], False),
    ],
)
def test_number_of_replicas_may_be_owned_by_others(entries: list[JSON], others: bool) -> None:
    assert applied_fields.owned_by_others(live({}, *entries), "spec", "replicas") is others


# --- spelling ---

SAME = [
    ("1000m", "1"),
    ("1", 1),
    ("1Gi", "1024Mi"),
    ("1Gi", "1073741824"),
    ("0.5", "500m"),
    ("1.5Gi", "1536Mi"),
    ("1k", "1000"),
    ("0", "0m"),
    ("100m", "0.1"),
    ("2000", "2k"),
    ("1.0", "1"),
    ("10", "10.000"),
    ("1P", "1000T"),
    ("123456789012345678", "123456789012345678000m"),
]
OTHER = [("1", "1m"), ("1Gi", "1G"), ("1", "1.001"), ("10", "1"), ("100", "1"), ("x", "y")]


def _limits(amount: Any) -> str:
    return applied_fields.digest_rendered({"metadata": {}, "spec": {"resources": {"limits": {"cpu": amount}}}})


@pytest.mark.parametrize(("one", "other"), SAME)
def test_quantities_are_compared_by_amount(one: Any, other: Any) -> None:
    assert _limits(one) == _limits(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_different_amounts_differ(one: Any, other: Any) -> None:
    assert _limits(one) != _limits(other)


@pytest.mark.parametrize("field", ["sizeLimit", "divisor"])
def test_single_quantities_are_compared_by_amount(field: str) -> None:
    one, other = ({"metadata": {}, "spec": {"emptyDir": {field: text}}} for text in ("1Gi", "1024Mi"))
    assert applied_fields.digest_rendered(one) == applied_fields.digest_rendered(other)


@pytest.mark.parametrize("key", ["args", "value", "version"])
def test_text_that_looks_like_a_quantity_is_text(key: str) -> None:
    one, other = ({"metadata": {}, "spec": {key: text}} for text in ("1000m", "1"))
    assert applied_fields.digest_rendered(one) != applied_fields.digest_rendered(other)


@pytest.mark.parametrize("empty", [None, [], {}, ""])
def test_empty_field_is_as_good_as_none(empty: Any) -> None:
    """The API server leaves it out."""
    with_it = {"metadata": {"name": "x"}, "spec": {"a": 1, "b": empty}}
    without = {"metadata": {"name": "x"}, "spec": {"a": 1}}
    assert applied_fields.digest_rendered(with_it) == applied_fields.digest_rendered(without)


@pytest.mark.parametrize("kept", [0, False, "0"])
def test_zero_and_false_are_not_empty(kept: Any) -> None:
    with_it = {"metadata": {"name": "x"}, "spec": {"replicas": kept}}
    assert applied_fields.digest_rendered(with_it) != applied_fields.digest_rendered(
        {"metadata": {"name": "x"}, "spec": {}}
    )


@pytest.mark.parametrize("part", ["labels", "annotations", "data", "matchLabels", "nodeSelector"])
def test_empty_text_in_a_map_of_texts_is_a_value(part: str) -> None:
    full, less, none = ({"metadata": {}, "spec": {part: texts}} for texts in ({"a": "", "b": "x"}, {"b": "x"}, {}))
    assert len({applied_fields.digest_rendered(child) for child in (full, less, none)}) == 3


@pytest.mark.parametrize("part", ["emptyDir", "labelSelector", "namespaceSelector", "podSelector"])
def test_empty_object_that_says_something_is_a_value(part: str) -> None:
    metadata = {"name": "x", "labels": {"a": "b"}}
    there: JSON = {"metadata": metadata, "spec": {"a": 1, part: {}}}
    missing = {"metadata": metadata, "spec": {"a": 1}}
    assert applied_fields.digest_rendered(there) != applied_fields.digest_rendered(missing)
    assert applied_fields.digest_live(applied(there)) == applied_fields.digest_rendered(there)
    body = applied(there)
    del body["spec"][part]
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(there)


def _rendered(spec: JSON | None = None, **changes: Any) -> JSON:
    return render(model(spec, **changes), Settings(), 1)[0]


def _apart(**term: Any) -> JSON:
    terms = [{"topologyKey": "zone", **term}]
    return {"scheduling.affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"scheduling.nodeSelector": {"node-role.kubernetes.io/gpu": ""}}),
        ({"scheduling.nodeSelector": {"a": "b", "c": ""}}, {"scheduling.nodeSelector": {"a": "b"}}),
        (_apart(), _apart(namespaceSelector={})),
        (_apart(), _apart(labelSelector={})),
    ],
    ids=["node selector", "one of two node selectors", "all namespaces", "all pods"],
)
def test_empty_value_that_means_something_is_seen(before: JSON, after: JSON) -> None:
    """An empty label value selects nodes with that label, an empty selector selects everything, and none selects nothing."""
    one, other = (_rendered(with_({"image": "i"}, changes)) for changes in (before, after))
    assert applied_fields.digest_rendered(one) != applied_fields.digest_rendered(other)


# --- a live object against its rendering ---


def fields_of(value: Any) -> JSON:
    """The record that the API server makes of an apply, with every list atomic."""
    if not isinstance(value, dict) or not value:
        return {}
    return {f"f:{key}": fields_of(inner) for key, inner in value.items()}


def applied(child: JSON) -> JSON:
    """A child as the API server gives it back."""
    body = copy.deepcopy(child)
    metadata = {key: value for key, value in child["metadata"].items() if key not in ("name", "namespace")}
    content = {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata")}
    record = fields_of({"metadata": metadata, **content})
    body["metadata"] |= {"managedFields": [entry(record)], "uid": "u", "resourceVersion": "5", "generation": 1}
    return body


CHILDREN = [child for spec in (FULL, TRITON, VLLM) for child in render(model(spec), Settings(), 1)]
IDS = [f"{child['kind']}-{index}" for index, child in enumerate(CHILDREN)]


@pytest.mark.parametrize("child", CHILDREN, ids=IDS)
def test_child_as_applied_equals_its_rendering(child: JSON) -> None:
    assert applied_fields.digest_live(applied(child)) == applied_fields.digest_rendered(child)


@pytest.mark.parametrize("child", CHILDREN, ids=IDS)
def test_foreign_fields_do_not_matter(child: JSON) -> None:
    body = applied(child)
    body["metadata"]["labels"]["team"] = "x"
    body["metadata"].setdefault("annotations", {})["note"] = "x"
    body["metadata"]["finalizers"] = ["x"]
    body["status"] = {"replicas": 3}
    body["metadata"]["managedFields"].append(
        entry({"f:metadata": {"f:labels": {"f:team": {}}}}, manager="kubectl", operation="Update")
    )
    for part in ("spec", "data"):
        if part in body:
            body[part]["foreign"] = "x"
    assert applied_fields.digest_live(body) == applied_fields.digest_rendered(child)


@pytest.mark.parametrize("child", CHILDREN, ids=IDS)
def test_removed_label_is_seen(child: JSON) -> None:
    body = applied(child)
    del body["metadata"]["labels"]["monitoredmodels.dev/model"]
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(child)


@pytest.mark.parametrize("child", CHILDREN, ids=IDS)
def test_removed_owner_is_seen(child: JSON) -> None:
    body = applied(child)
    body["metadata"]["ownerReferences"] = []
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(child)


def test_value_that_another_manager_changed_is_seen() -> None:
    """The API server then takes the field out of our record; the value differs as well."""
    child = _rendered()
    body = applied(child)
    body["spec"]["replicas"] = 7
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(child)
    del body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"]
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(child)


def test_value_that_another_manager_took_over_unchanged_is_seen() -> None:
    child = _rendered()
    body = applied(child)
    del body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"]
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(child)


def test_field_that_the_rendering_dropped_is_seen() -> None:
    body = applied(_rendered(image="i", scheduling={"priorityClassName": "high"}))
    assert applied_fields.digest_live(body) != applied_fields.digest_rendered(_rendered(image="i"))


def test_empty_map_of_ours_stays_ours_when_others_fill_it() -> None:
    """A field that someone adds inside our empty map is foreign: an apply would not remove it, only repeat itself."""
    child: JSON = {"metadata": {"name": "x"}, "spec": {"emptyDir": {}, "a": 1}}
    body = live({"spec": {"emptyDir": {"sizeLimit": "1Gi"}, "a": 1}}, entry({"f:spec": {"f:emptyDir": {}, "f:a": {}}}))
    assert applied_fields.digest_live(body) == applied_fields.digest_rendered(child)


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    one = {"metadata": {"labels": {"a": "1", "b": "2"}, "name": "x"}, "spec": {"x": 1, "y": 2}}
    other = {"spec": {"y": 2, "x": 1}, "metadata": {"name": "x", "labels": {"b": "2", "a": "1"}}}
    assert applied_fields.digest_rendered(one) == applied_fields.digest_rendered(other)


def test_digest_depends_on_the_order_of_items() -> None:
    one, other = ({"metadata": {}, "spec": {"args": args}} for args in (["a", "b"], ["b", "a"]))
    assert applied_fields.digest_rendered(one) != applied_fields.digest_rendered(other)


@settings(max_examples=40, deadline=None)
@given(models)
def test_every_child_of_every_spec_equals_itself_once_applied(made: Model) -> None:
    for child in render(made, Settings(), 1):
        assert applied_fields.digest_live(applied(child)) == applied_fields.digest_rendered(child)


# --- quantities ---


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("500m", "0.5"),
        ("1000m", "1"),
        ("0.5Gi", "512Mi"),
        ("1Gi", "1073741824"),
        ("2k", "2000"),
        (2, "2"),
        ("1e3", 1000),
    ],
)
def test_equal_quantities_are_no_difference(written: object, stored: object) -> None:
    def limited(amount: object) -> dict[str, object]:
        return {"metadata": {"name": "a"}, "spec": {"resources": {"limits": {"memory": amount}}}}

    assert applied_fields.digest_rendered(limited(written)) == applied_fields.digest_rendered(limited(stored))
    assert applied_fields.digest_rendered(limited(written)) != applied_fields.digest_rendered(limited("3"))


@pytest.mark.parametrize("text", ["many", "", "1.2.3", "nan", "sNaN", "inf", "-Infinity", "1e99999999", "1e", "Ki"])
def test_text_that_is_no_quantity_stays_as_it_is(text: str) -> None:
    child = {"metadata": {"name": "a"}, "spec": {"limits": {"cpu": text, "memory": "1Gi"}}}
    limits = applied_fields.rendered_fields(child)["spec"]["limits"]
    assert limits.get("cpu", "") == text


@pytest.mark.parametrize("within", ["labels", "annotations", "data", "matchLabels", "nodeSelector"])
def test_text_below_the_name_of_a_quantity_is_text(within: str) -> None:
    """Users choose the keys of these maps, and 1000m is another label than 1."""
    child, edited = ({"metadata": {"name": "a"}, "spec": {within: {"limits": text}}} for text in ("1000m", "1"))
    assert applied_fields.rendered_fields(child)["spec"] == child["spec"]
    assert applied_fields.digest_rendered(child) != applied_fields.digest_rendered(edited)
