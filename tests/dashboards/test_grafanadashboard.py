"""The object for grafana-operator: there only where the settings ask for it, and of the same text as the ConfigMap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.rendered_dashboards import of_runtime
from monitored_models.render.children import render
from monitored_models.settings import GrafanaOperator, InstanceSelector, InvalidSettings, Settings, load

ASKED = Settings(
    grafana_operator=GrafanaOperator(instance_selector=InstanceSelector(match_labels={"dashboards": "grafana"}))
)


def children(settings: Settings, dashboard: dict[str, Any]) -> dict[str, dict[str, Any]]:
    made = of_runtime("custom", {"dashboard": dashboard})
    return {child["kind"]: child for child in render(made, settings, 1)}


def test_grafana_dashboard_names_the_config_map_and_its_key() -> None:
    found = children(ASKED, {"folder": "Risk"})
    (key,) = found["ConfigMap"]["data"]
    assert found["GrafanaDashboard"]["apiVersion"] == "grafana.integreatly.org/v1beta1"
    assert found["GrafanaDashboard"]["spec"] == {
        "instanceSelector": {"matchLabels": {"dashboards": "grafana"}},
        "configMapRef": {"name": found["ConfigMap"]["metadata"]["name"], "key": key},
        "folder": "Risk",
        "resyncPeriod": "24h0m0s",
        "allowCrossNamespaceImport": True,
    }


@pytest.mark.parametrize(
    ("settings", "dashboard"), [(Settings(), {}), (ASKED, {"enabled": False})], ids=["nobody asks", "no dashboard"]
)
def test_grafana_dashboard_is_there_only_where_it_is_asked_for(settings: Settings, dashboard: dict[str, Any]) -> None:
    assert "GrafanaDashboard" not in children(settings, dashboard)


def test_selector_that_takes_no_label_is_refused(tmp_path: Path) -> None:
    """It would be every Grafana of the cluster."""
    path = tmp_path / "settings.yaml"
    path.write_text("grafanaOperator: {instanceSelector: {matchLabels: {}}}\n")
    with pytest.raises(InvalidSettings, match="matchLabels"):
        load(path)
