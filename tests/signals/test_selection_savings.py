"""The page about metric selection says what the fixtures show."""

from __future__ import annotations

import pytest

from signals.replay import Fixture, fixtures
from signals.selection_savings import PAGE, kept, table


def test_page_is_up_to_date() -> None:
    assert table() in PAGE.read_text(), "run `PYTHONPATH=tests .venv/bin/python -m signals.selection_savings`"


@pytest.mark.parametrize("fixture", [f for f in fixtures() if f.runtime != "custom"], ids=lambda f: f.name)
def test_core_is_not_more_than_there_is_and_not_nothing(fixture: Fixture) -> None:
    names = [name for name, _ in fixture.page(2)]
    assert 0 < kept(fixture, names) <= len(names)
