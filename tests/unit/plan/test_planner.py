"""From what exists to what should exist: each state of a child and the one step that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from monitored_models.cache.children import ObservedChild
from monitored_models.kube import applied_fields
from monitored_models.naming.kinds import (
    AUTOSCALER,
    CHILDREN,
    CONFIG_MAP,
    DEPLOYMENT,
    GRAFANA_DASHBOARD,
    NETWORK_POLICY,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_MONITOR,
    Kind,
)
from monitored_models.plan.desired_state import summarize
from monitored_models.plan.planner import Apply, Delete, Plan, plan_model
from monitored_models.render.children import Child, render
from monitored_models.settings import GrafanaOperator, InstanceSelector, Settings
from unit.specs import FULL, model

MODEL = model()
WITH_GRAFANA = Settings(grafana_operator=GrafanaOperator(instance_selector=InstanceSelector(match_labels={"a": "b"})))
DESIRED = {child["kind"]: child for child in render(MODEL, Settings(), 1)}
WANTED = summarize(MODEL, list(DESIRED.values()))
NOTHING = summarize(MODEL, [])
SERVED = frozenset(CHILDREN)
Existing = dict[tuple[Kind, str], ObservedChild]
Settled = dict[tuple[Kind, str], tuple[str, str]]


def seen(child: Child, kind: Kind) -> ObservedChild:
    """A child exactly as it was applied."""
    return ObservedChild(
        kind=kind,
        name=child["metadata"]["name"],
        uid=f"uid-{kind.name}",
        version=1,
        owner_uid=MODEL.uid,
        digest=applied_fields.digest_rendered(child),
        applied=True,
    )


def existing() -> Existing:
    """All desired children as applied."""
    found = [seen(child, kind) for kind in CHILDREN for name, child in DESIRED.items() if name == kind.name]
    return {(child.kind, child.name): child for child in found}


def plan(there: Existing, served: frozenset[Kind] = SERVED, settled: Settled | None = None) -> Plan:
    return plan_model(WANTED, there, served, settled or {})


def described(made: Plan) -> tuple[list[str], list[str]]:
    steps = [f"{'apply' if isinstance(step, Apply) else 'delete'} {step.kind.name} {step.uid}" for step in made.steps]
    return steps, [f"{problem.kind.name} {problem.reason}" for problem in made.problems]


def test_nothing_is_done_when_everything_is_in_place() -> None:
    assert plan(existing()) == Plan((), ())


def test_everything_is_applied_in_order_where_nothing_exists() -> None:
    steps, problems = described(plan({}))
    assert steps == [f"apply {kind} None" for kind in DESIRED]
    assert problems == []


@pytest.mark.parametrize("rendered_in", [list, reversed])
def test_children_are_applied_in_the_order_of_kinds_however_they_are_rendered(
    rendered_in: Callable[[list[Child]], Iterable[Child]],
) -> None:
    desired = summarize(MODEL, rendered_in(render(model(FULL), WITH_GRAFANA, 2)))
    assert [step.kind for step in plan_model(desired, {}, SERVED, {}).steps] == list(CHILDREN)
    assert [problem.kind for problem in plan_model(desired, {}, (), {}).problems] == list(CHILDREN)


STATES: list[tuple[str, dict[str, object], list[str], list[str]]] = [
    # what is other about the Service, the steps, the problems
    ("as it should be", {}, [], []),
    ("other content", {"digest": "x"}, ["apply Service uid-Service"], []),
    ("being deleted", {"deleting": True}, [], ["Service BeingDeleted"]),
    ("being deleted, with other content", {"deleting": True, "digest": "x"}, [], ["Service BeingDeleted"]),
    ("another owner", {"owner_uid": "other"}, [], ["Service NameConflict"]),
    ("another owner, and other content", {"owner_uid": "other", "digest": "x"}, [], ["Service NameConflict"]),
    ("an earlier model of the name", {"owner_uid": "earlier", "digest": "x"}, [], ["Service NameConflict"]),
    ("no owner, never applied by us", {"owner_uid": None, "applied": False}, [], ["Service NameConflict"]),
    ("someone took the owner off", {"owner_uid": None, "digest": "x"}, ["apply Service uid-Service"], []),
    ("ours, all our fields taken over", {"applied": False, "digest": "x"}, ["apply Service uid-Service"], []),
]


@pytest.mark.parametrize(("changes", "steps", "problems"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state_of_a_wanted_child(changes: dict[str, object], steps: list[str], problems: list[str]) -> None:
    there = existing()
    there[SERVICE, "churn"] = replace(there[SERVICE, "churn"], **changes)  # type: ignore[arg-type]
    assert described(plan(there)) == (steps, problems)


UNWANTED: list[tuple[str, dict[str, object], list[str]]] = [
    ("ours", {}, ["delete NetworkPolicy uid-x"]),
    ("ours, whatever its content", {"digest": "y"}, ["delete NetworkPolicy uid-x"]),
    ("being deleted", {"deleting": True}, []),
    ("another owner", {"owner_uid": "other"}, []),
    ("no owner, never applied by us", {"owner_uid": None, "applied": False}, []),
    ("someone took the owner off", {"owner_uid": None}, ["delete NetworkPolicy uid-x"]),
]


@pytest.mark.parametrize(("changes", "steps"), [row[1:] for row in UNWANTED], ids=[row[0] for row in UNWANTED])
def test_state_of_a_child_that_is_no_longer_wanted(changes: dict[str, object], steps: list[str]) -> None:
    leftover = ObservedChild(NETWORK_POLICY, "churn", "uid-x", 1, MODEL.uid, "x", applied=True)
    there = {**existing(), (NETWORK_POLICY, "churn"): replace(leftover, **changes)}  # type: ignore[arg-type]
    assert described(plan(there)) == (steps, [])


NAMES = [(kind, "churn-dashboard" if kind in (CONFIG_MAP, GRAFANA_DASHBOARD) else "churn") for kind in CHILDREN]


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[kind.name for kind in CHILDREN])
def test_every_kind_is_deleted_under_the_name_that_this_model_gives_it(kind: Kind, name: str) -> None:
    leftover = ObservedChild(kind, name, "uid-x", 1, MODEL.uid, "x", applied=True)
    made = plan_model(NOTHING, {(kind, name): leftover}, SERVED, {})
    assert described(made) == ([f"delete {kind.name} uid-x"], [])


@pytest.mark.parametrize("kind", CHILDREN, ids=[kind.name for kind in CHILDREN])
@pytest.mark.parametrize("owner_uid", [MODEL.uid, None])
def test_object_whose_name_this_model_never_gives_is_left_alone(kind: Kind, owner_uid: str | None) -> None:
    """Whoever may write owner references could otherwise have the operator delete what they may not."""
    given = dict(NAMES)[kind]
    others = {"old", "other", f"{given}-dashboard", f"{given}2", {"churn": "churn-dashboard"}.get(given, "churn")}
    there = {(kind, name): ObservedChild(kind, name, "u", 1, owner_uid, "x", applied=True) for name in others}
    assert plan_model(NOTHING, there, SERVED, {}) == Plan((), ())


def test_grafana_dashboard_without_its_operator_is_a_problem_and_holds_nothing_up() -> None:
    wanted = summarize(MODEL, render(MODEL, WITH_GRAFANA, 1))
    made = plan_model(wanted, {}, SERVED - {GRAFANA_DASHBOARD}, {})
    assert [problem.reason for problem in made.problems] == ["CRDNotInstalled"]
    assert "grafanaOperator" in made.problems[0].message
    assert len(made.steps) == len(DESIRED)


def test_what_is_wanted_is_applied_before_what_is_not_wanted_is_deleted() -> None:
    there = existing()
    del there[CONFIG_MAP, "churn-dashboard"]
    there[NETWORK_POLICY, "churn"] = ObservedChild(NETWORK_POLICY, "churn", "uid-x", 1, MODEL.uid, "x", applied=True)
    made = plan(there)
    assert [type(step) for step in made.steps] == [Apply, Delete]
    assert [step.name for step in made.steps] == ["churn-dashboard", "churn"]


RENDERED = applied_fields.digest_rendered(DESIRED["Service"])
SETTLED: list[tuple[str, str, tuple[str, str], list[str]]] = [
    # digest of the live Service, what is settled of it, the steps
    ("changed on its way in, and settled", "x", (RENDERED, "x"), []),
    ("changed since it was settled", "y", (RENDERED, "x"), ["apply Service uid-Service"]),
    ("settled for an earlier rendering", "x", ("earlier", "x"), ["apply Service uid-Service"]),
    ("the other way round", "x", ("x", RENDERED), ["apply Service uid-Service"]),
    ("as rendered, whatever was settled", RENDERED, (RENDERED, "x"), []),
]


@pytest.mark.parametrize(("live", "pair", "steps"), [row[1:] for row in SETTLED], ids=[row[0] for row in SETTLED])
def test_what_an_admission_policy_made_of_a_rendering_counts_as_equal(
    live: str, pair: tuple[str, str], steps: list[str]
) -> None:
    there = existing()
    there[SERVICE, "churn"] = replace(there[SERVICE, "churn"], digest=live)
    assert described(plan(there, settled={(SERVICE, "churn"): pair})) == (steps, [])


def test_what_is_settled_of_one_child_means_nothing_for_another() -> None:
    there = existing()
    there[SERVICE, "churn"] = replace(there[SERVICE, "churn"], digest="x")
    pair = (RENDERED, "x")
    steps, _ = described(plan(there, settled={(DEPLOYMENT, "churn"): pair, (SERVICE, "other"): pair}))
    assert steps == ["apply Service uid-Service"]


@pytest.mark.parametrize("changes", [{"deleting": True}, {"owner_uid": "other"}])
def test_settled_child_that_is_leaving_or_someone_elses_is_still_a_problem(changes: dict[str, object]) -> None:
    there = existing()
    there[SERVICE, "churn"] = replace(there[SERVICE, "churn"], digest="x", **changes)  # type: ignore[arg-type]
    steps, problems = described(plan(there, settled={(SERVICE, "churn"): (RENDERED, "x")}))
    assert (steps, len(problems)) == ([], 1)


@pytest.mark.parametrize("kind", [SERVICE_MONITOR, PROMETHEUS_RULE])
def test_kind_that_the_cluster_lacks_is_a_problem_and_holds_nothing_up(kind: Kind) -> None:
    made = plan({}, SERVED - {kind})
    steps, problems = described(made)
    assert problems == [f"{kind.name} CRDNotInstalled"]
    assert len(steps) == len(DESIRED) - 1
    assert kind.plural in made.problems[0].message
    assert "spec.monitoring.scrape.enabled" in made.problems[0].message


def test_kind_that_is_neither_wanted_nor_served_is_no_problem() -> None:
    assert plan(existing(), SERVED - {AUTOSCALER}) == Plan((), ())


def test_same_name_of_another_kind_is_another_object() -> None:
    there = {(DEPLOYMENT, "churn"): existing()[DEPLOYMENT, "churn"]}
    steps, _ = described(plan(there))
    assert "apply Service None" in steps
    assert not any("Deployment" in step for step in steps)


def test_problems_name_the_object_and_the_way_out() -> None:
    there = existing()
    there[SERVICE, "churn"] = replace(there[SERVICE, "churn"], owner_uid="other")
    (problem,) = plan(there).problems
    assert "Service churn" in problem.message
    assert "delete or rename it" in problem.message
