"""The configuration for kube-state-metrics: in the shape that it documents, about fields that the CRD has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitored_models.naming import series
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import MODEL
from monitored_models.telemetry.model_metrics import render_model_metrics
from unit.specs import model

ROOT = Path(__file__).parents[3]
CONFIGURATION = yaml.safe_load((ROOT / "charts/monitored-models/files/kube-state-metrics.yaml").read_text())
RESOURCE = CONFIGURATION["spec"]["resources"][0]
METRICS = RESOURCE["metrics"]
SCHEMA: dict[str, Any] = yaml.safe_load((ROOT / "crds/monitoredmodels.yaml").read_text())["spec"]["versions"][0][
    "schema"
]["openAPIV3Schema"]
METADATA = {  # which a CRD does not describe
    "name": {"type": "string"},
    "namespace": {"type": "string"},
    "generation": {"type": "integer"},
    "creationTimestamp": {"type": "string", "format": "date-time"},
}

PATH = {"type": "array", "items": {"type": "string", "pattern": r"^[A-Za-z]+$"}}
LABELS = {"type": "object", "propertyNames": {"pattern": "^[a-z_]+$"}, "additionalProperties": PATH}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def each(kind: str, field: str, required: list[str], **properties: Any) -> dict[str, Any]:
    """A metric: its type, and the field for that type."""
    settings = closed(required, path={**PATH, "minItems": 1}, labelsFromPath=LABELS, **properties)
    return closed(["type", field], type={"const": kind}, **{field: settings})


SHAPE = closed(
    ["kind", "spec"],
    kind={"const": "CustomResourceStateMetrics"},
    spec=closed(
        ["resources"],
        resources={
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": closed(
                ["groupVersionKind", "labelsFromPath", "metricNamePrefix", "metrics"],
                groupVersionKind={"const": {"group": MODEL.group, "version": MODEL.version, "kind": MODEL.name}},
                labelsFromPath=LABELS,
                metricNamePrefix={"type": "string", "pattern": "^kube_[a-z_]+[a-z]$"},
                errorLogV={"type": "integer", "minimum": 0},
                metrics={
                    "type": "array",
                    "items": closed(
                        ["name", "help", "each"],
                        name={"type": "string", "pattern": "^[a-z_]+[a-z]$"},
                        help={"type": "string", "pattern": r"^[A-Z].*\.$"},
                        each={
                            "oneOf": [
                                each("Gauge", "gauge", ["path"], valueFrom=PATH),
                                each("Info", "info", ["labelsFromPath"]),
                            ]
                        },
                    ),
                },
            ),
        },
    ),
)


def field_at(path: list[str], within: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    """The schema of a field. Raises KeyError if the CRD does not have it."""
    found = within
    for part in path:
        properties = METADATA if found is SCHEMA["properties"]["metadata"] else found["properties"]
        found = properties[part]
    return found


def settings(metric: dict[str, Any]) -> dict[str, Any]:
    """The settings for the type of a metric."""
    (found,) = (value for key, value in metric["each"].items() if key != "type")
    return dict(found)


def test_shape_is_the_documented_one() -> None:
    jsonschema.Draft202012Validator(SHAPE).validate(CONFIGURATION)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric["name"])
def test_every_field_exists_and_has_a_type_for_its_metric(metric: dict[str, Any]) -> None:
    of = settings(metric)
    target = field_at(of.get("path", []))
    if metric["each"]["type"] == "Gauge":
        value = field_at(of.get("valueFrom", []), target)
        assert value["type"] in ("integer", "number", "boolean") or value.get("format") == "date-time", value
    element = target.get("items", target)
    for path in of.get("labelsFromPath", {}).values():
        assert field_at(path, element)["type"] == "string"


def test_field_that_does_not_exist_is_found() -> None:
    for path in (["status", "phase"], ["metadata", "uuid"], ["spec", "model", "name", "text"]):
        with pytest.raises(KeyError):
            field_at(path)


def own_labels() -> dict[str, set[str]]:
    """The operator's own series of models, with their labels."""
    status = {"replicas": 1, "readyReplicas": 1, "versionSince": "2026-11-20T10:00:01Z", "observedGeneration": 1}
    condition = {"type": "Ready", "status": "True", "reason": "Ready"}
    lines = render_model_metrics(Key("risk", "churn"), model(), {**status, "conditions": [condition]}, [])
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families("".join(lines))
        for sample in family.samples
    }


def test_series_have_the_labels_of_the_operators_own_and_other_names() -> None:
    """So that they can be joined, and that rules and dashboards count no model twice."""
    about = {f"{RESOURCE['metricNamePrefix']}_{metric['name']}": settings(metric) for metric in METRICS}
    assert len(about) == len(METRICS)
    assert not [name for name in about if name.startswith(("monitored_model_", series.PREFIX))]
    shared, own = set(RESOURCE["labelsFromPath"]), own_labels()
    for name, ours in {
        "info": series.INFO,
        "status_condition_info": series.CONDITION,
        "status_replicas": series.REPLICAS_DESIRED,
        "status_replicas_ready": series.REPLICAS_READY,
        "status_version_since": series.VERSION_SINCE,
        "status_observed_generation": series.GENERATION,
    }.items():
        settings_ = about[f"{RESOURCE['metricNamePrefix']}_{name}"]
        assert shared | set(settings_.get("labelsFromPath", {})) == own[ours], name


def test_page_names_every_series() -> None:
    named = re.findall(r"`(kube_monitoredmodel_\w+)`", (ROOT / "docs/operating.md").read_text())
    assert named == [f"{RESOURCE['metricNamePrefix']}_{metric['name']}" for metric in METRICS]
