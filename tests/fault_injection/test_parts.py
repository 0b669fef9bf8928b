"""The parts of the sample leave no plan out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fault_injection.parts import PARTS, part, whole
from fault_injection.plans import everything


def test_there_are_enough_plans_and_each_has_its_own_id() -> None:
    assert len(whole()) >= 75
    every = [plan.id for plan in everything(range(40))]
    assert len(every) == len(set(every)) >= 200


def test_every_plan_is_in_one_part_and_every_part_is_a_test_file() -> None:
    assert Counter(plan.id for file in PARTS for plan in part(file)) == Counter(plan.id for plan in whole())
    files = {file.stem for file in Path(__file__).parent.glob("test_*.py")}
    assert files == {*PARTS, Path(__file__).stem}
