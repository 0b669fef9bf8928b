"""Grafana is asked once for all models, holds nothing up, and is told of a new version once."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitored_models.naming.kinds import MODEL
from operator_testbed import OWN_CRDS, Bed, model, prometheus_crds, running_bed
from testbed.grafana import TOKEN, Grafana, running_grafana
from testbed.processes import free_port

pytestmark = pytest.mark.e2e

READY = "DashboardReady"
STATUS = "patch monitoredmodels/status"
NONE = {"monitoring": {"dashboard": {"enabled": False}}}


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane on which no other operator runs."""
    with running_bed(tmp_path_factory.mktemp("grafana"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running_grafana() as made:
        yield made


def asked(directory: Path, url: str, *, token: str = TOKEN, **more: Any) -> dict[str, Any]:
    """Settings of an operator that asks a Grafana."""
    file = directory / "token"
    file.write_text(token)
    waits = {"checkSeconds": 1, "timeoutSeconds": 2, "graceSeconds": 60, "toleranceSeconds": 0}
    return {"grafana": {"url": url, "tokenFile": str(file), **waits, **more}}


def place(bed: Bed, name: str) -> str:
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def provision(bed: Bed, grafana: Grafana, namespace: str, name: str) -> None:
    """Do what the sidecar does with a dashboard's ConfigMap."""
    body = bed.get(MODEL, namespace, name)
    assert body
    grafana.dashboards.add(body["status"]["monitoring"]["dashboardUID"])


def seconds_until_ready(bed: Bed, namespace: str, names: list[str], **spec: Any) -> float:
    began = time.monotonic()
    for name in names:
        bed.apply(model(name, namespace, **spec))
    for name in names:
        bed.wait_for(namespace, name, "Ready")
    return time.monotonic() - began


def forget(bed: Bed, namespace: str, names: list[str]) -> None:
    for name in names:
        bed.delete(MODEL, namespace, name)
        bed.wait_gone(MODEL, namespace, name)


def test_dashboard_is_loaded_then_gone_and_its_data_source_fails(
    own_bed: Bed, grafana: Grafana, tmp_path: Path
) -> None:
    bed, namespace = own_bed, place(own_bed, "loaded")
    with bed.operator("loaded", **asked(tmp_path, grafana.url, graceSeconds=3)):
        bed.apply(model("churn", namespace))
        bed.apply(model("plain", namespace, **NONE))
        bed.wait_for(namespace, "churn", "Loading", READY)
        missing = bed.wait_for(namespace, "churn", "NotLoaded", READY)
        assert missing["status"] == "False"
        assert "dashboardLabels" in missing["message"]
        provision(bed, grafana, namespace, "churn")
        assert bed.wait_for(namespace, "churn", "Loaded", READY)["status"] == "True"
        grafana.failing = "Post http://prometheus:9090/api/v1/query: connection refused"
        assert grafana.failing in bed.wait_for(namespace, "churn", "DataSourceFailing", READY)["message"]
        assert bed.condition(namespace, "churn")["status"] == "True", "Ready does not depend on Grafana"
        grafana.failing = ""
        bed.wait_for(namespace, "churn", "Loaded", READY)
        bed.wait_for(namespace, "plain", "Ready")
        assert not bed.condition(namespace, "plain", READY)
        bed.apply(model("churn", namespace, **NONE))
        bed.wait("no condition", lambda: not bed.condition(namespace, "churn", READY))
    forget(bed, namespace, ["churn", "plain"])


def test_fifty_models_cost_as_many_calls_as_one(own_bed: Bed, grafana: Grafana, tmp_path: Path) -> None:
    bed, namespace = own_bed, place(own_bed, "fifty")
    names = [f"m{number}" for number in range(50)]
    with bed.operator("fifty", **asked(tmp_path, grafana.url)):
        for name in names:
            bed.apply(model(name, namespace))
        for name in names:
            bed.wait_for(namespace, name, "Ready", timeout=120)
            provision(bed, grafana, namespace, name)
        for name in names:
            bed.wait_for(namespace, name, "Loaded", READY)
        bed.quiet(namespace)
        seen, before = len(bed.audit()), grafana.asked["GET /api/search"]
        bed.wait("three more looks", lambda: grafana.asked["GET /api/search"] >= before + 3)
        assert not bed.writes(namespace, seen), "a look that finds nothing new costs nothing"
    looks = grafana.asked["GET /api/search"]
    calls = {"GET /api/search", "GET /api/datasources", "GET /api/datasources/uid/prometheus/health"}
    assert set(grafana.asked) == calls
    assert all(looks - 1 <= grafana.asked[call] <= looks for call in calls), grafana.asked

    seen = len(bed.audit())
    with bed.operator("fifty-again", **asked(tmp_path, grafana.url)):
        bed.wait("looks", lambda: grafana.asked["GET /api/search"] >= looks + 3)
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "a restart costs nothing"
    seen = len(bed.audit())
    grafana.down = True
    with bed.operator("fifty-silent", **asked(tmp_path, grafana.url, toleranceSeconds=60)) as process:
        bed.wait("it noticed", lambda: "GrafanaUnreachable" in process.log.read_text())
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "nor does one while Grafana is away for a moment"
    forget(bed, namespace, names)


def test_new_version_is_marked_once_over_restarts(own_bed: Bed, grafana: Grafana, tmp_path: Path) -> None:
    bed, namespace = own_bed, place(own_bed, "versions")
    settings = asked(tmp_path, grafana.url)
    with bed.operator("versions-1", **settings):
        bed.apply(model("churn", namespace, model={"version": "v1"}))
        bed.wait_for(namespace, "churn", "Ready")
        provision(bed, grafana, namespace, "churn")
        bed.wait_for(namespace, "churn", "Loaded", READY)
        assert not grafana.annotations, "a first version is no change"
        bed.apply(model("churn", namespace, model={"version": "v2"}))
        (made,) = bed.wait("marked", lambda: grafana.annotations)
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
    body = bed.get(MODEL, namespace, "churn")
    assert body
    since = datetime.fromtimestamp(made["time"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (body["status"]["previousVersion"], body["status"]["versionSince"]) == ("v1", since)
    assert made["text"] == "version v1 -> v2"
    assert made["tags"] == ["monitored-models", f"{namespace}/churn"]
    assert made["dashboardUID"] == body["status"]["monitoring"]["dashboardUID"]

    seen, looked = len(bed.audit()), grafana.asked["GET /api/annotations"]
    with bed.operator("versions-2", **settings):
        bed.wait("looked for it", lambda: grafana.asked["GET /api/annotations"] > looked)
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen)
    assert grafana.asked["POST /api/annotations"] == len(grafana.annotations) == 1
    assert grafana.asked["GET /api/annotations"] == 2, "once in each operator's life"

    grafana.forbidden = "/api"
    with bed.operator("versions-3", **settings):
        bed.apply(model("churn", namespace, model={"version": "v3"}))
        bed.wait_for(namespace, "churn", "GrafanaForbidden", READY)
        bed.quiet(namespace)
    grafana.forbidden = ""
    with bed.operator("versions-4", **settings):
        bed.wait("what one could not mark, the next does", lambda: len(grafana.annotations) == 2)
    assert grafana.annotations[1]["text"] == "version v2 -> v3"
    forget(bed, namespace, ["churn"])


def test_wrong_token_is_told_in_grafanas_words_and_not_itself(own_bed: Bed, grafana: Grafana, tmp_path: Path) -> None:
    bed, namespace = own_bed, place(own_bed, "token")
    wrong = "glsa_wrong-and-secret"
    with bed.operator("token", **asked(tmp_path, grafana.url, token=wrong)) as process:
        bed.apply(model("churn", namespace))
        found = bed.wait_for(namespace, "churn", "GrafanaForbidden", READY)
        assert found["status"] == "Unknown"
        assert "Invalid API key" in found["message"]
        bed.wait_for(namespace, "churn", "Ready")
        (tmp_path / "token").write_text(TOKEN)
        bed.wait_for(namespace, "churn", "Loading", READY)
        assert wrong not in process.log.read_text() + json.dumps(bed.get(MODEL, namespace, "churn"))
        assert TOKEN not in process.log.read_text()
    forget(bed, namespace, ["churn"])


def test_grafana_that_is_absent_or_hangs_holds_nothing_up(own_bed: Bed, tmp_path: Path) -> None:
    bed, namespace = own_bed, place(own_bed, "slow")
    names = [f"m{number}" for number in range(10)]
    took: dict[str, float] = {}
    with bed.operator("without"):
        seconds_until_ready(bed, namespace, names)  # the first ones warm things up
        forget(bed, namespace, names)
        took["without"] = seconds_until_ready(bed, namespace, names)
    forget(bed, namespace, names)
    with bed.operator("absent", **asked(tmp_path, f"http://127.0.0.1:{free_port()}")):
        took["absent"] = seconds_until_ready(bed, namespace, names)
        assert "refused" in bed.wait_for(namespace, "m0", "GrafanaUnreachable", READY)["message"].lower()
    forget(bed, namespace, names)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with bed.operator("hangs", **asked(tmp_path, url)) as process:
            took["hangs"] = seconds_until_ready(bed, namespace, names)
            assert "did not answer in 2 s" in bed.wait_for(namespace, "m0", "GrafanaUnreachable", READY)["message"]
            began = time.monotonic()
            assert process.terminate() == 0
            assert time.monotonic() - began < 10, "nor does it hold up the end"
    forget_left(bed, namespace, names)
    print(took)
    # Each look that hangs takes 2 s: ten models that waited for it would take 20 s more. The rest is left to a busy machine.
    assert max(took["absent"], took["hangs"]) < 1.5 * took["without"] + 5, took


def forget_left(bed: Bed, namespace: str, names: list[str]) -> None:
    """Delete models of which an operator is gone."""
    for name in names:
        bed.delete(MODEL, namespace, name)
