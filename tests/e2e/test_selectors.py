"""Children get the labels that Prometheus, PrometheusAgent and Alertmanager objects select by, whatever those are."""

from __future__ import annotations

import base64
import gzip
import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.test_cli import diff
from monitored_models.naming.kinds import (
    ALERTMANAGER,
    ALERTMANAGER_CONFIG,
    PROMETHEUS,
    PROMETHEUS_AGENT,
    PROMETHEUS_RULE,
    SELECTING_KINDS,
    SERVICE_MONITOR,
    Kind,
)
from operator_identity import OPERATOR, SERVICE_ACCOUNT, identity
from operator_testbed import OWN_CRDS, Bed, Object, model, profile, prometheus_crds, running_bed
from testbed import pages, tools
from testbed.processes import Process, free_port, start

pytestmark = pytest.mark.e2e

ALL: dict[str, Any] = {}
STACK = "monitoring"
HOOK = {"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}}
NOTIFYING = {"notifications": [HOOK]}
CHILDREN = Counter(
    {
        "patch deployments": 1,
        "patch services": 1,
        "patch servicemonitors": 1,
        "patch prometheusrules": 1,
        "patch configmaps": 1,
        "patch alertmanagerconfigs": 1,
    }
)
STATUS = "patch monitoredmodels/status"
SELECTING_PLURALS = [kind.plural for kind in SELECTING_KINDS]


@pytest.fixture(scope="module")
def own_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """A control plane with every kind that selects, on which no other operator runs."""
    crds = [*OWN_CRDS, *prometheus_crds("prometheusagents", "alertmanagers")]
    with running_bed(tmp_path_factory.mktemp("selectors"), crds) as made:
        yield made


@pytest.fixture
def own(own_bed: Bed) -> Iterator[Bed]:
    """The same without any object that selects, before and after."""
    place(own_bed, STACK)
    yield own_bed
    for kind in SELECTING_KINDS:
        for body in own_bed.plane.request("GET", kind.path())[1]["items"]:
            own_bed.delete(kind, body["metadata"]["namespace"], body["metadata"]["name"])


def place(bed: Bed, name: str) -> str:
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def selecting(kind: Kind, name: str, namespace: str = STACK, **spec: Any) -> Object:
    """An object that selects."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": spec}


def monitors(name: str, namespace: str = STACK, **labels: str) -> Object:
    """A Prometheus that selects ServiceMonitors of all namespaces."""
    spec = {"serviceMonitorSelector": {"matchLabels": labels}, "serviceMonitorNamespaceSelector": ALL}
    return selecting(PROMETHEUS, name, namespace, **spec)


def labels_of(bed: Bed, kind: Kind, namespace: str, name: str = "churn") -> dict[str, str]:
    """Labels of a child besides those of every child; empty while it does not exist."""
    body = bed.get(kind, namespace, name)
    present = body["metadata"]["labels"] if body else {}
    return {key: value for key, value in present.items() if "/" not in key}


def wait_labels(bed: Bed, namespace: str, **labels: str) -> None:
    bed.wait(f"labels {labels}", lambda: labels_of(bed, SERVICE_MONITOR, namespace) == labels)


def outcomes(process: Process) -> set[tuple[str, ...]]:
    """Kind, name, kind of child and outcome, from /metrics."""
    found = pages.samples(pages.page(process, "/metrics")[1], "monitored_models_selector_info")
    return {tuple(labels[key] for key in ("kind", "name", "selects", "outcome")) for labels, _ in found}


def lists(bed: Bed, since: int) -> Counter[str]:
    """Lists by the operator, by resource."""
    entries = [entry for entry in bed.audit()[since:] if entry["user"]["username"] == OPERATOR]
    return Counter(entry["objectRef"]["resource"] for entry in entries if entry["verb"] == "list")


def test_children_are_written_once_with_the_labels_that_all_selectors_require(own: Bed, tmp_path: Path) -> None:
    bed, namespace = own, place(own, "asked")
    rules = {"matchExpressions": [{"key": "role", "operator": "In", "values": ["alerts", "recordings"]}]}
    exists = {"matchExpressions": [{"key": "agent", "operator": "Exists"}]}
    bed.apply(
        selecting(
            PROMETHEUS,
            "kps",
            serviceMonitorSelector={"matchLabels": {"release": "kps"}},
            serviceMonitorNamespaceSelector=ALL,
            ruleSelector=rules,
            ruleNamespaceSelector=ALL,
        )
    )
    bed.apply(selecting(PROMETHEUS_AGENT, "agent", serviceMonitorSelector=exists, serviceMonitorNamespaceSelector=ALL))
    alerts = {"matchLabels": {"alerts": "main"}}
    bed.apply(
        selecting(ALERTMANAGER, "main", alertmanagerConfigSelector=alerts, alertmanagerConfigNamespaceSelector=ALL)
    )
    with bed.operator("asked-1") as process:
        bed.apply(profile("default", namespace, **NOTIFYING))
        # Profiles and models have watches of their own: known after the model, it would change the model's rules again.
        bed.wait("notifications", lambda: bed.get(ALERTMANAGER_CONFIG, namespace, "default.notifications"))
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")
        bed.quiet(namespace)
        assert labels_of(bed, SERVICE_MONITOR, namespace) == {"release": "kps", "agent": "true"}
        assert labels_of(bed, PROMETHEUS_RULE, namespace) == {"role": "alerts"}
        assert labels_of(bed, ALERTMANAGER_CONFIG, namespace, "default.notifications") == {"alerts": "main"}
        written = bed.writes(namespace)
        del written[STATUS]
        assert written == CHILDREN
        assert {outcome for *_, outcome in outcomes(process)} == {"Selected"}
        assert process.logged("Prometheus monitoring/kps and ServiceMonitors: it requires release=kps")
        same = diff(bed, tmp_path, model("churn", namespace))
        assert (same.returncode, same.stdout) == (0, ""), "mmctl diff finds the same labels"
    seen = len(bed.audit())
    with bed.operator("asked-2"):
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "a restart costs nothing"
        auto = lists(bed, seen)
    seen = len(bed.audit())
    with bed.operator("asked-3", labels="configured"):
        bed.wait("labels gone", lambda: not labels_of(bed, SERVICE_MONITOR, namespace))
        bed.quiet(namespace)
        assert auto - lists(bed, seen) == dict.fromkeys(SELECTING_PLURALS, 1)


def test_change_of_a_selector_rewrites_what_it_concerns_once(own: Bed) -> None:
    bed, namespace, other = own, place(own, "changing"), place(own, "elsewhere")
    bed.apply(monitors("kps", release="old"))
    bed.apply(selecting(PROMETHEUS, "own", other, serviceMonitorSelector={"matchLabels": {"team": "a"}}))
    with bed.operator("changing", discoverySeconds=1, serviceMonitorLabels={"mine": "1"}):
        for where in (namespace, other):
            bed.apply(model("churn", where, monitoring=NOTIFYING))
            bed.wait_for(where, "churn", "Ready")
        bed.quiet(namespace)
        assert labels_of(bed, SERVICE_MONITOR, namespace) == {"release": "old", "mine": "1"}
        assert labels_of(bed, SERVICE_MONITOR, other) == {"release": "old", "mine": "1", "team": "a"}

        seen = len(bed.audit())
        bed.apply(monitors("kps", release="new"))
        wait_labels(bed, namespace, release="new", mine="1")
        wait_labels(bed, other, release="new", mine="1", team="a")
        bed.quiet(namespace, 5)
        assert bed.writes((namespace, other), seen) == {"patch servicemonitors": 2}

        seen = len(bed.audit())
        bed.apply(selecting(ALERTMANAGER, "main", other, alertmanagerConfigSelector={"matchLabels": {"alerts": "x"}}))
        bed.wait("labels", lambda: labels_of(bed, ALERTMANAGER_CONFIG, other) == {"alerts": "x"})
        bed.quiet(other, 5)
        assert bed.writes((namespace, other), seen) == {"patch alertmanagerconfigs": 1}

        seen = len(bed.audit())
        bed.delete(PROMETHEUS, other, "own")
        wait_labels(bed, other, release="new", mine="1")
        bed.quiet(other, 5)
        assert bed.writes((namespace, other), seen) == {"patch servicemonitors": 1}


def test_several_that_disagree_are_reported_and_the_configured_labels_stay(own: Bed) -> None:
    bed, namespace = own, place(own, "disagreeing")
    bed.apply(monitors("a", release="a"))
    with bed.operator("disagreeing", discoverySeconds=1, serviceMonitorLabels={"mine": "1"}) as process:
        bed.apply(model("churn", namespace))
        wait_labels(bed, namespace, release="a", mine="1")
        bed.apply(monitors("b", release="b"))
        wait_labels(bed, namespace, mine="1")
        told = {("Prometheus", name, "ServiceMonitor", "Disagrees") for name in "ab"}
        bed.wait("reported", lambda: told <= outcomes(process))
        assert process.logged("but Prometheus monitoring/a requires release=a")
        bed.wait_for(namespace, "churn", "Ready")
        bed.delete(PROMETHEUS, STACK, "a")
        wait_labels(bed, namespace, release="b", mine="1")
        assert ("Prometheus", "b", "ServiceMonitor", "Selected") in outcomes(process)
    with bed.operator("decided", serviceMonitorLabels={"release": "a"}) as process:
        wait_labels(bed, namespace, release="a")
        assert ("Prometheus", "b", "ServiceMonitor", "CannotMatch") in outcomes(process)


@pytest.fixture
def grant(own: Bed) -> Iterator[Callable[[bool], None]]:
    """Gives the operator its right to read selectors in the cluster, or takes it away."""
    shipped = operator_role()
    own.expected_denials |= {f"list {kind.plural}.{kind.group} in the cluster" for kind in SELECTING_KINDS}

    def allow(allowed: bool) -> None:
        rules = [rule for rule in shipped["rules"] if allowed or rule["resources"] != SELECTING_PLURALS]
        assert (len(rules) == len(shipped["rules"])) == allowed
        own.apply({**shipped, "rules": rules})
        expected = 200 if allowed else 403
        path = PROMETHEUS.path()
        own.wait("rights", lambda: own.plane.request("GET", path, user="operator")[0] == expected)

    yield allow
    allow(True)


def operator_role() -> Object:
    """The operator's ClusterRole as it is shipped."""
    roles = (body for body in identity({}) if body["kind"] == "ClusterRole")
    return next(role for role in roles if role["metadata"]["name"] == SERVICE_ACCOUNT)


def test_missing_right_is_reported_and_stops_nothing(own: Bed, grant: Callable[[bool], None]) -> None:
    bed, namespace = own, place(own, "forbidden")
    bed.apply(monitors("kps", release="kps"))
    grant(False)
    with bed.operator("forbidden", discoverySeconds=1, serviceMonitorLabels={"mine": "1"}) as process:
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")
        assert labels_of(bed, SERVICE_MONITOR, namespace) == {"mine": "1"}
        assert ("Prometheus", "", "", "Forbidden") in outcomes(process)
        assert process.logged("so the labels of the settings only are used")
        grant(True)
        wait_labels(bed, namespace, mine="1", release="kps")
        bed.quiet(namespace)
        seen = len(bed.audit())
        grant(False)
        bed.wait("reported again", lambda: ("Prometheus", "", "", "Forbidden") in outcomes(process))
        bed.quiet(namespace)
        assert not bed.writes(namespace, seen), "what was found stays while it cannot be read"
        reports = [line for line in process.tail(1000).splitlines() if '"Forbidden"' in line and "labels" in line]
        assert len(reports) == 2 * len(SELECTING_KINDS), "once each time that it began"


def test_right_in_the_served_namespaces_is_enough_for_what_they_hold(own: Bed, grant: Callable[[bool], None]) -> None:
    bed, namespace, other = own, place(own, "limited"), place(own, "not-served")
    bed.apply(monitors("near", namespace, team="near"))
    bed.apply(monitors("far", other, team="far"))
    group, name = "rbac.authorization.k8s.io", {"name": "selectors", "namespace": namespace}
    (rule,) = (each for each in operator_role()["rules"] if each["resources"] == SELECTING_PLURALS)
    bed.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": name, "rules": [rule]})
    binding = {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "selectors"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": OPERATOR}],
    }
    bed.apply({"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": name, **binding})
    grant(False)
    with bed.operator("limited", namespaces=[namespace]) as process:
        bed.apply(model("churn", namespace))
        wait_labels(bed, namespace, team="near")
        assert ("Prometheus", "", "", "ServedNamespacesOnly") in outcomes(process)
        bed.wait_for(namespace, "churn", "Ready")


def test_real_prometheus_operator_selects_for_each_prometheus_and_agent(own: Bed, tmp_path: Path) -> None:
    bed, namespace = own, place(own, "selected")
    common = {"version": "v3.10.0", "image": "prometheus:v3.10.0", "serviceAccountName": "default"}
    for name, labels in {"a": {"release": "a"}, "b": {"team": "b"}, "other": {"release": "other"}}.items():
        body = monitors(name, namespace, **labels)
        where = {} if name != "other" else {"matchLabels": {"kubernetes.io/metadata.name": STACK}}
        bed.apply({**body, "spec": {**body["spec"], **common, "serviceMonitorNamespaceSelector": where}})
    bed.apply(
        selecting(PROMETHEUS_AGENT, "c", namespace, serviceMonitorSelector={"matchLabels": {"agent": "c"}}, **common)
    )
    with bed.operator("selected"):
        bed.apply(model("churn", namespace))
        bed.wait_for(namespace, "churn", "Ready")
        wait_labels(bed, namespace, release="a", team="b", agent="c")
    binary = tools.ensure("prometheus-operator")["prometheus-operator"]
    listen = f"--web.listen-address=127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        binary,
        listen,
        f"--namespaces={namespace},{STACK}",
        "--prometheus-config-reloader=reloader:1",
    ]
    environment = {**os.environ, "KUBECONFIG": str(bed.plane.kubeconfig)}
    process = start("prometheus-operator", command, log=tmp_path / "prometheus-operator.log", env=environment)
    try:
        expected = {"prometheus-a": 1, "prometheus-b": 1, "prom-agent-c": 1, "prometheus-other": 0}
        job = f"serviceMonitor/{namespace}/churn/0"
        for secret, count in expected.items():
            bed.wait(f"configuration {secret}", partial(has_jobs, bed, namespace, secret, [job] * count))
    finally:
        process.kill()


def has_jobs(bed: Bed, namespace: str, secret: str, expected: list[str]) -> bool:
    """Whether prometheus-operator has generated a configuration with these scrape jobs."""
    status, body = bed.plane.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{secret}")
    if status != 200:
        return False
    text = gzip.decompress(base64.b64decode(body["data"]["prometheus.yaml.gz"])).decode()
    return [job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]] == expected
