"""Checks that the CRDs accept everything that the last release accepted: `python -m testbed.crd_compatibility`.

Every difference from the released CRDs is a break, unless it is known to accept more: a new optional field, a further
value, a wider limit, a rule less. Intended breaks are listed in `tests/upgrade/breaking_changes.yaml`, each with its
sentence in the changelog.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
UPGRADE = ROOT / "tests/upgrade"
Object = Mapping[str, Any]

_IDENTITY = ("group", "scope", "conversion", "preserveUnknownFields")
_OF_A_VERSION = ("served", "storage", "subresources", "selectableFields")
_DOCUMENTATION = {"description", "title", "example", "externalDocs"}
_NESTED = {"properties", "items", "additionalProperties"}


class Break(NamedTuple):
    """One difference that objects or clients of the last release may not survive."""

    place: str
    """What an exception names: the resource, the version, the field and the keyword."""
    change: str

    def __str__(self) -> str:
        return f"{self.place}: {self.change}"


def breaks(released: Object, current: Object) -> Iterator[Break]:
    """Differences between two CRDs that do not only add."""
    old, new = released["spec"], current["spec"]
    resource = released["metadata"]["name"]
    yield from _changed(resource, _IDENTITY, old, new)
    yield from _changed(f"{resource} names", ("kind", "listKind", "plural", "singular"), old["names"], new["names"])
    for key in ("shortNames", "categories"):
        for lost in sorted({*old["names"].get(key, ())} - {*new["names"].get(key, ())}):
            yield Break(f"{resource} names {key}", f"{lost} is removed")
    versions = {version["name"]: version for version in new["versions"]}
    for version in old["versions"]:
        place = f"{resource} {version['name']}"
        if (same := versions.get(version["name"])) is None:
            yield Break(place, "the version is removed")
            continue
        yield from _changed(place, _OF_A_VERSION, version, same)
        yield from _in_schema(place, "", version["schema"]["openAPIV3Schema"], same["schema"]["openAPIV3Schema"])


def _changed(place: str, keys: Iterable[str], old: Object, new: Object) -> Iterator[Break]:
    for key in keys:
        if old.get(key) != new.get(key):
            yield Break(f"{place} {key}", _difference(old.get(key), new.get(key)))


def _in_schema(version: str, path: str, old: Object, new: Object) -> Iterator[Break]:
    place = f"{version} {path or '.'}"
    for key in sorted((old.keys() | new.keys()) - _NESTED - _DOCUMENTATION):
        before, now = old.get(key), new.get(key)
        if before != now and not _accepts_more(key, before, now):
            yield Break(f"{place} {key}", _difference(before, now))
    for name, field in old.get("properties", {}).items():
        inner = f"{path}.{name}"
        if name in new.get("properties", {}):
            yield from _in_schema(version, inner, field, new["properties"][name])
        else:
            yield Break(f"{version} {inner}", "the field is removed")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _in_schema(version, f"{path}{mark}", before, now)
        elif before != now:
            yield Break(f"{place} {key}", _difference(before, now))


def _accepts_more(key: str, old: Any, new: Any) -> bool:
    """Whether a keyword that has changed refuses no value that it accepted before."""
    match key:
        case "required":
            return set(new or ()) <= set(old or ())
        case "x-kubernetes-validations":
            return {each["rule"] for each in new or ()} <= {each["rule"] for each in old or ()}
        case "nullable" | "x-kubernetes-preserve-unknown-fields":
            return bool(new)
        case "exclusiveMinimum" | "exclusiveMaximum":
            return not new
    wider = _WIDER_LIMITS.get(key)
    return wider is not None and (new is None or (old is not None and wider(old, new)))


def _more_alternatives(old: str, new: str) -> bool:
    """Whether a pattern has further plain names between its bars, as for a new runtime, and no other difference."""
    alternatives = old.split("|")
    kept = [each for each in new.split("|") if each in alternatives or not re.fullmatch("[a-z0-9-]+", each)]
    return kept == alternatives and len(kept) > 1 and "\\" not in old and "[^" not in old


_WIDER_LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum"), operator.lt),
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum"), operator.gt),
    "enum": lambda old, new: set(old) <= set(new),
    "pattern": _more_alternatives,
}
"""Limits, which are also wider when they are removed, and how an old and a new one compare then."""


def _difference(old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        lost, added = ([each for each in a if each not in b] for a, b in ((old, new), (new, old)))
        return "; ".join(f"{text} {values}" for text, values in (("without", lost), ("with", added)) if values)
    return f"{'nothing' if old is None else old!r} becomes {'nothing' if new is None else new!r}"


def last_release(folder: Path = UPGRADE / "released") -> Path:
    """The folder of the highest version that was released."""
    return max(folder.iterdir(), key=lambda path: [int(number) for number in path.name.split(".")])


def problems(
    found: Iterable[Break], exceptions: Iterable[Mapping[str, str]], changelog: str, release: str
) -> Iterator[str]:
    """What keeps the check from passing: breaks without an exception, and exceptions without a break or a sentence."""
    allowed = {exception["place"]: exception["changelog"] for exception in exceptions}
    places = set()
    for each in found:
        places.add(each.place)
        if each.place not in allowed:
            yield f"{each}; {release} accepts what this refuses: change it back, or list the place in {EXCEPTIONS}"
    for place, sentence in allowed.items():
        if place not in places:
            yield f"{place}: listed in {EXCEPTIONS}, but nothing breaks there: remove the entry"
        elif " ".join(sentence.split()) not in " ".join(changelog.split()):
            yield f"{place}: the changelog does not contain the sentence of {EXCEPTIONS}: {sentence}"


EXCEPTIONS = "tests/upgrade/breaking_changes.yaml"


def main(root: Path = ROOT) -> int:
    """Print each problem, and return 1 if there is one."""
    release = last_release(root / "tests/upgrade/released")
    found: list[Break] = []
    for file in sorted((release / "crds").glob("*.yaml")):
        current = root / "crds" / file.name
        if current.exists():
            found += breaks(yaml.safe_load(file.read_text()), yaml.safe_load(current.read_text()))
        else:
            found.append(Break(file.stem, "the resource is removed"))
    exceptions = yaml.safe_load((root / EXCEPTIONS).read_text()) or []
    wrong = list(problems(found, exceptions, (root / "CHANGELOG.md").read_text(), release.name))
    for problem in wrong:
        print(problem)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
