"""A part of the fault campaign: the same end as without the fault, within the write budget, and then silence."""

from __future__ import annotations

import pytest

from faults.campaign import Campaign, Result
from faults.parts import part
from faults.proxy import Proxy
from kubernetes_bed import Bed


@pytest.fixture(scope="module")
def results(bed: Bed, request: pytest.FixtureRequest) -> dict[str, Result]:
    """What came of each plan of the file that asks."""
    with Proxy(bed.plane) as proxy:
        return {result.plan.id: result for result in Campaign(bed, proxy).run(part(str(request.path)))}
