"""`mmctl diff` says what the operator would do, and nothing where it would do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubernetes_bed import ROOT, Bed, model, run

pytestmark = pytest.mark.e2e


def diff(bed: Bed, directory: Path, body: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    file = directory / "model.yaml"
    file.write_text(yaml.safe_dump(body))
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "diff", "-f", file]
    return run(command, env={**os.environ, "KUBECONFIG": str(bed.plane.kubeconfig)}, cwd=ROOT)


@pytest.mark.usefixtures("operator")
def test_diff_is_empty_for_what_is_applied_and_shows_what_would_change(
    bed: Bed, namespace: str, tmp_path: Path
) -> None:
    body = model("churn", namespace, disruptionBudget={"minAvailable": 1})
    new = diff(bed, tmp_path, body)
    assert new.returncode == 1
    assert f"+++ wanted/Deployment/{namespace}/churn" in new.stdout
    bed.apply(body)
    bed.wait_for(namespace, "churn", "Ready")
    same = diff(bed, tmp_path, body)
    assert (same.returncode, same.stdout) == (0, ""), same.stdout + same.stderr
    changed = diff(bed, tmp_path, model("churn", namespace, port=9000))
    assert changed.returncode == 1
    assert "-        - containerPort: 8080" in changed.stdout
    assert "+        - containerPort: 9000" in changed.stdout
    assert f"--- live/PodDisruptionBudget/{namespace}/churn" in changed.stdout
    assert "NetworkPolicy" not in changed.stdout


def test_diff_without_a_cluster_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(yaml.safe_dump(model("churn", "risk")))
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "diff", "-f", file]
    done = run(command, env={**os.environ, "KUBECONFIG": str(tmp_path / "none")}, cwd=ROOT)
    assert done.returncode == 2
    assert "Set KUBECONFIG" in done.stderr
    assert "Traceback" not in done.stderr
