"""Validates a model or a profile offline: schema and validation rules by parsing, then the objects rendered from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from ..api import API_VERSION, PROFILE_KIND, InvalidSpec, Model, Problem, profile_problems
from ..api.fields import DNS_LABEL, DNS_SUBDOMAIN
from ..naming.kinds import PROMETHEUS_RULE
from ..render.children import Child, render
from ..settings import Settings


def model_problems(parsed: Model | InvalidSpec, settings: Settings) -> list[Problem]:
    """Every problem of a model; none if it can be applied."""
    if isinstance(parsed, InvalidSpec):
        return list(parsed.problems)
    try:
        children = render(parsed, settings, parsed.minimum_replicas)
    except ValueError as error:  # a text that validation should have rejected
        return [Problem("spec", str(error))]
    return [problem for child in children for problem in _rule_problems(child)]


def profile_object_problems(body: Mapping[str, Any]) -> list[Problem]:
    """Every problem of a MonitoringProfile; none if it can be applied."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    found = []
    if body.get("apiVersion") != API_VERSION:
        found.append(Problem("apiVersion, kind", f"must be {API_VERSION}, {PROFILE_KIND}"))
    if not _is_text(metadata.get("name"), DNS_SUBDOMAIN, 253):
        found.append(Problem("metadata.name", "must be a text of at most 253 characters of a-z, 0-9, - and ."))
    if not _is_text(metadata.get("namespace") or "default", DNS_LABEL, 63):
        found.append(Problem("metadata.namespace", "must be a text of at most 63 characters of a-z, 0-9 and -"))
    if "spec" not in body:
        return [*found, Problem("spec", "required, and missing")]
    wrong = profile_problems(body["spec"])
    return [*found, *(wrong.problems if wrong else ())]


def _is_text(value: Any, pattern: str, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and re.fullmatch(pattern, value) is not None


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
