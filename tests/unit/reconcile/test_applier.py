"""Writing: what an answer of the API server means, what is remembered of it, and what becomes of a bad spec."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from monitored_models.api import Model, parse
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.cli.validate import model_problems
from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import CHILDREN, DEPLOYMENT, MODEL, PROMETHEUS_RULE, SERVICE, SERVICE_MONITOR, Kind
from monitored_models.naming.labels import FIELD_MANAGER
from monitored_models.plan.child_problems import ChildProblem, permanent_problem
from monitored_models.plan.desired_state import identity, summarize
from monitored_models.plan.planner import Apply, Delete, Plan, plan_model
from monitored_models.reconcile.applier import Applier, OwnerTerminating
from monitored_models.reconcile.model import ModelReconciler
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.changes import condition
from unit.reconcilers import model_reconciler
from unit.specs import JSON, MINIMAL, body, model

KEY = Key("risk", "churn")
SERVED = frozenset(CHILDREN)


# --- what an answer means ---

NO_RIGHT = (
    'services "churn" is forbidden: User "system:serviceaccount:mm:operator" cannot patch resource "services" '
    'in API group "" in the namespace "risk"'
)
QUOTA = (
    'services "churn" is forbidden: exceeded quota: few, requested: services=1, used: services=3, limited: services=3'
)
POLICY = 'admission webhook "policy.example.com" denied the request: images must come from registry.example.com'
SECURITY = 'pods "churn" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
ANSWERS: list[tuple[str, Kind, int, str, str | None]] = [
    ("a right is missing", SERVICE, 403, NO_RIGHT, "Forbidden"),
    ("the right to create is missing", SERVICE, 403, NO_RIGHT.replace("patch", "create"), "Forbidden"),
    ("the right to delete is missing", SERVICE, 403, NO_RIGHT.replace("patch", "delete"), "Forbidden"),
    ("a quota", SERVICE, 403, QUOTA, "Rejected"),
    ("an admission policy", DEPLOYMENT, 403, POLICY, "Rejected"),
    ("the pod security standard", DEPLOYMENT, 403, SECURITY, "Rejected"),
    ("a policy that speaks of what cannot be", SERVICE, 403, "denied: you cannot use this resource", "Rejected"),
    ("a bad request", SERVICE, 400, "unknown", "Rejected"),
    ("an invalid object", SERVICE, 422, "spec.ports: Required value", "Rejected"),
    (
        "a kind that is gone",
        SERVICE_MONITOR,
        404,
        "the server could not find the requested resource",
        "CRDNotInstalled",
    ),
    ("a kind without a field", PROMETHEUS_RULE, 500, ".spec.x: field not declared in schema", "CRDTooOld"),
    ("a kind that every cluster has is not there", SERVICE, 404, "not found", None),
    ("no connection", SERVICE, 0, "refused", None),
    ("a conflict", SERVICE, 409, "the object has been modified", None),
    ("too many requests", SERVICE, 429, "slow down", None),
    ("trouble inside", SERVICE, 500, "etcd", None),
    ("not there for a moment", SERVICE, 503, "later", None),
    ("the operator is not known", SERVICE, 401, "Unauthorized", None),
]


@pytest.mark.parametrize(
    ("kind", "code", "message", "reason"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_reason_behind_an_answer(kind: Kind, code: int, message: str, reason: str | None) -> None:
    found: ChildProblem | None = permanent_problem(kind, "churn", ApiError(code, "Why", message))
    assert (found and found.reason) == reason
    if found and reason != "CRDNotInstalled":
        assert message in found.message
        assert f"{kind.name} churn" in found.message or reason == "CRDTooOld"


# --- an API server that answers as it is told ---


class Answering(KubeClient):
    """Stands for the API server: takes what is applied, or raises what it is told to."""

    def __init__(self, error: ApiError | None = None, policy: JSON | None = None) -> None:
        self.error, self.policy = error, policy
        self.applied: list[str] = []
        self.statuses: list[JSON] = []
        self.found: JSON | None = None
        self.status_error: ApiError | None = None
        self.version = 100

    async def metadata(self, kind: Kind, namespace: str, name: str) -> JSON | None:  # noqa: ARG002
        return self.found

    async def apply(self, kind: Kind, child: Mapping[str, Any], uid: str | None) -> JSON:
        if self.error:
            raise self.error
        self.applied.append(kind.name)
        self.version += 1
        return applied(child, self.version, uid or f"uid-{kind.name}", self.policy or {})

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:  # noqa: ARG002
        if self.error:
            raise self.error

    async def apply_status(self, namespace: str, name: str, uid: str, status: Mapping[str, Any]) -> JSON:
        if self.status_error:
            raise self.status_error
        self.statuses.append(dict(status))
        self.version += 1
        seen = body(MINIMAL, name, namespace, uid=uid, resourceVersion=str(self.version))
        return {**seen, "status": dict(status)}

    async def create_event(self, namespace: str, body: Mapping[str, Any]) -> None:
        pass


def _fields(value: Any) -> JSON:
    return {f"f:{key}": _fields(inner) for key, inner in value.items()} if isinstance(value, Mapping) else {}


def applied(child: Mapping[str, Any], version: int, uid: str, policy: JSON) -> JSON:
    """A child as the API server keeps it, with what an admission policy puts into its metadata."""
    metadata, name = dict(child["metadata"]), child["metadata"]["name"]
    ours = {key: value for key, value in child.items() if key not in ("apiVersion", "kind", "metadata")}
    own = {key: value for key, value in metadata.items() if key in ("labels", "annotations", "ownerReferences")}
    record = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "fieldsV1": {**_fields(ours), "f:metadata": _fields(own)},
    }
    labels = {**metadata.get("labels", {}), **policy}
    return {
        **child,
        "metadata": {
            **metadata,
            "labels": labels,
            "name": name,
            "uid": uid,
            "resourceVersion": str(version),
            "managedFields": [record],
        },
    }


def first_plan(made: Model, view: ClusterCache) -> Plan:
    return plan_model(
        summarize(made, render(made, Settings(), 1)), view.children(KEY), SERVED, view.accepted_mutations(KEY)
    )


def owned() -> Model:
    parsed = parse(body(MINIMAL))
    assert isinstance(parsed, Model)
    return parsed


def execute(cluster: KubeClient, view: ClusterCache, plan: Plan, *, surface_errors: bool = False) -> list[ChildProblem]:
    objects = {identity(child): child for child in render(owned(), Settings(), 1)}
    return asyncio.run(Applier(cluster, view).execute(KEY, "uid-1", plan, objects, surface_errors=surface_errors))


LEAVING = 'services "churn" is forbidden: unable to create new content in namespace risk because it is being terminated'


@pytest.mark.parametrize("surface_errors", [False, True])
def test_in_a_namespace_that_is_leaving_nothing_is_tried_any_more(surface_errors: bool) -> None:
    cluster, view = Answering(ApiError(403, "Forbidden", LEAVING)), ClusterCache()
    with pytest.raises(OwnerTerminating):
        execute(cluster, view, first_plan(owned(), view), surface_errors=surface_errors)
    assert cluster.applied == []


@pytest.mark.parametrize("code", [403, 500])
def test_deletion_in_a_namespace_that_is_leaving_is_not_tried_either(code: int) -> None:
    plan = Plan((Delete(SERVICE, "churn", "u"),), ())
    with pytest.raises(OwnerTerminating):
        execute(Answering(ApiError(code, "Forbidden", LEAVING)), ClusterCache(), plan)


def test_refused_child_holds_up_no_other() -> None:
    plan = first_plan(owned(), ClusterCache())
    found = execute(Answering(ApiError(403, "Forbidden", QUOTA)), ClusterCache(), plan)
    assert [problem.reason for problem in found] == ["Rejected"] * len(plan.steps)


def test_trouble_is_raised_and_in_the_end_told() -> None:
    trouble = ApiError(503, "Unavailable", "later", retry_after=7)
    plan = first_plan(owned(), ClusterCache())
    with pytest.raises(ApiError):
        execute(Answering(trouble), ClusterCache(), plan)
    found = execute(Answering(trouble), ClusterCache(), plan, surface_errors=True)
    assert {problem.reason for problem in found} == {"ApiError"}


# --- admission policies that change what is applied ---


def test_what_the_api_server_takes_as_it_is_is_applied_once() -> None:
    view, made = ClusterCache(), owned()
    cluster = Answering()
    assert execute(cluster, view, first_plan(made, view)) == []
    assert cluster.applied
    assert view.accepted_mutations(KEY) == {}
    assert first_plan(made, view) == Plan((), ())


def test_what_an_admission_policy_changes_is_applied_once() -> None:
    """A policy that puts its own value over ours would otherwise be fought for ever."""
    view, made = ClusterCache(), owned()
    cluster = Answering(policy={"app.kubernetes.io/managed-by": "policy"})
    assert execute(cluster, view, first_plan(made, view)) == []
    assert len(view.accepted_mutations(KEY)) == len(cluster.applied)
    assert first_plan(made, view) == Plan((), ())
    other = replace(made, spec=model(port=9999).spec)
    assert {step.kind for step in first_plan(other, view).steps if isinstance(step, Apply)} >= {DEPLOYMENT, SERVICE}


def test_drift_of_what_an_admission_policy_changed_is_mended() -> None:
    view, made = ClusterCache(), owned()
    execute(Answering(policy={"app.kubernetes.io/managed-by": "policy"}), view, first_plan(made, view))
    (service,) = [child for child in render(made, Settings(), 1) if child["kind"] == SERVICE.name]
    view.observe(SERVICE, applied(service, 500, "uid-Service", {"app.kubernetes.io/managed-by": "someone"}))
    (step,) = first_plan(made, view).steps
    assert (step.kind, step.name) == (SERVICE, "churn")


def test_what_is_no_longer_changed_is_no_longer_settled() -> None:
    view, made = ClusterCache(), owned()
    plan = first_plan(made, view)
    execute(Answering(policy={"app.kubernetes.io/managed-by": "policy"}), view, plan)
    cluster = Answering()
    cluster.version = 500
    execute(cluster, view, plan)
    assert view.accepted_mutations(KEY) == {}
    assert first_plan(made, view) == Plan((), ())


# --- a text that a rule should have refused ---


def _failing(*_: object) -> list[JSON]:
    raise ValueError("unexpected <by>")


def test_what_cannot_be_rendered_is_a_problem_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitored_models.cli.validate.render", _failing)
    (problem,) = model_problems(model(), Settings())
    assert problem.field.startswith("spec")
    assert "unexpected <by>" in problem.message


def reconciled(cluster: Answering, spec: JSON, view: ClusterCache | None = None) -> JSON:
    """The status that one look at a model writes."""
    view = view or ClusterCache()
    view.observe(MODEL, body(spec, resourceVersion="1"))
    reconciler = model_reconciler(view, cluster)
    assert asyncio.run(reconciler.reconcile(KEY)) is None
    (written,) = cluster.statuses
    return written


def test_spec_that_cannot_be_rendered_is_told_in_its_status_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitored_models.plan.render_cache.render", _failing)
    cluster = Answering()
    ready = condition(reconciled(cluster, MINIMAL), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
    assert "unexpected <by>" in ready["message"]
    assert cluster.applied == []


def live_deployment(**owner: Any) -> JSON:
    reference = {
        "apiVersion": "monitoredmodels.dev/v1alpha1",
        "kind": "MonitoredModel",
        "name": "churn",
        "uid": "uid-1",
        "controller": True,
        **owner,
    }
    return {
        "metadata": {
            "name": "churn",
            "namespace": "risk",
            "uid": "d",
            "resourceVersion": "2",
            "generation": 1,
            "ownerReferences": [reference],
        },
        "spec": {"replicas": 5},
        "status": {"observedGeneration": 1, "replicas": 5, "updatedReplicas": 5, "readyReplicas": 3},
    }


def test_status_of_an_invalid_spec_counts_the_live_deployment() -> None:
    view = ClusterCache()
    view.observe(DEPLOYMENT, live_deployment())
    made = reconciled(Answering(), {"replicas": "x"}, view)
    assert condition(made, "Ready")["reason"] == "InvalidSpec"
    assert made["readyReplicasText"] == "3/5"


def test_status_counts_no_pods_of_someone_elses_deployment() -> None:
    view = ClusterCache()
    view.observe(DEPLOYMENT, live_deployment(uid="of another"))
    assert "readyReplicasText" not in reconciled(Answering(), {"replicas": "x"}, view)


def test_nothing_is_reported_in_a_namespace_that_is_leaving() -> None:
    cluster, view = Answering(ApiError(403, "Forbidden", LEAVING)), ClusterCache()
    view.observe(MODEL, body(MINIMAL, resourceVersion="1"))
    reconciler = model_reconciler(view, cluster)
    assert asyncio.run(reconciler.reconcile(KEY)) is None
    assert cluster.statuses == []


def reported(cluster: Answering) -> tuple[ClusterCache, ModelReconciler]:
    """A model whose status is for its present generation, and of which no child is known."""
    view = ClusterCache()
    seen = body(MINIMAL, resourceVersion="7")
    view.observe(MODEL, {**seen, "status": {"observedGeneration": seen["metadata"]["generation"]}})
    return view, model_reconciler(view, cluster)


@pytest.mark.parametrize("found", [None, {"metadata": {"uid": "of another"}}], ids=["gone", "replaced"])
def test_children_that_vanish_with_their_model_are_not_made_anew(found: JSON | None) -> None:
    cluster = Answering()
    cluster.found = found
    view, reconciler = reported(cluster)
    assert asyncio.run(reconciler.reconcile(KEY)) is None
    assert (cluster.applied, cluster.statuses) == ([], [])
    assert view.model(KEY) is None


def test_children_that_vanish_from_a_living_model_are_made_anew() -> None:
    cluster = Answering()
    view, reconciler = reported(cluster)
    model = view.model(KEY)
    assert model is not None
    cluster.found = {"metadata": {"uid": model.uid}}
    asyncio.run(reconciler.reconcile(KEY))
    assert "Deployment" in cluster.applied


def test_conflict_about_the_status_of_a_model_that_is_there_is_tried_again() -> None:
    cluster = Answering()
    cluster.status_error = ApiError(409, "Conflict", "the object has been modified")
    view, reconciler = reported(cluster)
    model = view.model(KEY)
    assert model is not None
    cluster.found = {"metadata": {"uid": model.uid}}
    with pytest.raises(ApiError, match="modified"):
        asyncio.run(reconciler.reconcile(KEY))


def test_conflict_about_the_status_of_another_model_of_the_name_ends_it() -> None:
    cluster, view = Answering(), ClusterCache()
    cluster.status_error = ApiError(409, "Conflict", "Precondition failed: UID")
    cluster.found = {"metadata": {"uid": "of another"}}
    view.observe(MODEL, body(MINIMAL, resourceVersion="7"))
    reconciler = model_reconciler(view, cluster)
    assert asyncio.run(reconciler.reconcile(KEY)) is None
    assert view.model(KEY) is None


class Deleting(Answering):
    """Answers a DELETE as it is told to, and has one object."""

    delete = KubeClient.delete

    async def request(self, *_: Any, **__: Any) -> JSON:
        assert self.error
        raise self.error


@pytest.mark.parametrize(
    ("code", "uid", "raised"),
    [(409, "d", True), (409, "of another", False), (409, None, False), (404, "d", False), (500, "d", True)],
)
def test_refused_deletion_is_tried_again_while_the_object_is_there(code: int, uid: str | None, raised: bool) -> None:
    cluster = Deleting(ApiError(code, "Why", "no"))
    cluster.found = {"metadata": {"uid": uid}} if uid else None
    deleting = cluster.delete(SERVICE_MONITOR, "risk", "churn", "d")
    if raised:
        with pytest.raises(ApiError):
            asyncio.run(deleting)
    else:
        asyncio.run(deleting)
