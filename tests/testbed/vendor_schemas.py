"""Takes the Kubernetes types that the spec embeds out of Kubernetes' own OpenAPI documents.

Run by `make schemas` after the pinned Kubernetes version changes. What it adds to Kubernetes' schema are bounds on
every string, list and map, and closed objects, so that a typo is refused inside these types too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from testbed import tools

# Needs a feature gate that is off by default: the API server would drop it without a word.
EXCLUDED = {"fileKeyRef"}
TYPES = ("EnvVar", "EnvFromSource", "Toleration", "Affinity", "TopologySpreadConstraint")
TARGET = Path(__file__).parents[2] / "operator/monitored_models/api/kubernetes.schema.json"
INCLUSION = ["Honor", "Ignore"]
ENUMS = {
    "nodeAffinityPolicy": INCLUSION,
    "nodeTaintsPolicy": INCLUSION,
    "whenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"],
}
"""Values that the API server insists on and its document does not list. An empty one would count as left out."""
MAX_STRING, MAX_VALUE, MAX_ITEMS, MAX_PROPERTIES = 317, 8192, 16, 32
QUANTITY = r"^[0-9]{1,18}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"


def first_sentence(text: str) -> str:
    """The start of a description: the whole of Kubernetes' text would make the CRD three times as large."""
    return re.split(r"(?<=\.)\s", text.strip(), maxsplit=1)[0][:240]


def convert(schema: dict[str, Any], definitions: dict[str, Any], name: str = "") -> dict[str, Any]:
    """One OpenAPI schema as a bounded, closed, self-contained structural schema."""
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), None)
    if reference:
        target = convert(definitions[reference.rsplit("/", 1)[1]], definitions, name)
        return {**target, "description": first_sentence(schema.get("description") or target.get("description", name))}
    result: dict[str, Any] = {"description": first_sentence(schema.get("description", name))}
    if "oneOf" in schema or schema.get("format") == "int-or-string":
        return {
            **result,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY,
            "maxLength": 32,
        }
    kind = result["type"] = schema["type"]
    if kind == "object":
        result |= convert_object(schema, definitions, name)
    elif kind == "array":
        result |= {"items": convert(schema["items"], definitions, name), "maxItems": MAX_ITEMS}
    elif kind == "string":
        result["maxLength"] = MAX_VALUE if name == "value" else MAX_STRING
        if allowed := schema.get("enum", ENUMS.get(name)):
            result["enum"] = allowed
    elif kind == "integer":
        result["format"] = schema.get("format", "int64")
    return result


def convert_object(schema: dict[str, Any], definitions: dict[str, Any], name: str) -> dict[str, Any]:
    """The properties of an object, or the values of a map; a required text must say something."""
    if "properties" not in schema:
        values = convert(schema["additionalProperties"], definitions, name)
        values.pop("description", None)
        return {"additionalProperties": values, "maxProperties": MAX_PROPERTIES}
    result: dict[str, Any] = {
        "properties": {
            key: convert(value, definitions, key)
            for key, value in sorted(schema["properties"].items())
            if key not in EXCLUDED
        }
    }
    if schema.get("required"):
        result["required"] = sorted(schema["required"])
        for needed in (result["properties"][key] for key in result["required"]):
            if needed.get("type") == "string":
                needed["minLength"] = 1
    return result


def main() -> None:
    """Rewrite the vendored file."""
    folder = tools.module_dir("kubernetes", "k8s.io/kubernetes")
    document = json.loads((folder / "api/openapi-spec/v3/apis__apps__v1_openapi.json").read_text())
    definitions = document["components"]["schemas"]
    types = {name: convert(definitions[f"io.k8s.api.core.v1.{name}"], definitions, name) for name in TYPES}
    TARGET.write_text(json.dumps(types, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
