"""Each kind of break in the CRDs is found and named; what only adds passes; an intended break needs its sentence."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.codegen.crd import crd
from testbed import crd_compatibility
from testbed.crd_compatibility import Break, breaks, last_release, problems

Object = dict[str, Any]
RELEASED = crd()
NAME = RELEASED["metadata"]["name"]
V1ALPHA1 = f"{NAME} v1alpha1"


def at(definition: Object, path: str) -> Object:
    """The schema of a field: `spec.env[].name`, `spec.labels{}`; the resource itself when empty."""
    found: Object = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path.replace("[]", ".[]").replace("{}", ".{}").split(".") if path else ():
        match name:
            case "[]":
                found = found["items"]
            case "{}":
                found = found["additionalProperties"]
            case _:
                found = found["properties"][name]
    return found


def put(path: str, **keywords: Any) -> Callable[[Object], object]:
    """Set keywords of a field; None removes one. Underscores stand for hyphens."""

    def change(definition: Object) -> None:
        schema = at(definition, path)
        for key, value in keywords.items():
            name = key.replace("_", "-")
            if value is None:
                del schema[name]
            else:
                schema[name] = value

    return change


def spec(change: Callable[[Object], object]) -> Callable[[Object], object]:
    return lambda definition: change(definition["spec"])


def version(change: Callable[[Object], object]) -> Callable[[Object], object]:
    return lambda definition: change(definition["spec"]["versions"][0])


def rules(path: str) -> Callable[[Object], list[Object]]:
    return lambda definition: at(definition, path)["x-kubernetes-validations"]


RULE = {"rule": "self.replicas != 7", "message": "seven"}
LABELS = "spec.monitoring.alerts.labels"
BREAKING: dict[str, tuple[str, Callable[[Object], object]]] = {
    "the group": (f"{NAME} group", spec(lambda s: s.update(group="other.dev"))),
    "the scope": (f"{NAME} scope", spec(lambda s: s.update(scope="Cluster"))),
    "the kind": (f"{NAME} names kind", spec(lambda s: s["names"].update(kind="Model"))),
    "the plural": (f"{NAME} names plural", spec(lambda s: s["names"].update(plural="models"))),
    "a short name": (f"{NAME} names shortNames", spec(lambda s: s["names"].update(shortNames=[]))),
    "a category": (f"{NAME} names categories", spec(lambda s: s["names"]["categories"].remove("ml"))),
    "the version": (V1ALPHA1, version(lambda v: v.update(name="v1beta1"))),
    "a version that is no longer served": (f"{V1ALPHA1} served", version(lambda v: v.update(served=False))),
    "the stored version": (f"{V1ALPHA1} storage", version(lambda v: v.update(storage=False))),
    "a subresource": (f"{V1ALPHA1} subresources", version(lambda v: v["subresources"].pop("scale"))),
    "a field removed": (f"{V1ALPHA1} .spec.image", lambda d: at(d, "spec")["properties"].pop("image")),
    "a status field removed": (f"{V1ALPHA1} .status.conditions", lambda d: at(d, "status")["properties"].pop("conditions")),
    "a field in a list removed": (
        f"{V1ALPHA1} .spec.env[].value", lambda d: at(d, "spec.env[]")["properties"].pop("value"),
    ),
    "another type": (f"{V1ALPHA1} .spec.replicas type", put("spec.replicas", type="string")),
    "another format": (f"{V1ALPHA1} .spec.replicas format", put("spec.replicas", format="int32")),
    "an enum value removed": (
        f"{V1ALPHA1} .spec.imagePullPolicy enum", put("spec.imagePullPolicy", enum=["Always", "Never"]),
    ),
    "a new enum": (f"{V1ALPHA1} .spec.image enum", put("spec.image", enum=["a"])),
    "a shorter text": (f"{V1ALPHA1} .spec.image maxLength", put("spec.image", maxLength=511)),
    "a longer least text": (f"{V1ALPHA1} .spec.image minLength", put("spec.image", minLength=1)),
    "fewer items": (f"{V1ALPHA1} .spec.args maxItems", put("spec.args", maxItems=127)),
    "fewer items than none": (f"{V1ALPHA1} .spec.args minItems", put("spec.args", minItems=1)),
    "fewer entries": (f"{V1ALPHA1} .{LABELS} maxProperties", put(LABELS, maxProperties=1)),
    "a lower maximum": (f"{V1ALPHA1} .spec.replicas maximum", put("spec.replicas", maximum=2)),
    "a higher minimum": (f"{V1ALPHA1} .spec.replicas minimum", put("spec.replicas", minimum=1)),
    "a bound that is excluded": (
        f"{V1ALPHA1} .spec.replicas exclusiveMinimum", put("spec.replicas", exclusiveMinimum=True),
    ),
    "another pattern": (f"{V1ALPHA1} .spec.image pattern", put("spec.image", pattern="^[a-z]+$")),
    "a new pattern in a list": (f"{V1ALPHA1} .spec.args[] pattern", put("spec.args[]", pattern="^[a-z]+$")),
    "a runtime less": (
        f"{V1ALPHA1} .spec.runtime pattern",
        lambda d: at(d, "spec.runtime").update(pattern=at(d, "spec.runtime")["pattern"].replace("|vllm", "")),
    ),
    "a required field": (f"{V1ALPHA1} .spec required", put("spec", required=["image"])),
    "another default": (f"{V1ALPHA1} .spec.runtime default", put("spec.runtime", default="vllm")),
    "no default": (f"{V1ALPHA1} .spec.runtime default", put("spec.runtime", default=None)),
    "a new default": (f"{V1ALPHA1} .spec.image default", put("spec.image", default="a")),
    "a new rule": (f"{V1ALPHA1} .spec x-kubernetes-validations", lambda d: rules("spec")(d).append(RULE)),
    "a tighter rule": (
        f"{V1ALPHA1} .spec x-kubernetes-validations",
        lambda d: rules("spec")(d)[0].update(rule=f"{rules('spec')(d)[0]['rule']} && {RULE['rule']}"),
    ),
    "a rule on the resource": (f"{V1ALPHA1} . x-kubernetes-validations", lambda d: rules("")(d).append(RULE)),
    "another list type": (
        f"{V1ALPHA1} .spec.imagePullSecrets x-kubernetes-list-type",
        put("spec.imagePullSecrets", x_kubernetes_list_type="atomic"),
    ),
    "a map that becomes an object": (
        f"{V1ALPHA1} .{LABELS} additionalProperties", put(LABELS, additionalProperties=None),
    ),
    "a limit of a map's values": (f"{V1ALPHA1} .{LABELS}{{}} maxLength", put(f"{LABELS}{{}}", maxLength=1)),
    "a keyword that is not known here": (f"{V1ALPHA1} .spec.image not", put("spec.image", **{"not": {"enum": ["a"]}})),
}  # fmt: skip

ADDITIVE: dict[str, Callable[[Object], object]] = {
    "a version": lambda d: d["spec"]["versions"].append({**copy.deepcopy(d["spec"]["versions"][0]), "name": "v1"}),
    "a short name": spec(lambda s: s["names"]["shortNames"].append("mms")),
    "a column": version(lambda v: v["additionalPrinterColumns"].append({"name": "X"})),
    "an optional field": lambda d: at(d, "spec")["properties"].update(new={"type": "string", "default": "a"}),
    "an object with required fields": lambda d: at(d, "spec")["properties"].update(
        new={"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    ),
    "a description": put("spec.image", description="Other words."),
    "an enum value": put("spec.imagePullPolicy", enum=["Always", "IfNotPresent", "Never", "Sometimes"]),
    "any value": put("spec.imagePullPolicy", enum=None),
    "a longer text": put("spec.image", maxLength=513),
    "any length": put("spec.image", maxLength=None),
    "a lower minimum": put("spec.replicas", minimum=-1),
    "a higher maximum": put("spec.replicas", maximum=10**9),
    "no pattern": put("spec.image", pattern=None),
    "a runtime": lambda d: at(d, "spec.runtime").update(
        pattern=at(d, "spec.runtime")["pattern"].replace("|vllm", "|vllm|whisper")
    ),
    "a field that is no longer required": put("", required=None),
    "null": put("spec.image", nullable=True),
    "a rule less": lambda d: rules("spec")(d).pop(),
    "another message": lambda d: rules("spec")(d)[0].update(message="Other words."),
}


@pytest.mark.parametrize(("place", "change"), BREAKING.values(), ids=BREAKING)
def test_break_is_named(place: str, change: Callable[[Object], object]) -> None:
    changed = copy.deepcopy(RELEASED)
    change(changed)
    assert [found.place for found in breaks(RELEASED, changed)] == [place]


@pytest.mark.parametrize("change", ADDITIVE.values(), ids=ADDITIVE)
def test_addition_passes(change: Callable[[Object], object]) -> None:
    changed = copy.deepcopy(RELEASED)
    change(changed)
    assert changed != RELEASED
    assert list(breaks(RELEASED, changed)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("^(a|b)$", "^(a|b|[a-z])$"),
        ("^(a|b)$", "^(b|c)$"),
        ("^[^a|b]$", "^[^a|c|b]$"),
        (r"^(a\|b)$", r"^(a\|c|b)$"),
        ("^ab$", "^ab$|c"),
    ],
)
def test_pattern_that_may_be_narrower_is_a_break(old: str, new: str) -> None:
    changed, released = copy.deepcopy(RELEASED), copy.deepcopy(RELEASED)
    at(released, "spec.image")["pattern"], at(changed, "spec.image")["pattern"] = old, new
    assert [found.place for found in breaks(released, changed)] == [f"{V1ALPHA1} .spec.image pattern"]


def test_lists_are_compared_by_what_differs() -> None:
    changed = copy.deepcopy(RELEASED)
    rules("spec")(changed).append(RULE)
    (found,) = breaks(RELEASED, changed)
    assert found.change == f"with {[RULE]}"


def test_break_passes_with_an_exception_that_the_changelog_announces() -> None:
    found = [Break("models v1 .spec.a", "the field is removed")]
    exception = {"place": "models v1 .spec.a", "changelog": "`spec.a` is removed."}
    assert list(problems(found, [exception], "- `spec.a` is\n  removed.", "1.2.3")) == []
    (unlisted,) = problems(found, [], "", "1.2.3")
    assert unlisted.startswith("models v1 .spec.a: the field is removed; 1.2.3 accepts")
    (unannounced,) = problems(found, [exception], "", "1.2.3")
    assert "the changelog does not contain" in unannounced
    (unused,) = problems([], [exception], "- `spec.a` is removed.", "1.2.3")
    assert "remove the entry" in unused


def test_last_release_is_the_highest_version(tmp_path: Path) -> None:
    for name in ("0.2.0", "0.10.0", "0.9.1"):
        (tmp_path / name).mkdir()
    assert last_release(tmp_path).name == "0.10.0"


def test_crds_accept_what_the_last_release_accepted() -> None:
    assert crd_compatibility.main() == 0


def test_check_fails_for_a_resource_that_is_removed_and_a_limit_that_is_narrower(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("crds", "tests/upgrade"):
        shutil.copytree(crd_compatibility.ROOT / path, tmp_path / path)
    (tmp_path / "CHANGELOG.md").touch()
    (tmp_path / "crds/monitoringprofiles.yaml").unlink()
    changed = copy.deepcopy(RELEASED)
    put("spec.image", maxLength=1)(changed)
    (tmp_path / "crds/monitoredmodels.yaml").write_text(yaml.safe_dump(changed))
    assert crd_compatibility.main(tmp_path) == 1
    assert [line.partition(";")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"{V1ALPHA1} .spec.image maxLength: 512 becomes 1",
        "monitoringprofiles: the resource is removed",
    ]
