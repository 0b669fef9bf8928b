"""A sample of the fault campaign: the same end as without the fault, within the write budget, and then silence."""

from __future__ import annotations

import pytest

from faults.campaign import Campaign, Result
from faults.plans import Plan, everything, sample
from faults.proxy import Proxy
from kubernetes_bed import Bed

pytestmark = pytest.mark.e2e

SEED = 4
SIZES = {"answer": 40, "kill": 16, "watch": 8, "start": 6, "old-lists": 1, "chance": 4}
PLANS = sample(SEED, SIZES)


@pytest.fixture(scope="module")
def results(bed: Bed) -> dict[str, Result]:
    with Proxy(bed.plane) as proxy:
        return {result.plan.id: result for result in Campaign(bed, proxy).run(PLANS)}


def test_there_are_enough_plans_and_each_has_its_own_id() -> None:
    assert len(PLANS) >= 60
    every = [plan.id for plan in everything(range(40))]
    assert len(every) == len(set(every)) >= 200


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.id)
def test_end_is_as_if_nothing_had_gone_wrong(results: dict[str, Result], plan: Plan) -> None:
    assert results[plan.id].alarms == []
