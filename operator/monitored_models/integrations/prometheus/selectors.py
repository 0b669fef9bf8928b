"""The labels by which Prometheus, PrometheusAgent and Alertmanager objects select children. Pure.

A selection is what one of these objects selects of one kind of child. `Selections.found_labels` computes, for a
namespace, the labels with which its children satisfy all selections; `findings` explains what became of each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...base.schema_types import wire_name
from ...naming import labels
from ...naming.kinds import (
    ALERTMANAGER,
    ALERTMANAGER_CONFIG,
    PROMETHEUS,
    PROMETHEUS_AGENT,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Kind,
)
from ...settings import FoundLabels, Settings
from .label_selector import Selector, describe, labels_to_add, parse_selector, satisfies

SELECTS: Mapping[Kind, Mapping[str, Kind]] = {
    PROMETHEUS: {"serviceMonitor": SERVICE_MONITOR, "rule": PROMETHEUS_RULE},
    PROMETHEUS_AGENT: {"serviceMonitor": SERVICE_MONITOR},
    ALERTMANAGER: {"alertmanagerConfig": ALERTMANAGER_CONFIG},
}
"""Which kinds of children each kind of object selects, by the beginning of the names of the selectors' fields."""
SETTINGS: Mapping[Kind, str] = {
    SERVICE_MONITOR: "service_monitor_labels",
    PROMETHEUS_RULE: "prometheus_rule_labels",
    ALERTMANAGER_CONFIG: "alertmanager_config_labels",
}
"""The setting with the labels of each of these children."""
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace: the only one that is known without reading namespaces."""
ELSEWHERE = ""
"""Represents all namespaces that no selection names."""
_OWN_LABELS = {
    labels.MANAGED_BY: labels.OPERATOR,
    **dict.fromkeys((labels.APP_NAME, labels.MODEL, labels.PROFILE), "<depends on the model>"),
}
"""Labels that every child has anyway: no other value of them is possible."""


class Outcome:
    """What became of a selection. Values of a label of a metric: they are stable."""

    SELECTED = "Selected"
    DISAGREES = "Disagrees"
    CANNOT_MATCH = "CannotMatch"
    SELECTS_NOTHING = "SelectsNothing"
    OTHER_NAMESPACES = "OtherNamespaces"
    NONE_FOUND = "NoneFound"
    SERVED_NAMESPACES = "ServedNamespacesOnly"


@dataclass(frozen=True, order=True)
class SelectingObject:
    """A Prometheus, PrometheusAgent or Alertmanager; without a name, all of its kind."""

    kind: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.name else self.kind


@dataclass(frozen=True)
class Selection:
    """What one object selects of one kind of child."""

    by: SelectingObject
    selects: Kind
    selector: Selector | None
    """None selects nothing."""
    namespaces: Selector | None
    """None selects the object's own namespace."""

    def reaches(self, namespace: str) -> bool | None:
        """Whether it selects children in a namespace; None if that depends on the labels of the namespace."""
        if self.selector is None:
            return False
        if self.namespaces is None:
            return namespace == self.by.namespace
        known = [each for each in self.namespaces if each.key == NAMESPACE_NAME]
        if not satisfies({NAMESPACE_NAME: namespace}, known):
            return False
        return True if len(known) == len(self.namespaces) else None


@dataclass(frozen=True)
class Finding:
    """What became of a selection, or why the objects of a kind select nothing."""

    by: SelectingObject
    selects: str
    """The kind of child; empty for all that the object could select."""
    outcome: str
    explanation: str


def selections_of(kind: Kind, body: Mapping[str, Any]) -> list[Selection]:
    """The selections of one object."""
    by = SelectingObject(kind.name, body["metadata"]["namespace"], body["metadata"]["name"])
    spec = body.get("spec") or {}
    return [
        Selection(
            by,
            selects,
            parse_selector(spec.get(f"{field}Selector")),
            parse_selector(spec.get(f"{field}NamespaceSelector")),
        )
        for field, selects in SELECTS[kind].items()
    ]


class Selections:
    """All selections of a cluster, beside the configured labels. Immutable."""

    def __init__(self, known: Iterable[Selection], settings: Settings) -> None:
        self.known = frozenset(known)
        self._served = settings.namespaces
        self._fixed = {kind: {**getattr(settings, name), **_OWN_LABELS} for kind, name in SETTINGS.items()}
        self._feasible: defaultdict[Kind, list[Selection]] = defaultdict(list)
        for each in sorted(self.known, key=lambda each: each.by):
            if each.selector is not None and self._compatible(each):
                self._feasible[each.selects].append(each)
        self._found: dict[str, FoundLabels] = {}

    def found_labels(self, namespace: str) -> FoundLabels:
        """The labels to add to the children in a namespace."""
        if namespace not in self._found:
            chosen = {name: self._choose(kind, namespace) for kind, name in SETTINGS.items()}
            self._found[namespace] = FoundLabels(**{name: tuple(sorted(of.items())) for name, of in chosen.items()})
        return self._found[namespace]

    @cached_property
    def findings(self) -> frozenset[Finding]:
        """What became of each selection."""
        return frozenset(Finding(each.by, each.selects.name, *self._outcome(each)) for each in self.known)

    def _choose(self, kind: Kind, namespace: str) -> dict[str, str]:
        """Labels that satisfy all selections of a kind in a namespace; none if they disagree.

        A selection that may not reach the namespace does not count if it disagrees with those that do.
        """
        reach = [(each, each.reaches(namespace)) for each in self._feasible[kind]]
        for counting in ((True, None), (True,)):
            requirements = [part for each, reached in reach if reached in counting for part in each.selector or ()]
            if (added := labels_to_add(requirements, self._fixed[kind])) is not None:
                return added
        return {}

    def _compatible(self, first: Selection, *others: Selection) -> bool:
        """Whether some labels satisfy all these selections of one kind."""
        requirements = [part for each in (first, *others) for part in each.selector or ()]
        return labels_to_add(requirements, self._fixed[first.selects]) is not None

    def _outcome(self, selection: Selection) -> tuple[str, str]:
        """The outcome in all namespaces together, and its explanation."""
        if selection.selector is None:
            return Outcome.SELECTS_NOTHING, "it has no selector for them"
        requires = f"it requires {describe(selection.selector)}"
        reached = [namespace for namespace in self._representatives if selection.reaches(namespace) is not False]
        if not reached:
            return Outcome.OTHER_NAMESPACES, "it selects other namespaces than those that the operator serves"
        if selection not in self._feasible[selection.selects]:
            return Outcome.CANNOT_MATCH, f"{requires}, which is impossible beside the labels that they must have"
        setting = wire_name(Settings, SETTINGS[selection.selects])
        for namespace in reached:
            if not self._is_satisfied(selection, namespace):
                where = f" in namespace {namespace}" if namespace else ""
                rival = self._rival(selection, namespace)
                return Outcome.DISAGREES, f"{requires}, but {rival}{where}; decide it with the setting {setting}"
        uncertain = any(selection.reaches(namespace) is None for namespace in reached)
        note = (
            "; its namespace selector needs labels of namespaces, which the operator does not read" if uncertain else ""
        )
        return Outcome.SELECTED, requires + note

    def _is_satisfied(self, selection: Selection, namespace: str) -> bool:
        added = getattr(self.found_labels(namespace), SETTINGS[selection.selects])
        return satisfies({**dict(added), **self._fixed[selection.selects]}, selection.selector or ())

    def _rival(self, selection: Selection, namespace: str) -> str:
        """Another selection that rules this one out."""
        for other in self._feasible[selection.selects]:
            if other.reaches(namespace) is not False and not self._compatible(selection, other):
                return f"{other.by} requires {describe(other.selector or ())}"
        return "the others together contradict it"

    @cached_property
    def _representatives(self) -> Collection[str]:
        """Namespaces among which every possible choice occurs."""
        named = {each.by.namespace for each in self.known if each.namespaces is None}
        requirements = (part for each in self.known for part in each.namespaces or () if part.key == NAMESPACE_NAME)
        named |= {value for part in requirements for value in part.values}
        return self._served or sorted({ELSEWHERE, *named})
