"""What is wrong with a model, found offline: schema and rules by parsing, then what would be made of it."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser

from .api import InvalidSpec, Model, Problem
from .desired import Child, render
from .kinds import PROMETHEUS_RULE
from .settings import Settings


def problems(parsed: Model | InvalidSpec, settings: Settings) -> list[Problem]:
    """Every problem; none for a model that can be applied."""
    if isinstance(parsed, InvalidSpec):
        return list(parsed.problems)
    try:
        children = render(parsed, settings, parsed.minimum_replicas)
    except ValueError as error:  # a text that a rule should have refused
        return [Problem("spec", str(error))]
    return [problem for child in children for problem in _rule_problems(child)]


def _rule_problems(child: Child) -> Iterator[Problem]:
    if child["kind"] != PROMETHEUS_RULE.name:
        return
    for group in child["spec"]["groups"]:
        for rule in group["rules"]:
            try:
                promql_parser.parse(rule["expr"])
            except ValueError as error:
                name = rule.get("alert") or rule.get("record")
                yield Problem("spec.monitoring", f"the rule {name} would not be valid PromQL: {error}")
