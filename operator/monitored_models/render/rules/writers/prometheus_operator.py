"""The form of prometheus-operator: the groups in the spec of a PrometheusRule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..rule_types import AlertingRule, Rule, RuleGroup


def write_groups(groups: Iterable[RuleGroup]) -> list[dict[str, Any]]:
    """Return the groups as values of `spec.groups`."""
    return [_group(group) for group in groups]


def _group(group: RuleGroup) -> dict[str, Any]:
    written = {"name": group.name, "rules": [_rule(rule) for rule in group.rules]}
    return written if group.interval is None else {**written, "interval": group.interval}


def _rule(rule: Rule) -> dict[str, Any]:
    # Mappings are copied: rules may share one, which YAML would write as an alias.
    if isinstance(rule, AlertingRule):
        return {
            "alert": rule.alert,
            "expr": rule.expression,
            "for": rule.for_,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
        }
    recorded: dict[str, Any] = {"record": rule.record, "expr": rule.expression}
    if rule.labels:  # the API server drops an empty map, which would be a difference
        recorded["labels"] = dict(rule.labels)
    return recorded
