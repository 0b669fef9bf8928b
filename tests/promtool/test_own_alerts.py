"""The operator's own alerts under the real promtool: each fires, stays quiet, has no opinion without data, and recovers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from monitored_models.render.operator.operator_alerts import OPERATOR_ALERTS, prometheusrule
from operator_testbed import run

P = "monitored_models_"
SELECTION = 'kind="Prometheus",namespace="monitoring",name="kps",selects="ServiceMonitor"'


@dataclass(frozen=True)
class Case:
    """Series by minute that make an alert fire from `fires` on, and let it end by `ends`, in minutes."""

    alert: str
    bad: dict[str, str]
    fires: int
    ends: int
    good: dict[str, str]
    labels: dict[str, str]


CASES = [
    Case(
        "MonitoredModelsNoLeader",
        bad={f"{P}leader": "0x20 1x20"},
        fires=10,
        ends=25,
        good={f'{P}leader{{instance="a"}}': "1x40", f'{P}leader{{instance="b"}}': "0x40"},
        labels={},
    ),
    Case(
        "MonitoredModelsReconcileErrors",
        bad={
            f'{P}reconcile_duration_seconds_count{{outcome="error"}}': "0+3x40 120x60",
            f'{P}reconcile_duration_seconds_count{{outcome="ok"}}': "0+3x100",
        },
        fires=30,
        ends=70,
        good={
            f'{P}reconcile_duration_seconds_count{{outcome="error"}}': "0+1x100",
            f'{P}reconcile_duration_seconds_count{{outcome="ok"}}': "0+30x100",
        },
        labels={},
    ),
    Case(
        "MonitoredModelsWorkQueueSlow",
        bad={f"{P}queue_age_seconds": "300x30 0x30"},
        fires=20,
        ends=40,
        good={f"{P}queue_age_seconds": "60x60"},
        labels={},
    ),
    Case(
        "MonitoredModelsEventLoopLagging",
        bad={
            f'{P}event_loop_lag_seconds_bucket{{le="0.5"}}': "0+1x40 40+100x40",
            f'{P}event_loop_lag_seconds_bucket{{le="5"}}': "0+100x40 4000+100x40",
            f'{P}event_loop_lag_seconds_bucket{{le="+Inf"}}': "0+100x40 4000+100x40",
        },
        fires=30,
        ends=60,
        good={
            f'{P}event_loop_lag_seconds_bucket{{le="0.5"}}': "0+100x80",
            f'{P}event_loop_lag_seconds_bucket{{le="5"}}': "0+100x80",
            f'{P}event_loop_lag_seconds_bucket{{le="+Inf"}}': "0+100x80",
        },
        labels={},
    ),
    Case(
        "MonitoredModelsWatchStale",
        bad={f'{P}watch_age_seconds{{resource="pods"}}': "500+60x20 0x20"},
        fires=15,
        ends=30,
        good={f'{P}watch_age_seconds{{resource="pods"}}': "0 60 120 180 0 60 120 180 0x40"},
        labels={"resource": "pods"},
    ),
    Case(
        "MonitoredModelsAPIReadsForbidden",
        bad={f'{P}api_requests_total{{verb="list",resource="pods",code="403"}}': "0+1x40 40x40"},
        fires=30,
        ends=60,
        good={
            f'{P}api_requests_total{{verb="list",resource="pods",code="200"}}': "0+1x80",
            f'{P}api_requests_total{{verb="patch",resource="services",code="403"}}': "0+1x80",
        },
        labels={"resource": "pods"},
    ),
    Case(
        "MonitoredModelsSelectorsDisagree",
        bad={f'{P}selector_info{{{SELECTION},outcome="Disagrees"}}': "1x20 _x40"},
        fires=15,
        ends=40,
        good={f'{P}selector_info{{{SELECTION},outcome="Selected"}}': "1x60"},
        labels={"kind": "Prometheus", "namespace": "monitoring", "name": "kps", "selects": "ServiceMonitor"},
    ),
    Case(
        "MonitoredModelsLeaderChanges",
        bad={f"{P}leader": "1 0 1 0 1 0 1x120"},
        fires=10,
        ends=90,
        good={f"{P}leader": "1x40 0 1x80"},
        labels={},
    ),
]


def check(
    promtool: Path, folder: Path, alert: str, series: dict[str, str], *, at: int, expected: list[dict[str, str]]
) -> None:
    rule = next(rule for rule in prometheusrule()["spec"]["groups"][0]["rules"] if rule["alert"] == alert)
    # Of the annotations only that they can be made is of interest, which a run of promtool shows by itself.
    bare = {key: value for key, value in rule.items() if key != "annotations"}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [bare]}]}))
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": f"{at}m",
                        "alertname": alert,
                        "exp_alerts": [
                            {"exp_labels": {**labels, "severity": rule["labels"]["severity"]}} for labels in expected
                        ],
                    }
                ],
            }
        ],
    }
    (folder / "test.yaml").write_text(json.dumps(test))
    done = run([promtool, "test", "rules", folder / "test.yaml"])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_fires_ends_stays_quiet_and_needs_data(promtool: Path, tmp_path: Path, case: Case) -> None:
    check(promtool, tmp_path, case.alert, case.bad, at=case.fires, expected=[case.labels])
    check(promtool, tmp_path, case.alert, case.bad, at=case.ends, expected=[])
    for minute in (case.fires, case.ends):
        check(promtool, tmp_path, case.alert, case.good, at=minute, expected=[])
    silence: list[dict[str, str]] = [{}] if case.alert == "MonitoredModelsNoLeader" else []  # it is about silence
    check(promtool, tmp_path, case.alert, {"other": "1x100"}, at=case.fires, expected=silence)


def test_every_alert_has_a_case() -> None:
    assert [case.alert for case in CASES] == [alert.name for alert in OPERATOR_ALERTS]


def test_rules_are_free_of_lint(any_promtool: Path, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": prometheusrule()["spec"]["groups"]}))
    done = run([any_promtool, "check", "rules", "--lint=all", "--lint-fatal", file])
    assert done.returncode == 0, done.stdout + done.stderr
