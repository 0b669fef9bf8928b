"""The dashboards taken apart for tests: panels of all rows, what they ask, and a model of each runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from monitored_models.api import API_VERSION, KIND, Model, parse
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.render.operator.manifests import DASHBOARDS
from monitored_models.runtimes import builtin_runtimes

JSON = dict[str, Any]
WATCHED: JSON = {
    "slos": [
        {"name": "availability", "objective": 99.5, "indicator": {"availability": {}}},
        {"name": "fast", "objective": 99, "indicator": {"latency": {"threshold": "500ms"}}},
    ],
    "quality": {"accuracy": {"min": 0.9}, "precision": {"min": 0.8}, "predictionError": {"max": 0.3}},
    "drift": {},
    "freshness": {"maxAge": "30d"},
}
"""Monitoring that asks for everything."""


def model_of(spec: JSON, name: str, namespace: str) -> Model:
    """The model of a valid spec."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1}
    parsed = parse({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec})
    assert isinstance(parsed, Model), parsed
    return parsed


def of_runtime(runtime: str, monitoring: JSON | None = None) -> Model:
    """A model with little more than its runtime asks for."""
    profile = builtin_runtimes()[runtime]
    scheme = "file" if "file" in profile.uri.schemes else next(iter(profile.uri.schemes), "s3")
    spec: JSON = {"runtime": runtime, "model": {"version": "1", "uri": f"{scheme}:///models/one"}}
    if not profile.image:
        spec["image"] = "registry.example.com/server:1"
    return model_of({**spec, "monitoring": monitoring or {}}, f"of-{runtime}", "dashboards")


def shared() -> dict[str, JSON]:
    """The dashboards that are there once, by uid."""
    return {uid: json.loads(made()) for uid, made in DASHBOARDS.items()}


def every() -> dict[str, JSON]:
    """All dashboards, those of models for each runtime, with and without everything asked for."""
    made = dict(shared())
    for runtime in builtin_runtimes():
        made[runtime] = json.loads(dashboard_json(of_runtime(runtime)))
        made[f"{runtime}, watched"] = json.loads(dashboard_json(of_runtime(runtime, WATCHED)))
    return made


def panels(board: JSON) -> Iterator[JSON]:
    """Every panel, those in rows included, and no row."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def rows(board: JSON) -> Iterator[JSON]:
    """Every heading."""
    return (panel for panel in board["panels"] if panel["type"] == "row")


def queries(board: JSON) -> Iterator[tuple[JSON, JSON]]:
    """Panel and target of everything that is asked."""
    return ((panel, target) for panel in panels(board) for target in panel.get("targets", ()))


def variables(board: JSON) -> list[JSON]:
    """What can be chosen at the top."""
    found: list[JSON] = board["templating"]["list"]
    return found
