"""Which step of the work held the event loop longest."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from monitored_models.base.step_timer import Steps
from monitored_models.telemetry.readiness import MAX_LOOP_LAG
from monitored_models.telemetry.telemetry import Telemetry


@pytest.fixture
def steps() -> Iterator[Steps]:
    yield Steps()
    gc.unfreeze()
    gc.callbacks.clear()


def test_longest_time_of_each_step_stays(steps: Steps) -> None:
    for step, seconds in (("decode", 0.2), ("decode", 0.1), ("compare", 0.3)):
        steps.note(step, seconds)
    assert steps.all() == {"decode": 0.2, "compare": 0.3}
    assert steps.longest() == ("compare", 0.3)


def test_nothing_timed_has_no_longest(steps: Steps) -> None:
    assert steps.longest() == ("", 0.0)


def test_step_that_fails_is_timed_too(steps: Steps) -> None:
    with pytest.raises(ValueError, match="odd"), steps.timed("decode"):
        raise ValueError("odd")
    assert steps.all()["decode"] > 0


def test_garbage_collection_is_a_step(steps: Steps) -> None:
    steps.time_garbage_collection()
    gc.collect()
    assert steps.all()["garbage_collection"] > 0


@pytest.mark.parametrize("only_young", [False, True])
def test_what_exists_is_exempt_from_later_collections(steps: Steps, only_young: bool) -> None:
    before = gc.get_freeze_count()
    steps.exempt_from_garbage_collection(only_young=only_young)
    assert gc.get_freeze_count() > before


def test_metrics_and_readiness_name_the_longest_step() -> None:
    telemetry = Telemetry()
    telemetry.steps.note("parse_and_render", 6.5)
    telemetry.health.record_lag(MAX_LOOP_LAG + 1)
    line = 'monitored_models_event_loop_longest_step_seconds{step="parse_and_render"} 6.5'
    assert line in telemetry.metrics.text().decode()
    assert "parse_and_render with 6.5 s" in telemetry.ready()["loop"]
