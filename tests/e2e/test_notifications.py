"""Notifications: one AlertmanagerConfig for each profile, none too many, nobody told twice, and what becomes of refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitored_models.naming.kinds import ALERTMANAGER_CONFIG, EVENT, MODEL, PROFILE, PROMETHEUS_RULE
from operator_testbed import OWN_CRDS, Bed, Object, model, profile, prometheus_crds, running_bed

pytestmark = pytest.mark.e2e

READY = "NotificationsReady"
CONFIG = "gold.notifications"
STATUS = "patch monitoredmodels/status"
MEMBERS = [f"member-{number}" for number in range(4)]
SLACK = {"name": "team", "slack": {"channel": "#risk", "webhookURL": {"name": "slack", "key": "url"}}}
PAGER = {"name": "oncall", "severities": ["critical"], "pagerDuty": {"routingKey": {"name": "pager", "key": "key"}}}
HOOK = {"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}}
USUAL = {"scrape": {"interval": "30s"}}
CREATE = Counter({"patch alertmanagerconfigs": 1})


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane on which no other operator runs, so that this one can be stopped."""
    with running_bed(tmp_path_factory.mktemp("notifications"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


def place(bed: Bed, name: str) -> str:
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def naming(name: str, namespace: str, **monitoring: Any) -> Object:
    return model(name, namespace, monitoring={"profile": "gold", **monitoring})


def config(bed: Bed, namespace: str, name: str = CONFIG) -> Object | None:
    return bed.get(ALERTMANAGER_CONFIG, namespace, name)


def wait_config(bed: Bed, namespace: str, name: str = CONFIG) -> Object:
    return dict(bed.wait(f"AlertmanagerConfig {name}", lambda: config(bed, namespace, name)))


def receivers(bed: Bed, namespace: str, name: str = CONFIG) -> list[str]:
    found = config(bed, namespace, name)
    return [receiver["name"] for receiver in found["spec"]["receivers"]] if found else []


def told_by(bed: Bed, namespace: str, name: str) -> set[str | None]:
    """The label of a model's alerts that says which AlertmanagerConfig they are for."""
    body = bed.get(PROMETHEUS_RULE, namespace, name)
    rules = [rule for group in body["spec"]["groups"] for rule in group["rules"]] if body else []
    return {rule["labels"].get("notified_by") for rule in rules if "alert" in rule}


def refuse(bed: Bed, namespace: str, found: Object, why: str, name: str = "refusal-1") -> None:
    """Post an Event as prometheus-operator 0.85 does, by the core API."""
    metadata = found["metadata"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": ALERTMANAGER_CONFIG.api_version,
            "kind": ALERTMANAGER_CONFIG.name,
            **{key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")},
        },
        "reason": "InvalidConfiguration",
        "message": f"AlertmanagerConfig {metadata['name']} was rejected due to invalid configuration: {why}",
        "type": "Warning",
        "count": 1,
        "source": {"component": "alertmanager-controller"},
        "firstTimestamp": "2026-11-24T20:00:00Z",
        "lastTimestamp": "2026-11-24T20:00:00Z",
    }
    status, answer = bed.plane.request("POST", f"/api/v1/namespaces/{namespace}/events", event)
    assert status == 201, answer


def _has_no_condition(bed: Bed, namespace: str, name: str) -> bool:
    return not bed.condition(namespace, name, READY)


def test_profile_has_one_configuration_for_all_its_models_within_the_write_budget(own_bed: Bed) -> None:
    """Creation, change, restart and removal of a profile's notifications, each within the write budget."""
    bed, namespace = own_bed, place(own_bed, "telling")
    bed.apply(profile("gold", namespace, **USUAL))
    with bed.operator("telling-1"):
        for name in MEMBERS:
            bed.apply(naming(name, namespace))
        bed.apply(model("bystander", namespace, monitoring={"profile": "tin"}))
        for name in [*MEMBERS, "bystander"]:
            bed.wait_for(namespace, name, "Ready")
        bed.quiet(namespace)
        assert config(bed, namespace) is None
        assert not bed.condition(namespace, MEMBERS[0], READY)

        seen = len(bed.audit())
        bed.apply(profile("gold", namespace, **USUAL, notifications=[SLACK]))
        for name in MEMBERS:
            assert bed.wait_for(namespace, name, "Applied", kind=READY)["status"] == "True"
            assert told_by(bed, namespace, name) == {CONFIG}
        bed.quiet(namespace)
        spent = bed.writes(namespace, seen)
        assert spent.pop(STATUS) == len(MEMBERS)
        assert spent == CREATE + Counter({"patch prometheusrules": len(MEMBERS)})
        assert told_by(bed, namespace, "bystander") == {None}
        assert not bed.condition(namespace, "bystander", READY)
        (owner,) = wait_config(bed, namespace)["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == (PROFILE.name, "gold", True)

        seen = len(bed.audit())
        bed.apply(profile("gold", namespace, **USUAL, notifications=[SLACK, PAGER]))
        bed.wait("the pager is there", lambda: receivers(bed, namespace) == ["_nobody", "team", "oncall"])
        bed.quiet(namespace)
        assert bed.writes(namespace, seen) == CREATE, "a change of who is told is one write, however many models"

    seen = len(bed.audit())
    with bed.operator("telling-2"):
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "a restart costs nothing"

        bed.apply(profile("gold", namespace, **USUAL))
        bed.wait_gone(ALERTMANAGER_CONFIG, namespace, CONFIG)
        for name in MEMBERS:
            bed.wait(f"{name} has no condition", partial(_has_no_condition, bed, namespace, name))
            assert told_by(bed, namespace, name) == {None}


def test_change_while_the_operator_was_down_is_made_good(own_bed: Bed) -> None:
    bed, namespace = own_bed, place(own_bed, "untold")
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    bed.apply(naming("churn", namespace))
    with bed.operator("untold-1"):
        bed.wait_for(namespace, "churn", "Applied", kind=READY)
    bed.delete(ALERTMANAGER_CONFIG, namespace, CONFIG)
    bed.apply(profile("silver", namespace, notifications=[HOOK]))
    with bed.operator("untold-2"):
        wait_config(bed, namespace)
        wait_config(bed, namespace, "silver.notifications")
        bed.wait_for(namespace, "churn", "Applied", kind=READY)


@pytest.mark.usefixtures("operator")
def test_new_model_of_a_known_profile_costs_no_more_than_without_notifications(bed: Bed, namespace: str) -> None:
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    wait_config(bed, namespace)
    bed.quiet(namespace)
    seen = len(bed.audit())
    bed.apply(naming("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.quiet(namespace)
    assert bed.condition(namespace, "churn", READY)["reason"] == "Applied"
    spent = bed.writes(namespace, seen)
    assert spent.pop(STATUS) <= 2
    assert set(spent.values()) == {1}
    assert "patch alertmanagerconfigs" not in spent


@pytest.mark.parametrize(
    "edit",
    [
        {"spec": {"receivers": []}},
        {"spec": {"inhibitRules": None}},
        {"metadata": {"ownerReferences": None}},
        {"metadata": {"labels": {"monitoredmodels.dev/profile": None}}},
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
    ],
)
@pytest.mark.usefixtures("operator")
def test_edited_configuration_is_restored(bed: Bed, namespace: str, edit: Object) -> None:
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    before = wait_config(bed, namespace)
    bed.patch(ALERTMANAGER_CONFIG, namespace, CONFIG, edit)

    def restored() -> bool:
        now = config(bed, namespace)
        same = now is not None and now["spec"] == before["spec"]
        return same and all(now["metadata"].get(k) == before["metadata"][k] for k in ("labels", "ownerReferences"))  # type: ignore[index]

    bed.wait("restored", restored)
    assert wait_config(bed, namespace)["metadata"]["uid"] == before["metadata"]["uid"]


@pytest.mark.usefixtures("operator")
def test_deleted_configuration_comes_back_and_goes_with_its_profile(bed: Bed, namespace: str) -> None:
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    uid = wait_config(bed, namespace)["metadata"]["uid"]
    bed.delete(ALERTMANAGER_CONFIG, namespace, CONFIG)
    bed.wait("made anew", lambda: wait_config(bed, namespace)["metadata"]["uid"] != uid)
    bed.quiet(namespace)
    seen = len(bed.audit())
    bed.delete(PROFILE, namespace, "gold")
    bed.wait_gone(ALERTMANAGER_CONFIG, namespace, CONFIG)
    bed.quiet(namespace)
    assert not bed.writes(namespace, seen), "deletion is the garbage collector's"


@pytest.mark.usefixtures("operator")
def test_model_with_notifications_of_its_own_is_not_told_of_by_its_profile(bed: Bed, namespace: str) -> None:
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    bed.apply(naming("churn", namespace, notifications=[HOOK]))
    bed.apply(naming("limits", namespace))
    bed.apply(naming("quiet", namespace, notifications=[]))
    for name in ("churn", "limits"):
        assert bed.wait_for(namespace, name, "Applied", kind=READY)["status"] == "True"
    bed.wait_for(namespace, "quiet", "Ready")
    (owner,) = wait_config(bed, namespace, "churn")["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == (MODEL.name, "churn")
    assert receivers(bed, namespace, "churn") == ["_nobody", "hook"]
    assert told_by(bed, namespace, "churn") == {"churn"}
    assert told_by(bed, namespace, "limits") == {CONFIG}
    assert told_by(bed, namespace, "quiet") == {None}
    assert not bed.condition(namespace, "quiet", READY)
    bed.apply(naming("churn", namespace))
    bed.wait_gone(ALERTMANAGER_CONFIG, namespace, "churn")
    bed.wait("told by the profile", lambda: told_by(bed, namespace, "churn") == {CONFIG})
    assert CONFIG in bed.wait_for(namespace, "churn", "Applied", kind=READY)["message"]


@pytest.mark.parametrize("own", [False, True], ids=["of a profile", "of a model"])
def test_object_of_someone_else_is_left_alone_and_taken_note_of(bed: Bed, namespace: str, own: bool) -> None:
    name = "churn" if own else CONFIG
    foreign = {
        "apiVersion": ALERTMANAGER_CONFIG.api_version,
        "kind": ALERTMANAGER_CONFIG.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"receivers": [{"name": "theirs"}]},
    }
    bed.apply(foreign)
    with bed.operator(f"foreign-{own}", recheckSeconds=1, namespaces=[namespace]):
        bed.apply(profile("gold", namespace, notifications=[SLACK]))
        bed.apply(naming("churn", namespace, **({"notifications": [HOOK]} if own else {})))
        found = bed.wait_for(namespace, "churn", "NameConflict", kind=READY)
        assert found["status"] == "False"
        assert f"AlertmanagerConfig {name}" in found["message"]
        assert bed.wait_for(namespace, "churn", "Ready")["status"] == "True", "it blocks nothing"
        assert not bed.condition(namespace, "churn", "Stalled")
        assert receivers(bed, namespace, name) == ["theirs"]
        bed.delete(ALERTMANAGER_CONFIG, namespace, name)
        assert bed.wait_for(namespace, "churn", "Applied", kind=READY)["status"] == "True"
        assert receivers(bed, namespace, name)[0] == "_nobody"


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("own", [False, True], ids=["of a profile", "of a model"])
def test_refusal_by_prometheus_operator_is_told_in_its_words_until_it_is_over(
    bed: Bed, namespace: str, own: bool
) -> None:
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    bed.apply(naming("churn", namespace, **({"notifications": [HOOK]} if own else {})))
    bed.wait_for(namespace, "churn", "Applied", kind=READY)
    bed.wait_for(namespace, "churn", "Ready")
    found = wait_config(bed, namespace, "churn" if own else CONFIG)
    why = 'unable to get secret "slack": secrets "slack" not found'
    refuse(bed, namespace, found, why)
    told = bed.wait_for(namespace, "churn", "ConfigurationRejected", kind=READY)
    assert told["status"] == "False"
    assert why in told["message"]
    assert bed.condition(namespace, "churn")["status"] == "True", "it blocks nothing"

    bed.patch(ALERTMANAGER_CONFIG, namespace, found["metadata"]["name"], {"metadata": {"annotations": {"a": "b"}}})
    bed.wait_for(namespace, "churn", "Applied", kind=READY)  # prometheus-operator looks at it anew

    found = wait_config(bed, namespace, found["metadata"]["name"])
    refuse(bed, namespace, found, why, "refusal-2")
    bed.wait_for(namespace, "churn", "ConfigurationRejected", kind=READY)
    bed.delete(EVENT, namespace, "refusal-2")
    bed.wait_for(namespace, "churn", "Applied", kind=READY)


def test_refusal_is_still_told_after_a_restart_and_costs_nothing(own_bed: Bed) -> None:
    bed, namespace = own_bed, place(own_bed, "refused")
    bed.apply(profile("gold", namespace, notifications=[SLACK]))
    bed.apply(naming("churn", namespace))
    with bed.operator("refused-1"):
        bed.wait_for(namespace, "churn", "Applied", kind=READY)
        bed.wait_for(namespace, "churn", "Ready")
        refuse(bed, namespace, wait_config(bed, namespace), "no such key")
        bed.wait_for(namespace, "churn", "ConfigurationRejected", kind=READY)
        bed.quiet(namespace)
    seen = len(bed.audit())
    with bed.operator("refused-2"):
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen)
    assert bed.condition(namespace, "churn", READY)["reason"] == "ConfigurationRejected"


def test_cluster_without_the_kind_is_told_and_nothing_waits_for_it(tmp_path: Path) -> None:
    crds = [path for path in prometheus_crds() if "alertmanagerconfigs" not in path.name]
    (late,) = (path for path in prometheus_crds() if path not in crds)
    with running_bed(tmp_path, [*OWN_CRDS, *crds]) as bed:
        namespace = place(bed, "bare")
        with bed.operator("bare", discoverySeconds=1):
            bed.apply(profile("gold", namespace, notifications=[SLACK]))
            bed.apply(naming("churn", namespace))
            bed.apply(naming("own", namespace, notifications=[HOOK]))
            for name in ("churn", "own"):
                assert bed.wait_for(namespace, name, "Ready")["status"] == "True"
                found = bed.wait_for(namespace, name, "CRDNotInstalled", kind=READY)
                assert "alertmanagerconfigs" in found["message"]
            status, answer = bed.plane.request(
                "POST",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                late.read_text(),
                content_type="application/yaml",
            )
            assert status == 201, answer
            for name in ("churn", "own"):
                bed.wait_for(namespace, name, "Applied", kind=READY)
