"""A sample of the spec campaign: whatever is written is refused, seen or told, and can be taken back."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from operator_testbed import OWN_CRDS, prometheus_crds, running_bed
from spec_mutations.mutations import leaves, singles
from spec_mutations.run import Outcome, climb, sample

pytestmark = pytest.mark.e2e

SEED, COUNT = 4, 320


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    folder = tmp_path_factory.mktemp("campaign")
    with running_bed(folder, [*OWN_CRDS, *prometheus_crds()], controllers=False) as bed, bed.operator():
        return asyncio.run(climb(bed, sample(SEED, COUNT)))


def test_every_leaf_of_the_schema_is_among_the_operations(outcomes: list[Outcome]) -> None:
    changed = {field for outcome in outcomes for field in outcome.operation.fields}
    assert {".".join(map(str, path)) for path, _ in leaves()} <= changed
    assert len(outcomes) >= 300
    assert len({operation.id for operation in singles()}) == len(singles()) >= 1000


def test_every_operation_is_refused_seen_or_told_and_can_be_undone(outcomes: list[Outcome]) -> None:
    assert {o.operation.id: o.alarms for o in outcomes if o.alarms} == {}


def test_operations_end_in_every_way(outcomes: list[Outcome]) -> None:
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    assert {"refused", "seen", "told", "same"} <= verdicts.keys(), verdicts
