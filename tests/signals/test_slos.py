"""Error budgets on a real Prometheus, beside the truth and beside the formulas of Sloth and Pyrra, over a month of uneven traffic.

Nights have a twentieth of the day's requests, and most of the errors. A mean of ratios, as Sloth takes over 30 days, weighs a
quiet minute like a busy one.
"""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.desired import render, slos
from monitored_models.desired.scope import OneModel
from monitored_models.settings import Settings
from signals.history import line
from testbed import prometheus, tools
from testbed.prometheus import Prometheus
from unit.specs import model

DAYS = 31
STEP = 60
OBJECTIVE = 99.5
MODEL = model(
    {
        "image": "server:1",
        "monitoring": {"slos": [{"name": "good", "objective": OBJECTIVE, "indicator": {"availability": {}}}]},
    },
    name="uneven",
)
SLO = (("slo", "=", "good"),)
HOURS = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72}
WINDOWS = {window: round(hours * 3600) for window, hours in HOURS.items()}
TOTAL = 'inference_requests_total{namespace="risk",monitored_model="uneven"}'
ERRORS = 'inference_errors_total{namespace="risk",monitored_model="uneven"}'


def pace(at: int) -> tuple[float, float]:
    """Requests and errors per second at a time: busy days, nights with an hour of trouble."""
    of_day = at % 86400
    requests = 40 * (1.05 - math.cos(2 * math.pi * of_day / 86400))
    share = 0.3 if 3600 <= of_day < 7200 else 0.002
    return requests, requests * share


@cache
def counted(end: int) -> tuple[list[float], list[float]]:
    """Both counters at each step up to a time."""
    requests, errors = [0.0], [0.0]
    for at in range(end - DAYS * 86400, end, STEP):
        more, bad = pace(at)
        requests.append(requests[-1] + more * STEP)
        errors.append(errors[-1] + bad * STEP)
    return requests, errors


def truth(window: int, end: int) -> float:
    """Share of bad events in the window."""
    requests, errors = counted(end)
    steps = window // STEP
    return (errors[-1] - errors[-1 - steps]) / (requests[-1] - requests[-1 - steps])


def history(end: int) -> Iterator[str]:
    target = {"namespace": "risk", "monitored_model": "uneven", "pod": "uneven-a", "instance": "10.0.0.1:8080"}
    for name, values in zip(("inference_requests_total", "inference_errors_total"), counted(end), strict=True):
        for index, value in enumerate(values):
            yield line(name, target, value, end - DAYS * 86400 + index * STEP)


def record_the_past(folder: Path, groups: list[dict[str, Any]], end: int) -> None:
    """What the rules would have recorded, had they been there all the time."""
    rules = folder / "past.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    with prometheus.running(folder, []) as server:
        command: list[str | Path] = [
            tools.ensure("promtool")["promtool"],
            *prometheus.CREATE_BLOCKS,
            "rules",
            f"--url={server.url}",
        ]
        span = [f"--start={end - DAYS * 86400}", f"--end={end}", "--eval-interval=5m"]
        done = subprocess.run(
            [*command, *span, f"--output-dir={folder / 'data'}", rules], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, int]]:
    folder = tmp_path_factory.mktemp("slos")
    end = int(time.time()) // 1800 * 1800  # a half hour that is over
    prometheus.write_history(folder, history(end))
    (rules,) = [child for child in render(MODEL, Settings(), 1) if child["kind"] == "PrometheusRule"]
    groups = {group["name"].split(".", 1)[1]: group for group in rules["spec"]["groups"]}
    record_the_past(folder, [groups["events"]], end)
    halves, left = groups["budgets"]["rules"][:2], groups["budgets"]["rules"][2:]
    record_the_past(folder, [{"name": "halves", "rules": halves}], end)
    record_the_past(
        folder, [{"name": "sloth", "rules": [{"record": "slo:sli_error:ratio_rate5m", "expr": ratio("5m")}]}], end
    )
    assert [rule["record"] for rule in left] == [slos.BUDGET_LEFT]
    with prometheus.running(folder, []) as server:
        yield server, end


def ratio(window: str) -> str:
    """A burn rate as Sloth and Pyrra take it, over raw series."""
    return f"sum(rate({ERRORS}[{window}])) / sum(rate({TOTAL}[{window}]))"


def ask(server: Prometheus, promql: str, at: int) -> float:
    (found,) = server.query(promql, time=str(at))
    return float(found["value"][1])


@pytest.mark.parametrize("window", WINDOWS)
def test_burn_rate_is_the_share_of_bad_events_and_what_sloth_and_pyrra_record(
    window: str, month: tuple[Prometheus, int]
) -> None:
    server, end = month
    ours = ask(server, slos.error_ratio(window, OneModel(MODEL), SLO), end)
    assert ours == pytest.approx(truth(WINDOWS[window], end), rel=0.02)
    assert ours == pytest.approx(ask(server, ratio(window), end), rel=0.02)


def test_budget_left_is_pyrras_and_not_a_mean_of_ratios(month: tuple[Prometheus, int]) -> None:
    server, end = month
    budget = 1 - OBJECTIVE / 100
    ours = ask(server, slos.budget_left("30d", OneModel(MODEL), f"{budget:.12g}", SLO), end)
    spent = truth(30 * 86400, end)
    assert ours == pytest.approx(1 - spent / budget, abs=0.02)
    pyrra = ask(server, f"1 - (sum(increase({ERRORS}[30d])) / sum(increase({TOTAL}[30d]))) / {budget:.12g}", end)
    assert ours == pytest.approx(pyrra, abs=0.02)
    mean_of_ratios = "sum_over_time(slo:sli_error:ratio_rate5m[30d]) / count_over_time(slo:sli_error:ratio_rate5m[30d])"
    assert ask(server, mean_of_ratios, end) > 3 * spent
