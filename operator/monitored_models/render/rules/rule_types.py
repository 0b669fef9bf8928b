"""Rules as values, independent of the form in which an output writes them (`writers/`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RUNBOOKS = "docs/runbooks"
"""Folder of the runbooks in this repository."""


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A rule that records the result of an expression as a series."""

    record: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """A rule that fires for each result of an expression that persists."""

    alert: str
    expression: str
    for_: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    """Prometheus templates, from `alert_annotations`."""


Rule = RecordingRule | AlertingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after another."""

    name: str
    rules: tuple[Rule, ...]
    interval: str | None = None
    """Evaluation interval; None for the default of Prometheus."""


def alert_annotations(
    alert: str, *, summary: str, description: str, runbooks: str = "", dashboard_url: str = ""
) -> dict[str, str]:
    """Return the annotations of an alert.

    Args:
        alert: Name of the alert, and of its runbook.
        summary: One sentence without templates.
        description: Prometheus template.
        runbooks: URL of the folder of runbooks; empty for the folder in this repository.
        dashboard_url: URL of the dashboard of the alert's subject; empty if there is none.
    """
    found = {
        "summary": summary,
        "description": description,
        "runbook_url": f"{runbooks.rstrip('/') or RUNBOOKS}/{alert}.md",
    }
    if dashboard_url:
        found["dashboard_url"] = dashboard_url
    return found
