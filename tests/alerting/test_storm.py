"""Two hundred models that fail at once: so many messages, and no more. The other storms are part of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting import storm
from alerting.storm import MODELS, STORMS

pytestmark = pytest.mark.e2e

MINUTE = 3.0
"""Seconds. With one for each minute, 200 models take what a processor has, and beside other suites scrapes come too late."""


def test_the_loss_of_all_pods_stays_within_bounds(tmp_path: Path) -> None:
    with storm.running(tmp_path, minute=MINUTE) as rig:
        result = storm.measure(rig, STORMS["pods"], MINUTE)
    assert result.firing == 2 * MODELS
    assert not result.too_many(MODELS)
