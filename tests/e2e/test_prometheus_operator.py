"""The ServiceMonitor and the rules, as prometheus-operator takes them and writes them into Prometheus' configuration."""

from __future__ import annotations

import base64
import gzip
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from operator_testbed import Bed, model, run
from testbed import tools
from testbed.processes import free_port, start

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("operator")
def test_generated_scrape_configuration_has_our_labels(bed: Bed, namespace: str, tmp_path: Path) -> None:
    bed.apply(model("churn", namespace, monitoring={"scrape": {"interval": "15s", "timeout": "5s"}}))
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "Prometheus",
            "metadata": {"name": "k8s", "namespace": namespace},
            "spec": {
                "serviceMonitorSelector": {},
                "ruleSelector": {},
                "version": "v3.10.0",
                "image": "prometheus:v3.10.0",
                "serviceAccountName": "default",
            },
        }
    )
    binaries = tools.ensure("prometheus-operator", "promtool")
    command: list[str | Path] = [
        binaries["prometheus-operator"],
        f"--web.listen-address=127.0.0.1:{free_port()}",
        f"--namespaces={namespace}",
        "--prometheus-config-reloader=reloader:1",
    ]
    environment = {**os.environ, "KUBECONFIG": str(bed.plane.kubeconfig)}
    process = start("prometheus-operator", command, log=tmp_path / "prometheus-operator.log", env=environment)
    try:
        secret = f"/api/v1/namespaces/{namespace}/secrets/prometheus-k8s"
        answer = bed.wait("configuration", lambda: (found := bed.plane.request("GET", secret))[0] == 200 and found[1])
        text = gzip.decompress(base64.b64decode(answer["data"]["prometheus.yaml.gz"])).decode()
        (job,) = yaml.safe_load(text)["scrape_configs"]
        assert job["job_name"] == f"serviceMonitor/{namespace}/churn/0"
        assert (job["scrape_interval"], job["scrape_timeout"], job["metrics_path"]) == ("15s", "5s", "/metrics")
        targets = {rule.get("target_label"): rule.get("source_labels") for rule in job["relabel_configs"]}
        prefix = "__meta_kubernetes_pod_label_monitoredmodels_dev_"
        assert targets["monitored_model"] == [f"{prefix}model"]
        assert targets["monitored_model_version"] == [f"{prefix}version"]
        assert "namespace" in targets
        rules = rule_files(bed, namespace)
        groups = {group["name"] for group in yaml.safe_load(rules)["groups"]}
        assert {"churn.traffic", "churn.resources", "churn.alerts-workload", "churn.alerts-traffic"} <= groups
        (tmp_path / "prometheus.yaml").write_text(without_files(text))
        checked = run([binaries["promtool"], "check", "config", "--syntax-only", tmp_path / "prometheus.yaml"])
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "skipping" not in process.tail(500), "an object was rejected"
    finally:
        process.kill()


def rule_files(bed: Bed, namespace: str) -> str:
    def found() -> Any:
        items = bed.plane.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")[1]["items"]
        rules = [body for body in items if body["metadata"]["name"] == "prometheus-k8s-rulefiles-0"]
        return rules and rules[0].get("data")

    (content,) = bed.wait("rules written", found).values()
    return str(content)


def without_files(text: str) -> str:
    """The configuration without references to files that exist in Prometheus' pod only."""
    configuration = yaml.safe_load(text)
    configuration.pop("rule_files", None)
    for job in configuration["scrape_configs"]:
        job.pop("kubernetes_sd_configs", None)
    return yaml.safe_dump(configuration)
