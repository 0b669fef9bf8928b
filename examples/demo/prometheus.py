"""A Prometheus in a cluster, run by prometheus-operator, and a way to ask it.

The operator's program runs beside the demo, not in the cluster: there is nothing to pull for it, and it ends with
the demo. It is told to see to the demo's own Prometheus only, so a cluster that already has a prometheus-operator is
not disturbed, and what that one manages is left alone.
"""

from __future__ import annotations

import functools
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kube import ApiError, Cluster

from testbed import processes, sandbox, tools
from testbed.processes import Process

CONTROLLER = "monitored-models-demo"
NAMESPACE = "monitored-models-demo-monitoring"  # nobody else's: whoever cleans up deletes it
NAME = "demo"
POD = f"/api/v1/namespaces/{NAMESPACE}/pods/prometheus-{NAME}-0"
RULES = [
    {"apiGroups": [""], "resources": ["nodes", "nodes/metrics"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
]
# What containers use is measured by each node's kubelet. In the Prometheus' own configuration, and not a
# ServiceMonitor, which another Prometheus in the cluster could pick up as well.
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

OURS = {"job_name": "monitored-models", "honor_labels": True}
"""What the operator says of models carries the models' own namespace: Prometheus must keep it."""

# Merged into the containers that the operator makes, which are made for patience: whether Prometheus has started is
# looked at every 15 s, and a changed configuration that the reloader's file watch misses is found after 3 min. It
# misses most: it watches the file itself, which the kubelet replaces. Arguments can only be given all anew.
FASTER = [
    {"name": "prometheus", "startupProbe": {"periodSeconds": 1, "failureThreshold": 900}},
    {
        "name": "config-reloader",
        "args": [
            "--watch-interval=10s",
            "--listen-address=:8080",
            "--reload-url=http://localhost:9090/-/reload",
            "--config-file=/etc/prometheus/config/prometheus.yaml.gz",
            "--config-envsubst-file=/etc/prometheus/config_out/prometheus.env.yaml",
            f"--watched-dir=/etc/prometheus/rules/prometheus-{NAME}-rulefiles-0",
        ],
    },
]


@dataclass(frozen=True)
class Images:
    """Images for a cluster that cannot pull the usual ones."""

    prometheus: str
    reloader: str
    version: str


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus and the operator that looks after it."""

    cluster: Cluster
    operator: Process

    @property
    def url(self) -> str:
        """Where pods reach it, without DNS; this machine does, too, when the cluster is a `OneNodeCluster`."""
        service = self.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}")
        return f"http://{service['spec']['clusterIP']}:9090"

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The result of an instant query: a list of {"metric": {…}, "value": [time, "number"]}."""
        answer = self.get("api/v1/query?" + urllib.parse.urlencode({"query": promql}))
        return list(answer["data"]["result"])

    def get(self, path: str) -> Any:
        """Any GET of Prometheus' HTTP API, such as `api/v1/rules`."""
        # The pod and not its service, which has no endpoints for a moment whenever a busy node is late with a probe.
        return json.loads(self.cluster.request("GET", f"{POD}:9090/proxy/{path}"))


@contextmanager
def running(
    cluster: Cluster, folder: Path, images: Images | None = None, scraped: str | None = None, timeout: float = 180
) -> Iterator[Prometheus]:
    """Install Prometheus and keep its operator running; logs go to the folder. It stays when the operator ends."""
    install(cluster, images, scraped)
    operator = start_operator(cluster, folder, images)
    try:
        processes.wait_until(lambda: _ready(cluster), "Prometheus", timeout=timeout, processes=[operator])
        yield Prometheus(cluster, operator)
    finally:
        operator.kill()


def install(cluster: Cluster, images: Images | None, scraped: str | None = None) -> None:
    """Apply everything that the operator then works on; `scraped` is where our own operator shows its figures. CRDs that are there already are left as they are."""
    for file in tools.prometheus_operator_crds():
        group, plural = file.stem.split("_")
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}"
        if not cluster.exists(path):
            # Sent as it is: PyYAML stumbles over the value `=` that is in them.
            cluster.apply_text(path, file.read_bytes())
    for manifest in manifests(images, scraped):
        applied = functools.partial(_applied, cluster, manifest)
        processes.wait_until(applied, f"{manifest['kind']} {NAME}")


def manifests(images: Images | None, scraped: str | None = None) -> list[dict[str, Any]]:
    """The namespace, what Prometheus may read, Prometheus, and a service with an address of its own for it."""
    jobs = [KUBELETS, *([{**OURS, "static_configs": [{"targets": [scraped]}]}] if scraped else [])]
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
        "containers": FASTER,
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
        _manifest("v1", "Secret", NAME, stringData={"kubelets.yaml": json.dumps(jobs)}),
        _manifest("v1", "Service", NAME, spec={"selector": selector, "ports": [{"name": "web", "port": 9090}]}),
        _manifest("monitoring.coreos.com/v1", "Prometheus", NAME, annotations=annotations, spec=spec),
    ]


def start_operator(cluster: Cluster, folder: Path, images: Images | None) -> Process:
    """Start prometheus-operator against the cluster."""
    flags = [f"--controller-id={CONTROLLER}", f"--web.listen-address=127.0.0.1:{processes.free_port()}"]
    # Its default limit of 10m CPU makes the reloader take many seconds for what it has to do at the start.
    flags += ["--config-reloader-cpu-limit=0", "--log-level=warn"]
    if images:
        flags.append(f"--prometheus-config-reloader={images.reloader}")
    environment = sandbox.environment() | {"KUBECONFIG": str(cluster.kubeconfig)}
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
    except ApiError as error:
        if error.status != 404:
            raise
        return False  # a CRD is served a moment after it was made
    return True


def _ready(cluster: Cluster) -> bool:
    if not cluster.exists(POD):
        return False
    conditions = cluster.get(POD)["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
