"""What the rules of models cost: size, and evaluation on a real Prometheus. `python -m bench.rules --out docs/rules.md`.

One model of several kinds; then the same model many times, once with rules of its own for each, once with a fleet's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import measured_sections
from bench.report import when
from monitored_models.api import Model
from monitored_models.render.children import render
from monitored_models.render.rules import fleet
from monitored_models.render.rules.writers import prometheus_operator
from monitored_models.runtimes import builtin_runtimes
from monitored_models.settings import Settings
from signals import replay
from signals.replay import Fixture
from testbed import clock, prometheus
from testbed.processes import wait_until
from unit.specs import model

INTERVAL = 30
"""Seconds between two evaluations, as prometheus-operator sets it where nobody says otherwise."""
ROUNDS = 3
SLOS = [
    {"name": "availability", "objective": 99.9, "indicator": {"availability": {}}},
    {"name": "fast", "objective": 99, "indicator": {"latency": {"threshold": "250ms"}}},
]
EVERYTHING = {
    "slos": SLOS,
    "quality": {"accuracy": {"min": 0.9}, "recall": {"min": 0.8}},
    "drift": {},
    "freshness": {"maxAge": "30d"},
}
KINDS = {
    "custom, as it comes": {"image": "server:1"},
    "custom, two objectives, quality, drift, freshness": {"image": "server:1", "monitoring": EVERYTHING},
    "vllm, as it comes": {"runtime": "vllm", "model": {"uri": "hf://a/b"}},
    "triton, as it comes": {"runtime": "triton", "model": {"uri": "s3://a/b"}},
}


@dataclass(frozen=True)
class Numbered(Fixture):
    """A fixture as one of many models."""

    number: int

    @property
    def name(self) -> str:
        """Name of the model."""
        return f"model-{self.number:04d}"

    @cached_property
    def model(self) -> Model:
        """The model."""
        return model({"image": "server:1"}, name=self.name, namespace=replay.NAMESPACE)


def rule_of(made: Model) -> dict[str, Any]:
    """The PrometheusRule of a model."""
    (found,) = [child for child in render(made, Settings(), 1) if child["kind"] == "PrometheusRule"]
    return found


def size_table() -> str:
    """Size of one model's PrometheusRule, and what is in it."""
    lines = ["| model | groups | recorded series | alerts | size as JSON |", "| :--- | ---: | ---: | ---: | ---: |"]
    for name, spec in KINDS.items():
        body = rule_of(model(spec))
        groups = body["spec"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        recorded = sum("record" in rule for rule in rules)
        size = len(json.dumps(body))
        lines.append(f"| {name} | {len(groups)} | {recorded} | {len(rules) - recorded} | {size / 1000:.1f} kB |")
    return "\n".join(lines)


def evaluation(count: int, scope: str, folder: Path) -> tuple[int, float]:
    """Number of rules, and seconds that one evaluation of all of them takes."""
    models = [Numbered("custom", "instrumented", number) for number in range(count)]
    end = int(clock.now().timestamp())

    def samples() -> Iterator[str]:
        for numbered in models:
            yield from replay.history(numbered, end)
            for name, labels, value in fleet.series(numbered.model):
                about = {"namespace": replay.NAMESPACE, "monitored_model": numbered.name, **labels}
                yield from (replay.line(name, about, value, end - back) for back in range(240, -1, -60))

    prometheus.write_history(folder, samples())
    if scope == "fleet":
        groups = prometheus_operator.write_groups(fleet.groups({"custom": builtin_runtimes()["custom"]}, Settings()))
    else:
        groups = [group for numbered in models for group in rule_of(numbered.model)["spec"]["groups"]]
    with prometheus.running(folder, groups, interval="10s") as server:
        prometheus.wait_evaluated(server, timeout=300)
        seconds = []
        for _ in range(ROUNDS):
            since = clock.now()
            wait_until(lambda since=since: _all_since(server, since), "another evaluation", timeout=60)  # type: ignore[misc]
            seconds.append(sum(rule["evaluationTime"] for rule in server.rules()))
        return len(server.rules()), sorted(seconds)[ROUNDS // 2]


def _all_since(server: prometheus.Prometheus, since: datetime) -> bool:
    groups = server.get("rules")["groups"]
    stamp = since.strftime("%Y-%m-%dT%H:%M:%S")
    return all(group["lastEvaluation"] > stamp for group in groups)


def evaluation_table(counts: list[int]) -> str:
    """What an evaluation costs, by number of models, in both scopes."""
    lines = [
        f"| models | rules of their own | one evaluation | cores at {INTERVAL} s | rules of a fleet | one evaluation | cores at {INTERVAL} s |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in counts:
        row = [f"{count}"]
        for scope in ("one model", "fleet"):
            with tempfile.TemporaryDirectory(prefix="bench-rules-") as folder:
                rules, seconds = evaluation(count, scope, Path(folder))
            row += [f"{rules}", f"{seconds * 1000:.0f} ms", f"{seconds / INTERVAL:.4f}"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", default="1,100,500")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.counts.split(",")]
    text = f"{when()}\n{size_table()}\n\n{evaluation_table(counts)}\n"
    measured_sections.conclude(text, arguments.out, alarm=False)


if __name__ == "__main__":
    main()
