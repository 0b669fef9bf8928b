"""The status: which fact becomes which condition, what is kept from the last status, and what is worth writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import InvalidSpec, Model, Problem, UnmetRequest, parse
from monitored_models.cache.workload_status import DeploymentStatus, PodStatus, deployment_status, pod_status
from monitored_models.codegen.crd import openapi_schema
from monitored_models.integrations.grafana.dashboard_check import DashboardCheck
from monitored_models.naming.kinds import CONFIG_MAP, DEPLOYMENT, PROMETHEUS_RULE, SERVICE, SERVICE_MONITOR
from monitored_models.naming.object_names import dashboard_uid
from monitored_models.plan.child_problems import ChildProblem
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.build import build_invalid_status, build_status, stored_dashboard_check
from monitored_models.status.changes import TYPES, changed, condition
from monitored_models.status.conditions import CONDITIONS
from monitored_models.status.status_input import NotificationState, StatusInput
from monitored_models.status.workload_checks import SERVING_CHECKS, WORKLOAD_READY
from unit.specs import FULL, JSON, MINIMAL, VLLM, body, model

THEN, NOW, LATER = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z"
SERVING = DeploymentStatus(
    current=True,
    desired=1,
    total=1,
    updated=1,
    available=1,
    ready=1,
    deadline_exceeded=None,
    replica_failure=None,
    paused=False,
)
WAITING = replace(SERVING, available=0, ready=0)
POD = PodStatus(
    name="churn-1", created=THEN, ready=False, terminating=False, reason=None, message="", out_of_memory=False
)


def situation(
    made: Model | None = None,
    workload: DeploymentStatus | None = SERVING,
    pods: tuple[PodStatus, ...] = (),
    problems: tuple[ChildProblem, ...] = (),
) -> StatusInput:
    made = made or model(model__version="1")
    return StatusInput(summarize(made, render(made, Settings(), 1)), workload, pods, problems)


def reported(given_situation: StatusInput, stored: JSON | None = None, now: str = NOW) -> JSON:
    return build_status(given_situation, stored or {}, now)


def reason(made: JSON, kind: str = "Ready") -> tuple[str, str]:
    found = condition(made, kind)
    return found.get("status", ""), found.get("reason", "")


# --- why a workload is not ready ---


@dataclass(frozen=True)
class Row:
    """A situation and what is said of it; facts that later rows are about are there as well, and lose."""

    reason: str
    told: str
    """Part of the message."""
    stalled: bool = False
    made: Model = field(default_factory=model)
    workload: DeploymentStatus | None = WAITING
    pods: tuple[PodStatus, ...] = ()
    problems: tuple[ChildProblem, ...] = ()


def pod(pod_reason: str | None, **more: Any) -> PodStatus:
    return replace(POD, reason=pod_reason, message="detail", **more)


CONFLICT = ChildProblem(SERVICE, "NameConflict", "Service churn exists and is not this model's")
LEAVING = ChildProblem(DEPLOYMENT, "BeingDeleted", "Deployment churn is being deleted")
NO_CRD = ChildProblem(SERVICE_MONITOR, "CRDNotInstalled", "this cluster has no servicemonitors")
UNPLACED, CRASHING, KILLED = pod("Unschedulable"), pod("CrashLoopBackOff"), pod("CrashLoopBackOff", out_of_memory=True)
STUCK, REFUSED = replace(WAITING, deadline_exceeded="no progress"), replace(WAITING, replica_failure="exceeded quota")
PAUSED = replace(STUCK, paused=True)
SCALED = model(autoscaling={"minReplicas": 2, "maxReplicas": 9}, resources={"requests": {"cpu": 1}})
TWO_OF_FIVE = replace(SERVING, desired=5, total=5, updated=5, available=2, ready=2)

REASONS: dict[str, list[Row]] = {
    "_suspended": [
        Row(
            "Suspended",
            "spec.suspend",
            made=model(suspend=True),
            workload=REFUSED,
            pods=(KILLED,),
            problems=(CONFLICT,),
        ),
    ],
    "_workload_problem": [
        Row("NameConflict", "Service churn", stalled=True, workload=REFUSED, pods=(KILLED,), problems=(CONFLICT,)),
        Row("BeingDeleted", "Deployment churn", problems=(LEAVING,)),
        Row("NameConflict", "Deployment churn", stalled=True, problems=(CONFLICT, LEAVING)),
    ],
    "_pods_refused": [Row("PodsRefused", "exceeded quota", stalled=True, workload=REFUSED, pods=(KILLED,))],
    "_image": [
        Row("ImagePullFailed", "spec.image", workload=STUCK, pods=(UNPLACED, CRASHING, pod(name)))
        for name in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
    ],
    "_container_config": [
        Row("ContainerConfigInvalid", "spec.env", workload=STUCK, pods=(KILLED, pod(name)))
        for name in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
    ],
    "_out_of_memory": [
        Row("OutOfMemory", "spec.resources.limits.memory", workload=STUCK, pods=(CRASHING, KILLED)),
        Row("OutOfMemory", "churn-1", pods=(pod(None, out_of_memory=True),)),
    ],
    "_crash": [Row("CrashLooping", "kubectl logs --previous", workload=STUCK, pods=(UNPLACED, CRASHING))],
    "_unschedulable": [
        Row("Unschedulable", "spec.scheduling", workload=STUCK, pods=(UNPLACED,)),
        Row("Unschedulable", "spec.scheduling", pods=(pod("SchedulingGated"),)),
        Row(
            "RolloutBlocked",
            "spec.rollout.maxSurge: 0",
            workload=replace(PAUSED, updated=1, total=2),
            pods=(UNPLACED,),
        ),
        # Not every pod that finds no node stands in the way of a rollout: more replicas are wanted here.
        Row(
            "Unschedulable",
            "spec.scheduling",
            workload=replace(SERVING, desired=2, total=2, updated=2),
            pods=(UNPLACED,),
        ),
    ],
    "_paused": [
        Row("Paused", "kubectl rollout resume deployment/churn", stalled=True, workload=PAUSED),
        Row("Paused", "resume", stalled=True, workload=replace(PAUSED, total=2, updated=0, available=2, ready=2)),
    ],
    "_stuck": [
        Row("ProgressDeadlineExceeded", "progressDeadlineSeconds", stalled=True, workload=STUCK),
        Row("ProgressDeadlineExceeded", "no progress", stalled=True, workload=replace(STUCK, total=2)),
    ],
    "_still_starting": [
        Row("PodsNotReady", "waiting for 1 replica to", workload=None),
        Row("PodsNotReady", "1 replica ", workload=WAITING),
        Row("PodsNotReady", "2 replicas", workload=replace(WAITING, desired=2)),
        Row("PodsNotReady", "1 replica", workload=replace(SERVING, current=False)),
        Row("RollingOut", "being replaced", workload=replace(SERVING, total=2, updated=1)),
        Row("RollingOut", "being replaced", workload=replace(SERVING, total=1, updated=0)),
        Row("RollingOut", "being replaced", made=SCALED, workload=replace(TWO_OF_FIVE, total=6, available=6, ready=6)),
        Row("PodsNotReady", "5 replicas", made=SCALED, workload=replace(TWO_OF_FIVE, available=1, ready=1)),
        Row("PodsNotReady", "2 replicas", made=SCALED, workload=None),
        Row("PodsNotReady", "5 replicas", workload=TWO_OF_FIVE),
    ],
}


def test_every_check_has_a_row() -> None:
    *before, last = WORKLOAD_READY.checks
    assert last.__name__ == "_not_serving"
    assert list(REASONS) == [check.__name__ for check in (*before, *SERVING_CHECKS)]


def test_reasons_are_documented_in_the_order_in_which_they_are_checked() -> None:
    documented = [doc.reason for doc in WORKLOAD_READY.reasons]
    places = [place for rows in REASONS.values() for place in sorted({documented.index(row.reason) for row in rows})]
    assert places == sorted(places)


ROWS = [(check, row) for check, rows in REASONS.items() for row in rows]


@pytest.mark.parametrize(("check", "row"), ROWS, ids=[f"{check}-{index}" for index, (check, _) in enumerate(ROWS)])
def test_first_check_that_finds_something_gives_the_reason(check: str, row: Row) -> None:
    made = reported(situation(row.made, row.workload, row.pods, row.problems))
    assert reason(made) == reason(made, "WorkloadReady") == ("False", row.reason), check
    assert row.told in condition(made, "Ready")["message"]
    progress = {"Reconciling": "", "Stalled": ""} | {c["type"]: c["status"] for c in made["conditions"]}
    if row.reason == "Suspended":
        assert (progress["Reconciling"], progress["Stalled"]) == ("", "")
    else:
        assert (progress["Stalled"], progress["Reconciling"]) == (("True", "") if row.stalled else ("", "True"))


@pytest.mark.parametrize(
    "ignored", [replace(POD, ready=True), replace(POD, terminating=True)], ids=["serves", "leaves"]
)
def test_pods_that_serve_or_leave_are_no_reason(ignored: PodStatus) -> None:
    names = ("CrashLoopBackOff", "ErrImagePull", "Unschedulable", "CreateContainerError")
    left_alone = tuple(replace(ignored, reason=name, out_of_memory=True) for name in names)
    assert reason(reported(situation(pods=left_alone))) == ("True", "Ready")
    assert reason(reported(situation(workload=WAITING, pods=left_alone))) == ("False", "PodsNotReady")


TROUBLED = (KILLED, UNPLACED, pod("ErrImagePull"), pod("CreateContainerError"))
SERVES: list[tuple[str, Model, DeploymentStatus]] = [
    ("all that are wanted", model(), SERVING),
    ("more than are wanted, on their way out", model(), replace(SERVING, total=3, updated=3, available=3, ready=3)),
    ("the minimum of an autoscaler that wants more", SCALED, TWO_OF_FIVE),
    ("an autoscaler that scales down", SCALED, replace(TWO_OF_FIVE, desired=2, available=5, ready=5)),
]


@pytest.mark.parametrize(("made", "workload"), [row[1:] for row in SERVES], ids=[row[0] for row in SERVES])
def test_trouble_of_a_pod_is_no_reason_while_the_model_serves(made: Model, workload: DeploymentStatus) -> None:
    """A pod that an autoscaler asked for, or that a node took with it, is nothing that users of the model notice."""
    troubled = replace(workload, deadline_exceeded="no progress", replica_failure="exceeded quota", paused=True)
    found = reported(situation(made, troubled, TROUBLED))
    assert reason(found) == reason(found, "WorkloadReady") == ("True", "Ready")
    assert not condition(found, "Reconciling")
    assert not condition(found, "Stalled")


@pytest.mark.parametrize(("made", "workload"), [row[1:] for row in SERVES], ids=[row[0] for row in SERVES])
def test_trouble_of_a_child_is_a_reason_even_while_the_model_serves(made: Model, workload: DeploymentStatus) -> None:
    assert reason(reported(situation(made, workload, TROUBLED, (CONFLICT,)))) == ("False", "NameConflict")


def test_suspended_model_whose_pods_are_not_gone_yet_is_suspended() -> None:
    assert reason(reported(situation(model(suspend=True), SERVING))) == ("False", "Suspended")


def test_counts_of_an_autoscaled_model_are_those_of_the_moment() -> None:
    made = reported(situation(SCALED, TWO_OF_FIVE))
    assert (made["replicas"], made["readyReplicas"], made["readyReplicasText"]) == (5, 2, "2/5")
    assert condition(made, "Ready")["message"].startswith("2 of 5 replicas ready")


def test_oldest_pod_with_the_trouble_is_named() -> None:
    made = reported(
        situation(workload=WAITING, pods=(replace(CRASHING, name="first"), replace(CRASHING, name="second")))
    )
    assert "first" in condition(made, "Ready")["message"]


# --- Ready and its parts ---


@pytest.mark.parametrize(
    ("workload", "problems", "ready", "workload_ready", "applied"),
    [
        (SERVING, (), ("True", "Ready"), "True", "True"),
        (WAITING, (), ("False", "PodsNotReady"), "False", "True"),
        (SERVING, (NO_CRD,), ("False", "CRDNotInstalled"), "True", "False"),
        (WAITING, (NO_CRD,), ("False", "PodsNotReady"), "False", "False"),
        (SERVING, (CONFLICT,), ("False", "NameConflict"), "False", "True"),
        (SERVING, (CONFLICT, NO_CRD), ("False", "NameConflict"), "False", "False"),
    ],
)
def test_ready_is_a_serving_workload_with_its_monitoring_in_place(
    workload: DeploymentStatus,
    problems: tuple[ChildProblem, ...],
    ready: tuple[str, str],
    workload_ready: str,
    applied: str,
) -> None:
    made = reported(situation(workload=workload, problems=problems))
    assert reason(made) == ready
    assert reason(made, "WorkloadReady")[0] == workload_ready
    assert reason(made, "MonitoringApplied")[0] == applied


def test_several_problems_are_told_together() -> None:
    other = ChildProblem(PROMETHEUS_RULE, "Rejected", "the API server rejects PrometheusRule churn")
    made = condition(reported(situation(problems=(NO_CRD, other))), "MonitoringApplied")
    assert made["reason"] == "CRDNotInstalled"
    assert NO_CRD.message in made["message"]
    assert other.message in made["message"]


def test_message_of_a_ready_model_says_what_is_in_place() -> None:
    message = condition(reported(situation()), "Ready")["message"]
    assert message.startswith("1 of 1 replica ready; ServiceMonitor, ")
    assert "rules" in message
    assert "dashboard" in message


def test_model_without_monitoring_is_ready_and_says_so() -> None:
    made = reported(situation(model(monitoring__scrape__enabled=False)))
    assert reason(made) == ("True", "Ready")
    assert "switched off by spec.monitoring" in condition(made, "MonitoringApplied")["message"]
    assert made["monitoring"].keys() <= {"unavailable"}


def test_that_metrics_arrive_is_not_claimed() -> None:
    found = condition(reported(situation()), "Monitored")
    assert (found["status"], found["reason"]) == ("Unknown", "NotVerified")
    assert 'monitored_model="churn"' in found["message"]


def test_suspended_model_is_neither_waiting_nor_stuck() -> None:
    made = reported(
        situation(model(suspend=True), replace(SERVING, desired=0, total=0, updated=0, available=0, ready=0))
    )
    assert reason(made) == ("False", "Suspended")
    assert {c["type"] for c in made["conditions"]} == {
        "Ready",
        "WorkloadReady",
        "MonitoringApplied",
        "MonitoringConfigured",
        "Monitored",
    }


def test_scaled_to_zero_is_ready() -> None:
    nothing = replace(SERVING, desired=0, total=0, updated=0, available=0, ready=0)
    assert reason(reported(situation(model(replicas=0), nothing))) == ("True", "Ready")


# --- what of the monitoring can be had ---

MISSING, ODD = (
    UnmetRequest("ProfileNotFound", "there is no profile gold"),
    UnmetRequest("SignalUnavailable", "it counts no tokens"),
)


def noted(*notes: UnmetRequest, **more: Any) -> StatusInput:
    whole = situation()
    parsed = replace(whole.model, monitoring_profile=more.pop("profile", None))
    return replace(
        whole, desired=replace(whole.desired, **{"model": parsed, "unavailable": (), **more, "notes": notes})
    )


def test_message_is_no_longer_than_the_schema_allows_even_if_the_condition_is_true() -> None:
    many = NotificationState("churn", accepted_by=tuple(f"monitoring/main-{number}" for number in range(300)))
    made = reported(replace(situation(), notifications=many))
    assert reason(made, "NotificationsReady")[0] == "True"
    assert_fits_the_schema(made)


def test_monitoring_of_which_all_can_be_had_is_complete() -> None:
    assert reason(reported(noted()), "MonitoringConfigured") == ("True", "Complete")


def test_what_cannot_be_had_is_told_together_and_keeps_no_model_from_being_ready() -> None:
    made = reported(noted(MISSING, ODD))
    assert reason(made, "MonitoringConfigured") == ("False", "ProfileNotFound")
    message = condition(made, "MonitoringConfigured")["message"]
    assert MISSING.message in message
    assert ODD.message in message
    assert reason(made) == ("True", "Ready")
    assert {"Stalled", "Reconciling"}.isdisjoint(c["type"] for c in made["conditions"])


def test_profile_that_counts_is_named_and_so_is_what_is_unavailable() -> None:
    made = reported(noted(profile="gold", unavailable=("tokens", "queue")))
    assert (made["monitoring"]["profile"], made["monitoring"]["unavailable"]) == ("gold", ["tokens", "queue"])
    assert_fits_the_schema(made)
    assert {"profile", "unavailable"}.isdisjoint(reported(noted())["monitoring"])


def test_change_of_what_can_be_had_is_written_at_once_and_other_words_for_it_are_not() -> None:
    before = reported(noted(MISSING))
    assert changed(before, reported(noted(), before, LATER), in_substance=True)
    other = reported(noted(replace(MISSING, message="other words")), before, LATER)
    assert changed(before, other)
    assert not changed(before, other, in_substance=True)


# --- facts ---


def test_counts_and_names_are_those_of_the_workload() -> None:
    made = reported(situation(model(VLLM), replace(SERVING, desired=3, ready=2)))
    assert (made["replicas"], made["readyReplicas"], made["readyReplicasText"]) == (3, 2, "2/3")
    assert made["gpu"] == {"requested": 6}
    assert made["selector"] == "monitoredmodels.dev/model=churn"
    assert made["endpoint"] == "http://churn.risk.svc:8000"
    assert made["observedGeneration"] == 3
    assert all(c["observedGeneration"] == 3 for c in made["conditions"])


def test_before_there_is_a_deployment_the_spec_tells_the_count() -> None:
    made = reported(situation(model(replicas=4), None))
    assert (made["replicas"], made["readyReplicasText"]) == (4, "0/4")


def test_names_of_monitoring_objects_are_those_that_are_in_place() -> None:
    def in_place(**given: Any) -> JSON:
        return {k: v for k, v in reported(situation(**given))["monitoring"].items() if k != "unavailable"}

    assert in_place() == {
        "serviceMonitor": "churn",
        "prometheusRule": "churn",
        "dashboard": "churn-dashboard",
        "dashboardUID": dashboard_uid(model()),
    }
    no_dashboard = ChildProblem(CONFIG_MAP, "Forbidden", "may not be written")
    assert in_place(problems=(NO_CRD, no_dashboard)) == {"prometheusRule": "churn"}


# --- what is kept ---


def test_time_of_an_unchanged_condition_is_kept() -> None:
    first = reported(situation(workload=WAITING), now=THEN)
    second = reported(situation(), first, NOW)
    third = reported(situation(), second, LATER)
    assert condition(first, "Ready")["lastTransitionTime"] == THEN
    assert condition(second, "Ready")["lastTransitionTime"] == NOW
    assert condition(third, "Ready")["lastTransitionTime"] == NOW
    assert condition(third, "MonitoringApplied")["lastTransitionTime"] == THEN


def test_time_stays_when_only_the_reason_changes() -> None:
    first = reported(situation(workload=WAITING), now=THEN)
    second = reported(situation(workload=WAITING, pods=(CRASHING,)), first, NOW)
    assert condition(second, "Ready")["lastTransitionTime"] == THEN


def test_condition_that_comes_back_begins_anew() -> None:
    first = reported(situation(workload=WAITING), now=THEN)
    second = reported(situation(), first, NOW)
    third = reported(situation(workload=WAITING), second, LATER)
    assert condition(second, "Reconciling") == {}
    assert condition(third, "Reconciling")["lastTransitionTime"] == LATER


def test_time_of_a_version_is_kept_until_the_version_changes() -> None:
    first = reported(situation(model(model__version="1")), now=THEN)
    assert (first["version"], first["versionSince"]) == ("1", THEN)
    restarted = reported(situation(model(model__version="1")), first, NOW)
    assert restarted["versionSince"] == THEN
    changed = reported(situation(model(model__version="2")), restarted, LATER)
    assert (changed["version"], changed["versionSince"]) == ("2", LATER)


def test_model_without_a_version_has_none_in_its_status() -> None:
    made = reported(situation(model()), reported(situation(model(model__version="1"))))
    assert not {"version", "versionSince"} & made.keys()


# --- a spec that cannot be understood ---

INVALID = InvalidSpec((Problem("spec.replicas", "must be less"), Problem("spec.foo", "unknown field")))


def test_invalid_spec_is_stuck_and_says_every_problem() -> None:
    made = build_invalid_status(INVALID, 7, None, {}, NOW)
    assert reason(made) == ("False", "InvalidSpec")
    assert reason(made, "Stalled") == ("True", "InvalidSpec")
    assert condition(made, "Ready")["message"] == "spec.replicas: must be less; spec.foo: unknown field"
    assert made["observedGeneration"] == 7


def test_invalid_spec_leaves_what_an_earlier_one_brought_about() -> None:
    before = reported(situation(), now=THEN)
    made = build_invalid_status(INVALID, 7, None, before, NOW)
    kept = {key: value for key, value in before.items() if key not in ("conditions", "observedGeneration")}
    assert {key: made[key] for key in kept} == kept


def test_mended_spec_keeps_the_time_of_its_version() -> None:
    before = reported(situation(), now=THEN)
    broken = build_invalid_status(INVALID, 7, SERVING, before, NOW)
    assert reported(situation(), broken, LATER)["versionSince"] == THEN


def test_long_invalid_spec_fits_the_status() -> None:
    many = InvalidSpec(tuple(Problem(f"spec.field{n}", "is wrong " * 20) for n in range(200)))
    assert_fits_the_schema(build_invalid_status(many, 1, None, {}, NOW))


@pytest.mark.parametrize("workload", [None, SERVING, WAITING, TWO_OF_FIVE])
def test_nothing_is_claimed_of_what_an_invalid_spec_would_ask_for(workload: DeploymentStatus | None) -> None:
    before = reported(situation(), now=THEN)
    made = build_invalid_status(INVALID, 7, workload, before, NOW)
    assert_fits_the_schema(made)
    for kind in ("WorkloadReady", "MonitoringApplied", "MonitoringConfigured", "Monitored"):
        assert reason(made, kind) == ("Unknown", "InvalidSpec")
    assert not condition(made, "Reconciling")
    assert all(found["observedGeneration"] == 7 for found in made["conditions"])
    assert condition(made, "WorkloadReady")["lastTransitionTime"] == NOW
    assert condition(made, "Monitored")["lastTransitionTime"] == THEN  # it was Unknown before


def test_counts_of_an_invalid_spec_are_those_of_the_live_deployment() -> None:
    before = reported(situation(), now=THEN)
    made = build_invalid_status(INVALID, 7, TWO_OF_FIVE, before, NOW)
    assert (made["replicas"], made["readyReplicas"], made["readyReplicasText"]) == (5, 2, "2/5")
    later = build_invalid_status(INVALID, 7, replace(TWO_OF_FIVE, ready=0), made, LATER)
    assert later["readyReplicasText"] == "0/5"
    assert changed(made, later)
    assert not changed(made, later, in_substance=True)


def test_invalid_spec_that_nothing_came_of_has_no_counts() -> None:
    assert set(build_invalid_status(INVALID, 7, None, {}, NOW)) == {"observedGeneration", "conditions"}


def test_invalid_spec_is_written_once() -> None:
    made = build_invalid_status(INVALID, 7, SERVING, reported(situation()), NOW)
    assert not changed(made, build_invalid_status(INVALID, 7, SERVING, made, LATER))


# --- what is worth writing ---

WRITTEN = reported(situation())
FOREIGN = {"type": "Foreign", "status": "True", "reason": "X", "message": "", "lastTransitionTime": THEN}


def _with(**changes: Any) -> JSON:
    return {**WRITTEN, **changes}


def _with_condition(kind: str, **changes: Any) -> JSON:
    return _with(conditions=[{**c, **changes} if c["type"] == kind else c for c in WRITTEN["conditions"]])


DIFFERENCES: list[tuple[str, JSON, bool, bool]] = [
    # the new status, whether it differs, whether in substance
    ("the same", _with(), False, False),
    ("the same at a later time", reported(situation(), WRITTEN, LATER), False, False),
    ("conditions in another order", _with(conditions=WRITTEN["conditions"][::-1]), False, False),
    ("another generation", _with(observedGeneration=4), True, True),
    ("another count of ready replicas", _with(readyReplicas=0, readyReplicasText="0/1"), True, False),
    ("another count of wanted replicas", _with(replicas=2), True, True),
    ("other words", _with_condition("Ready", message="other"), True, False),
    ("another reason", _with_condition("Ready", reason="Other"), True, True),
    ("another status", _with_condition("Ready", status="False"), True, True),
    ("one condition more", reported(situation(workload=WAITING), WRITTEN, NOW), True, True),
    ("a field less", {key: value for key, value in WRITTEN.items() if key != "endpoint"}, True, True),
    ("another version", _with(version="2"), True, True),
]


@pytest.mark.parametrize(
    ("new", "at_all", "in_substance"), [row[1:] for row in DIFFERENCES], ids=[row[0] for row in DIFFERENCES]
)
def test_status_is_written_when_it_differs(new: JSON, at_all: bool, in_substance: bool) -> None:
    assert changed(WRITTEN, new) is at_all
    assert changed(WRITTEN, new, in_substance=True) is in_substance


def test_conditions_of_others_are_none_of_our_business() -> None:
    assert not changed(_with(conditions=[*WRITTEN["conditions"], FOREIGN]), WRITTEN)


def test_empty_map_that_the_api_server_drops_is_no_difference() -> None:
    made = reported(situation(model(monitoring__scrape__enabled=False)))
    stored = {key: value for key, value in made.items() if value != {}}
    assert not changed(stored, made)


def test_first_status_of_a_model_is_written() -> None:
    assert changed({}, WRITTEN)


# --- the dashboard in Grafana ---

VERDICT = DashboardCheck("False", "NotLoaded", "Grafana has had no dashboard")
NO_DASHBOARD = ChildProblem(CONFIG_MAP, "NameConflict", "ConfigMap churn-dashboard is someone else's")


def test_dashboard_condition_is_there_only_where_grafana_is_asked() -> None:
    assert not condition(reported(situation()), "DashboardReady")
    made = reported(replace(situation(), checks={"DashboardReady": VERDICT}))
    assert reason(made, "DashboardReady") == ("False", "NotLoaded")
    assert reason(made) == ("True", "Ready"), "Ready does not depend on it"
    assert not condition(made, "Stalled")
    assert stored_dashboard_check(made) == VERDICT
    assert_fits_the_schema(made)
    assert changed(made, reported(situation(), made)), "it goes when Grafana is not asked any more"


def test_dashboard_that_is_not_applied_cannot_be_loaded() -> None:
    made = reported(replace(situation(problems=(NO_DASHBOARD,)), checks={"DashboardReady": VERDICT}))
    assert reason(made, "DashboardReady") == ("False", "NotApplied")
    assert "someone else's" in condition(made, "DashboardReady")["message"]


def test_version_before_is_kept() -> None:
    first = reported(situation(model(model__version="1")))
    assert "previousVersion" not in first
    second = reported(situation(model(model__version="2")), first, LATER)
    assert (second["previousVersion"], second["versionSince"]) == ("1", LATER)
    assert not changed(second, reported(situation(model(model__version="2")), second, LATER))
    third = reported(situation(model(model__version="3")), second, LATER)
    assert third["previousVersion"] == "2"
    assert "previousVersion" not in reported(situation(model()), third)


# --- the schema ---


def _closed(schema: JSON) -> JSON:
    closed = {key: _closed(value) if key == "items" else value for key, value in schema.items()}
    if "properties" in closed:
        closed["properties"] = {name: _closed(inner) for name, inner in closed["properties"].items()}
        closed["additionalProperties"] = False
    return closed


SCHEMA = _closed(openapi_schema()["properties"]["status"])


REASONS_OF = {spec.type: {"InvalidSpec", *(doc.reason for doc in spec.reasons)} for spec in CONDITIONS}


def assert_fits_the_schema(made: JSON) -> None:
    jsonschema.validate(made, SCHEMA, format_checker=jsonschema.FormatChecker())
    for found in made["conditions"]:
        assert found["message"] or found["status"] == "True"
        assert found["reason"] in REASONS_OF[found["type"]]
    types = [found["type"] for found in made["conditions"]]
    assert len(types) == len(set(types))
    assert set(types) <= set(TYPES)


@pytest.mark.parametrize(
    "row", [row for _, row in ROWS], ids=[f"{check}-{index}" for index, (check, _) in enumerate(ROWS)]
)
def test_status_of_every_reason_fits_the_schema(row: Row) -> None:
    assert_fits_the_schema(reported(situation(row.made, row.workload, row.pods, row.problems)))


@pytest.mark.parametrize("made", [model(FULL), model(VLLM), model(name="x" * 52, namespace="n" * 63)])
def test_status_of_every_model_fits_the_schema(made: Model) -> None:
    assert_fits_the_schema(reported(situation(made)))


LONG = "x" * 100_000
LENGTHY: list[Callable[[], StatusInput]] = [
    lambda: situation(workload=replace(WAITING, replica_failure=LONG)),
    lambda: situation(workload=replace(WAITING, deadline_exceeded=LONG)),
    lambda: situation(workload=WAITING, pods=(replace(CRASHING, message=LONG),)),
    lambda: situation(problems=(ChildProblem(SERVICE, "Rejected", LONG),)),
    lambda: situation(problems=(ChildProblem(SERVICE_MONITOR, "Rejected", LONG),) * 3),
]


@pytest.mark.parametrize("lengthy", LENGTHY)
def test_long_message_fits_the_schema(lengthy: Callable[[], StatusInput]) -> None:
    assert_fits_the_schema(reported(lengthy()))


facts = st.builds(
    DeploymentStatus,
    current=st.booleans(),
    desired=st.integers(0, 3),
    total=st.integers(0, 3),
    updated=st.integers(0, 3),
    available=st.integers(0, 3),
    ready=st.integers(0, 3),
    deadline_exceeded=st.none() | st.text(max_size=5),
    replica_failure=st.none() | st.text(max_size=5),
    paused=st.booleans(),
)
reasons = st.none() | st.sampled_from(["ErrImagePull", "CrashLoopBackOff", "Unschedulable", "RunContainerError", "X"])
pods = st.builds(
    PodStatus,
    name=st.just("p"),
    created=st.just(THEN),
    ready=st.booleans(),
    terminating=st.booleans(),
    reason=reasons,
    message=st.text(max_size=5),
    out_of_memory=st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(
    st.none() | facts, st.lists(pods, max_size=3), st.lists(st.sampled_from([CONFLICT, LEAVING, NO_CRD]), max_size=2)
)
def test_any_facts_give_a_status_that_is_written_once(
    workload: DeploymentStatus | None, seen: list[PodStatus], problems: list[ChildProblem]
) -> None:
    whole = situation(None, workload, tuple(seen), tuple(problems))
    made = reported(whole)
    assert_fits_the_schema(made)
    assert changed({}, made)
    assert not changed(made, reported(whole, made, LATER))
    ready = condition(made, "Ready")["status"] == "True"
    both = all(condition(made, kind)["status"] == "True" for kind in ("WorkloadReady", "MonitoringApplied"))
    assert ready == both
    assert not (ready and (condition(made, "Reconciling") or condition(made, "Stalled")))


# --- from objects to facts ---


def deployment(status_part: JSON, generation: int = 2, replicas: int | None = 1) -> JSON:
    spec = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": "churn", "generation": generation}, "spec": spec, "status": status_part}


DONE: JSON = {
    "observedGeneration": 2,
    "replicas": 1,
    "updatedReplicas": 1,
    "availableReplicas": 1,
    "readyReplicas": 1,
}
SERVED_BY: list[tuple[str, JSON, int, bool, bool]] = [
    # a Deployment, the replicas that must be, whether it serves, whether it is replacing pods
    ("all there", deployment(DONE), 1, True, False),
    ("no status yet", deployment({}), 1, False, False),
    ("status of an earlier spec", deployment(DONE, generation=3), 1, False, False),
    ("not available", deployment({**DONE, "availableReplicas": 0}), 1, False, False),
    ("not updated", deployment({**DONE, "updatedReplicas": 0}), 1, False, True),
    ("an old one is left", deployment({**DONE, "replicas": 2, "availableReplicas": 2}), 1, False, True),
    ("more must be", deployment(DONE, replicas=2), 2, False, False),
    ("more are wanted than must be", deployment(DONE, replicas=2), 1, True, False),
    ("available, but not of this spec", deployment({**DONE, "availableReplicas": 2}), 2, False, False),
    ("of this spec, but not available", deployment({**DONE, "replicas": 2, "updatedReplicas": 2}), 2, False, False),
    (
        "more than are wanted, on their way out",
        deployment({**DONE, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
        1,
        True,
        False,
    ),
    ("none must be and none are left", deployment({"observedGeneration": 2}, replicas=0), 0, True, False),
]


@pytest.mark.parametrize(
    ("seen", "minimum", "serves", "replacing"), [row[1:] for row in SERVED_BY], ids=[row[0] for row in SERVED_BY]
)
def test_when_a_deployment_serves_and_when_it_replaces_pods(
    seen: JSON, minimum: int, serves: bool, replacing: bool
) -> None:
    found = deployment_status(seen)
    assert (found.is_available(minimum), found.rolling_out) == (serves, replacing)


def test_number_of_replicas_that_is_left_out_is_one() -> None:
    assert deployment_status(deployment(DONE, replicas=None)).desired == 1


@pytest.mark.parametrize(("part", "paused"), [({}, False), ({"paused": False}, False), ({"paused": True}, True)])
def test_whether_someone_paused_a_deployment(part: JSON, paused: bool) -> None:
    seen = deployment(DONE)
    assert deployment_status({**seen, "spec": {**seen["spec"], **part}}).paused is paused


def test_what_a_deployment_says_of_trouble() -> None:
    conditions = [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "slow"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"},
    ]
    found = deployment_status(deployment({"conditions": conditions}))
    assert (found.deadline_exceeded, found.replica_failure) == ("slow", "quota")
    calm = deployment_status(deployment({"conditions": [{"type": "Progressing", "status": "True", "reason": "X"}]}))
    assert (calm.deadline_exceeded, calm.replica_failure) == (None, None)


def pod_body(conditions: list[JSON] | None = None, **container: Any) -> JSON:
    return {
        "metadata": {"name": "p", "creationTimestamp": THEN},
        "status": {"conditions": conditions or [], "containerStatuses": [{"name": "server", **container}]},
    }


def waiting(why: str, message: str = "m", **more: Any) -> JSON:
    return pod_body(state={"waiting": {"reason": why, "message": message}}, **more)


ENDED = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
PODS: list[tuple[str, JSON, tuple[bool, str | None, bool]]] = [
    ("serving", pod_body([{"type": "Ready", "status": "True"}], state={"running": {}}), (True, None, False)),
    ("starting", waiting("ContainerCreating"), (False, None, False)),
    ("initialising", waiting("PodInitializing"), (False, None, False)),
    ("no image", waiting("ErrImagePull"), (False, "ErrImagePull", False)),
    ("out of memory", pod_body(state=ENDED), (False, None, True)),
    ("crashing, out of memory before", waiting("CrashLoopBackOff", lastState=ENDED), (False, "CrashLoopBackOff", True)),
    (
        "no node",
        pod_body([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}]),
        (False, "Unschedulable", False),
    ),
    ("nothing known", {"metadata": {"name": "p"}}, (False, None, False)),
]


@pytest.mark.parametrize(("seen", "found"), [row[1:] for row in PODS], ids=[row[0] for row in PODS])
def test_what_a_pod_says(seen: JSON, found: tuple[bool, str | None, bool]) -> None:
    made = pod_status(seen)
    assert (made.ready, made.reason, made.out_of_memory) == found


@pytest.mark.parametrize(
    ("phase", "deleted", "leaving"),
    [
        (None, False, False),
        ("Pending", False, False),
        ("Running", False, False),
        ("Unknown", False, False),
        ("Failed", False, True),
        ("Succeeded", False, True),
        ("Running", True, True),
        ("Failed", True, True),
    ],
)
def test_pod_that_is_deleted_or_ended_for_good_is_leaving(phase: str | None, deleted: bool, leaving: bool) -> None:
    seen = pod_body(state=ENDED)
    seen["status"] |= {"phase": phase} if phase else {}
    seen["metadata"] |= {"deletionTimestamp": NOW} if deleted else {}
    assert pod_status(seen).terminating is leaving


def test_long_message_of_a_pod_is_cut() -> None:
    assert len(pod_status(waiting("ErrImagePull", "x" * 10_000)).message) <= 500


def test_exit_code_of_a_crashing_pod_is_told() -> None:
    body_ = waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 3, "reason": "Error"}})
    assert "exit code 3" in pod_status(body_).message


def test_minimal_model_is_what_these_tests_think() -> None:
    assert isinstance(parse(body(MINIMAL)), Model)
