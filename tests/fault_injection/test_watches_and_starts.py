"""Watches that tell nothing, and starts of which a request fails, with an operator for each plan."""

from __future__ import annotations

import pytest

from fault_injection.campaign import Result
from fault_injection.parts import part
from fault_injection.plans import Plan

pytestmark = pytest.mark.e2e

PLANS = part(__file__)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.id)
def test_end_is_as_if_nothing_had_gone_wrong(results: dict[str, Result], plan: Plan) -> None:
    assert results[plan.id].alarms == []
