"""A model's dashboard fits where it is kept, and the page says how large it is."""

from __future__ import annotations

import pytest

from dashboards.rendered_dashboards import WATCHED, of_runtime
from dashboards.size import PAGE, table
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.runtimes import builtin_runtimes

LARGEST = 80_000
"""Bytes. Grafana's sidecar reads all of them anew each minute; a ConfigMap may have a million."""


def test_page_is_up_to_date() -> None:
    assert table() in PAGE.read_text(), "run `PYTHONPATH=tests .venv/bin/python -m dashboards.size`"


@pytest.mark.parametrize("runtime", builtin_runtimes())
def test_dashboard_is_small(runtime: str) -> None:
    assert len(dashboard_json(of_runtime(runtime, WATCHED))) < LARGEST
