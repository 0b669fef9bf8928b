"""The operator's identity in tests: the ServiceAccount and the roles that the chart renders, as `helm install` would create them."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from testbed import tools
from testbed.controlplane import ControlPlane

CHART = Path(__file__).parents[1] / "charts/monitored-models"
NAMESPACE = SERVICE_ACCOUNT = "monitored-models"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
"""User name in the API server's audit log."""
KINDS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
Object = dict[str, Any]


def install(plane: ControlPlane, values: Mapping[str, Any]) -> None:
    """Create what the operator is and may do, and let the user `operator` be it."""
    bodies = identity(values)
    for namespace in {body["metadata"]["namespace"] for body in bodies if "namespace" in body["metadata"]}:
        plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for body in bodies:
        plane.apply(body)
    plane.log_in("operator", NAMESPACE, SERVICE_ACCOUNT)


def identity(values: Mapping[str, Any]) -> list[Object]:
    """The ServiceAccount, the roles and their bindings of a release of the chart."""
    return [body for body in _rendered(json.dumps(values)) if body["kind"] in KINDS]


@functools.cache
def _rendered(values: str) -> list[Object]:
    """Every object of a release; Helm runs once for the same values."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.write_text(values)
        own = dict.fromkeys(("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"), folder)
        done = subprocess.run(
            [
                tools.ensure("helm")["helm"], "template", SERVICE_ACCOUNT, CHART, f"--namespace={NAMESPACE}",
                f"--values={file}",
            ],
            env=os.environ | own, text=True, capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [body for body in yaml.load_all(done.stdout, yaml.CSafeLoader) if body]
