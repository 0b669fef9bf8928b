"""The series of models: what is told, and that whatever people write stays inside its label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitored_models.api import Model, parse
from monitored_models.cache.workload_status import PodStatus, deployment_status
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import resource_of
from monitored_models.naming.object_names import dashboard_uid
from monitored_models.naming.series import MAX_WATCH_AGE
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.build import build_status
from monitored_models.status.status_input import StatusInput
from monitored_models.telemetry.model_metrics import CHUNK, FAMILIES, ModelMetrics, render_model_metrics
from monitored_models.telemetry.readiness import MAX_LOOP_LAG, Health
from unit.specs import body, model

KEY = Key("risk", "churn")
UID = dashboard_uid(model())
STATUS = {
    "observedGeneration": 3,
    "replicas": 2,
    "readyReplicas": 1,
    "versionSince": "2026-11-20T10:00:01Z",
    "conditions": [{"type": "Ready", "status": "False", "reason": "PodsNotReady"}],
}


def parsed(name: str = "Churn", version: str = "1") -> Model:
    made = parse(body({"image": "i:1", "model": {"name": name, "version": version}}))
    assert isinstance(made, Model)
    return made


def read(series: ModelMetrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = b"".join(series.chunks()).decode()
    return {
        sample.name: [(s.labels, s.value) for s in family.samples if s.name == sample.name]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_model_and_its_pods_are_told_by_name() -> None:
    series = ModelMetrics()
    pod = PodStatus(
        name="churn-1", created="2026-11-20T10:00:00Z", ready=False, terminating=False, reason="CrashLoopBackOff", message="", restarts=4,
        out_of_memory=True,
    )  # fmt: skip
    series.put(KEY, render_model_metrics(KEY, parsed(), STATUS, [pod]))
    found, own = read(series), {"namespace": "risk", "monitored_model": "churn"}
    assert found["monitored_model_info"] == [
        ({**own, "name": "Churn", "version": "1", "framework": "", "runtime": "custom", "dashboard": UID}, 1.0)
    ]
    assert found["monitored_model_condition"] == [
        ({**own, "condition": "Ready", "status": "False", "reason": "PodsNotReady"}, 1.0)
    ]
    assert found["monitored_model_version_since_timestamp_seconds"] == [(own, 1795168801.0)]
    assert found["monitored_model_pod_created_timestamp_seconds"] == [({**own, "pod": "churn-1"}, 1795168800.0)]
    assert found["monitored_model_replicas_desired"] == [(own, 2.0)]
    assert found["monitored_model_replicas_ready"] == [(own, 1.0)]
    assert found["monitored_model_pod_container_restarts_total"] == [({**own, "pod": "churn-1"}, 4.0)]
    assert found["monitored_model_pod_out_of_memory"] == [({**own, "pod": "churn-1"}, 1.0)]
    assert found["monitored_model_pod_waiting"] == [({**own, "pod": "churn-1", "reason": "CrashLoopBackOff"}, 1.0)]
    series.drop(KEY)
    assert read(series) == {}


def test_spec_that_cannot_be_understood_has_conditions_and_no_info() -> None:
    series = ModelMetrics()
    series.put(KEY, render_model_metrics(KEY, None, {"observedGeneration": 1, "conditions": STATUS["conditions"]}, []))
    assert set(read(series)) == {"monitored_model_condition", "monitored_model_generation"}


def test_each_claim_that_is_mounted_is_told_once() -> None:
    def volume(name: str, **source: object) -> dict[str, object]:
        return {"name": name, "mountPath": f"/{name}", **source}

    data = {"persistentVolumeClaim": {"claimName": "data"}}
    more = {"persistentVolumeClaim": {"claimName": "more"}}
    volumes = [volume("a", **data), volume("b", **data), volume("c", **more), volume("d", emptyDir={})]
    model = parse(body({"image": "i:1", "storage": {"volumes": volumes}}))
    assert isinstance(model, Model)
    series = ModelMetrics()
    series.put(KEY, render_model_metrics(KEY, model, STATUS, []))
    found = [labels["persistentvolumeclaim"] for labels, _ in read(series)["monitored_model_claim_info"]]
    assert found == ["data", "more"]


@pytest.mark.parametrize("time", ["", "yesterday"])
def test_time_that_is_none_is_left_out(time: str) -> None:
    series = ModelMetrics()
    pod = PodStatus("p", time, ready=True, terminating=False, reason=None, message="", out_of_memory=False)
    series.put(KEY, render_model_metrics(KEY, None, {"versionSince": time}, [pod]))
    assert not [name for name in read(series) if name.endswith("timestamp_seconds")]


def test_families_stay_together_however_many_pieces_there_are() -> None:
    series = ModelMetrics()
    for number in range(CHUNK + 1):
        key = Key("risk", f"model-{number}")
        series.put(key, render_model_metrics(key, parsed(), STATUS, []))
    text = b"".join(series.chunks()).decode()
    assert all(text.count(f"# TYPE {family.name} ") == 1 for family in FAMILIES)
    assert len(read(series)["monitored_model_info"]) == CHUNK + 1


def test_model_and_pod_cost_a_bounded_share_of_a_scrape() -> None:
    """Docs/operating.md has these numbers; thousands of models make them megabytes."""
    key = Key("fraud-detection", "transaction-scoring")
    versioned = model(name=key.name, namespace=key.namespace, model__version="2026-11-20")
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 1)
    serving = deployment_status({"metadata": {}, "spec": {"replicas": 1}, "status": counts})
    status = build_status(
        StatusInput(summarize(versioned, render(versioned, Settings(), 1)), serving, (), ()), {}, "2026-11-20T10:00:00Z"
    )
    pod = PodStatus(
        name="transaction-scoring-7d9c8b6f5d-x2x9z", created="2026-11-20T10:00:00Z", ready=True, terminating=False, reason=None,
        message="", restarts=0, out_of_memory=False,
    )  # fmt: skip
    alone = "".join(render_model_metrics(key, versioned, status, []))
    with_pod = "".join(render_model_metrics(key, versioned, status, [pod]))
    conditions = len(status["conditions"])
    assert alone.count("monitored_model_condition{") == conditions == 5  # one series each, whatever their status
    assert alone.count("\n") == conditions + 5
    assert len(alone.encode()) <= 1500
    assert (with_pod.count("\n") - alone.count("\n"), len(with_pod) - len(alone) <= 800) == (5, True)


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_is_written_stays_in_its_label(text: str) -> None:
    series = ModelMetrics()
    model = parse(body({"image": "i:1", "model": {"name": text[:63], "version": "1"}}))
    if not isinstance(model, Model):
        return
    series.put(KEY, render_model_metrics(KEY, model, {}, []))
    ((labels, value),) = read(series)["monitored_model_info"]
    assert value == 1
    assert labels["name"] == model.spec.model.name or KEY.name


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/api/v1/pods", "pods"),
        ("/api/v1/namespaces/risk/pods/churn-1", "pods"),
        ("/api/v1/namespaces/risk", "namespaces"),
        ("/apis/apps/v1/namespaces/risk/deployments/churn", "deployments"),
        ("/apis/monitoredmodels.dev/v1alpha1/namespaces/risk/monitoredmodels/churn/status", "monitoredmodels/status"),
        ("/apis/apps/v1", "discovery"),
    ],
)
def test_resource_of_a_path(path: str, resource: str) -> None:
    assert resource_of(path) == resource


def wrong(health: Health, watch_age: float = 0.0) -> set[str]:
    return {name for name, text in health.checks(watch_age, ("parse_and_render", 6.0)).items() if text}


def test_readiness_tells_what_is_wrong() -> None:
    health = Health()
    assert wrong(health) == {"role"}
    health.role = "standby"
    assert wrong(health) == set()
    health.role = "leading"
    assert wrong(health) == {"synced"}
    health.synced = True
    assert wrong(health) == set()
    assert wrong(health, MAX_WATCH_AGE + 1) == {"watches"}
    health.record_lag(MAX_LOOP_LAG + 1)
    assert wrong(health) == {"loop"}
