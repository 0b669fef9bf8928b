"""Two hundred models that fail at once: so many messages, and no more. The other storms are part of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bell import storm
from bell.storm import MODELS, STORMS

pytestmark = pytest.mark.e2e


def test_the_loss_of_all_pods_stays_within_bounds(tmp_path: Path) -> None:
    with storm.running(tmp_path) as rig:
        result = storm.measure(rig, STORMS["pods"])
    assert result.firing == 2 * MODELS
    assert not result.too_many(MODELS)
