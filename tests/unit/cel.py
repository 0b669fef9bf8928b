"""What the API server would find with the CEL rules of our CRDs: defaults of the schema filled in, every rule evaluated.

cel-python has the language; the few functions that Kubernetes adds and our rules use are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError, CELFunction

JSON = dict[str, Any]
FUNCTIONS: dict[str, CELFunction] = {"lowerAscii": lambda text: celtypes.StringType(text.lower())}


@cache
def _environment() -> celpy.Environment:
    return celpy.Environment()


@cache
def _program(rule: str) -> celpy.Runner:
    return _environment().program(_environment().compile(rule), functions=FUNCTIONS)


def holds(rule: str, value: Any) -> bool:
    """Whether a rule holds for a value. One that cannot be evaluated does not: the API server rejects the object."""
    try:
        return bool(_program(rule).evaluate({"self": json_to_cel(value)}))
    except CELEvalError:
        return False


def with_defaults(schema: JSON, value: Any) -> Any:
    """A value with the defaults of its schema filled in, as the API server stores it; nulls are dropped."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        filled = {key: inner["default"] for key, inner in known.items() if "default" in inner} | {
            key: inner for key, inner in value.items() if inner is not None
        }
        return {
            key: with_defaults(known.get(key) or schema.get("additionalProperties") or {}, inner)
            for key, inner in filled.items()
        }
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), item) for item in value]
    return value


def broken(schema: JSON, value: Any) -> Iterator[str]:
    """Messages of the rules that a value, or a value inside it, breaks."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if not holds(rule["rule"], value):
            yield rule["message"]
    if isinstance(value, dict):
        for key, inner in value.items():
            below = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if isinstance(below, dict):
                yield from broken(below, inner)
    elif isinstance(value, list):
        for item in value:
            yield from broken(schema.get("items", {}), item)
