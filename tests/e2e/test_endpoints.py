"""What the operator shows of itself: health, its own figures, and the series of models, which go when models go."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from monitored_models.naming.kinds import MODEL
from monitored_models.naming.object_names import dashboard_uid
from operator_testbed import Bed, model, run
from testbed import pages, tools
from testbed.processes import Process
from unit.specs import model as parsed

pytestmark = pytest.mark.e2e


page = partial(pages.page, timeout=10)


def series(process: Process, **labels: str) -> set[str]:
    """Lines of /metrics with these labels."""
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    return {line for line in page(process, "/metrics")[1].splitlines() if all(each in line for each in wanted)}


@pytest.fixture(scope="module")
def own(bed: Bed) -> Process:  # type: ignore[misc]
    with bed.operator("endpoints", namespaces=["endpoints"]) as process:
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "endpoints"}})
        yield process


def test_leader_is_ready_when_it_has_listed_everything(bed: Bed, own: Process) -> None:
    bed.wait("readiness", lambda: page(own, "/readyz")[0] == 200)
    assert page(own, "/readyz")[1].splitlines()[0] == "leading"
    assert page(own, "/healthz") == (200, "ok\n")
    assert page(own, "/other")[0] == 404


def test_series_of_a_model_come_and_go_with_it(bed: Bed, own: Process) -> None:
    bed.apply(model("churn", "endpoints", model={"version": "7"}, replicas=2))
    bed.wait_for("endpoints", "churn", "Ready")
    mine = {"namespace": "endpoints", "monitored_model": "churn"}
    bed.wait("pods", lambda: sum("pod_ready" in line for line in series(own, **mine)) == 2)
    there = series(own, **mine)
    expected = {
        (
            'monitored_model_info{namespace="endpoints",monitored_model="churn",name="churn",version="7",framework="",'
            f'runtime="custom",dashboard="{dashboard_uid(parsed(name="churn", namespace="endpoints"))}"}} 1'
        ),
        'monitored_model_condition{namespace="endpoints",monitored_model="churn",condition="Ready",status="True",reason="Ready"} 1',
        'monitored_model_replicas_desired{namespace="endpoints",monitored_model="churn"} 2',
        'monitored_model_replicas_ready{namespace="endpoints",monitored_model="churn"} 2',
    }
    assert expected <= there
    bed.delete(MODEL, "endpoints", "churn")
    bed.wait("no series", lambda: not series(own, **mine))


def test_pods_that_do_not_run_tell_why(bed: Bed, own: Process) -> None:
    bed.apply(model("huge", "endpoints", resources={"requests": {"cpu": "100k"}}))
    bed.wait_for("endpoints", "huge", "Unschedulable")
    waiting = [line for line in series(own, monitored_model="huge") if line.startswith("monitored_model_pod_waiting")]
    assert len(waiting) == 1
    assert 'reason="Unschedulable"' in waiting[0]


def test_promtool_finds_nothing_wrong_with_the_metrics(bed: Bed, own: Process, tmp_path: Path) -> None:
    bed.apply(model("lint", "endpoints"))
    bed.wait_for("endpoints", "lint", "Ready")
    text = page(own, "/metrics")[1]
    file = tmp_path / "metrics.txt"
    file.write_text(text)
    done = run(["sh", "-c", f"{tools.ensure('promtool')['promtool']} check metrics < {file}"])
    assert done.returncode == 0, done.stdout + done.stderr
    requests = [line for line in text.splitlines() if line.startswith("monitored_models_api_requests_total")]
    assert any(
        'verb="patch",resource="deployments",code="201"' in line
        or 'code="201",resource="deployments",verb="patch"' in line
        for line in requests
    ), requests
    assert any("watch" in line for line in requests)
    for name in (
        "watch_age_seconds",
        "queue_depth",
        "leader",
        "event_loop_lag_seconds_count",
        "reconcile_duration_seconds_count",
    ):
        assert f"monitored_models_{name}" in text
