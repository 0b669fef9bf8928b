"""One real node for all tests of this folder: a platform's monitoring on it, and the operator from its image by its chart."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import images as demo_images
import pytest
import yaml

from cluster import stack
from operator_testbed import Bed
from testbed import operator_image, tools
from testbed.helm import Helm
from testbed.node import OneNodeCluster

RELEASE, OPERATOR_NAMESPACE, MODELS = "mm", "monitored-models", "models"
FULL_NAME = "mm-monitored-models"
VERSION = version("monitored-models")
REGISTRY = "docker.io/local"
ROOT = Path(__file__).parents[2]
VALUES: dict[str, Any] = {
    # The labels that Prometheus and Alertmanager select models' objects by are found: the setting `labels` is `auto`.
    "imageRegistry": REGISTRY,
    "settings": {"discoverySeconds": 10},
    "metrics": {
        "serviceMonitor": {"enabled": True, "labels": stack.RELEASE, "interval": "5s"},
        "rules": {"enabled": True, "labels": stack.RELEASE},
        "dashboards": {"enabled": True},
    },
}


@dataclass
class Site:
    """A cluster with the operator installed."""

    bed: Bed
    cluster: OneNodeCluster
    helm: Helm
    image: str
    """Of a model server."""
    values: dict[str, Any]
    """With which the chart is installed."""
    installed: float
    """Time of `helm install`, of the monotonic clock."""

    @property
    def prometheus(self) -> str:
        """URL of Prometheus."""
        return stack.address(self.bed, "prometheus", 9090)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that remove the operator last: all tests of this folder share the node."""
    items.sort(key=lambda item: item.path.name == "test_operator.py")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The cluster, with the namespace `models`, which enforces the restricted profile."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with OneNodeCluster("tests", crds=tools.prometheus_operator_crds()) as cluster:
        bed = Bed(
            cluster.control_plane, folder, operator_user=f"system:serviceaccount:{OPERATOR_NAMESPACE}:{FULL_NAME}"
        )
        cluster.start_metrics_server()
        stack.install(cluster)
        image = cluster.import_image(demo_images.model())
        operator = cluster.import_image(operator_image.build(VERSION))
        enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
        for name in (MODELS, OPERATOR_NAMESPACE):
            bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforce}})
        stack.wait_ready(bed)
        helm = Helm(cluster.kubeconfig, OPERATOR_NAMESPACE, folder)
        assert operator == f"{REGISTRY}/monitored-models:{VERSION}"
        (folder / "values.yaml").write_text(yaml.safe_dump(VALUES))
        began = time.monotonic()
        helm.run(*readme_install(), f"--values={folder / 'values.yaml'}", "--timeout=180s")
        print(f"helm install took {time.monotonic() - began:.0f} s")
        yield Site(bed, cluster, helm, image, VALUES, began)


def readme_install() -> list[str]:
    """The words of the README's `helm install`, with the registry of this cluster."""
    (line,) = re.findall(r"^helm (install .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return shlex.split(line.replace("registry.example.com", REGISTRY))
