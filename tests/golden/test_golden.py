"""The examples, rendered: equal to the reviewed files, and accepted unchanged by the servers that read them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from golden.golden_files import EXAMPLES, HERE, goldens, parts, readable, rendered, write
from monitored_models.kube import applied_fields
from monitored_models.naming.kinds import MODEL, PROFILE
from monitored_models.naming.labels import FIELD_MANAGER
from operator_testbed import Bed, child_path
from testbed import tools

GOLDENS = goldens()
ON_DISK = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*.yaml")}
of_each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@pytest.mark.parametrize("file", sorted(ON_DISK | GOLDENS.keys()))
def test_golden_is_what_is_rendered(file: str) -> None:
    reviewed, current = (HERE / file).read_text() if file in ON_DISK else None, GOLDENS.get(file)
    assert reviewed == current, f"tests/golden/{file} is {_state(file)}: run `make golden` and review the difference"


def _state(file: str) -> str:
    return "missing" if file not in ON_DISK else "no longer rendered" if file not in GOLDENS else "out of date"


def test_goldens_are_rewritten_and_old_ones_deleted(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    for name in ("minimal.yaml", "service/removed-example.yaml"):
        (tmp_path / name).write_text("old")
    write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.yaml")} == GOLDENS


def test_goldens_contain_every_field_rule_and_panel_of_the_examples() -> None:
    children = [child for example in EXAMPLES for child in rendered(example)]
    parts_of_examples = ((child["kind"].lower(), part) for child in children for part in parts(readable(child)))
    assert _fields_by_kind(parts_of_examples) - _fields_by_kind(_parts_on_disk()) == set()


def _parts_on_disk() -> Iterator[tuple[str, Any]]:
    for file in ON_DISK:
        kind = Path(file).parent.name
        for document in yaml.load_all((HERE / file).read_text(), yaml.CSafeLoader):
            if kind:
                yield kind, document
            else:
                yield from ((document["kind"].lower(), part) for part in parts(document))


def _fields_by_kind(found: Iterable[tuple[str, Any]]) -> set[tuple[str, str]]:
    """The paths of all values, and the names of rules and panels."""
    fields = set()
    for kind, part in found:
        fields |= {(kind, path) for path in _paths(part)}
        fields.add((kind, part.get("record") or part.get("alert") or (part["title"] if "row" in part else "")))
    return fields


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all values, without the positions in lists."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else (("[]", item) for item in value)
        if isinstance(value, list)
        else ()
    )
    yield path
    for name, item in inner:
        yield from _paths(item, f"{path}.{name}")


@of_each_example
def test_rules_are_accepted_by_promtool(example: Path, tmp_path: Path) -> None:
    rules = [child for child in rendered(example) if child["kind"] == "PrometheusRule"]
    assert rules
    file = tmp_path / "rules.yaml"
    for rule in rules:
        file.write_text(yaml.safe_dump(rule["spec"]))
        promtool = tools.ensure("promtool")["promtool"]
        done = subprocess.run(
            [promtool, "check", "rules", "--lint=all", "--lint-fatal", file],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@of_each_example
def test_api_server_takes_example_and_gives_it_back_unchanged(example: Path, bed: Bed, namespace: str) -> None:
    """Strict validation; and what is read back digests as what was sent, so that a restart has nothing to write."""
    for child in rendered(example):
        child["metadata"]["namespace"] = namespace
        path = child_path(child)
        query = f"?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict"
        status, live = bed.plane.request("PATCH", path + query, child, content_type="application/apply-patch+yaml")
        assert status == 201, live
        status, again = bed.plane.request("PATCH", path + query, child, content_type="application/apply-patch+yaml")
        assert status == 200
        assert again["metadata"].get("generation") == live["metadata"].get("generation")
        assert _text(applied_fields.owned_fields_of(live)) == _text(applied_fields.rendered_fields(child))
        assert applied_fields.digest_live(live) == applied_fields.digest_rendered(child)


@of_each_example
def test_api_server_admits_example(example: Path, bed: Bed, namespace: str) -> None:
    for body in yaml.safe_load_all(example.read_text()):
        body["metadata"]["namespace"] = namespace
        path = (MODEL if body["kind"] == MODEL.name else PROFILE).path(namespace)
        status, answer = bed.plane.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)
        assert status == 201, answer


def _text(part: Any) -> list[str]:
    return yaml.safe_dump(part).splitlines()
