"""Prometheus loads the rules of every runtime and evaluates them by itself.

It has no samples here. The other tests evaluate the rules over a past, and tests/alerting evaluates them live.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.rules import SCOPES, groups_of
from testbed import prometheus


@pytest.mark.parametrize("scope", SCOPES)
def test_prometheus_evaluates_every_rule(scope: str, tmp_path: Path) -> None:
    groups = groups_of(scope)
    with prometheus.running(tmp_path, groups) as server:
        prometheus.wait_evaluated(server)
        assert len(server.rules()) == sum(len(group["rules"]) for group in groups)
