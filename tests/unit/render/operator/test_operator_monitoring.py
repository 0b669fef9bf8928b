"""Rules, dashboard and runbooks of the operator itself: tied to each other, and to what the operator exposes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import pytest

from dashboards.rendered_dashboards import panels
from monitored_models.render.operator.operator_alerts import OPERATOR_ALERTS, OperatorAlert
from monitored_models.render.operator.operator_dashboard import dashboard_json
from monitored_models.telemetry.model_metrics import FAMILIES
from monitored_models.telemetry.telemetry import Telemetry

ROOT = Path(__file__).parents[4]
RUNBOOKS = ROOT / "docs/runbooks"
PANELS = list(panels(json.loads(dashboard_json())))


def exposed() -> set[str]:
    """Names of all series that /metrics can have."""
    telemetry = Telemetry()
    telemetry.watches.opened("/api/v1/pods")
    kinds = {metric.name: metric.type for metric in telemetry.metrics.registry.collect()}
    names = {f"{name}_total" if kind == "counter" else name for name, kind in kinds.items()}
    names |= {f"{name}{end}" for name, kind in kinds.items() if kind == "histogram" for end in ("_bucket", "_count")}
    return names | {family.name for family in FAMILIES}


def named(expression: str) -> set[str]:
    """Names of the series that an expression reads."""
    promql_parser.parse(expression)
    return set(re.findall(r"\b((?:monitored_models?|process)_\w+)", expression))


@pytest.mark.parametrize("alert", OPERATOR_ALERTS, ids=lambda alert: alert.name)
def test_alert_reads_what_is_exposed(alert: OperatorAlert) -> None:
    assert named(alert.expression)
    assert named(alert.expression) <= exposed()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_reads_what_is_exposed_and_says_what_it_shows(panel: dict[str, object]) -> None:
    targets = panel["targets"]
    assert isinstance(targets, list)
    for target in targets:
        assert named(target["expr"])
        assert named(target["expr"]) <= exposed()
    assert panel["title"]
    assert panel["description"]


def test_every_alert_has_a_page_and_every_page_of_the_operator_an_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("MonitoredModels*.md")}
    assert pages == {alert.name for alert in OPERATOR_ALERTS}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_page_has_what_someone_who_was_woken_needs(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^#+ (.+)$", text, re.MULTILINE) == [
        page.stem,
        "Meaning",
        "Impact",
        "First checks",
        "Ways out",
    ]
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 3


def test_every_series_of_models_is_documented() -> None:
    documented = set(re.findall(r"`(monitored_model_\w+)`", (ROOT / "docs/operating.md").read_text()))
    assert documented == {family.name for family in FAMILIES}
