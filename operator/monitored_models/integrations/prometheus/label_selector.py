"""Label selectors of Kubernetes as values, and the labels that satisfy several of them. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...api.fields import DNS_LABEL, LABEL_KEY, LABEL_VALUE
from ...base.json_paths import get_path, objects, texts
from ...settings import MAX_LABELS

ANY_VALUE = "true"
"""Value of a label of which a selector only requires that it exists."""


@dataclass(frozen=True)
class Requirement:
    """A condition on the label `key`."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def accepts(self, value: str | None) -> bool:
        """Whether a value satisfies it; None if the label is missing."""
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
        return False  # an operator that Kubernetes does not have yet

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={next(iter(self.values))}"
        return f"{self.key} {self.operator}" + (f" ({', '.join(sorted(self.values))})" if self.values else "")


Selector = tuple[Requirement, ...]
"""All requirements must hold; an empty selector accepts everything."""


def parse_selector(body: Any) -> Selector | None:
    """The selector in a field of an object; None if the object has none."""
    if not isinstance(body, Mapping):
        return None
    equal: dict[str, Any] = get_path(body, "matchLabels", {})
    return (
        *(Requirement(key, "In", frozenset({str(value)})) for key, value in equal.items()),
        *(
            Requirement(get_path(each, "key", ""), get_path(each, "operator", ""), frozenset(texts(each.get("values"))))
            for each in objects(body, "matchExpressions")
        ),
    )


LONGEST_TEXT = 300
"""Characters of a selector in a message."""


def describe(selector: Selector) -> str:
    """A selector as text, for messages."""
    text = ", ".join(map(str, selector)) or "no label"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def satisfies(present: Mapping[str, str], selector: Iterable[Requirement]) -> bool:
    """Whether labels satisfy a selector."""
    return all(each.accepts(present.get(each.key)) for each in selector)


def labels_to_add(requirements: Iterable[Requirement], fixed: Mapping[str, str]) -> dict[str, str] | None:
    """The fewest labels that, beside the fixed ones, satisfy all requirements; None if there are none."""
    by_key: defaultdict[str, list[Requirement]] = defaultdict(list)
    for each in requirements:
        by_key[each.key].append(each)
    added: dict[str, str] = {}
    for key, group in by_key.items():
        possible = [fixed[key]] if key in fixed else [None, *_candidates(key, group)]
        fitting = [value for value in possible if all(each.accepts(value) for each in group)]
        if not fitting:
            return None
        if fitting[0] is not None and key not in fixed:
            added[key] = fitting[0]
    return added if not added or len(fixed) + len(added) <= MAX_LABELS else None


def _candidates(key: str, group: Iterable[Requirement]) -> list[str]:
    """Values to try for a label. The API server checks labels, but not the selectors of custom resources."""
    listed = [each.values for each in group if each.operator == "In"]
    values = sorted(frozenset.intersection(*listed)) if listed else [ANY_VALUE]
    prefix, _, name = key.rpartition("/")
    parts_hold = not prefix or all(re.fullmatch(DNS_LABEL, part) for part in prefix.split("."))
    if len(prefix) > 253 or len(name) > 63 or not parts_hold or not re.fullmatch(LABEL_KEY, key):
        return []
    return [value for value in values if len(value) <= 63 and (not value or re.fullmatch(LABEL_VALUE, value))]
