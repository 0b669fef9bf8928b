"""MonitoringProfiles: a change reaches the models that it counts for and no others, and costs what it must."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitored_models.naming.kinds import CHILDREN, CONFIG_MAP, DEPLOYMENT, MODEL, PROFILE, SERVICE_MONITOR, Kind
from operator_identity import OPERATOR
from operator_testbed import CRD, OWN_CRDS, WRITES, Bed, Object, model, profile, prometheus_crds, running_bed

pytestmark = pytest.mark.e2e

STATUS = "patch monitoredmodels/status"
CONFIGURED = "MonitoringConfigured"
MEMBERS = [f"member-{number}" for number in range(5)]
OTHERS = ["other", "bystander"]
SLOW = {"scrape": {"interval": "45s"}}


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane on which no other operator runs, so that this one can be stopped."""
    with running_bed(tmp_path_factory.mktemp("profiles"), [*OWN_CRDS, *prometheus_crds()]) as made:
        yield made


def place(bed: Bed, name: str) -> str:
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def naming(name: str, namespace: str, gold: bool = True, **monitoring: Any) -> Object:
    """A model that names the profile gold, or none."""
    return model(name, namespace, monitoring={**({"profile": "gold"} if gold else {}), **monitoring})


def children(bed: Bed, namespace: str, name: str) -> dict[Kind, str]:
    """What was rendered for a model: its children, without what the API server and controllers count up."""
    found = {}
    for kind in CHILDREN:
        body = bed.get(kind, namespace, f"{name}-dashboard" if kind is CONFIG_MAP else name)
        if body is not None:
            metadata = {key: body["metadata"].get(key) for key in ("labels", "uid")}
            found[kind] = json.dumps([metadata, body.get("spec"), body.get("data")], sort_keys=True)
    return found


def changes(bed: Bed, namespace: str, names: list[str], before: dict[str, dict[Kind, str]]) -> Counter[str]:
    """Children that are other than they were, as the writes that they need."""
    return Counter(
        f"patch {kind.plural}"
        for name in names
        for kind, rendered in children(bed, namespace, name).items()
        if before[name].get(kind) != rendered
    )


def written(bed: Bed, since: int) -> set[str]:
    """Names of the models that the operator has written for."""
    entries = [e for e in bed.audit()[since:] if e["user"]["username"] == OPERATOR]
    references = [e["objectRef"] for e in entries if e["verb"] in WRITES and e["objectRef"]["resource"] != "events"]
    return {f"{r['namespace']}/{r['name'].removesuffix('-dashboard')}" for r in references}


def interval(bed: Bed, namespace: str, name: str) -> str | None:
    """How often the model is scraped."""
    body = bed.get(SERVICE_MONITOR, namespace, name)
    return str(body["spec"]["endpoints"][0]["interval"]) if body else None


def wait_interval(bed: Bed, namespace: str, names: list[str], wanted: str) -> None:
    bed.wait(f"scraped every {wanted}", lambda: {interval(bed, namespace, name) for name in names} == {wanted})


def shown(bed: Bed, namespace: str, name: str) -> str | None:
    """The profile that the status names."""
    body = bed.get(MODEL, namespace, name) or {}
    found = body.get("status", {}).get("monitoring", {}).get("profile")
    return str(found) if found else None


def test_change_reaches_every_model_that_names_the_profile_and_no_other(own_bed: Bed) -> None:
    """Creation, change, restart and deletion of a profile, each within the write budget."""
    bed, namespace, elsewhere = own_bed, place(own_bed, "sharing"), place(own_bed, "elsewhere")
    bed.apply(profile("gold", namespace))
    with bed.operator("sharing-1"):
        for name in MEMBERS:
            bed.apply(naming(name, namespace))
        bed.apply(naming("other", namespace, gold=False))
        bed.apply(model("bystander", namespace, monitoring={"profile": "tin"}))
        bed.apply(naming("member-0", elsewhere))
        for name in [*MEMBERS, *OTHERS]:
            bed.wait_for(namespace, name, "Ready")
        bed.wait_for(elsewhere, "member-0", "Ready")
        bed.quiet(namespace)
        before = {name: children(bed, namespace, name) for name in [*MEMBERS, *OTHERS]}

        seen = len(bed.audit())
        bed.apply(profile("gold", namespace, **SLOW, alerts={"rules": {"ModelLatencyHigh": {"threshold": "3s"}}}))
        wait_interval(bed, namespace, MEMBERS, "45s")
        bed.quiet(namespace)
        spent, needed = bed.writes([namespace, elsewhere], seen), changes(bed, namespace, MEMBERS, before)
        assert spent.pop(STATUS, 0) <= len(MEMBERS)
        assert spent == needed, (spent, needed)
        assert needed["patch servicemonitors"] == needed["patch prometheusrules"] == len(MEMBERS)
        assert "patch deployments" not in needed
        assert written(bed, seen) == {f"{namespace}/{name}" for name in MEMBERS}
        assert not changes(bed, namespace, OTHERS, before)

        seen = len(bed.audit())
        bed.patch(PROFILE, namespace, "gold", {"metadata": {"annotations": {"note": "nothing to do with the spec"}}})
        bed.quiet(namespace)
        assert not bed.writes([namespace, elsewhere], seen), "what is no change of the spec costs nothing"

    seen = len(bed.audit())
    with bed.operator("sharing-2"):
        bed.quiet(namespace)
        assert not bed.writes([namespace, elsewhere], seen), "a restart costs nothing"

        changed = {name: children(bed, namespace, name) for name in MEMBERS}
        bed.delete(PROFILE, namespace, "gold")
        wait_interval(bed, namespace, MEMBERS, "30s")
        for name in MEMBERS:
            bed.wait_for(namespace, name, "ProfileNotFound", kind=CONFIGURED)
        bed.quiet(namespace)
        assert {name: children(bed, namespace, name) for name in MEMBERS} == {name: before[name] for name in MEMBERS}
        spent = bed.writes([namespace, elsewhere], seen)
        assert spent.pop(STATUS) == len(MEMBERS)
        assert spent == changes(bed, namespace, MEMBERS, changed)
        assert written(bed, seen) == {f"{namespace}/{name}" for name in MEMBERS}


def test_change_while_the_operator_was_down_is_made_good(own_bed: Bed) -> None:
    bed, namespace = own_bed, place(own_bed, "missed")
    bed.apply(profile("gold", namespace, **SLOW))
    bed.apply(profile("default", namespace, **SLOW))
    with bed.operator("missed-1"):
        bed.apply(naming("named", namespace))
        bed.apply(naming("unnamed", namespace, gold=False))
        for name in ("named", "unnamed"):
            bed.wait_for(namespace, name, "Ready")
    assert {interval(bed, namespace, name) for name in ("named", "unnamed")} == {"45s"}
    bed.apply(profile("gold", namespace, scrape={"interval": "20s"}))
    bed.delete(PROFILE, namespace, "default")
    with bed.operator("missed-2"):
        wait_interval(bed, namespace, ["named"], "20s")
        wait_interval(bed, namespace, ["unnamed"], "30s")


@pytest.mark.usefixtures("operator")
def test_what_the_model_does_not_say_is_not_filled_in_by_the_api_server(bed: Bed, namespace: str) -> None:
    """A default of the schema would look like the model's own word, and win over the profile."""
    bed.apply(profile("gold", namespace, **SLOW, alerts={"labels": {"team": "ml"}}))
    bed.apply(naming("churn", namespace, scrape={"path": "/own"}, alerts={"labels": {"tier": "gold"}}))
    bed.wait_for(namespace, "churn", "Ready")
    assert interval(bed, namespace, "churn") == "45s"
    stored = bed.get(MODEL, namespace, "churn")
    assert stored is not None
    assert stored["spec"]["monitoring"]["scrape"] == {"path": "/own"}
    assert bed.wait_for(namespace, "churn", "Complete", kind=CONFIGURED)["status"] == "True"
    assert shown(bed, namespace, "churn") == "gold"


@pytest.mark.usefixtures("operator")
def test_profile_named_default_is_that_of_models_which_name_none(bed: Bed, namespace: str) -> None:
    bed.apply(naming("unnamed", namespace, gold=False))
    bed.apply(naming("own-word", namespace, gold=False, scrape={"interval": "20s"}))
    for name in ("unnamed", "own-word"):
        bed.wait_for(namespace, name, "Ready")
    bed.apply(profile("default", namespace, **SLOW))
    wait_interval(bed, namespace, ["unnamed"], "45s")
    bed.wait("it is shown", lambda: shown(bed, namespace, "unnamed") == shown(bed, namespace, "own-word") == "default")
    assert interval(bed, namespace, "own-word") == "20s"
    bed.delete(PROFILE, namespace, "default")
    wait_interval(bed, namespace, ["unnamed"], "30s")
    assert bed.wait_for(namespace, "unnamed", "Complete", kind=CONFIGURED)["status"] == "True"


@pytest.mark.usefixtures("operator")
def test_profile_that_does_not_fit_becomes_a_condition_and_children_stay_without_it(bed: Bed, namespace: str) -> None:
    """Neither the model nor the profile is wrong by itself: nothing could have refused them."""
    bed.apply(naming("misfit", namespace, scrape={"timeout": "20s"}))
    bed.apply(naming("fit", namespace))
    for name in ("misfit", "fit"):
        bed.wait_for(namespace, name, "Ready")
    bed.quiet(namespace)
    before = children(bed, namespace, "misfit")
    bed.apply(profile("gold", namespace, scrape={"interval": "15s"}))
    found = bed.wait_for(namespace, "misfit", "ProfileInvalid", kind=CONFIGURED)
    assert found["status"] == "False"
    assert "profile gold" in found["message"]
    assert "timeout must not be above interval" in found["message"]
    wait_interval(bed, namespace, ["fit"], "15s")
    bed.quiet(namespace)
    assert children(bed, namespace, "misfit") == before
    assert shown(bed, namespace, "misfit") is None
    assert bed.condition(namespace, "misfit")["status"] == "True"
    assert not bed.condition(namespace, "misfit", "Stalled")
    bed.apply(naming("misfit", namespace, scrape={"timeout": "15s"}))
    bed.wait_for(namespace, "misfit", "Complete", kind=CONFIGURED)
    assert interval(bed, namespace, "misfit") == "15s"


@pytest.mark.usefixtures("operator")
def test_profile_that_is_missing_is_told_and_taken_when_it_appears(bed: Bed, namespace: str) -> None:
    bed.apply(naming("churn", namespace))
    found = bed.wait_for(namespace, "churn", "ProfileNotFound", kind=CONFIGURED)
    assert "no MonitoringProfile gold" in found["message"]
    assert bed.wait_for(namespace, "churn", "Ready")["status"] == "True"
    bed.apply(profile("gold", namespace, **SLOW))
    bed.wait_for(namespace, "churn", "Complete", kind=CONFIGURED)
    assert interval(bed, namespace, "churn") == "45s"
    assert shown(bed, namespace, "churn") == "gold"


@pytest.mark.usefixtures("operator")
def test_port_of_a_profile_reaches_the_pods(bed: Bed, namespace: str) -> None:
    bed.apply(naming("churn", namespace))
    bed.wait_for(namespace, "churn", "Ready")
    bed.apply(profile("gold", namespace, scrape={"port": 9100}))

    def ports() -> list[int]:
        body = bed.get(DEPLOYMENT, namespace, "churn")
        assert body is not None
        return [port["containerPort"] for port in body["spec"]["template"]["spec"]["containers"][0]["ports"]]

    bed.wait("port of the metrics", lambda: 9100 in ports())
    bed.wait_for(namespace, "churn", "Ready")


def test_operator_works_where_the_kind_is_not_installed_and_finds_it_when_it_appears(tmp_path: Path) -> None:
    with running_bed(tmp_path, [CRD, *prometheus_crds()]) as bed:
        namespace = place(bed, "bare")
        with bed.operator("bare", discoverySeconds=1) as process:
            assert process.logged("kinds not served: grafanadashboards, monitoringprofiles")
            bed.apply(naming("churn", namespace))
            bed.wait_for(namespace, "churn", "Ready")
            bed.wait_for(namespace, "churn", "ProfileNotFound", kind=CONFIGURED)
            (path,) = (path for path in OWN_CRDS if path != CRD)
            status, answer = bed.plane.request(
                "POST",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                path.read_text(),
                content_type="application/yaml",
            )
            assert status == 201, answer
            bed.wait("the kind is served", lambda: bed.plane.request("GET", PROFILE.path(namespace))[0] == 200)
            bed.apply(profile("gold", namespace, **SLOW))
            bed.wait_for(namespace, "churn", "Complete", kind=CONFIGURED)
            assert interval(bed, namespace, "churn") == "45s"
