"""Digests of the fields that this operator owns: of a rendering and of a live object. Equal means nothing to do.

For each field, the API server records which manager owns it. Projecting a live object onto the fields that are ours,
and digesting that like a rendering, detects every possible difference: a changed value is no longer ours, a removed
field is missing, a field that the rendering dropped is still present. No hash annotation and no copy of the object is
stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from ..naming.labels import FIELD_MANAGER

_TEXT_MAPS = frozenset({"annotations", "data", "labels", "matchLabels", "nodeSelector"})
"""Maps with text values, in which an empty text is a value like any other."""
_QUANTITIES = frozenset({"requests", "limits", "sizeLimit", "divisor"})
"""Fields with a quantity, or with a map of quantities."""
_MEANINGFUL_WHEN_EMPTY = frozenset({"emptyDir", "labelSelector", "namespaceSelector", "podSelector"})
"""Objects that have a meaning when empty: an empty selector selects everything."""


def digest_rendered(child: Mapping[str, Any]) -> str:
    """Digest of an object as rendered."""
    return _digest(rendered_fields(child))


def digest_live(body: Mapping[str, Any]) -> str:
    """Digest of the fields that this operator owns in a live object; of nothing if it owns none."""
    return _digest(owned_fields_of(body))


def rendered_fields(child: Mapping[str, Any]) -> Any:
    """The content that the digest of a rendering covers: all fields but the identity, in canonical form."""
    metadata = {key: value for key, value in child["metadata"].items() if key not in ("name", "namespace")}
    content = {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata")}
    return _canonical({**content, "metadata": metadata})


def owned_fields_of(body: Mapping[str, Any]) -> Any:
    """The content that the digest of a live object covers: the fields that are ours, in canonical form."""
    return _canonical(_project(body, owned_fields(body)))


def owned_fields(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields that this operator has applied, in the API server's FieldsV1 form."""
    for entry in body.get("metadata", {}).get("managedFields", ()):
        ours = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        if ours and not entry.get("subresource"):
            fields: Mapping[str, Any] = entry.get("fieldsV1", {})
            return fields
    return {"f:metadata": {"f:none": {}}}


def owned_by_others(body: Mapping[str, Any], *path: str) -> bool:
    """Whether another manager owns the field at this path."""
    for entry in body.get("metadata", {}).get("managedFields", ()):
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            continue
        fields = entry.get("fieldsV1", {})
        for part in path:
            fields = fields.get(f"f:{part}") if isinstance(fields, Mapping) else None
        if fields is not None:
            return True
    return False


def _project(value: Any, fields: Mapping[str, Any], name: str = "") -> Any:
    """The part of a value that FieldsV1 names. An entry without nested entries stands for the entire value."""
    inner = {key: sub for key, sub in fields.items() if key != "."}
    if not inner:
        # The only object that we render empty and to which others can add single fields.
        return {} if name == "emptyDir" else value
    if isinstance(value, Mapping):
        named = {key[2:]: sub for key, sub in inner.items() if key.startswith("f:")}
        return {key: _project(value[key], sub, key) for key, sub in named.items() if key in value}
    if isinstance(value, list):
        return [_project(item, sub) for item in value for key, sub in inner.items() if _matches_item(key, item)]
    return value


def _matches_item(key: str, item: Any) -> bool:
    """Whether a list entry of FieldsV1 (`k:` by key fields, `v:` by value) refers to this item."""
    expected = json.loads(key[2:])
    if key.startswith("k:"):
        return isinstance(item, Mapping) and all(item.get(name) == part for name, part in expected.items())
    return bool(item == expected)


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def _canonical(value: Any, within: str = "", quantities: bool = False) -> Any:
    """The value as the API server returns it: quantities in one form, no empty fields without a meaning."""
    if isinstance(value, Mapping):
        inner = {
            key: _canonical(item, key, quantities or (key in _QUANTITIES and within not in _TEXT_MAPS))
            for key, item in value.items()
        }
        return {key: item for key, item in inner.items() if not _is_omitted(key, item, within)}
    if isinstance(value, list):
        return [_canonical(item, within, quantities) for item in value]
    return _canonical_quantity(value) if quantities else value


def _is_omitted(key: str, item: Any, within: str) -> bool:
    if item == "":
        return within not in _TEXT_MAPS
    return item is None or item == [] or (item == {} and key not in _MEANINGFUL_WHEN_EMPTY)


def _canonical_quantity(value: Any) -> Any:
    """A quantity as a decimal number; what is no quantity stays as it is, for the API server to reject."""
    try:
        amount: Decimal = parse_quantity(str(value))  # type: ignore[no-untyped-call]
        return format(amount.normalize(), "f") if amount.is_finite() else value
    except (ValueError, ArithmeticError):  # the decimal module raises the second, for sNaN or a huge exponent
        return value
