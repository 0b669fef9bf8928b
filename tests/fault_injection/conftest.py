"""A part of the fault campaign: the same end as without the fault, within the write budget, and then silence."""

from __future__ import annotations

import pytest

from fault_injection.campaign import Campaign, Result
from fault_injection.parts import part
from fault_injection.proxy import Proxy
from operator_testbed import Bed


@pytest.fixture(scope="module")
def results(bed: Bed, request: pytest.FixtureRequest) -> dict[str, Result]:
    """What came of each plan of the file that asks."""
    with Proxy(bed.plane) as proxy:
        return {result.plan.id: result for result in Campaign(bed, proxy).run(part(str(request.path)))}
