"""The generated CustomResourceDefinition: bounded, described, in step with the types and the registries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models import generate, runtimes
from monitored_models.api import InvalidSpec, Model, parse
from monitored_models.api.crd import crd, openapi_schema
from monitored_models.api.fields import MAX_AMOUNT
from monitored_models.api.rules import all_rules
from monitored_models.api.spec import AlertRules, Spec
from monitored_models.desired.alerts import ALERTS
from monitored_models.typed import wire_name
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, body, quantity, with_

ROOT = Path(__file__).parents[2]
OF_THE_API_SERVER = (".apiVersion", ".kind", ".metadata")
"""Fields that the API server itself bounds."""


def _schemas(schema: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Every schema inside a schema, with its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _schemas(inner, f"{path}.{name}")
    for part, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(part), dict):
            yield from _schemas(schema[part], f"{path}{mark}")


ALL = [(path, schema) for path, schema in _schemas(openapi_schema(), "") if path not in OF_THE_API_SERVER]


def _where(wrong: Any) -> list[str]:
    return [path for path, schema in ALL if wrong(path, schema)]


def test_every_property_is_described() -> None:
    def undescribed(path: str, schema: JSON) -> bool:
        return not path.endswith(("[]", "{}")) and not schema.get("description", "").strip()

    assert _where(undescribed) == []


def test_every_string_has_a_largest_size() -> None:
    def unbounded(_path: str, schema: JSON) -> bool:
        text = schema.get("type") == "string" or schema.get("x-kubernetes-int-or-string", False)
        return text and "maxLength" not in schema and "enum" not in schema

    assert _where(unbounded) == []


def test_every_list_has_a_largest_size() -> None:
    assert _where(lambda _path, schema: schema.get("type") == "array" and "maxItems" not in schema) == []


def test_every_map_has_a_largest_size() -> None:
    def unbounded(_path: str, schema: JSON) -> bool:
        return isinstance(schema.get("additionalProperties"), dict) and "maxProperties" not in schema

    assert _where(unbounded) == []


def test_every_object_is_closed() -> None:
    """Neither free-form objects nor fields that are kept without being known."""

    def opened(_path: str, schema: JSON) -> bool:
        known = "properties" in schema or isinstance(schema.get("additionalProperties"), dict)
        free = schema.get("additionalProperties") is True or "x-kubernetes-preserve-unknown-fields" in schema
        return free or (schema.get("type") == "object" and not known)

    assert _where(opened) == []


def test_every_schema_has_one_type() -> None:
    """Structural: a type everywhere, but for what may be an integer or a string."""
    assert _where(lambda _path, s: ("type" in s) == s.get("x-kubernetes-int-or-string", False)) == []


def test_nothing_stands_in_the_schema_that_structural_schemas_forbid() -> None:
    forbidden = {"$ref", "$defs", "title", "const", "definitions", "patternProperties", "deprecated", "uniqueItems"}
    assert _where(lambda _path, schema: forbidden & schema.keys()) == []


def test_bounds_follow_openapi_3_0() -> None:
    def wrong(_path: str, schema: JSON) -> bool:
        return any(not isinstance(schema.get(name, True), bool) for name in ("exclusiveMinimum", "exclusiveMaximum"))

    assert _where(wrong) == []


def test_required_fields_exist() -> None:
    assert _where(lambda _path, s: set(s.get("required", ())) - s.get("properties", {}).keys()) == []


def test_replicas_has_no_default() -> None:
    assert "default" not in openapi_schema()["properties"]["spec"]["properties"]["replicas"]


def test_every_default_fits_its_own_schema() -> None:
    for schema in (schema for _, schema in ALL if "default" in schema):
        jsonschema.validate(schema["default"], _plain(schema))


def _plain(schema: JSON) -> JSON:
    """A structural schema in the words of JSON schema."""
    plain = {key: _plain(value) if key == "items" else value for key, value in schema.items()}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if plain.pop(exclusive, False):
            plain[exclusive] = plain.pop(bound)
    if "properties" in plain:
        plain["properties"] = {name: _plain(inner) for name, inner in plain["properties"].items()}
        plain["additionalProperties"] = False
    elif isinstance(plain.get("additionalProperties"), dict):
        plain["additionalProperties"] = _plain(plain["additionalProperties"])
    return plain


@pytest.mark.parametrize("spec", [MINIMAL, FULL, *RUNTIMES.values()])
def test_schema_admits_what_the_parser_admits(spec: JSON) -> None:
    jsonschema.validate(spec, _plain(openapi_schema()["properties"]["spec"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": "3"},
        {"suspend": 1},
        {"foo": 1},
        {"model.version": "a/b"},
        {"env": [{"name": "A", "x": 1}]},
        {"storage.sharedMemory": -1},
        {"storage.sharedMemory": 10**15},
        {"resources.limits": {"memory": -1}},
        {"rollout.maxSurge": -1},
        {"rollout.maxSurge": 1001},
        {"disruptionBudget.minAvailable": -1},
        {"monitoring.dashboard.folder": "a/b"},
        {"monitoring.dashboard.folder": ".a"},
    ],
)
def test_schema_refuses_what_the_parser_refuses(changes: JSON) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(with_(MINIMAL, changes), _plain(openapi_schema()["properties"]["spec"]))


PLAIN_SPEC = jsonschema.Draft202012Validator(_plain(openapi_schema()["properties"]["spec"]))
AMOUNTS = ("storage.sharedMemory", "resources.requests.cpu", "rollout.maxSurge", "rollout.maxUnavailable")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(AMOUNTS),
    quantity | st.integers(-10, 2000) | st.sampled_from([MAX_AMOUNT, MAX_AMOUNT + 1, -(10**15), "101%", "5%", "-1"]),
)
def test_schema_and_parser_agree_on_amounts(path: str, value: Any) -> None:
    spec = with_(MINIMAL, {"rollout.maxUnavailable": 1, path: value})
    fits = PLAIN_SPEC.is_valid(spec)
    parsed = parse(body(spec))
    both_zero = isinstance(parsed, InvalidSpec) and "must not both be 0" in str(parsed)  # a rule, which CEL checks
    assert fits == (isinstance(parsed, Model) or both_zero)


def test_patterns_mean_the_same_to_the_api_server_and_to_the_parser() -> None:
    """Classes like \\s are ASCII in Go, and Unicode in Rust and Python."""
    own = (s.get("pattern", "") for path, s in ALL if not path.startswith((".spec.env", ".spec.scheduling")))
    assert [pattern for pattern in own if re.search(r"\\[sdwbSDWB]", pattern)] == []


def test_every_rule_of_the_parser_stands_in_the_schema() -> None:
    in_schema = sorted(
        (validation["rule"], validation["message"])
        for path, schema in ALL
        for validation in schema.get("x-kubernetes-validations", ())
        if path
    )
    # A type that is used at several places has its rules at each.
    assert set(in_schema) == {(rule.cel, rule.message) for rule in all_rules()}


def test_field_that_a_rule_points_at_exists() -> None:
    for path, schema in ALL:
        for validation in schema.get("x-kubernetes-validations", ()):
            place = schema
            for part in validation.get("fieldPath", "").split(".")[1:]:
                assert part in place["properties"], (path, validation)
                place = place["properties"][part]


def test_keyed_lists_require_their_key() -> None:
    for path, schema in ALL:
        for key in schema.get("x-kubernetes-list-map-keys", ()):
            items = schema["items"]
            assert key in items.get("required", ()) or "default" in items["properties"][key], path


def test_columns_show_fields_that_exist() -> None:
    (version,) = crd()["spec"]["versions"]
    for column in version["additionalPrinterColumns"]:
        path = column["jsonPath"].split("[?")[0]
        if path.startswith(".metadata"):
            continue
        assert path in {known for known, _ in ALL}, column["name"]
        assert column["description"]


def test_scale_subresource_points_at_fields_that_exist() -> None:
    (version,) = crd()["spec"]["versions"]
    assert set(version["subresources"]["scale"].values()) <= {path for path, _ in ALL}


def test_names_are_what_users_type() -> None:
    names = crd()["spec"]["names"]
    assert names["shortNames"] == ["mm"]
    assert set(names["categories"]) == {"all", "ml"}
    assert crd()["metadata"]["name"] == "monitoredmodels.monitoredmodels.dev"


def test_generated_files_are_in_step() -> None:
    stale = [path.name for path, text in generate.files().items() if not path.exists() or path.read_text() != text]
    assert stale == []


def test_crd_files_are_small_enough_for_every_client() -> None:
    folder = ROOT / "crds"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.yaml")}
    assert sizes
    assert max(sizes.values()) < 200_000


def test_crd_file_holds_the_crd() -> None:
    assert yaml.safe_load((ROOT / "crds/monitoredmodels.yaml").read_text()) == json.loads(json.dumps(crd()))


def test_alerts_that_can_be_changed_are_those_there_are() -> None:
    by_name = {wire_name(AlertRules, field.name): field.name for field in fields(AlertRules)}
    assert by_name == {alert.name: alert.attribute for alert in ALERTS}


def test_runtimes_that_can_be_chosen_are_those_there_are() -> None:
    schema = openapi_schema()["properties"]["spec"]["properties"]["runtime"]
    assert sorted(schema["enum"]) == sorted(runtimes.profiles())
    assert {field.name for field in fields(Spec)} >= {"runtime"}


def test_source_folder_does_not_hide_the_operator_module_of_python() -> None:
    assert not (ROOT / "operator/__init__.py").exists()
    code = "import operator; print(operator.__file__); print(operator.add(1, 2))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    where, result = done.stdout.split()
    assert not Path(where).is_relative_to(ROOT / "operator")
    assert result == "3"
