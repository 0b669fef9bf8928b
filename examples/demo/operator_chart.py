"""The operator in the cluster, installed by its Helm chart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import models
from kubernetes_client import CRDS, ERRORS, Cluster, reason

from testbed.helm import Helm, HelmError
from testbed.processes import NotReadyError

RELEASE = "demo"
NAMESPACE = "monitored-models-demo-operator"  # for the demo only, because the clean-up deletes it


@contextmanager
def running(cluster: Cluster, image: str, folder: Path, *, own: bool) -> Iterator[None]:
    """Install the operator and wait until it is ready. A failure comes with the last lines of its pods' logs."""
    try:
        Helm(cluster.kubeconfig, NAMESPACE, folder).install(RELEASE, _values(cluster, image, own=own))
        yield
    except (HelmError, NotReadyError, *ERRORS) as error:
        raise NotReadyError("\n".join([reason(error), *_logs(cluster)])) from error


def uninstall(cluster: Cluster, folder: Path) -> None:
    """Remove what the chart installed, and its namespace. The CRDs stay, as the chart's values ask."""
    Helm(cluster.kubeconfig, NAMESPACE, folder).run("uninstall", RELEASE, "--ignore-not-found")
    cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})


def image_values(image: str) -> dict[str, str]:
    """The chart's values for an image. Raises ValueError for one without a tag or digest."""
    repository, _, digest = image.partition("@")
    if digest:
        return {"repository": repository, "digest": digest}
    repository, _, tag = image.rpartition(":")
    if not repository or "/" in tag:
        raise ValueError(f"{image!r} has no tag or digest: name it repository:tag or repository@sha256:…")
    return {"repository": repository, "tag": tag}


def _values(cluster: Cluster, image: str, *, own: bool) -> dict[str, Any]:
    """In a cluster that is not the demo's own, the operator leaves the models of others alone."""
    return {
        "image": image_values(image),
        "crds": {"enabled": _brings_crds(cluster)},
        "settings": {} if own else {"namespaces": [models.NAMESPACE]},
        "metrics": {
            "serviceMonitor": {"enabled": True, "interval": "15s"},
            "rules": {"enabled": True},
            "dashboards": {"enabled": True},
        },
    }


def _brings_crds(cluster: Cluster) -> bool:
    """Whether the chart may install the CRDs: there are none yet, or those of an earlier demo."""
    found = cluster.find(f"{CRDS}/monitoredmodels.monitoredmodels.dev")
    return found is None or found["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace") == NAMESPACE


def _logs(cluster: Cluster) -> Iterator[str]:
    """The last lines of each pod's log, or why the pod has none."""
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    try:
        for pod in cluster.get(pods)["items"]:
            name = pod["metadata"]["name"]
            yield f"--- pod {name}, {pod['status']['phase']}:"
            yield str(cluster.get(f"{pods}/{name}/log", tailLines=20)).strip()
    except ERRORS as error:
        yield reason(error)
