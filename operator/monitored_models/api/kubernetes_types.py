"""Kubernetes' own types inside the spec (environment, affinity, tolerations, spread): their schemas and a check.

The schemas are Kubernetes', bounded and closed by `make schemas`; the CRD embeds them as they stand.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema


@cache
def schemas() -> dict[str, Any]:
    """Type name to structural schema."""
    loaded: dict[str, Any] = json.loads(resources.files(__package__).joinpath("kubernetes.schema.json").read_text())
    return loaded


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(_closed(schemas()[name]))


def check(name: str, value: Any) -> Any:
    """The value, unchanged, if it fits the Kubernetes type; else a ValueError that names the place inside it."""
    for error in _validator(name).iter_errors(value):
        place = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"{place}: {error.message}" if place else error.message)
    return value


def _closed(schema: Any) -> Any:
    # The API server refuses unknown fields of a structural schema by itself; jsonschema has to be told.
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        result["additionalProperties"] = False
    return result
