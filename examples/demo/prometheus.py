"""A Prometheus in a cluster, managed by prometheus-operator, and its answers through the API server.

prometheus-operator runs as a local process and not in the cluster, so it needs no image and ends with the demo. Its
controller ID limits it to the demo's own Prometheus, so it does not interfere with another prometheus-operator in the
cluster.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes_client import CRDS, UNKNOWN, Cluster

from testbed import processes, prometheus_pods, tools
from testbed.processes import Process

CONTROLLER = "monitored-models-demo"
NAMESPACE = "monitored-models-demo-monitoring"  # for the demo only, because the clean-up deletes it
NAME = "demo"
POD = f"/api/v1/namespaces/{NAMESPACE}/pods/prometheus-{NAME}-0"
RULES = [
    {"apiGroups": [""], "resources": ["nodes", "nodes/metrics"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
]
# Each node's kubelet exposes the resource usage of containers. This job is an additional scrape config and not a
# ServiceMonitor, because another Prometheus in the cluster could select a ServiceMonitor too.
KUBELETS = {
    "job_name": "kubelet-cadvisor",
    "scheme": "https",
    "metrics_path": "/metrics/cadvisor",
    "honor_timestamps": False,
    "tls_config": {"insecure_skip_verify": True},
    "authorization": {"credentials_file": "/var/run/secrets/kubernetes.io/serviceaccount/token"},
    "kubernetes_sd_configs": [{"role": "node"}],
    "metric_relabel_configs": [{"source_labels": ["container"], "regex": ".+", "action": "keep"}],
}


@dataclass(frozen=True)
class Images:
    """Images for a cluster that cannot pull the default ones."""

    prometheus: str
    reloader: str
    version: str = prometheus_pods.version("prometheus")


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus and the process of its prometheus-operator."""

    cluster: Cluster
    operator: Process

    @property
    def url(self) -> str:
        """URL by cluster IP, so no DNS is needed. Pods can reach it, and so can the host of a `OneNodeCluster`."""
        service = self.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}")
        return f"http://{service['spec']['clusterIP']}:9090"

    def samples(self, query: str) -> list[dict[str, Any]]:
        """Return the result of an instant query: a list of {"metric": {…}, "value": [time, "number"]}."""
        found: list[dict[str, Any]] = self._get("query", query=query)["result"]
        return found

    def rule_groups(self) -> list[dict[str, Any]]:
        """Return the loaded rule groups, each with `name` and `rules`."""
        found: list[dict[str, Any]] = self._get("rules")["groups"]
        return found

    def _get(self, path: str, **parameters: str) -> Any:
        # Use the pod, not its Service: the Service loses its endpoint whenever a probe is late on a busy node.
        return self.cluster.get(f"{POD}:9090/proxy/api/v1/{path}", **parameters)["data"]


@contextmanager
def running(cluster: Cluster, folder: Path, images: Images | None = None, timeout: float = 300) -> Iterator[Prometheus]:
    """Run prometheus-operator; its log goes to `folder`. Prometheus keeps running when it ends."""
    operator = start_operator(cluster, folder, images)
    try:
        processes.wait_until(lambda: _ready(cluster), "Prometheus", timeout=timeout, processes=[operator])
        yield Prometheus(cluster, operator)
    finally:
        operator.kill()


def install(cluster: Cluster, images: Images | None) -> None:
    """Apply the objects that prometheus-operator reconciles; leave existing CRDs unchanged."""
    for file in tools.prometheus_operator_crds():
        group, plural = file.stem.split("_")
        if not cluster.exists(f"{CRDS}/{plural}.{group}"):
            # Send the file unparsed: PyYAML fails on the value `=` in these CRDs.
            cluster.post(CRDS, file.read_text(), "application/yaml")
    for manifest in manifests(images):
        applied = functools.partial(_applied, cluster, manifest)
        processes.wait_until(applied, f"{manifest['kind']} {NAME}")


def manifests(images: Images | None) -> list[dict[str, Any]]:
    """Return the manifests: the namespace, the RBAC objects, Prometheus, and a Service with a cluster IP."""
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CONTROLLER}
    spec: dict[str, Any] = {
        "replicas": 1,
        "serviceAccountName": NAME,
        "scrapeInterval": "15s",
        "evaluationInterval": "15s",
        "retention": "1d",
        "resources": {"requests": {"cpu": "50m", "memory": "200Mi"}, "limits": {"memory": "1Gi"}},
        "additionalScrapeConfigs": {"name": NAME, "key": "kubelets.yaml"},
        "containers": prometheus_pods.faster(NAME, "10s"),
    }
    for kind in ("serviceMonitor", "podMonitor", "rule"):
        spec |= {f"{kind}Selector": {}, f"{kind}NamespaceSelector": {}}
    if images:
        spec |= {"image": images.prometheus, "version": images.version, "imagePullPolicy": "IfNotPresent"}
    selector = {"operator.prometheus.io/name": NAME}
    annotations = {"operator.prometheus.io/controller-id": CONTROLLER}
    return [
        _manifest("v1", "Namespace", NAMESPACE, cluster_wide=True),
        _manifest("v1", "ServiceAccount", NAME),
        _manifest("rbac.authorization.k8s.io/v1", "ClusterRole", CONTROLLER, cluster_wide=True, rules=RULES),
        _manifest(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            CONTROLLER,
            cluster_wide=True,
            roleRef=role,
            subjects=[account],
        ),
        _manifest("v1", "Secret", NAME, stringData={"kubelets.yaml": json.dumps([KUBELETS])}),
        _manifest("v1", "Service", NAME, spec={"selector": selector, "ports": [{"name": "web", "port": 9090}]}),
        _manifest("monitoring.coreos.com/v1", "Prometheus", NAME, annotations=annotations, spec=spec),
    ]


def start_operator(cluster: Cluster, folder: Path, images: Images | None) -> Process:
    """Start prometheus-operator against the cluster."""
    flags = [f"--controller-id={CONTROLLER}", f"--web.listen-address=127.0.0.1:{processes.free_port()}"]
    # With its default limit of 10m CPU, the reloader takes many seconds to start.
    flags += ["--config-reloader-cpu-limit=0", "--log-level=warn"]
    if images:
        flags.append(f"--prometheus-config-reloader={images.reloader}")
    environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig)}
    binary = tools.ensure("prometheus-operator")["prometheus-operator"]
    folder.mkdir(parents=True, exist_ok=True)
    return processes.start(
        "prometheus-operator", [binary, *flags], log=folder / "prometheus-operator.log", env=environment
    )


def _manifest(
    version: str,
    kind: str,
    name: str,
    *,
    cluster_wide: bool = False,
    annotations: dict[str, str] | None = None,
    **content: Any,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if not cluster_wide:
        metadata["namespace"] = NAMESPACE
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _applied(cluster: Cluster, manifest: dict[str, Any]) -> bool:
    try:
        cluster.apply(manifest)
    except UNKNOWN:
        return False  # the API server serves a CRD shortly after its creation, not at once
    return True


def _ready(cluster: Cluster) -> bool:
    pod = cluster.find(POD) or {"status": {}}
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
