"""A new condition is one entry in the table of conditions: statuses and docs follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from monitored_models.api import InvalidSpec, Problem
from monitored_models.codegen.conditions_page import conditions_page
from monitored_models.naming.conditions import ON_DASHBOARDS, STUCK
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.build import build_invalid_status, build_status
from monitored_models.status.changes import condition
from monitored_models.status.condition_spec import ConditionSpec, ReasonDoc, true
from monitored_models.status.conditions import CONDITIONS
from monitored_models.status.status_input import Cause, StatusInput
from monitored_models.status.workload_checks import WORKLOAD_READY
from unit.specs import JSON, model

THEN, NOW, LATER = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z"
INVALID = InvalidSpec((Problem("spec.foo", "unknown field"),))


# --- the toy: a condition about the temperature of the model's GPUs ---

COOL = "Cool"


@dataclass(frozen=True)
class Thermometer:
    """What a toy integration found for a model."""

    status: str
    reason: str
    message: str


def _too_hot(s: StatusInput) -> Cause | None:
    reading = s.checks[COOL]
    return Cause("TooHot", reading.message) if reading and reading.status == "False" else None


TOY = ConditionSpec(
    type=COOL,
    true_means="the GPUs are cool",
    is_present=lambda s: s.checks.get(COOL) is not None,
    checks=(_too_hot,),
    otherwise=lambda _s: true("Pleasant", "all is cool"),
    reasons=(ReasonDoc("TooHot", "a GPU is hot", "open a window"), ReasonDoc("Pleasant", "no problem")),
)
TABLE = (*CONDITIONS, TOY)
WARM, HOT = Thermometer("True", "", ""), Thermometer("False", "", "90 degrees")


def status(reading: Thermometer | None, stored: JSON | None = None, now: str = NOW) -> JSON:
    made = model()
    whole = StatusInput(summarize(made, render(made, Settings(), 1)), None, (), (), checks={COOL: reading})
    return build_status(whole, stored or {}, now, table=TABLE)


def test_condition_is_in_the_status_after_the_others() -> None:
    before = status(None)
    assert not condition(before, COOL)
    with_toy = status(HOT)
    assert with_toy["conditions"][:-1] == before["conditions"]
    assert with_toy["conditions"][-1] == {
        "type": COOL,
        "status": "False",
        "reason": "TooHot",
        "message": "90 degrees",
        "observedGeneration": 3,
        "lastTransitionTime": NOW,
    }
    assert condition(status(WARM), COOL)["reason"] == "Pleasant"


def test_condition_keeps_its_transition_time() -> None:
    first = status(HOT, now=THEN)
    second = status(replace(HOT, message="91 degrees"), first, NOW)
    assert condition(second, COOL)["message"] == "91 degrees"
    assert condition(second, COOL)["lastTransitionTime"] == THEN
    assert condition(status(WARM, second, LATER), COOL)["lastTransitionTime"] == LATER


def test_condition_becomes_unknown_for_an_invalid_spec() -> None:
    made = build_invalid_status(INVALID, 4, None, status(HOT), LATER, table=TABLE)
    found = condition(made, COOL)
    assert (found["status"], found["reason"], found["lastTransitionTime"]) == ("Unknown", "InvalidSpec", LATER)


def test_condition_is_in_the_tables_of_the_docs() -> None:
    page = "".join(
        f"<!-- generated: {name} -->\nold\n<!-- end -->\nProse of {name}.\n"
        for name in ("conditions", *(spec.type for spec in TABLE[1:]))
    )
    made = conditions_page(page, TABLE)
    assert "| `Cool` | the GPUs are cool |\n" in made
    assert "| `TooHot` | a GPU is hot | open a window |\n| `Pleasant` | no problem | |\n" in made
    assert "old" not in made.split("generated: Cool")[1]
    assert "Prose of Cool." in made
    assert conditions_page(made, TABLE) == made


# --- the table ---


def test_page_without_a_block_for_a_condition_is_an_error() -> None:
    page = "".join(f"<!-- generated: {name} -->\n<!-- end -->\n" for name in ("conditions", "Ready"))
    conditions_page(page, (CONDITIONS[0],))
    with pytest.raises(ValueError, match=r"no block .* for Cool \(TooHot\), Cool \(Pleasant\)"):
        conditions_page(page, (CONDITIONS[0], TOY))
    with pytest.raises(ValueError, match="one generated block is conditions"):
        conditions_page(page, (TOY,))
    with pytest.raises(ValueError, match="one generated block is conditions"):
        conditions_page("<!-- generated: Ready -->\n<!-- end -->\n", (CONDITIONS[0],))


def test_types_are_unique() -> None:
    types = [spec.type for spec in CONDITIONS]
    assert len(types) == len(set(types))


def test_dashboards_show_conditions_that_every_model_has() -> None:
    """In the order of the status."""
    found = [c["type"] for c in status(None)["conditions"]]
    assert [kind for kind in found if kind != "Reconciling"] == list(ON_DASHBOARDS)


def test_alert_lists_reasons_of_the_workload() -> None:
    assert set(STUCK) <= {doc.reason for doc in WORKLOAD_READY.reasons}
