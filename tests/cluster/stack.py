"""What a platform has before the operator comes: prometheus-operator, Prometheus and Alertmanager, all in the cluster.

Roles and service accounts are those that prometheus-operator ships as examples. Prometheus and Alertmanager select
objects by the label `release`, as kube-prometheus-stack does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from operator_testbed import Bed
from testbed import prometheus_pods, tools
from testbed.node import OneNodeCluster
from testbed.processes import wait_until

NAMESPACE = "monitoring"
RELEASE = {"release": "platform"}
PROGRAMS = ("prometheus-operator", "prometheus-config-reloader", "prometheus", "alertmanager")
Object = dict[str, Any]


def install(cluster: OneNodeCluster) -> None:
    """Apply all of it. The CRDs must be there."""
    names = {program: cluster.import_image(prometheus_pods.image(program)) for program in PROGRAMS}
    for manifest in [*_operator(names), *_prometheus(names), *_alertmanager(names), *_kubelet()]:
        cluster.control_plane.apply(manifest)


def wait_ready(bed: Bed, timeout: float = 180) -> None:
    """Wait until Prometheus and Alertmanager are ready."""
    for pod in ("prometheus-main-0", "alertmanager-main-0"):
        wait_until(partial(_ready, bed, pod), pod, timeout=timeout)


def address(bed: Bed, service: str, port: int) -> str:
    """The URL of a Service by its cluster IP, which this machine reaches too."""
    _, body = bed.plane.request("GET", f"/api/v1/namespaces/{NAMESPACE}/services/{service}")
    return f"http://{body['spec']['clusterIP']}:{port}"


def _ready(bed: Bed, pod: str) -> bool:
    status, body = bed.plane.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")
    conditions = body["status"].get("conditions", ()) if status == 200 else ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _example(name: str) -> Object:
    """A manifest that prometheus-operator ships, in this namespace."""
    module = tools.module_dir("prometheus-operator", "github.com/prometheus-operator/prometheus-operator")
    manifest: Object = yaml.safe_load((module / "example/rbac" / name).read_text())
    if "namespace" in manifest["metadata"] or manifest["kind"] == "ServiceAccount":
        manifest["metadata"]["namespace"] = NAMESPACE
    for subject in manifest.get("subjects", ()):
        subject["namespace"] = NAMESPACE
    return manifest


def _operator(names: dict[str, str]) -> list[Object]:
    folder = "prometheus-operator/prometheus-operator"
    parts = [_example(f"{folder}-{part}.yaml") for part in ("service-account", "cluster-role", "cluster-role-binding")]
    deployment = _example(f"{folder}-deployment.yaml")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "image": names["prometheus-operator"],
        "args": [
            "--kubelet-service=kube-system/kubelet",
            f"--prometheus-config-reloader={names['prometheus-config-reloader']}",
            "--config-reloader-cpu-limit=0",  # with its default of 10m, the reloader takes many seconds to start
        ],
        "resources": {},
    }
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *parts, deployment]


def _prometheus(names: dict[str, str]) -> list[Object]:
    parts = [_example(f"prometheus/prometheus-{part}.yaml") for part in ("service-account", "cluster-role-binding")]
    role = _example("prometheus/prometheus-cluster-role.yaml")
    role["rules"].append({"nonResourceURLs": ["/metrics/cadvisor"], "verbs": ["get"]})
    spec: Object = {
        "replicas": 1,
        "image": names["prometheus"],
        "version": prometheus_pods.version("prometheus"),
        "imagePullPolicy": "IfNotPresent",
        "serviceAccountName": "prometheus",
        "scrapeInterval": "5s",
        "evaluationInterval": "5s",
        "containers": prometheus_pods.faster("main", "5s"),
        "alerting": {"alertmanagers": [{"namespace": NAMESPACE, "name": "alertmanager-operated", "port": "web"}]},
    }
    for kind in ("serviceMonitor", "podMonitor", "rule"):
        spec |= {f"{kind}Selector": {"matchLabels": RELEASE}, f"{kind}NamespaceSelector": {}}
    return [*parts, role, _custom("Prometheus", "main", spec), _service("prometheus", {"prometheus": "main"}, 9090)]


def _alertmanager(names: dict[str, str]) -> list[Object]:
    spec = {
        "replicas": 1,
        "image": names["alertmanager"],
        "version": prometheus_pods.version("alertmanager"),
        "imagePullPolicy": "IfNotPresent",
        "alertmanagerConfigSelector": {"matchLabels": RELEASE},
        "alertmanagerConfigNamespaceSelector": {},
    }
    return [_custom("Alertmanager", "main", spec), _service("alertmanager", {"alertmanager": "main"}, 9093)]


def _kubelet() -> list[Object]:
    """The kubelet's series of containers and volumes, by the Service that prometheus-operator keeps."""
    endpoint = {
        "port": "https-metrics",
        "scheme": "https",
        "honorTimestamps": False,
        "honorLabels": True,
        "bearerTokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "tlsConfig": {"insecureSkipVerify": True},
    }
    keep = {"sourceLabels": ["__name__"], "regex": "kubelet_volume_stats_.*", "action": "keep"}
    cadvisor = {"path": "/metrics/cadvisor", "metricRelabelings": []}
    spec = {
        "namespaceSelector": {"matchNames": ["kube-system"]},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "kubelet"}},
        "endpoints": [endpoint | cadvisor, endpoint | {"metricRelabelings": [keep]}],
    }
    return [_custom("ServiceMonitor", "kubelet", spec, RELEASE)]


def _custom(kind: str, name: str, spec: Object, labels: dict[str, str] | None = None) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _service(name: str, selector: dict[str, str], port: int) -> Object:
    spec = {"selector": selector, "ports": [{"port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
