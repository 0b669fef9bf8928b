"""The promtools: this project's Prometheus, and the oldest that is supported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed import debian, tools
from testbed.tools import ToolError


@pytest.fixture(scope="session")
def promtool() -> Path:
    return tools.ensure("promtool")["promtool"]


@pytest.fixture(scope="session")
def promtool_2_42() -> Path:
    try:
        return debian.promtool_2_42()
    except ToolError as error:
        if os.geteuid() == 0:
            raise
        pytest.skip(f"NOT CHECKED with Prometheus 2.42: {error}")


@pytest.fixture(params=["3.10", "2.42"])
def any_promtool(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue("promtool" if request.param == "3.10" else "promtool_2_42")
    return found
