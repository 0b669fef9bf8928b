"""The one door for a MonitoredModel: a Kubernetes object becomes a `Model`, or an `InvalidSpec` that says what to change.

The API server has refused most bad specs before; this holds where admission cannot reach (files given to `mmctl`,
objects stored under an older schema) and never raises for what a user wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args, get_type_hints

import pydantic

from ..runtimes import Profile, profiles
from ..typed import wire_name
from .fields import DNS_LABEL
from .rules import NAME_MESSAGE, name_holds, rules_by_type
from .spec import Spec

GROUP, VERSION, KIND, PLURAL = "monitoredmodels.dev", "v1alpha1", "MonitoredModel", "monitoredmodels"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True)
class Model:
    """A valid MonitoredModel: identity, spec, and the profile of its runtime."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: Spec
    profile: Profile

    @property
    def port(self) -> int:
        """The serving port."""
        return self.spec.port or self.profile.port

    @property
    def metrics_port(self) -> int:
        """The port of the metrics; the serving port where the runtime has none of its own."""
        return self.spec.monitoring.scrape.port or self.profile.metrics_port or self.port

    @property
    def display_name(self) -> str:
        """The name for people."""
        return self.spec.model.name or self.name

    @property
    def fixed_replicas(self) -> int | None:
        """The number of replicas that the operator decides, or None where an autoscaler does."""
        if self.spec.suspend:
            return 0
        if self.spec.autoscaling is not None:
            return None
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def minimum_replicas(self) -> int:
        """The replicas that must at least be there."""
        if self.fixed_replicas is not None:
            return self.fixed_replicas
        assert self.spec.autoscaling is not None
        return self.spec.autoscaling.min_replicas


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec: where, and what to do."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True)
class InvalidSpec:
    """A MonitoredModel that cannot be understood."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "; ".join(str(problem) for problem in self.problems)


@cache
def _adapter() -> pydantic.TypeAdapter[Spec]:
    return pydantic.TypeAdapter(Spec)


def parse(body: Mapping[str, Any]) -> Model | InvalidSpec:
    """A MonitoredModel as read from the API server or from a file. Never raises for its content."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    problems = tuple(_identity_problems(body, metadata))
    if problems:
        return InvalidSpec(problems)
    try:
        # By way of JSON, where strict means what the API server means: no "3" for 3, no 1 for true.
        text = json.dumps(_without_nulls(body.get("spec", {})))
        spec = _adapter().validate_json(text)
    except (TypeError, RecursionError):
        return InvalidSpec((Problem("spec", "holds something that is not JSON, or is nested too deeply"),))
    except pydantic.ValidationError as error:
        return InvalidSpec(tuple(_problem(detail) for detail in error.errors(include_url=False)))
    problems = tuple(_violations(spec, "spec")) + tuple(_duplicates(spec, "spec"))
    if problems:
        return InvalidSpec(problems)
    return Model(
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        generation=generation if isinstance(generation := metadata.get("generation"), int) else 0,
        spec=spec,
        profile=profiles()[spec.runtime],
    )


def _identity_problems(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Problem]:
    if body.get("apiVersion") != API_VERSION or body.get("kind") != KIND:
        return [Problem("apiVersion, kind", f"must be {API_VERSION}, {KIND}")]
    name = metadata.get("name")
    if not isinstance(name, str) or not name_holds(name):
        return [Problem("metadata.name", NAME_MESSAGE.removeprefix("metadata.name "))]
    namespace = metadata.get("namespace") or "default"
    if not isinstance(namespace, str) or re.fullmatch(DNS_LABEL, namespace) is None or len(namespace) > 63:
        return [Problem("metadata.namespace", "must be a text of at most 63 characters of a-z, 0-9 and -")]
    if not isinstance(body.get("spec", {}), Mapping):
        return [Problem("spec", "must be a map of fields")]
    return []


def _without_nulls(spec: Any) -> Any:
    # Kubernetes drops a null where the schema has no nullable; so does this.
    if isinstance(spec, Mapping):
        return {key: _without_nulls(value) for key, value in spec.items() if value is not None}
    if isinstance(spec, list):
        return [_without_nulls(item) for item in spec]
    return spec


def _problem(error: Any) -> Problem:
    path = "spec"
    for part in error["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}"
    if error["type"] == "unexpected_keyword_argument":
        return Problem(path, f"unknown field; {_nearest(error['loc'])}")
    if error["type"] in ("missing", "missing_argument"):
        return Problem(path, "required, and missing")
    message = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    shown = f" (given: {str(given)[:80]!r})" if isinstance(given, str | int | float | bool) else ""
    if error["type"] == "string_type" and isinstance(given, int | float):
        message += ": put quotes around it"
    return Problem(path, f"{message[:1].lower()}{message[1:]}{shown}")


def _nearest(location: tuple[int | str, ...]) -> str:
    """Which field was probably meant, among those of the type that the last name of the location was given to."""
    *path, given = location
    there: Any = Spec
    for part in path:
        if isinstance(part, str):
            hints = {wire_name(there, name): hint for name, hint in get_type_hints(there).items()}
            there = next(iter(_types(hints.get(part))), None)
        if there is None:
            break
    names = [wire_name(there, f.name) for f in fields(there)] if there else []
    near = get_close_matches(str(given), names, n=1)
    return f"did you mean {near[0]}?" if near else "see the reference for the fields there are"


def _types(hint: Any) -> list[type[Any]]:
    """The types of ours that a type hint holds, not looking inside them."""
    if isinstance(hint, type) and is_dataclass(hint):
        return [hint]
    return [found for inner in get_args(hint) for found in _types(inner)]


def _violations(value: Any, path: str) -> list[Problem]:
    """Rules that a value, or a value inside it, breaks."""
    broken = (rule for rule in rules_by_type().get(type(value), ()) if not rule.holds(value))
    found = [Problem(f"{path}.{rule.field}", rule.message) for rule in broken]
    return found + [problem for inner, where in _children(value, path) for problem in _violations(inner, where)]


def _duplicates(value: Any, path: str) -> list[Problem]:
    """Lists keyed by name that hold a name twice, which the API server refuses as well."""
    found: list[Problem] = []
    for inner, inner_path in _children(value, path):
        if isinstance(inner, list) and inner_path.rsplit(".", 1)[1] in ("env", "volumes", "imagePullSecrets"):
            names = [item["name"] if isinstance(item, dict) else item.name for item in inner]
            found += [
                Problem(inner_path, f"{name!r} stands there twice")
                for name in sorted(set(names))
                if names.count(name) > 1
            ]
        found += _duplicates(inner, inner_path)
    return found


def _children(value: Any, path: str) -> list[tuple[Any, str]]:
    if is_dataclass(value):
        return [(getattr(value, f.name), f"{path}.{wire_name(type(value), f.name)}") for f in fields(value)]
    if isinstance(value, list):
        return [(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return []
