"""Rules are values, and the form of each output is a writer's own: a second one needs nothing of the first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.api import Model, parse
from monitored_models.files.local_objects import read
from monitored_models.render.operator import operator_alerts
from monitored_models.render.rules import model_rules
from monitored_models.render.rules.rule_types import AlertingRule, RecordingRule, RuleGroup, alert_annotations
from monitored_models.render.rules.writers.prometheus_operator import write_groups
from monitored_models.settings import Settings
from unit import render_helpers
from unit.specs import FULL, JSON, RUNTIMES, model

ROOT = Path(__file__).parents[4]
SETTINGS = Settings()


def write_lines(groups: Iterable[RuleGroup]) -> Iterator[str]:
    """A second writer: one line of text for each group and rule."""
    for group in groups:
        yield f"# {group.name}, every {group.interval or 'default'}"
        for rule in group.rules:
            labels = ",".join(f"{name}={value}" for name, value in rule.labels.items())
            if isinstance(rule, RecordingRule):
                yield f"{rule.record}{{{labels}}} = {rule.expression}"
            else:
                yield f"{rule.alert}{{{labels}}} after {rule.for_} if {rule.expression} # {rule.annotations['summary']}"


def lines_of(groups: list[JSON]) -> list[str]:
    """The lines that a PrometheusRule's groups would have."""
    lines = []
    for group in groups:
        lines.append(f"# {group['name']}, every {group.get('interval', 'default')}")
        for rule in group["rules"]:
            labels = ",".join(f"{name}={value}" for name, value in rule.get("labels", {}).items())
            if "record" in rule:
                lines.append(f"{rule['record']}{{{labels}}} = {rule['expr']}")
            else:
                summary = rule["annotations"]["summary"]
                lines.append(f"{rule['alert']}{{{labels}}} after {rule['for']} if {rule['expr']} # {summary}")
    return lines


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_second_writer_writes_all_rules_of_a_model(spec: JSON) -> None:
    made = model(spec)
    lines = list(write_lines(model_rules.groups(made, SETTINGS)))
    assert lines
    assert lines == lines_of(render_helpers.groups(made))


def test_second_writer_writes_the_alerts_on_the_operator() -> None:
    groups = operator_alerts.groups()
    assert list(write_lines(groups)) == lines_of(operator_alerts.prometheusrule()["spec"]["groups"])
    assert sum(len(group.rules) for group in groups) == len(operator_alerts.OPERATOR_ALERTS)


def test_reviewed_rules_of_the_full_example_are_what_the_writer_writes() -> None:
    manifests = read([ROOT / "examples/everything.yaml"])
    (document,) = manifests.models
    made = parse(document.body, SETTINGS.platform, manifests.profile_of(document))
    assert isinstance(made, Model), made
    golden = yaml.load_all((ROOT / "tests/golden/everything.yaml").read_text(), yaml.CSafeLoader)
    (reviewed,) = (child["spec"] for child in golden if child["kind"] == "PrometheusRule")
    written = {"groups": write_groups(model_rules.groups(made, SETTINGS))}
    assert in_order(written) == in_order(reviewed)
    assert in_order(written) == in_order(render_helpers.children(made, SETTINGS)["PrometheusRule"]["spec"])


def in_order(content: Any) -> str:
    """JSON, in which the order of keys counts."""
    return json.dumps(content, indent=1)


def test_model_that_is_not_scraped_has_no_rules() -> None:
    assert model_rules.groups(model(monitoring__scrape__enabled=False), SETTINGS) == []


def test_what_is_not_set_is_left_out() -> None:
    assert write_groups([RuleGroup("g", (RecordingRule("r", "1"),))]) == [
        {"name": "g", "rules": [{"record": "r", "expr": "1"}]}
    ]


def test_mappings_that_rules_share_are_written_out_for_each() -> None:
    shared = {"a": "b"}
    rules = (RecordingRule("r", "1", shared), AlertingRule("A", "1", "5m", shared, shared))
    assert "&" not in yaml.safe_dump(write_groups([RuleGroup("g", rules, "5m")]))


@pytest.mark.parametrize(
    ("runbooks", "page"),
    [
        ("", "docs/runbooks/A.md"),
        ("https://example.com/pages", "https://example.com/pages/A.md"),
        ("https://example.com/pages/", "https://example.com/pages/A.md"),
    ],
)
def test_annotations_are_alike_with_and_without_a_dashboard(runbooks: str, page: str) -> None:
    without = alert_annotations("A", summary="S.", description="D.", runbooks=runbooks)
    assert list(without.items()) == [("summary", "S."), ("description", "D."), ("runbook_url", page)]
    linked = alert_annotations("A", summary="S.", description="D.", runbooks=runbooks, dashboard_url="/d/a")
    assert linked == {**without, "dashboard_url": "/d/a"}
