"""The table of cases: every plan has an id by which it can be run again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fault_injection.scenarios import SCENARIOS

ANSWERS = ("409", "422", "429", "500", "timeout-before", "timeout-after", "reset-before", "reset-after")
LASTING = "500-lasting"
"""The same failure until the operator says so in a condition."""
KILLS = ("kill-before", "kill-after")
HOWS = ("close", "drop", "gone", "frozen")
WATCHED = {
    "model-changed": "monitoredmodels",
    "model-deleted": "monitoredmodels",
    "model-recreated": "monitoredmodels",
    "service-deleted": "services",
    "rule-changed": "prometheusrules",
    "deployment-deleted": "deployments",
    "pod-deleted": "pods",
}
"""What happens while a watch tells nothing, and which watch."""
START_REQUESTS = 22
"""So many requests of a start are spoiled, one at a time: discovery, lists and the beginnings of watches."""
START_FAULTS = ("429", "500", "timeout-before", "reset-before")


@dataclass(frozen=True)
class Plan:
    """One case. `alone`: it needs an operator of its own."""

    id: str
    family: str
    scenario: str = ""
    fault: str = ""
    at: int = 0
    alone: bool = False


def answers() -> list[Plan]:
    """Every write of every scenario, with every answer that can go wrong."""
    plans = [
        Plan(f"{name}/{fault}@{at}", "answer", name, fault, at)
        for name, scenario in SCENARIOS.items()
        for at in range(1, scenario.writes + 1)
        for fault in ANSWERS
    ]
    lasting = [Plan(f"{name}/{LASTING}@1", "answer", name, LASTING, 1) for name, s in SCENARIOS.items() if s.writes > 1]
    return plans + lasting


def kills() -> list[Plan]:
    """The operator killed before and after every write of every scenario; at 0, before the user acts."""
    return [
        Plan(f"{name}/{fault}@{at}", "kill", name, fault, at, alone=True)
        for name, scenario in SCENARIOS.items()
        for fault in KILLS
        for at in range(0 if fault == KILLS[0] else 1, scenario.writes + 1)
    ]


def watches() -> list[Plan]:
    """Watches that end, or stay silent, while something happens that they would have told."""
    return [Plan(f"watch/{how}/{what}", "watch", what, how, alone=True) for what in WATCHED for how in HOWS]


def starts() -> list[Plan]:
    """A start of which one request fails; and one that is told what was true long ago."""
    spoiled = [
        Plan(f"start/{fault}@{at}", "start", fault=fault, at=at, alone=True)
        for at in range(1, START_REQUESTS + 1)
        for fault in START_FAULTS
    ]
    return [*spoiled, Plan("start/old-lists", "old-lists", alone=True)]


def chances(seeds: range) -> list[Plan]:
    """Many actions, and of all requests some fail, by chance."""
    return [Plan(f"chance/{seed}", "chance", at=seed) for seed in seeds]


def everything(seeds: range) -> list[Plan]:
    """All plans."""
    return [*answers(), *kills(), *watches(), *starts(), *chances(seeds)]


def sample(seed: int, sizes: dict[str, int]) -> list[Plan]:
    """So many of each family, the same for the same seed."""
    chosen = []
    for family, size in sizes.items():
        plans = [plan for plan in everything(range(seed, seed + size)) if plan.family == family]
        chosen += random.Random(f"{seed}/{family}").sample(plans, min(size, len(plans)))
    return chosen
