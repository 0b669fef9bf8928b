"""The sample of plans that is part of the tests, in parts of about the same length: each is a file, which one worker runs."""

from __future__ import annotations

from pathlib import Path

from fault_injection.plans import Plan, sample

SEED = 4
SIZES = {"answer": 40, "kill": 16, "watch": 8, "start": 6, "old-lists": 1, "chance": 4}
PARTS = {
    "test_answers": ("answer", "chance"),
    "test_kills": ("kill",),
    "test_watches_and_starts": ("watch", "start", "old-lists"),
}
"""Families of plans by file. Those of the first share one operator, the others have one for each plan."""


def whole() -> list[Plan]:
    """The whole sample."""
    return sample(SEED, SIZES)


def part(file: str) -> list[Plan]:
    """The plans of a test file."""
    return [plan for plan in whole() if plan.family in PARTS[Path(file).stem]]
