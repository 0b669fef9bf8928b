"""The Lua scripts for Argo CD, run by Argo CD itself over the cases in upstream's own format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.api import RESTARTED_AT
from monitored_models.codegen import argocd as argocd_files
from monitored_models.naming import conditions
from monitored_models.status.conditions import CONDITIONS
from operator_testbed import ROOT
from testbed import argocd, tools

SCRIPTS = ROOT / argocd_files.SCRIPTS
SETTINGS = ROOT / "examples/argocd/argocd-cm.yaml"
HEALTH: list[Any] = yaml.safe_load((SCRIPTS / "health_test.yaml").read_text())["tests"]
ACTIONS: dict[str, list[Any]] = yaml.safe_load((SCRIPTS / "actions/action_test.yaml").read_text())


def overrides(command: str, model: Path, *arguments: str) -> str:
    settings = ["--argocd-cm-path", str(SETTINGS)]
    # Prints both files with their names in place of a difference, and always ends with 0.
    environment = {**os.environ, "KUBECTL_EXTERNAL_DIFF": "tail -n +1"}
    words = ["admin", "settings", "resource-overrides", command, str(model), *arguments, *settings]
    return argocd.run_cli(tools.ensure("argocd")["argocd"], *words, environment=environment)


@pytest.mark.parametrize("case", HEALTH, ids=lambda case: Path(case["inputPath"]).stem)
def test_health(case: Any) -> None:
    expected = case["healthStatus"]
    found = overrides("health", SCRIPTS / case["inputPath"])
    assert found == f"STATUS: {expected['status']}\nMESSAGE: {expected['message']}\n"


def test_every_health_has_a_case() -> None:
    assert {case["healthStatus"]["status"] for case in HEALTH} == {"Healthy", "Progressing", "Degraded", "Suspended"}
    assert {case["inputPath"] for case in HEALTH} == {f"testdata/{path.name}" for path in SCRIPTS.glob("testdata/*")}


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("testdata/*")), ids=lambda path: path.stem)
def test_status_of_a_case_has_conditions_of_this_operator(path: Path) -> None:
    known = {spec.type: {doc.reason for doc in spec.reasons} for spec in CONDITIONS}
    for condition in yaml.safe_load(path.read_text()).get("status", {}).get("conditions", ()):
        assert condition["reason"] in known[condition["type"]]


@pytest.mark.parametrize("case", ACTIONS["discoveryTests"], ids=lambda case: Path(case["inputPath"]).stem)
def test_actions_that_are_offered(case: Any) -> None:
    found = overrides("list-actions", SCRIPTS / "actions" / case["inputPath"])
    _, *rows = (line.split() for line in found.splitlines())
    assert rows == [[action["name"], str(action["disabled"]).lower()] for action in case["result"]]


@pytest.mark.parametrize("case", ACTIONS["actionTests"], ids=lambda case: f"{case['action']}-{case['inputPath']}")
def test_effect_of_an_action(case: Any) -> None:
    folder = SCRIPTS / "actions"
    printed = overrides("run-action", folder / case["inputPath"], case["action"])
    result = yaml.safe_load(printed.rpartition("<==\n")[2])
    expected = yaml.safe_load((folder / case["expectedOutputPath"]).read_text())
    for each in (result, expected):  # the time of the run
        if RESTARTED_AT in each["metadata"].get("annotations", {}):
            each["metadata"]["annotations"][RESTARTED_AT] = ""
    assert result == expected


def test_health_reads_the_top_conditions_only() -> None:
    script = (SCRIPTS / "health.lua").read_text()
    others = {spec.type for spec in CONDITIONS} - {conditions.READY, conditions.STALLED, conditions.RECONCILING}
    assert not [kind for kind in others if kind in script]
