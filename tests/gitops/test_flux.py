"""What Flux and `kubectl wait` conclude from the status of a model: kstatus as Flux has it, and a real kubectl."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from monitored_models.codegen.argocd import SCRIPTS
from monitored_models.naming.kinds import MODEL
from operator_testbed import ROOT, Bed, model
from testbed import tools

pytestmark = pytest.mark.e2e

CASES = ROOT / SCRIPTS / "testdata"
STATUS = {
    "new": "InProgress",
    "progressing": "InProgress",
    "healthy": "Current",
    "degraded": "Failed",
    "suspended": "InProgress",
    "old-generation": "InProgress",
}
"""Of the cases of Argo CD's health check. One without any status is of an older CRD: kstatus takes it for ready."""


def flux(command: str, *bodies: Any) -> subprocess.CompletedProcess[str]:
    text = "\n".join(json.dumps(body) for body in bodies)
    words = [str(tools.ensure("flux")["flux"]), command]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False)


def kstatus(body: Any) -> str:
    done = flux("kstatus", body)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def test_example_has_the_fields_of_the_kinds_of_flux() -> None:
    bodies = list(yaml.safe_load_all((ROOT / "examples/flux/models.yaml").read_text()))
    done = flux("check", *bodies)
    assert done.returncode == 0, done.stderr
    bodies[-1]["spec"]["waits"] = True
    assert 'unknown field "waits"' in flux("check", *bodies).stderr


@pytest.mark.parametrize("case", STATUS)
def test_kstatus_of_each_case(case: str) -> None:
    assert kstatus(yaml.safe_load((CASES / f"{case}.yaml").read_text())) == STATUS[case]


def test_flux_and_kubectl_wait_for_a_model_from_its_creation(bed: Bed, namespace: str) -> None:
    bed.apply(model("churn", namespace))
    new = bed.get(MODEL, namespace, "churn")
    assert new is not None
    assert kstatus(new) == "InProgress", "before any operator has seen it"
    with kubectl_wait(bed, namespace) as waiting:
        with bed.operator("flux"):
            assert waiting.wait(timeout=120) == 0
        assert waiting.stdout is not None
        assert "churn condition met" in waiting.stdout.read()
    assert kstatus(bed.get(MODEL, namespace, "churn")) == "Current"

    # The condition of the generation before does not count.
    bed.apply(model("churn", namespace, port=9000))
    assert kstatus(bed.get(MODEL, namespace, "churn")) == "InProgress"
    with kubectl_wait(bed, namespace, "--timeout=3s") as waiting:
        assert waiting.wait(timeout=60) == 1
        assert waiting.stderr is not None
        assert "timed out" in waiting.stderr.read()


def kubectl_wait(bed: Bed, namespace: str, *flags: str) -> subprocess.Popen[str]:
    kubectl = str(tools.ensure("kubectl")["kubectl"])
    command = [kubectl, f"--kubeconfig={bed.plane.kubeconfig}", f"--namespace={namespace}"]
    wait = ["wait", "--for=condition=Ready", "mm/churn", *(flags or ["--timeout=90s"])]
    return subprocess.Popen([*command, *wait], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
