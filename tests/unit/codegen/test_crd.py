"""The generated CustomResourceDefinitions: bounded, described, in step with the types and the registries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models import runtimes
from monitored_models.api import InvalidSpec, Model, ProfileSpec, parse
from monitored_models.api.fields import MAX_AMOUNT
from monitored_models.api.monitoring import AlertRules, Monitoring, ProfileMonitoring
from monitored_models.api.validation import all_rules
from monitored_models.base.schema_types import wire_name
from monitored_models.codegen import generated_files
from monitored_models.codegen.crd import crd, openapi_schema, profile_crd, profile_schema, structural
from monitored_models.render.rules.alerts.groups import ALERTS
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, body, quantity, specs, with_

ROOT = Path(__file__).parents[3]
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


def _every(schema: JSON) -> list[tuple[str, JSON]]:
    return [(path, inner) for path, inner in _schemas(schema, "") if path not in OF_THE_API_SERVER]


ALL = _every(openapi_schema())
OF_PROFILES = _every(profile_schema())


def _where(wrong: Any) -> list[str]:
    return [path for path, schema in (*ALL, *OF_PROFILES) if wrong(path, schema)]


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


def test_no_part_of_the_schema_is_empty() -> None:
    """The API server drops an empty map of properties, and a GitOps tool would then see a difference for ever."""
    assert _where(lambda _path, schema: schema.get("properties") == {}) == []


def test_new_model_is_not_ready_to_kstatus() -> None:
    """Generations start at 1: until the operator has reported, the status is one of an older generation."""
    assert openapi_schema()["properties"]["status"]["default"] == {"observedGeneration": 0}


def test_every_object_is_closed() -> None:
    """Neither free-form objects nor fields that are kept without being known."""

    def opened(path: str, schema: JSON) -> bool:
        known = "properties" in schema or isinstance(schema.get("additionalProperties"), dict)
        known = known or path.endswith(".indicator.availability")  # without fields: the API server prunes what is in it
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
    elif plain.get("type") == "object":
        plain["additionalProperties"] = False
    return plain


# --- what is inherited ---


def test_nothing_of_the_monitoring_has_a_default() -> None:
    """What the API server fills in would win over a MonitoringProfile and over the operator's settings."""
    with_default = [path for path, schema in ALL if "default" in schema and path.startswith(".spec.monitoring")]
    assert with_default == []
    assert [path for path, schema in OF_PROFILES if "default" in schema] == []


def _declared(of: type[Any], schema: JSON, path: str) -> Iterator[tuple[str, Any, str]]:
    """Every field of a type and of those inside it: path, default of the type, description in the schema."""
    hints = get_type_hints(of)
    for field in fields(of):
        name, default = wire_name(of, field.name), of.__pydantic_fields__[field.name].default
        inner = schema["properties"][name]
        yield f"{path}.{name}", default, inner.get("description", "")
        for kind in _types_in(hints[field.name]):
            yield from _declared(kind, inner.get("items", inner), f"{path}.{name}")


def _types_in(hint: Any) -> list[type[Any]]:
    if isinstance(hint, type) and is_dataclass(hint):
        return [hint]
    return [kind for inner in get_args(hint) for kind in _types_in(inner)]


def _texts(of: type[Any]) -> dict[str, tuple[Any, str]]:
    return {path: (default, text) for path, default, text in _declared(of, structural(of), "")}


@pytest.mark.parametrize("of", [Monitoring, ProfileMonitoring])
def test_description_tells_the_default_that_is_not_in_the_schema(of: type[Any]) -> None:
    texts = _texts(of)
    assert len(texts) > 150
    for path, (default, text) in texts.items():
        if isinstance(default, bool | int | float | str):
            told = str(default).lower() if isinstance(default, bool) else str(default)
            assert text.endswith(f" {told} where nobody says otherwise."), path
        elif path not in (".scrape.interval", ".scrape.timeout"):  # of which one depends on the other
            assert "where nobody says otherwise" not in text, path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (".scrape.timeout", "10s, or the interval if that is less,"),
        (".scrape.interval", "30s"),
        (".scrape.enabled", "true"),
        (".metrics.sampleLimit", "10000"),
        (".quality.window", "1d"),
        (".quality.minimumCoverage", "0.1"),
        (".drift.critical", "0.25"),
        (".slos.window", "30d"),
        (".signals.latency.scale", "1.0"),
    ],
)
def test_default_is_told_in_the_words_of_yaml(path: str, told: str) -> None:
    assert _texts(Monitoring)[path][1].endswith(f" {told} where nobody says otherwise.")


def _filled_in(value: Any, schema: JSON) -> Any:
    """What the API server makes of a value: the defaults of the schema in it."""
    if isinstance(value, list):
        return [_filled_in(item, schema["items"]) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    known = schema["properties"]
    defaults = {name: inner["default"] for name, inner in known.items() if "default" in inner and name not in value}
    return {name: _filled_in(inner, known[name]) for name, inner in {**value, **defaults}.items()}


OF_SPECS = openapi_schema()["properties"]["spec"]
SHARED = ProfileSpec(
    "gold",
    {
        "scrape": {"enabled": False, "interval": "20s", "timeout": "7s"},
        "metrics": {"sampleLimit": 777},
        "slos": [{"name": "up", "objective": 99, "window": "28d", "indicator": {"availability": {}}}],
        "quality": {"window": "7d", "minimumLabels": 7, "minimumCoverage": 0.7},
        "drift": {"warning": 0.05, "critical": 7},
        "freshness": {"maxAge": "7d"},
        "alerts": {"rules": {"ModelNoData": {"enabled": False, "for": "7m", "severity": "critical"}}},
        "dashboard": {"enabled": False, "folder": "x"},
    },
)


@settings(max_examples=100, deadline=None)
@given(specs())
def test_defaults_of_the_api_server_never_win_over_a_profile(spec: JSON) -> None:
    """The spec as it was written and as it is stored mean the same, whatever is inherited."""
    stored = _filled_in(spec, OF_SPECS)
    one, other = parse(body(stored), monitoring_profile=SHARED), parse(body(spec), monitoring_profile=SHARED)
    assert isinstance(one, Model)
    assert one == other


def test_defaults_of_the_api_server_are_filled_in() -> None:
    stored = _filled_in({**MINIMAL, "rollout": {}}, OF_SPECS)
    assert (stored["runtime"], stored["suspend"], stored["rollout"]["drainSeconds"]) == ("custom", False, 10)


def test_profile_has_the_fields_of_a_models_monitoring_but_for_the_profile() -> None:
    of_model = openapi_schema()["properties"]["spec"]["properties"]["monitoring"]["properties"]
    of_profile = profile_schema()["properties"]["spec"]["properties"]
    assert of_model.keys() - of_profile.keys() == {"profile"}
    # What a field is, is said in other words at each place.
    for name, schema in of_profile.items():
        assert {**schema, "description": ""} == {**of_model[name], "description": ""}


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


def test_every_rule_on_what_is_shared_holds_for_profiles_too() -> None:
    def rules(schemas: list[tuple[str, JSON]], prefix: str) -> dict[str, list[JSON]]:
        return {
            path.removeprefix(prefix): schema["x-kubernetes-validations"]
            for path, schema in schemas
            if path.startswith(prefix) and "x-kubernetes-validations" in schema
        }

    assert rules(OF_PROFILES, ".spec") == rules(ALL, ".spec.monitoring")
    assert rules(OF_PROFILES, ".spec")


def test_field_that_a_rule_points_at_exists() -> None:
    for path, schema in (*ALL, *OF_PROFILES):
        for validation in schema.get("x-kubernetes-validations", ()):
            place = schema
            for part in validation.get("fieldPath", "").split(".")[1:]:
                assert part in place["properties"], (path, validation)
                place = place["properties"][part]


def test_rule_reads_no_field_that_may_be_missing() -> None:
    """CEL fails where a field is not there, and the API server refuses the object without saying why."""
    for path, schema in (*ALL, *OF_PROFILES):
        for validation in schema.get("x-kubernetes-validations", ()):
            if path:  # the rule on metadata.name is on what the API server fills in
                for unsafe in _unguarded(validation["rule"], schema):
                    pytest.fail(f"{path}: {unsafe} in {validation['rule']}")


def _unguarded(rule: str, schema: JSON) -> Iterator[str]:
    for read in re.findall(r"self((?:\.\w+)+)", rule):
        place, read_path = schema, "self"
        for part in read.split(".")[1:]:
            if part not in place.get("properties", {}):
                break  # a function of CEL
            read_path += f".{part}"
            inner = place["properties"][part]
            if part not in place.get("required", ()) and "default" not in inner and f"has({read_path})" not in rule:
                yield read_path
            place = inner


def test_field_that_may_be_missing_is_found_in_a_rule() -> None:
    schema = {"properties": {"a": {"properties": {"b": {}}}, "c": {"default": 1}, "d": {}}, "required": ["d"]}
    assert list(_unguarded("self.a.b.size() + self.c + self.d", schema)) == ["self.a", "self.a.b"]
    assert list(_unguarded("has(self.a) && self.a.b > 1", schema)) == ["self.a.b"]


def test_keyed_lists_require_their_key() -> None:
    for path, schema in (*ALL, *OF_PROFILES):
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
    profiles = profile_crd()["spec"]["names"]
    assert (profiles["shortNames"], profiles["plural"]) == (["mmp"], "monitoringprofiles")
    assert profile_crd()["metadata"]["name"] == "monitoringprofiles.monitoredmodels.dev"
    assert not set(profiles["shortNames"]) & set(names["shortNames"])


@pytest.mark.parametrize("made", [crd(), profile_crd()], ids=["models", "profiles"])
def test_there_is_one_version_of_each_kind_and_it_is_of_a_namespace(made: JSON) -> None:
    (version,) = made["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert made["spec"]["scope"] == "Namespaced"
    assert (made["spec"]["group"], made["spec"]["names"]["kind"].lower()) == (
        "monitoredmodels.dev",
        made["spec"]["names"]["singular"],
    )


def test_nothing_is_written_to_a_profile() -> None:
    (version,) = profile_crd()["spec"]["versions"]
    assert "subresources" not in version
    assert "status" not in profile_schema()["properties"]


def test_generated_files_are_in_step() -> None:
    stale = [
        path.name for path, text in generated_files.files().items() if not path.exists() or path.read_text() != text
    ]
    assert stale == []


LARGEST = 200_000
"""Bytes; etcd takes 1.5 MB, and an annotation of `kubectl apply` 262,144 bytes of JSON."""


def test_crd_files_are_small_enough_for_every_client() -> None:
    folder = ROOT / "crds"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.yaml")}
    assert sorted(sizes) == ["monitoredmodels.yaml", "monitoringprofiles.yaml"]
    assert max(sizes.values()) < LARGEST


@pytest.mark.parametrize("made", [crd(), profile_crd()], ids=["models", "profiles"])
def test_crd_is_small_enough_as_json(made: JSON) -> None:
    assert len(json.dumps(made).encode()) < LARGEST


@pytest.mark.parametrize(
    ("name", "made"), [("monitoredmodels", crd()), ("monitoringprofiles", profile_crd())], ids=["models", "profiles"]
)
def test_crd_file_holds_the_crd(name: str, made: JSON) -> None:
    assert yaml.safe_load((ROOT / f"crds/{name}.yaml").read_text()) == json.loads(json.dumps(made))


def test_alerts_that_can_be_changed_are_those_there_are() -> None:
    by_name = [wire_name(AlertRules, field.name) for field in fields(AlertRules)]
    there = [alert.name for alert in ALERTS] + [alert.name for alert in OBJECTIVES]
    assert sorted(by_name) == sorted(there)
    assert len(set(there)) == len(there)


def test_threshold_can_be_changed_where_an_alert_compares_with_one() -> None:
    """Other limits stand in spec.monitoring: quality, drift, freshness, replicas."""
    elsewhere = ("ModelReplicasMissing", "ModelStale", "ModelDriftModerate", "ModelDriftSevere")
    rules = structural(AlertRules)["properties"]
    with_threshold = {name for name, schema in rules.items() if "threshold" in schema["properties"]}
    compared = {alert.name for alert in ALERTS if alert.limit and alert.signal != "quality"}
    assert with_threshold == compared - set(elsewhere)


def test_runtimes_that_can_be_chosen_are_those_there_are() -> None:
    schema = openapi_schema()["properties"]["spec"]["properties"]["runtime"]
    assert "enum" not in schema
    pattern = re.compile(schema["pattern"])
    for name in (*runtimes.builtin_runtimes(), "x-own", "x-1", "x-a-b"):
        assert pattern.search(name), name
        assert len(name) <= schema["maxLength"]
    for name in ("vlm", "vllm2", "", "x-", "x-A", "x--", "X-a", "own", "custom\n", "a\ncustom"):
        assert re.fullmatch(schema["pattern"].removeprefix("^").removesuffix("$"), name) is None, name


def test_source_folder_does_not_hide_the_operator_module_of_python() -> None:
    assert not (ROOT / "operator/__init__.py").exists()
    code = "import operator; print(operator.__file__); print(operator.add(1, 2))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    where, result = done.stdout.split()
    assert not Path(where).is_relative_to(ROOT / "operator")
    assert result == "3"
