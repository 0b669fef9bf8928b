"""The growing delay before a retry."""

from __future__ import annotations

import pytest

from monitored_models.base.backoff import Backoff


def test_delay_doubles_up_to_the_limit() -> None:
    backoff = Backoff(first=0.5, limit=5)
    assert [backoff.delay(failures) for failures in range(1, 7)] == [0.5, 1, 2, 4, 5, 5]


def test_limit_below_the_first_delay_holds() -> None:
    assert Backoff(first=10, limit=1).delay(1) == 1


def test_many_failures_do_not_overflow() -> None:
    assert Backoff(first=0.5, limit=300).delay(1_000_000) == 300


@pytest.mark.parametrize(("failures", "middle"), [(1, 10), (2, 20), (9, 100)])
def test_jitter_spreads_delays_around_the_delay_without_it(failures: int, middle: float) -> None:
    delays = [Backoff(first=10, limit=100, jitter=0.2).delay(failures) for _ in range(200)]
    assert 0.8 * middle <= min(delays) < middle < max(delays) <= 1.2 * middle
    assert len(set(delays)) > 100
