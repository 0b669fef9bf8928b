"""Texts of users in the languages that they end up in: PromQL, alert templates, dashboard JSON, labels, names."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.api import InvalidSpec, Model, parse
from monitored_models.naming.object_names import SAFE
from monitored_models.render.children import render
from monitored_models.settings import Settings
from testbed import tools
from unit.specs import JSON, body

ATTACKS = {
    "promql": '"} or vector(1) or up{job="',
    "promql comment": '"} # ',
    "template": '{{ query "up" }}',
    "template end": "}}{{ $labels.instance }}",
    "template call": '{{ printf "%s" .Labels }}',
    "quote": "\"'`\\",
    "json": '","targets":[{"expr":"up"}],"x":"',
    "yaml": "a: b\n- c: &d !!python/object x",
    "variable": "${datasource} $namespace [[model]]",
    "markup": "<script>alert(1)</script>",
    "line": "a\nb",
    "expansion": "$(POD_NAME)$$(A)",
}
NAMES = ["a/b", "a..b", "../../etc", "a%2fb", "A", "-a", "a" * 300, 'a"b', "a b", "{{a}}", "ä", "a\nb", "."]
_LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


def spec_with(text: str) -> list[JSON]:
    """Specs that carry a text in each place that takes texts."""
    base: JSON = {"image": "registry.example.com/churn:1", "model": {"version": "1"}}
    return [
        {**base, "model": {"version": "1", "name": text}},
        {**base, "model": {"version": text}},
        {**base, "model": {"version": "1", "uri": text}},
        {**base, "model": {"version": "1", "framework": text}},
        {**base, "args": [text], "command": [text]},
        {**base, "env": [{"name": "A", "value": text}]},
        {**base, "monitoring": {"alerts": {"labels": {"note": text}}}},
        {**base, "monitoring": {"dashboard": {"folder": text}}},
        {**base, "monitoring": {"scrape": {"path": text}}},
        {**base, "monitoring": {"signals": {"errors": {"counter": "x_total", "matchers": {"code": text}}}}},
        {**base, "monitoring": {"signals": {"errors": {"counter": text}}}},
        {**base, "monitoring": {"signals": {"queue": {"gauge": "waiting", "matchers": {"lane": text}}}}},
        {**base, "monitoring": {"slos": [{"name": text, "objective": 99, "indicator": {"availability": {}}}]}},
        {**base, "monitoring": {"slos": [{"name": "own", "objective": 99, "indicator": {"ratio": _ratio(text)}}]}},
        {**base, "monitoring": {"metrics": {"selection": "core", "keep": [text]}}},
        {**base, "monitoring": {"profile": text}},
        {**base, "runtime": text},
        {**base, "scheduling": {"nodeSelector": {"disk": text}}},
    ]


def _ratio(text: str) -> JSON:
    return {"total": {"counter": "x_total"}, "bad": {"counter": "x_total", "matchers": {"result": text}}}


def rendered(text: str) -> Iterator[tuple[Model, list[Any]]]:
    """What becomes of those that are admitted."""
    for spec in spec_with(text):
        made = parse(body(spec))
        if isinstance(made, Model):
            yield made, render(made, Settings(), 1)
        else:
            assert isinstance(made, InvalidSpec)
            assert made.problems[0].field


def children(text: str, kind: str) -> list[Any]:
    found = [child for _, made in rendered(text) for child in made if child["kind"] == kind]
    assert found, "no spec with this text is admitted anywhere"
    return found


@pytest.fixture(scope="module")
def promtool() -> Path:
    return tools.ensure("promtool")["promtool"]


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_rules_are_the_same_rules_for_the_same_model(promtool: Path, tmp_path: Path, text: str) -> None:
    """No text adds, removes or renames a rule, and each selector stays bound to the model."""
    plain = children("harmless", "PrometheusRule")
    names = {str(rule.get("alert") or rule.get("record")) for child in plain for rule in _rules(child)}
    for number, child in enumerate(children(text, "PrometheusRule")):
        assert {str(rule.get("alert") or rule.get("record")) for rule in _rules(child)} <= names
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump({"groups": child["spec"]["groups"]}))
        done = subprocess.run(
            [promtool, "check", "rules", "--lint=all", "--lint-fatal", file], capture_output=True, check=False
        )
        assert done.returncode == 0, done
        for rule in _rules(child):
            for selector in _selectors(str(rule["expr"])):
                assert 'namespace="risk"' in selector, rule["expr"]
                # The kubelet's series know pods and claims, and no model.
                bound = ('monitored_model="churn"', f'pod=~"churn-{SAFE}(1,10)-{SAFE}(5)"', 'persistentvolumeclaim=~"')
                assert any(matcher in selector for matcher in bound), rule["expr"]


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_text_in_an_alert_is_shown_and_not_executed(promtool: Path, tmp_path: Path, text: str) -> None:
    """Prometheus itself fills in the labels, and what comes out is what the user wrote."""
    made = parse(
        body({"image": "i:1", "model": {"version": "1"}, "monitoring": {"alerts": {"labels": {"note": text}}}})
    )
    if isinstance(made, InvalidSpec):
        assert "note" in made.problems[0].field or "labels" in made.problems[0].field
        return
    (rule,) = (child for child in render(made, Settings(), 1) if child["kind"] == "PrometheusRule")
    (alert,) = (each for each in _rules(rule) if each.get("alert") == "ModelReplicasMissing")
    alone = {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)", "labels": dict(alert["labels"])}]}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(alone))
    expected = {"exp_labels": {**alert["labels"], "note": text}}
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [
            {"interval": "1m", "alert_rule_test": [{"eval_time": "1m", "alertname": "A", "exp_alerts": [expected]}]}
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "test.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_dashboard_is_one_json_with_the_panels_that_it_always_has(text: str) -> None:
    most = max(len(_dashboard(child)["panels"]) for child in children("harmless", "ConfigMap"))
    for child in children(text, "ConfigMap"):
        dashboard = _dashboard(child)
        assert len(dashboard["panels"]) <= most
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                assert target["expr"] != "up"
        assert all(re.fullmatch(r"[-._a-zA-Z0-9]+", key) for key in child["data"])


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_labels_of_children_are_labels(text: str) -> None:
    for _, made in rendered(text):
        for child in made:
            for labels in (child["metadata"].get("labels", {}), _pod_labels(child)):
                for key, value in labels.items():
                    assert len(value) <= 63, key
                    assert _LABEL.fullmatch(value), (key, value)


@pytest.mark.parametrize("name", NAMES)
def test_name_that_is_no_name_makes_no_object(name: str) -> None:
    made = parse(body({"image": "i:1", "model": {"version": "1"}}, name=name))
    assert isinstance(made, InvalidSpec), name
    assert "name" in made.problems[0].field


def _rules(child: Any) -> list[JSON]:
    return [rule for group in child["spec"]["groups"] for rule in group["rules"]]


def _selectors(expression: str) -> list[str]:
    """Everything in braces, outside of which no text of a user may be; quoted braces are no braces."""
    blanked = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: found[0].replace("{", "(").replace("}", ")"), expression)
    return re.findall(r"\{[^{}]*\}", blanked)


def _dashboard(child: Any) -> JSON:
    (text,) = child["data"].values()
    made: JSON = json.loads(text)
    return made


def _pod_labels(child: Any) -> dict[str, str]:
    template = child.get("spec", {}).get("template", {}) if child["kind"] == "Deployment" else {}
    return dict(template.get("metadata", {}).get("labels", {}))
