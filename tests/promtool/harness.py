"""Rules in both scopes, cut down to what one alert needs, and what promtool says of many cases at once.

Each definition of a rule is rendered twice: for one model, and for a fleet whose limits are series. A case is the same
series in both; for a fleet, what the models want is added as constant series.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monitored_models.api import Model
from monitored_models.naming.keys import Key
from monitored_models.render.children import render
from monitored_models.render.rules import fleet
from monitored_models.render.rules.writers import prometheus_operator
from monitored_models.runtimes import builtin_runtimes
from monitored_models.settings import Settings
from monitored_models.telemetry import model_metrics
from unit.specs import JSON

ONE, FLEET = "one model", "fleet"
SCOPES = (ONE, FLEET)
SETTINGS = Settings(runbook_url="https://runbooks.example.com", grafana_url="https://grafana.example.com")
OPERATOR_TARGET = 'job="monitored-models",instance="operator:8080"'
"""What a scrape of the operator adds to the series that it exports; `honor_labels` keeps those of models."""
OTHER_RUNTIMES = ("custom", "vllm")
_RECORDED = re.compile(r"monitored_model:[a-z0-9_:]+")

Series = dict[str, str]
"""Name and labels to values, as promtool reads them."""


def groups(scope: str, made: Model) -> list[JSON]:
    """The rule groups of a scope; none where the model has no rules.

    Of a fleet those that could concern the model, and those of two other runtimes, which should not: all take long.
    """
    if scope == ONE:
        return rules_of(made)
    kept = (made.runtime.id, *OTHER_RUNTIMES)
    return [
        {**group, "rules": rules}
        for group in fleet_groups()
        if (rules := [rule for rule in group["rules"] if rule.get("labels", {}).get("runtime", kept[0]) in kept])
    ]


def rules_of(made: Model) -> list[JSON]:
    """The groups of a model's own PrometheusRule."""
    found = [child["spec"]["groups"] for child in render(made, SETTINGS, None) if child["kind"] == "PrometheusRule"]
    return found[0] if found else []


@functools.cache
def fleet_groups() -> list[JSON]:
    """All groups of a fleet."""
    return prometheus_operator.write_groups(fleet.groups(builtin_runtimes(), SETTINGS))


def name_of(rule: JSON) -> str:
    """Name of a rule: of its alert, or of the series that it records."""
    return str(rule.get("alert") or rule["record"])


def needed(every: Iterable[JSON], wanted: Collection[str]) -> list[JSON]:
    """The rules of these names and those whose series they read, in their groups."""
    every, names = list(every), set(wanted)
    rules = [rule for group in every for rule in group["rules"]]
    while (
        found := {read for rule in rules if name_of(rule) in names for read in _RECORDED.findall(rule["expr"])} - names
    ):
        names |= found
    kept = [{**group, "rules": [rule for rule in group["rules"] if name_of(rule) in names]} for group in every]
    return [group for group in kept if group["rules"]]


def recorded(every: Iterable[JSON]) -> list[JSON]:
    """The rules that record, without the alerts."""
    kept = [{**group, "rules": [rule for rule in group["rules"] if "record" in rule]} for group in every]
    return [group for group in kept if group["rules"]]


def constant(scope: str, made: Model, minutes: int) -> Series:
    """What the operator says of a model: its own series, and to a fleet what the model wants."""
    status = {"replicas": made.minimum_replicas, "readyReplicas": 0}
    lines = "".join(model_metrics.render_model_metrics(Key(made.namespace, made.name), made, status, ())).splitlines()
    said = dict(line.rsplit(" ", 1) for line in lines)
    if scope == FLEET:
        identity = {"namespace": made.namespace, "monitored_model": made.name}
        said |= {named(name, {**identity, **labels}): repr(value) for name, labels, value in fleet.series(made)}
    return {f"{series[:-1]},{OPERATOR_TARGET}}}": f"{value}+0x{minutes}" for series, value in said.items()}


def named(metric: str, labels: Mapping[str, str]) -> str:
    """A series."""
    inside = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return f"{metric}{{{inside}}}"


def run(program: Path, *arguments: str | Path) -> None:
    """Run promtool, which has to find nothing wrong."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def write_rules(file: Path, rules: Sequence[JSON]) -> None:
    """A file of rules for Prometheus: JSON, which is YAML as well, and read faster."""
    file.write_text(_json({"groups": rules}))


def verdicts(
    program: Path, folder: Path, rules: Sequence[JSON], tests: Sequence[JSON], step: int = 1
) -> dict[str, str]:
    """Run tests, each with a name, on the same rules: name to what is wrong, empty for nothing."""
    write_rules(folder / "rules.json", rules)
    whole = {
        "rule_files": ["rules.json"],
        "evaluation_interval": f"{step}m",
        "group_eval_order": [group["name"] for group in rules],
        "tests": [{"interval": "1m", **test} for test in tests],
    }
    (folder / "test.json").write_text(_json(whole))
    report = folder / "report.xml"
    done = subprocess.run(
        [program, "test", "rules", f"--junit={report}", folder / "test.json"],
        env=os.environ | {"GOGC": "400"},  # a quarter less time, and memory to spare
        capture_output=True,
        text=True,
        check=False,
    )
    cases = ET.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314 - promtool's own
    found = {str(case.get("name")): "\n".join(failure.text or "" for failure in case) for case in cases}
    assert set(found) == {test["name"] for test in tests}, done.stdout + done.stderr
    assert (done.returncode == 0) == (not any(found.values())), done.stdout + done.stderr
    return found


def verdict(program: Path, folder: Path, rules: Sequence[JSON], test: JSON) -> str:
    """What is wrong with one test."""
    return verdicts(program, folder, rules, [{**test, "name": "only"}])["only"]


def inputs(series: Series) -> list[JSON]:
    """Series as promtool's tests have them."""
    return [{"series": name, "values": values} for name, values in series.items()]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # whose escapes beyond 16 bits YAML does not know
