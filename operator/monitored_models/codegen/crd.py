"""The CustomResourceDefinitions and the reference page, generated from the types of the spec and the status.

`make generate` writes both; `make check` fails if a file is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pydantic

from ..api.model import GROUP, KIND, PLURAL, PROFILE_KIND, PROFILE_PLURAL, RESTARTED_AT, VERSION
from ..api.monitoring import Monitoring, ProfileMonitoring
from ..api.spec import Spec
from ..api.status_types import Status
from ..api.validation import NAME_CEL, NAME_MESSAGE, all_rules
from ..base.schema_types import wire_name
from ..naming.conditions import MONITORED, READY


def _path(condition: str, field: str) -> str:
    """JSONPath of a field of a condition."""
    return f'.status.conditions[?(@.type=="{condition}")].{field}'


_COLUMNS = (
    (
        "Ready",
        "string",
        _path(READY, "status"),
        "Whether it serves and its monitoring is in place",
    ),
    ("Reason", "string", _path(READY, "reason"), "Why"),
    ("Runtime", "string", ".spec.runtime", "Kind of model server"),
    ("Version", "string", ".spec.model.version", "Version of the model"),
    ("Replicas", "string", ".status.readyReplicasText", "Ready and wanted replicas"),
    ("GPUs", "integer", ".status.gpu.requested", "GPUs that it asks for"),
    (
        "Metrics",
        "string",
        _path(MONITORED, "status"),
        "Whether its metrics were seen to arrive",
    ),
    ("Age", "date", ".metadata.creationTimestamp", "Time since creation"),
)


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition of MonitoredModels."""
    version = {
        "schema": {"openAPIV3Schema": openapi_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": text} for name, kind, path, text in _COLUMNS
        ],
    }
    return _definition(KIND, PLURAL, ["mm"], version)


def profile_crd() -> dict[str, Any]:
    """The CustomResourceDefinition of MonitoringProfiles."""
    columns = [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    version = {"schema": {"openAPIV3Schema": profile_schema()}, "additionalPrinterColumns": columns}
    return _definition(PROFILE_KIND, PROFILE_PLURAL, ["mmp"], version)


def _definition(kind: str, plural: str, short: list[str], version: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": short,
                "categories": ["all", "ml"],
            },
            "versions": [{"name": VERSION, "served": True, "storage": True, **version}],
        },
    }


_NEW = {"observedGeneration": 0}
"""Status of a new model. Without a status, tools that follow kstatus take it for ready until the operator reports."""


def openapi_schema() -> dict[str, Any]:
    """The structural schema of a MonitoredModel."""
    return {
        **_resource(
            "A machine-learning model that is served and monitored.",
            {"spec": structural(Spec), "status": {**structural(Status), "default": _NEW}},
        ),
        "x-kubernetes-validations": [{"rule": NAME_CEL, "message": NAME_MESSAGE}],
    }


def profile_schema() -> dict[str, Any]:
    """The structural schema of a MonitoringProfile."""
    text = "How the models of a namespace are watched, where they do not say it themselves."
    return _resource(text, {"spec": structural(ProfileMonitoring)})


def _resource(description: str, parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": "Kind of this resource."},
            "metadata": {"type": "object"},
            **parts,
        },
    }


def structural(of: type[Any]) -> dict[str, Any]:
    """The structural schema of one of our types."""
    document = pydantic.TypeAdapter(of).json_schema()
    order = {kind.__name__: [wire_name(kind, f.name) for f in fields(kind)] for kind in _types_in(of)}
    return _Converter(document.get("$defs", {}), order).convert(document, of.__name__)


def _types_in(hint: Any) -> set[type[Any]]:
    """Every type of ours that a type references, including itself."""
    if is_dataclass(hint) and isinstance(hint, type):
        return {hint}.union(*(_types_in(inner) for inner in get_type_hints(hint).values()))
    return set().union(*(_types_in(inner) for inner in get_args(hint)))


class _Converter:
    """Turns pydantic's JSON schema into the subset that Kubernetes calls structural."""

    def __init__(self, definitions: dict[str, Any], order: dict[str, list[str]]) -> None:
        self._definitions = definitions
        self._order = order

    def convert(self, schema: dict[str, Any], name: str = "") -> dict[str, Any]:
        schema = dict(schema)
        if "$ref" in schema:
            name = schema.pop("$ref").rsplit("/", 1)[1]
            schema = {**self._definitions[name], **schema}
        if "x-kubernetes-int-or-string" not in schema and "anyOf" in schema:
            (wanted,) = [part for part in schema.pop("anyOf") if part.get("type") != "null"]
            return self.convert({**wanted, **schema}, name)
        for dropped in ("title", "$defs", "additionalProperties" if "properties" in schema else "title"):
            schema.pop(dropped, None)
        if schema.get("default", ...) is None:
            del schema["default"]
        self._rewrite(schema, name)
        if not schema.get("properties", ...):  # the API server drops it, which GitOps tools see as a difference
            del schema["properties"]
        return schema

    def _rewrite(self, schema: dict[str, Any], name: str) -> None:
        if "const" in schema:
            schema["enum"] = [schema.pop("const")]
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if exclusive in schema:  # a number in JSON schema, a flag in OpenAPI 3.0
                schema[bound], schema[exclusive] = schema[exclusive], True
        if "properties" in schema:
            # pydantic puts fields with factories first; readers expect the order of the source.
            keys = self._order.get(name, list(schema["properties"]))
            schema["properties"] = {key: self.convert(schema["properties"][key]) for key in keys}
            if name in _INHERITED:
                schema["properties"] = {key: _inherited(field) for key, field in schema["properties"].items()}
        if isinstance(schema.get("additionalProperties"), dict):
            schema["additionalProperties"] = self.convert(schema["additionalProperties"])
        if "items" in schema:
            schema["items"] = self.convert(schema["items"])
        if schema.get("type") == "integer":
            schema["format"] = schema.get("format", "int64")
        validations = [
            {"rule": rule.cel, "message": rule.message, "fieldPath": f".{rule.field}"}
            for rule in all_rules()
            if rule.on.__name__ == name
        ]
        if validations:
            schema["x-kubernetes-validations"] = validations


_INHERITED = {kind.__name__ for kind in _types_in(Monitoring)}
"""Types whose defaults the API server must not fill in: a filled-in value would override a profile."""


def _inherited(field: dict[str, Any]) -> dict[str, Any]:
    """A field without its default, which its description has instead."""
    default = field.get("default")
    kept = {key: value for key, value in field.items() if key != "default"}
    if default in (None, [], {}):
        return kept
    return {**kept, "description": f"{field['description']} {_plain(default)} where nobody says otherwise."}


def reference() -> str:
    """The reference page: every field with its type, bounds, default and description."""
    schema = openapi_schema()["properties"]
    lines = [
        "# Reference: MonitoredModel and MonitoringProfile",
        "",
        f"`apiVersion: {GROUP}/{VERSION}`, `kind: {KIND}` (short name `mm`) and `{PROFILE_KIND}` (`mmp`), whose `spec` has the",
        "fields of `spec.monitoring` below but for `profile`. Generated from the types in",
        "`operator/monitored_models/api/` by `make generate`. Objects of Kubernetes' own types (environment variables,",
        "tolerations, affinity, topology spread) are listed by their first level; their fields are Kubernetes'.",
        "",
        f"The annotation `{RESTARTED_AT}` replaces all pods when its value changes: a time in the format of",
        "RFC 3339, such as `2026-11-20T08:30:00Z`.",
        "",
    ]
    for part in ("spec", "status"):
        lines += [f"## {part}", "", "| field | type | default | description |", "|---|---|---|---|"]
        lines += [_row(*row) for row in _rows(part, schema[part])]
        lines.append("")
    lines += ["## Rules", "", "| where | rule |", "|---|---|"]
    lines += [f"| `{rule.on.__name__}.{rule.field}` | {_cell(rule.message)} |" for rule in all_rules()]
    return "\n".join(lines) + "\n"


def _rows(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, field in schema.get("properties", {}).items():
        inner = f"{path}.{name}"
        yield inner, field, name in schema.get("required", ())
        vendored_type = ".env[" in f"{inner}[" or inner.startswith(("spec.scheduling.", "spec.envFrom"))
        if vendored_type:
            continue
        if field.get("type") == "array":
            yield from _rows(f"{inner}[]", field["items"])
        else:
            yield from _rows(inner, field)


def _row(path: str, field: dict[str, Any], required: bool) -> str:
    default = f"`{_plain(field['default'])}`" if "default" in field else ("required" if required else "")
    return f"| `{path}` | {_type(field)} | {default} | {_cell(field.get('description', ''))} |"


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if "x-kubernetes-int-or-string" in field:
        return "integer or string"
    kind = str(field.get("type"))
    if kind == "array":
        return f"list of {_type(field['items'])}, at most {field.get('maxItems')}"
    if kind == "object" and "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}, at most {field.get('maxProperties')}"
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None or high is not None:
        return f"{kind} {'' if low is None else low} to {'' if high is None else high}"
    return f"{kind}, at most {field['maxLength']}" if "maxLength" in field else kind


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
