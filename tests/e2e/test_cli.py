"""`mmctl diff` says what the operator would do, and nothing where it would do nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from operator_testbed import ROOT, Bed, model, profile, run

pytestmark = pytest.mark.e2e


def diff(bed: Bed, directory: Path, *bodies: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    file = directory / "model.yaml"
    file.write_text(yaml.safe_dump_all(bodies))
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


@pytest.mark.usefixtures("operator")
def test_diff_inherits_from_the_profile_of_the_file_else_from_that_of_the_cluster(
    bed: Bed, namespace: str, tmp_path: Path
) -> None:
    body = model("churn", namespace, monitoring={"profile": "gold"})
    bed.apply(body)
    bed.wait_for(namespace, "churn", "Ready")
    missing = diff(bed, tmp_path, body)
    assert (missing.returncode, missing.stdout) == (0, "")
    assert "no MonitoringProfile gold" in missing.stderr
    slow, slower = (profile("gold", namespace, scrape={"interval": interval}) for interval in ("45s", "60s"))
    bed.apply(slow)
    bed.wait_for(namespace, "churn", "Complete", kind="MonitoringConfigured")
    same = diff(bed, tmp_path, body)
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    assert diff(bed, tmp_path, body, slow).returncode == 0
    changed = diff(bed, tmp_path, body, slower)
    assert changed.returncode == 1
    assert {"interval: 45s", "interval: 60s"} <= {line[1:].strip(" -") for line in changed.stdout.splitlines()}


def test_diff_without_a_cluster_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(yaml.safe_dump(model("churn", "risk")))
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "diff", "-f", file]
    done = run(command, env={**os.environ, "KUBECONFIG": str(tmp_path / "none")}, cwd=ROOT)
    assert done.returncode == 2
    assert "Set KUBECONFIG" in done.stderr
    assert "Traceback" not in done.stderr
