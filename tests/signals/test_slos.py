"""Error budgets on a real Prometheus, beside the truth and beside the formulas of Sloth and Pyrra, over a month of uneven traffic.

Nights have a twentieth of the day's requests, and most of the errors. A mean of ratios, as Sloth takes over 30 days, weighs a
quiet minute like a busy one.

At night the share of errors jumps, so a window must be compared with the truth of that same window: of the times at which
rules were evaluated, not of some minutes later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from monitored_models.render.children import render
from monitored_models.render.rules import slos
from monitored_models.render.rules.promql import Matcher
from monitored_models.render.rules.scope import ModelScope
from monitored_models.settings import Settings
from signals.replay import line
from testbed import clock, prometheus
from testbed.prometheus import Prometheus
from unit.specs import model

pytestmark = pytest.mark.clock

DAYS = 31
SCRAPE = 15
"""Seconds between two scrapes. What happens between the last scrape of one window and the first of the next is in no rate."""
LATE = 20
"""Seconds before the end of each five minutes at which rules are evaluated too: Prometheus spreads groups over the interval."""
HALF_HOUR = 1800
"""The end of the past is a multiple of it, as the ends of trouble are."""
OBJECTIVE = 99.5
MODEL = model(
    {
        "image": "server:1",
        "monitoring": {"slos": [{"name": "good", "objective": OBJECTIVE, "indicator": {"availability": {}}}]},
    },
    name="uneven",
)
ON_TIME, EARLIER = ((("slo", "=", name),) for name in ("good", "earlier"))
HOURS = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72}
WINDOWS = {window: round(hours * 3600) for window, hours in HOURS.items()}
TOTAL = 'inference_requests_total{namespace="risk",monitored_model="uneven"}'
ERRORS = 'inference_errors_total{namespace="risk",monitored_model="uneven"}'


def pace(at: int) -> tuple[float, float]:
    """Requests and errors per second at a time: busy days, nights with an hour of trouble.

    Steady for five minutes, which makes the rate over five minutes exact.
    """
    of_day = at % 86400 // WINDOWS["5m"] * WINDOWS["5m"]
    requests = 40 * (1.05 - math.cos(2 * math.pi * of_day / 86400))
    share = 0.3 if 3600 <= of_day < 7200 else 0.002
    return requests, requests * share


@cache
def counted(end: int) -> tuple[list[float], list[float]]:
    """Both counters at each scrape up to a time."""
    requests, errors = [0.0], [0.0]
    for at in range(end - DAYS * 86400, end, SCRAPE):
        more, bad = pace(at)
        requests.append(requests[-1] + more * SCRAPE)
        errors.append(errors[-1] + bad * SCRAPE)
    return requests, errors


def truth(window: int, end: int, before: int = 0) -> float:
    """Share of bad events in the window that ends some seconds before the end; a multiple of SCRAPE, or between two scrapes."""
    requests, errors = (_at(values, before) - _at(values, before + window) for values in counted(end))
    return errors / requests


def _at(values: list[float], before: int) -> float:
    """A counter some seconds before the end."""
    scrapes, rest = divmod(before, SCRAPE)
    later, earlier = values[-1 - scrapes], values[-2 - scrapes]
    return later - (later - earlier) * rest / SCRAPE


def worst_scrape(window: int, end: int) -> float:
    """What the worst time between two scrapes is of the window's events."""
    requests, errors = (values[-1 - window // SCRAPE - 2 :] for values in counted(end))
    bad = max(later - earlier for earlier, later in pairwise(errors))
    return bad / (requests[-1] - requests[0])


def history(end: int) -> Iterator[str]:
    target = {"namespace": "risk", "monitored_model": "uneven", "pod": "uneven-a", "instance": "10.0.0.1:8080"}
    for name, values in zip(("inference_requests_total", "inference_errors_total"), counted(end), strict=True):
        for index, value in enumerate(values):
            yield line(name, target, value, end - DAYS * 86400 + index * SCRAPE)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, int]]:
    folder = tmp_path_factory.mktemp("slos")
    end = clock.end(HALF_HOUR)
    prometheus.write_history(folder, history(end))
    (rules,) = [child for child in render(MODEL, Settings(), 1) if child["kind"] == "PrometheusRule"]
    groups = {group["name"].split(".", 1)[1]: group for group in rules["spec"]["groups"]}
    events, (*halves, left) = groups["events"]["rules"], groups["budgets"]["rules"]
    assert left["record"] == slos.BUDGET_LEFT  # asked for at the end only
    earlier = [{**rule, "labels": {**rule["labels"], "slo": "earlier"}} for rule in events]
    sloth = {"record": "slo:sli_error:ratio_rate5m", "expr": ratio("5m")}
    # The windows read what was recorded last at each five minutes, however often that is.
    prometheus.record(folder, [group_of(earlier)], end - LATE, seconds=WINDOWS["3d"], step=slos.STEP)
    prometheus.record(folder, [group_of([*events, *halves, sloth])], end, seconds=DAYS * 86400, step=slos.STEP)
    with prometheus.running(folder, []) as server:
        yield server, end


def group_of(rules: list[dict[str, Any]]) -> prometheus.Group:
    return {"name": "past", "rules": rules}


def ratio(window: str) -> str:
    """A burn rate as Sloth and Pyrra take it, over raw series."""
    return f"sum(rate({ERRORS}[{window}])) / sum(rate({TOTAL}[{window}]))"


def ask(server: Prometheus, promql: str, at: int) -> float:
    (found,) = server.query(promql, time=str(at))
    return float(found["value"][1])


def burn_rate(server: Prometheus, window: str, at: int, slo: tuple[Matcher, ...] = ON_TIME) -> float:
    return ask(server, slos.error_ratio(window, ModelScope(MODEL), slo), at)


@pytest.mark.parametrize("window", WINDOWS)
def test_burn_rate_is_the_share_of_bad_events_and_what_sloth_and_pyrra_record(
    window: str, month: tuple[Prometheus, int]
) -> None:
    server, end = month
    ours = burn_rate(server, window, end)
    assert ours == pytest.approx(truth(WINDOWS[window], end), rel=1e-6)
    # Theirs begins with the window's first scrape: of half an hour of trouble, the least that a window has, it misses one.
    assert ours == pytest.approx(ask(server, ratio(window), end), rel=1.1 * SCRAPE / HALF_HOUR)


@pytest.mark.parametrize("window", WINDOWS)
def test_burn_rate_is_of_the_window_that_ends_when_rules_were_last_evaluated(
    window: str, month: tuple[Prometheus, int]
) -> None:
    """And off by no more than what happens between two scrapes, once where trouble begins and once where it ends."""
    server, end = month
    earlier = burn_rate(server, window, end, EARLIER)
    off = 2 * worst_scrape(WINDOWS[window], end)
    assert earlier == pytest.approx(truth(WINDOWS[window], end, LATE), rel=0.001, abs=off)


@pytest.mark.parametrize("window", WINDOWS)
def test_burn_rate_stays_what_it_is_until_the_next_five_minutes(window: str, month: tuple[Prometheus, int]) -> None:
    server, end = month
    assert burn_rate(server, window, end + WINDOWS["5m"] - 1) == burn_rate(server, window, end)


def test_budget_left_is_pyrras_and_not_a_mean_of_ratios(month: tuple[Prometheus, int]) -> None:
    server, end = month
    budget = 1 - OBJECTIVE / 100
    ours = ask(server, slos.budget_left("30d", ModelScope(MODEL), f"{budget:.12g}", ON_TIME), end)
    spent = truth(30 * 86400, end)
    assert ours == pytest.approx(1 - spent / budget, abs=0.02)
    pyrra = ask(server, f"1 - (sum(increase({ERRORS}[30d])) / sum(increase({TOTAL}[30d]))) / {budget:.12g}", end)
    assert ours == pytest.approx(pyrra, abs=0.02)
    mean_of_ratios = "sum_over_time(slo:sli_error:ratio_rate5m[30d]) / count_over_time(slo:sli_error:ratio_rate5m[30d])"
    assert ask(server, mean_of_ratios, end) > 3 * spent
