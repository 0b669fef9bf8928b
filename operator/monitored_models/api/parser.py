"""The one door for a MonitoredModel: a Kubernetes object becomes a `Model`, or an `InvalidSpec` that says what to change.

The API server has refused most bad specs before; this holds where admission cannot reach (files given to `mmctl`,
objects stored under an older schema) and never raises for what a user wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

import pydantic

from ..base.schema_types import wire_name
from ..runtimes import RuntimeProfile, builtin_runtimes
from .fields import DNS_LABEL, TIMESTAMP, seconds
from .layering import OPERATOR, Layer, PlatformDefaults, ProfileSpec, layers, merge_layers, without_nulls
from .model import (
    API_VERSION,
    KIND,
    RESTARTED_AT,
    InvalidSpec,
    Model,
    Problem,
    UnmetReason,
    UnmetRequest,
    scrape_interval,
)
from .monitoring import Monitoring, ProfileMonitoring
from .spec import Spec
from .validation import NAME_MESSAGE, TIMEOUT_MESSAGE, name_holds, rules_on

_ADAPTERS: dict[type[Any], pydantic.TypeAdapter[Any]] = {
    of: pydantic.TypeAdapter(of) for of in (Spec, Monitoring, ProfileMonitoring)
}


def parse(
    body: Mapping[str, Any], platform: PlatformDefaults | None = None, monitoring_profile: ProfileSpec | None = None
) -> Model | InvalidSpec:
    """A MonitoredModel as read from the API server or from a file. Never raises for its content.

    `shared` is the MonitoringProfile that the model names, or the namespace's own; None when there is none.
    """
    platform = platform or PlatformDefaults()
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    problems = tuple(_identity_problems(body, metadata))
    if problems:
        return InvalidSpec(problems)
    spec = _validate_as(Spec, body.get("spec", {}), "spec")
    if isinstance(spec, InvalidSpec):
        return spec
    runtime = platform.runtimes.get(spec.runtime)
    if runtime is None:
        hint = _nearest_of(spec.runtime, platform.runtimes)
        return InvalidSpec(
            (Problem("spec.runtime", f"the operator's settings have no runtime {spec.runtime}; {hint}"),)
        )
    problems = tuple(_violations(spec, "spec", runtime)) + tuple(_duplicates(spec, "spec"))
    if problems:
        return InvalidSpec(problems)
    notes: tuple[UnmetRequest, ...] = ()
    if monitoring_profile is not None and not isinstance(monitoring_profile.spec, Mapping):
        notes, monitoring_profile = (
            (
                UnmetRequest(
                    UnmetReason.PROFILE_INVALID,
                    f"nothing of profile {monitoring_profile.name} is used: its spec is no map",
                ),
            ),
            None,
        )
    elif monitoring_profile is None and spec.monitoring.profile:
        text = f"spec.monitoring.profile: this namespace has no MonitoringProfile {spec.monitoring.profile}"
        notes = (UnmetRequest(UnmetReason.PROFILE_NOT_FOUND, text),)
    stack = layers(body["spec"].get("monitoring") or {}, monitoring_profile, platform, spec.runtime)
    monitoring, more = _merge_valid_layers(stack, runtime)
    if isinstance(monitoring, InvalidSpec):
        return monitoring
    used = monitoring_profile is not None and not any(note.reason == UnmetReason.PROFILE_INVALID for note in more)
    return Model(
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        generation=generation if isinstance(generation := metadata.get("generation"), int) else 0,
        spec=spec,
        monitoring=monitoring,
        runtime=runtime,
        restarted_at=restarted_at(body),
        notes=(*notes, *more),
        monitoring_profile=monitoring_profile.name if monitoring_profile and used else None,
    )


def profile_name(body: Mapping[str, Any]) -> str | None:
    """The MonitoringProfile that a MonitoredModel names; None when it names none."""
    found = _nested(body, "spec", "monitoring", "profile")
    return found if isinstance(found, str) else None


def restarted_at(body: Mapping[str, Any]) -> Any:
    """The annotation that restarts a model; None if absent."""
    return _nested(body, "metadata", "annotations", RESTARTED_AT)


def profile_problems(spec: Any, where: str = "spec") -> InvalidSpec | None:
    """What is wrong with the spec of a MonitoringProfile, or with the settings' own defaults; None when nothing is."""
    parsed = parse_profile(spec, where)
    return parsed if isinstance(parsed, InvalidSpec) else None


def parse_profile(spec: Any, where: str = "spec") -> ProfileMonitoring | InvalidSpec:
    """The spec of a MonitoringProfile, or what is wrong with it."""
    parsed = _validate_as(ProfileMonitoring, spec, where)
    if isinstance(parsed, InvalidSpec):
        return parsed
    assert isinstance(parsed, ProfileMonitoring)
    problems = tuple(_violations(parsed, where, None)) + tuple(_duplicates(parsed, where))
    return InvalidSpec(problems) if problems else parsed


def _merge_valid_layers(
    stack: list[Layer], runtime: RuntimeProfile
) -> tuple[Monitoring | InvalidSpec, tuple[UnmetRequest, ...]]:
    """The monitoring that counts. What cannot be laid under the model's own is left out, and said in a note."""
    *inherited, own = stack
    merged = _merge_and_validate(stack, runtime)
    if not isinstance(merged, InvalidSpec) or not inherited:
        return merged, ()
    # Leaving out one helps where one is wrong: the farthest first. Else nothing is inherited.
    for left_out in ([layer] for layer in inherited):
        rest = _merge_and_validate([*(layer for layer in inherited if layer not in left_out), own], runtime)
        if not isinstance(rest, InvalidSpec):
            return rest, tuple(_unmet_request(layer, merged) for layer in left_out)
    return _merge_and_validate([own], runtime), tuple(_unmet_request(layer, merged) for layer in inherited)


def _unmet_request(layer: Layer, merged: InvalidSpec) -> UnmetRequest:
    alone = profile_problems(layer.content, where=layer.origin)
    why = f"{alone}" if alone else f"with the fields of the model it would be invalid: {merged}"
    reason = UnmetReason.DEFAULTS_INVALID if layer.origin == OPERATOR else UnmetReason.PROFILE_INVALID
    return UnmetRequest(reason, f"nothing of {layer.origin} is used: {why}")


def _merge_and_validate(stack: list[Layer], runtime: RuntimeProfile) -> Monitoring | InvalidSpec:
    """All layers as one, checked as a whole."""
    merged = _validate_as(Monitoring, merge_layers(stack), "spec.monitoring")
    if isinstance(merged, InvalidSpec):
        return merged
    assert isinstance(merged, Monitoring)
    wrong = [*_violations(merged, "spec.monitoring", runtime), *_duplicates(merged, "spec.monitoring")]
    timeout = merged.scrape.timeout
    if timeout and seconds(timeout) > seconds(scrape_interval(merged)):
        wrong.append(Problem("spec.monitoring.scrape.timeout", TIMEOUT_MESSAGE))
    return InvalidSpec(tuple(dict.fromkeys(wrong))) if wrong else merged


def _nested(body: Mapping[str, Any], *path: str) -> Any:
    """The value at a path of an object that may have any form; None if absent."""
    found: Any = body
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _validate_as(of: type[Any], content: Any, where: str) -> Any:
    """A value of one of our types, or an InvalidSpec."""
    try:
        # By way of JSON, where strict means what the API server means: no "3" for 3, no 1 for true.
        return _ADAPTERS[of].validate_json(json.dumps(without_nulls(content)))
    except (TypeError, RecursionError):
        return InvalidSpec((Problem(where, "holds something that is not JSON, or is nested too deeply"),))
    except pydantic.ValidationError as error:
        return InvalidSpec(tuple(_problem(of, detail, where) for detail in error.errors(include_url=False)))


def _identity_problems(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Problem]:
    if body.get("apiVersion") != API_VERSION or body.get("kind") != KIND:
        return [Problem("apiVersion, kind", f"must be {API_VERSION}, {KIND}")]
    name = metadata.get("name")
    if not isinstance(name, str) or not name_holds(name):
        return [Problem("metadata.name", NAME_MESSAGE.removeprefix("metadata.name "))]
    namespace = metadata.get("namespace") or "default"
    if not isinstance(namespace, str) or re.fullmatch(DNS_LABEL, namespace) is None or len(namespace) > 63:
        return [Problem("metadata.namespace", "must be a text of at most 63 characters of a-z, 0-9 and -")]
    restarted = restarted_at(body)
    if restarted is not None and not (isinstance(restarted, str) and re.fullmatch(TIMESTAMP, restarted)):
        text = "must be a time in the format of RFC 3339, such as 2026-11-20T08:30:00Z"
        return [Problem(f"metadata.annotations[{RESTARTED_AT}]", f"{text} (given: {str(restarted)[:80]!r})")]
    if not isinstance(body.get("spec", {}), Mapping):
        return [Problem("spec", "must be a map of fields")]
    return []


def _problem(of: type[Any], error: Any, path: str) -> Problem:
    for part in error["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}"
    if error["type"] == "unexpected_keyword_argument":
        return Problem(path, f"unknown field; {_nearest(of, error['loc'])}")
    if error["type"] in ("missing", "missing_argument"):
        return Problem(path, "required, and missing")
    if error["loc"] == ("runtime",) and error["type"] == "string_pattern_mismatch":
        return Problem(
            path, f"there is no runtime {str(error['input'])[:80]!r}; {_nearest_of(error['input'], builtin_runtimes())}"
        )
    message = error["msg"].removeprefix("Value error, ")
    value = error.get("input")
    quoted = f" (given: {str(value)[:80]!r})" if isinstance(value, str | int | float | bool) else ""
    if error["type"] == "string_type" and isinstance(value, int | float):
        message += ": put quotes around it"
    return Problem(path, f"{message[:1].lower()}{message[1:]}{quoted}")


def _nearest(parent: Any, location: tuple[int | str, ...]) -> str:
    """Which field was probably meant, among those of the type that the last name of the location was given to."""
    *path, misspelled = location
    for part in path:
        if isinstance(part, str):
            hints = {wire_name(parent, name): hint for name, hint in get_type_hints(parent).items()}
            parent = next(iter(_types(hints.get(part))), None)
        if parent is None:
            break
    names = [wire_name(parent, f.name) for f in fields(parent)] if parent else []
    near = get_close_matches(str(misspelled), names, n=1)
    return f"did you mean {near[0]}?" if near else "see the reference for the fields there are"


def _nearest_of(misspelled: str, runtimes: Mapping[str, RuntimeProfile]) -> str:
    near = get_close_matches(misspelled, runtimes, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(runtimes)}"


def _types(hint: Any) -> list[type[Any]]:
    """The types of ours that a type hint holds, not looking inside them."""
    if isinstance(hint, type) and is_dataclass(hint):
        return [hint]
    return [found for inner in get_args(hint) for found in _types(inner)]


def _violations(value: Any, path: str, runtime: RuntimeProfile | None) -> list[Problem]:
    """Rules that a value, or a value inside it, breaks."""
    broken = (rule for rule in rules_on(value, runtime) if not rule.holds(value))
    found = [Problem(f"{path}.{rule.field}", rule.message) for rule in broken]
    return found + [
        problem for inner, where in _children(value, path) for problem in _violations(inner, where, runtime)
    ]


_BY_NAME = ("env", "volumes", "imagePullSecrets", "slos", "notifications")


def _duplicates(value: Any, path: str) -> list[Problem]:
    """Lists keyed by name that hold a name twice, which the API server refuses as well."""
    found: list[Problem] = []
    for inner, inner_path in _children(value, path):
        if isinstance(inner, list) and inner_path.rsplit(".", 1)[1] in _BY_NAME:
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
