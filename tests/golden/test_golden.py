"""Each example, rendered: equal to the reviewed file, and taken as it stands by those who read it.

`make golden` rewrites the files after a change that is meant.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.api import InvalidSpec, Model, MonitoringProfile, parse, parse_profile
from monitored_models.files.local_objects import read
from monitored_models.kube import applied_fields
from monitored_models.naming.kinds import MODEL, PROFILE
from monitored_models.naming.labels import FIELD_MANAGER
from monitored_models.render.children import render, render_profile
from monitored_models.render.workload.replicas import replicas
from monitored_models.settings import Settings
from operator_testbed import Bed, child_path
from testbed import tools

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[1] / "examples").glob("*.yaml"))
SETTINGS = Settings(
    service_monitor_labels={"release": "kps"},
    prometheus_rule_labels={"release": "kps"},
    alertmanager_config_labels={"release": "kps"},
)


def rendered(example: Path) -> list[dict[str, Any]]:
    manifests, children = read([example]), []
    for document in manifests.profiles:
        monitoring = parse_profile(document.body["spec"])
        assert not isinstance(monitoring, InvalidSpec), monitoring
        profile = MonitoringProfile(document.namespace, document.name, "", monitoring)
        children += render_profile(profile, SETTINGS)
    for document in manifests.models:
        model = parse(document.body, SETTINGS.platform, manifests.profile_of(document))
        assert isinstance(model, Model), model
        children += render(model, SETTINGS, replicas(model, None))
    return children


def readable(children: list[dict[str, Any]]) -> str:
    """As YAML for reviewers: a dashboard is one line of JSON in its ConfigMap, and is shown as what it says."""
    shown = [
        {**child, "data": {key: json.loads(text) for key, text in child["data"].items()}} if "data" in child else child
        for child in children
    ]
    return yaml.safe_dump_all(shown, sort_keys=False, width=120, allow_unicode=True)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_example_renders_as_reviewed(example: Path) -> None:
    golden, text = HERE / example.name, readable(rendered(example))
    if "UPDATE_GOLDEN" in os.environ:
        golden.write_text(text)
    assert golden.read_text() == text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_rules_are_accepted_by_promtool(example: Path, tmp_path: Path) -> None:
    rules = [child for child in rendered(example) if child["kind"] == "PrometheusRule"]
    assert rules
    file = tmp_path / "rules.yaml"
    for rule in rules:
        file.write_text(yaml.safe_dump(rule["spec"]))
        promtool = tools.ensure("promtool")["promtool"]
        done = subprocess.run(
            [promtool, "check", "rules", "--lint=all", "--lint-fatal", file],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_api_server_takes_example_and_gives_it_back_unchanged(example: Path, bed: Bed, namespace: str) -> None:
    """Strict validation; and what is read back digests as what was sent, so that a restart has nothing to write."""
    for child in rendered(example):
        child["metadata"]["namespace"] = namespace
        path = child_path(child)
        query = f"?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict"
        status, live = bed.plane.request("PATCH", path + query, child, content_type="application/apply-patch+yaml")
        assert status == 201, live
        status, again = bed.plane.request("PATCH", path + query, child, content_type="application/apply-patch+yaml")
        assert status == 200
        assert again["metadata"].get("generation") == live["metadata"].get("generation")
        assert _text(applied_fields.owned_fields_of(live)) == _text(applied_fields.rendered_fields(child))
        assert applied_fields.digest_live(live) == applied_fields.digest_rendered(child)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_api_server_admits_example(example: Path, bed: Bed, namespace: str) -> None:
    for body in yaml.safe_load_all(example.read_text()):
        body["metadata"]["namespace"] = namespace
        path = (MODEL if body["kind"] == MODEL.name else PROFILE).path(namespace)
        status, answer = bed.plane.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)
        assert status == 201, answer


def _text(part: Any) -> list[str]:
    return yaml.safe_dump(part).splitlines()
