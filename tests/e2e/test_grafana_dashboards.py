"""GrafanaDashboards: there where the settings ask for them and the cluster knows them, and gone with the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitored_models.naming.kinds import CONFIG_MAP, GRAFANA_DASHBOARD
from operator_testbed import OWN_CRDS, model, prometheus_crds, running_bed

pytestmark = pytest.mark.e2e

DEFINITION = Path(__file__).parent / "grafanadashboards.yaml"
ASKED = {"grafanaOperator": {"instanceSelector": {"matchLabels": {"dashboards": "grafana"}}}}


def test_grafana_dashboard_comes_with_its_kind_and_goes_with_the_setting(tmp_path: Path) -> None:
    with running_bed(tmp_path, [*OWN_CRDS, *prometheus_crds()]) as bed:
        namespace, name = "grafana", "churn-dashboard"
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        with bed.operator("asked", discoverySeconds=1, **ASKED):
            bed.apply(model("churn", namespace))
            missing = bed.wait_for(namespace, "churn", "CRDNotInstalled", kind="MonitoringApplied")
            assert "grafanaOperator" in missing["message"]
            assert bed.get(CONFIG_MAP, namespace, name) is not None
            status, answer = bed.plane.request(
                "POST",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                DEFINITION.read_text(),
                content_type="application/yaml",
            )
            assert status == 201, answer
            bed.wait("served", lambda: bed.plane.request("GET", GRAFANA_DASHBOARD.path(namespace))[0] == 200)
            made = bed.wait("made", lambda: bed.get(GRAFANA_DASHBOARD, namespace, name))
            assert made["spec"]["configMapRef"]["name"] == name
            bed.wait_for(namespace, "churn", "Ready")
            bed.quiet(namespace)
            bed.delete(GRAFANA_DASHBOARD, namespace, name)
            bed.wait("made anew", lambda: bed.get(GRAFANA_DASHBOARD, namespace, name))
        with bed.operator("not-asked"):
            bed.wait_gone(GRAFANA_DASHBOARD, namespace, name)
            assert bed.get(CONFIG_MAP, namespace, name) is not None
