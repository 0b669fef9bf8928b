"""Generated values for a validation rule: of the fields that its CEL names, near the boundary between valid and invalid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from monitored_models.api.validation import RESERVED_ALERT_LABELS, RESERVED_MATCHERS, ValidationRule
from monitored_models.codegen.crd import structural
from unit.specs import any_metric_name, ascii_text

JSON = dict[str, Any]
_RESERVED = (*RESERVED_MATCHERS, *RESERVED_ALERT_LABELS, "__name__", "__x", "x" * 318)
_ADMITTED = ("team", "_a1", "a.b/c", "x" * 317)
_KEY_PARTS = ("a", "B", "1", "_", "__", ".", "-", "/", " ", "é", "\n")
_REGEX_PARTS = (
    *("a", "1", ".", "*", "+", "?", "(", ")", "(?", "|", "[", "]", "[^", "-", "^", "$", "{2}", "}", "&&", "~~", "--"),
    *("\\", "\\\\", "\\d", "\\w", "\\.", "\\[", "\\]", "\\-", "\\b", ":", "é", "\n"),
)
_keys = (
    st.sampled_from(_ADMITTED)
    | st.sampled_from(_RESERVED)
    | st.lists(st.sampled_from(_KEY_PARTS), max_size=4).map("".join)
)
_regexes = st.lists(st.sampled_from(_REGEX_PARTS), max_size=6).map("".join)
_durations = st.sampled_from(["999ms", "1s", "1001ms", "60s", "1m", "119s", "2m", "121s", "5m", "12h", "24h"])
_resources = st.dictionaries(st.sampled_from(["cpu", "nvidia.com/gpu"]), st.just("1"), max_size=2)
_counts = st.integers(1, 4)
_shares = st.sampled_from([0, 1, "0%", "1%"])
_limits = st.sampled_from([0.05, 0.1, 0.25, 1.0])
_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("counter", "gauge", "histogram"), any_metric_name),
    **dict.fromkeys(("groupInterval", "interval", "repeatInterval", "timeout"), _durations),
    **dict.fromkeys(("drainSeconds", "maxReplicas", "minReplicas", "terminationGracePeriodSeconds"), _counts),
    **dict.fromkeys(("limits", "requests"), _resources),
    **dict.fromkeys(("maxSurge", "maxUnavailable"), _shares),
    **dict.fromkeys(("critical", "warning"), _limits),
    "authUsername": st.just("alerts"),
    "command": st.just(["serve"]),
    "end": st.sampled_from(["00:00", "06:00", "24:00"]),
    "image": st.just("a:1"),
    "labels": st.dictionaries(_keys, st.just("x"), max_size=2),
    "matchers": st.dictionaries(_keys, _regexes, min_size=1, max_size=2),
    "mountPath": st.sampled_from(["/dev/shm", "/dev/shm/a", "/a"]),
    "name": st.sampled_from(["mm-a", "mm", "m-m"]),
    "nodeSelector": st.dictionaries(_keys, st.just("x"), max_size=2),
    "resourceName": st.sampled_from(["nvidia.com/gpu", "a.b/c"]),
    "start": st.sampled_from(["00:00", "06:00"]),
    "uri": st.sampled_from(["file", "files", "hf", "hfs", "https", "ngc", "pvc", "s3", "s3a"]).map("{}://m".format),
}


def values(rule: ValidationRule) -> st.SearchStrategy[JSON]:
    """Values that the schema admits and the rule may reject; only with required fields and those that the rule names."""
    return _values(structural(rule.on), "", rule.cel)


def _values(schema: JSON, name: str, cel: str) -> st.SearchStrategy[Any]:
    if name in _FIELDS:
        return _FIELDS[name]
    if name == "runtime":
        return st.sampled_from([*re.findall(r"self\.runtime [!=]= '([^']+)'", cel), "vllm"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("pattern"):
        pattern = schema["pattern"].removeprefix("^").removesuffix("$")
        fitting = st.from_regex(pattern, fullmatch=True, alphabet=ascii_text)
        return fitting.filter(lambda text: len(text) <= schema["maxLength"])
    if schema["type"] == "object":
        required, words = schema.get("required", ()), set(re.findall(r"\w+", cel))
        parts = {
            field: _values(inner, field, cel)
            for field, inner in schema.get("properties", {}).items()
            if field in required or field in words
        }
        always = {field: part for field, part in parts.items() if field in required or field == "runtime"}
        return st.fixed_dictionaries(always, optional={f: part for f, part in parts.items() if f not in always})
    return _BY_TYPE[schema["type"]](schema, cel)


_BY_TYPE: Mapping[str, Callable[[JSON, str], st.SearchStrategy[Any]]] = {
    "array": lambda schema, cel: st.lists(
        _values(schema["items"], "", cel), min_size=schema.get("minItems", 0), max_size=2
    ),
    "boolean": lambda _schema, _cel: st.booleans(),
    "integer": lambda schema, _cel: st.integers(schema.get("minimum", 0), schema.get("minimum", 0) + 3),
    "string": lambda schema, _cel: st.text("ab", min_size=schema.get("minLength", 0), max_size=2),
}
