"""Every value of the chart changes what is rendered; what is no value is refused by its name."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import cache
from typing import Any

import pytest

from monitored_models.base.schema_types import wire_name
from monitored_models.codegen.chart import values_table
from monitored_models.codegen.chart_values import MANAGED_SETTINGS
from monitored_models.settings import Settings
from operator_testbed import ROOT
from testbed.helm import HelmError, lint, render

DIGEST = f"sha256:{'0' * 64}"
EVERYTHING: dict[str, Any] = {
    "settings": {"grafana": {"url": "http://grafana.example.com"}},
    "grafanaToken": {"existingSecret": "token"},
    "metrics": {
        "authentication": True,
        "tlsSecret": "tls",
        "serviceMonitor": {"enabled": True},
        "rules": {"enabled": True},
        "dashboards": {"enabled": True, "instanceSelector": {"dashboards": "grafana"}},
    },
    "networkPolicy": {"enabled": True},
    "admissionPolicy": {"enabled": True},
    "kubeStateMetrics": {"enabled": True},
}
"""Values under which every template renders something."""

FLIPS: dict[str, Any] = {
    "nameOverride": "flipped",
    "fullnameOverride": "flipped",
    "imageRegistry": "flipped.example.com",
    "image.registry": "flipped.example.com",
    "image.repository": "team/flipped",
    "image.tag": "flipped",
    "image.digest": DIGEST,
    "image.pullPolicy": "Always",
    "imagePullSecrets": [{"name": "flipped"}],
    "replicaCount": 3,
    "settings": {"workers": 77},
    "grafanaToken.existingSecret": "flipped",
    "grafanaToken.key": "flipped",
    "crds.enabled": False,
    "crds.keep": False,
    "rbac.create": False,
    "rbac.aggregate": False,
    "serviceAccount.create": False,
    "serviceAccount.name": "flipped",
    "serviceAccount.annotations": {"example.com/role": "flipped"},
    "metrics.port": 9999,
    "metrics.authentication": False,
    "metrics.tlsSecret": "flipped",
    "metrics.serviceMonitor.authorization": {"credentials": {"name": "flipped", "key": "token"}},
    "metrics.serviceMonitor.tlsConfig": {"serverName": "flipped"},
    "metrics.serviceMonitor.enabled": False,
    "metrics.serviceMonitor.labels": {"release": "flipped"},
    "metrics.serviceMonitor.interval": "77s",
    "metrics.rules.enabled": False,
    "metrics.rules.labels": {"release": "flipped"},
    "metrics.dashboards.enabled": False,
    "metrics.dashboards.labels": {"sidecar": "flipped"},
    "metrics.dashboards.annotations": {"folder": "flipped"},
    "metrics.dashboards.instanceSelector": {"grafana": "flipped"},
    "podDisruptionBudget.enabled": False,
    "podDisruptionBudget.maxUnavailable": "77%",
    "networkPolicy.enabled": False,
    "networkPolicy.ingress": [{"podSelector": {"matchLabels": {"app": "flipped"}}}],
    "networkPolicy.apiServerPorts": [7777],
    "networkPolicy.egress": [{"ports": [{"port": 7777, "protocol": "TCP"}]}],
    "admissionPolicy.enabled": False,
    "admissionPolicy.images": ["flipped/.*"],
    "admissionPolicy.gpus.default": 77,
    "admissionPolicy.gpus.namespaces": {"flipped": 7},
    "admissionPolicy.receivers.slack": ["flipped"],
    "admissionPolicy.receivers.pagerDuty": ["flipped"],
    "admissionPolicy.receivers.email": ["flipped"],
    "admissionPolicy.receivers.webhook": ["flipped"],
    "admissionPolicy.emailDomains": ["flipped.example.com"],
    "admissionPolicy.smarthosts": ["flipped.example.com:25"],
    "admissionPolicy.namespaceSelector": {"matchLabels": {"team": "flipped"}},
    "kubeStateMetrics.enabled": False,
    "tests.image": "flipped:1",
    "resources": {"limits": {"memory": "77Mi"}},
    "probes.startup": {"periodSeconds": 77},
    "probes.liveness": {"periodSeconds": 77},
    "probes.readiness": {"periodSeconds": 77},
    "podSecurityContext": {"runAsUser": 77777},
    "securityContext": {"runAsUser": 77777},
    "commonLabels": {"team": "flipped"},
    "podLabels": {"team": "flipped"},
    "podAnnotations": {"example.com/note": "flipped"},
    "deploymentAnnotations": {"example.com/note": "flipped"},
    "nodeSelector": {"disk": "flipped"},
    "tolerations": [{"key": "flipped", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"flipped": {}}},
    "topologySpreadConstraints": [{"topologyKey": "flipped"}],
    "hostUsers": False,
    "priorityClassName": "flipped",
    "runtimeClassName": "flipped",
    "terminationGracePeriodSeconds": 77,
    "extraArgs": ["--flipped"],
    "extraEnv": [{"name": "FLIPPED", "value": "1"}],
    "extraVolumes": [{"name": "flipped", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "flipped", "mountPath": "/flipped"}],
    "extraContainers": [{"name": "flipped", "image": "flipped:1"}],
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-flipped"}}],
}
ADDED = {
    "image.pullPolicy": "imagePullPolicy: Always",
    "replicaCount": "replicas: 3",
    "hostUsers": "hostUsers: false",
    "metrics.port": 'listen: "?:9999',
}
"""What appears where the flipped value itself would say too little."""
REMOVED = {
    "crds.enabled": "kind: CustomResourceDefinition",
    "crds.keep": "helm.sh/resource-policy: keep",
    "rbac.create": "kind: ClusterRoleBinding",
    "rbac.aggregate": "rbac.authorization.k8s.io/aggregate-to-edit",
    "serviceAccount.create": "templates/serviceaccount.yaml",
    "metrics.authentication": "metricsAuthentication: kubernetes",
    "metrics.serviceMonitor.enabled": "kind: ServiceMonitor",
    "metrics.rules.enabled": "kind: PrometheusRule",
    "metrics.dashboards.enabled": "kind: GrafanaDashboard",
    "podDisruptionBudget.enabled": "kind: PodDisruptionBudget",
    "networkPolicy.enabled": "kind: NetworkPolicy",
    "admissionPolicy.enabled": "kind: ValidatingAdmissionPolicy",
    "kubeStateMetrics.enabled": "templates/kubestatemetrics.yaml",
}
"""What disappears when a value is false."""
REFUSED: dict[str, dict[str, Any]] = {
    "imageRegistri": {"imageRegistri": "x"},
    "/image": {"image": {"name": "x"}},
    "/settings": {"settings": {"resync": 5}},
    "/settings/workers": {"settings": {"workers": "many"}},
    "/settings/grafana": {"settings": {"grafana": {"uri": "http://grafana"}}},
    "/settings/monitoring/scrape": {"settings": {"monitoring": {"scrape": {"intervall": "15s"}}}},
    "/settings/monitoring'.* 'notifications'": {"settings": {"monitoring": {"notifications": []}}},
    "listen": {"settings": {"listen": ":80"}},
    "/replicaCount": {"replicaCount": "two"},
    "/image/digest": {"image": {"digest": "latest"}},
    "/metrics/port": {"metrics": {"port": 0}},
    "/admissionPolicy/receivers": {"admissionPolicy": {"receivers": {"teams": []}}},
    r"admissionPolicy.images: \"\[a-z\" is no regular expression": {
        "admissionPolicy": {"enabled": True, "images": ["[a-z"]}
    },
    "/imageRegistry": {"imageRegistry": "https://registry.example.com"},
    "/networkPolicy/apiServerPorts": {"networkPolicy": {"apiServerPorts": []}},
    "settings.grafana: name the Secret": {"settings": {"grafana": {"url": "http://grafana"}}},
    "grafanaToken.existingSecret: set settings.grafana.url": {"grafanaToken": {"existingSecret": "token"}},
}


def nested(path: str, value: Any) -> dict[str, Any]:
    """A value at its path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm merges them."""
    both = {
        name: merged(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
        for name, value in above.items()
    }
    return {**below, **both}


def paths(values: dict[str, Any]) -> set[str]:
    """The path of every leaf; maps of settings are leaves."""
    return {
        f"{name}.{below}" if below else name
        for name, value in values.items()
        for below in (paths(value) if isinstance(value, dict) and "unknown" not in value else {""})
    }


@cache
def everything() -> str:
    return render(EVERYTHING)


@cache
def flipped() -> dict[str, str]:
    """What each flip renders: all at once, because Helm is a process of its own."""
    with ThreadPoolExecutor(2) as pool:
        values = [merged(EVERYTHING, nested(path, value)) for path, value in FLIPS.items()]
        return dict(zip(FLIPS, pool.map(render, values), strict=True))


def test_chart_passes_the_linter() -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in lint()


def test_each_value_has_a_flip() -> None:
    assert sorted(FLIPS) == sorted(path for path, _, _ in values_table())


@pytest.mark.parametrize("path", FLIPS)
def test_each_value_changes_what_is_rendered(path: str) -> None:
    """The flipped value appears, or what the table of effects names appears or disappears."""
    new, old = flipped()[path], everything()
    if path in REMOVED:
        assert REMOVED[path] in old
        assert REMOVED[path] not in new
    else:
        added = "\n".join(set(new.splitlines()) - set(old.splitlines()))
        assert re.search(ADDED.get(path, rf"(?i)flipped|77|{DIGEST}"), added)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_value_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(HelmError, match=name):
        render(REFUSED[name])


def test_each_value_and_each_setting_of_a_wrong_type_is_named() -> None:
    """The schema reports all of them at once."""
    wrong: dict[str, Any] = {}
    for path, default, _ in values_table():
        wrong = merged(wrong, nested(path, 7 if default[0] in "[n" else [7]))
    settings = {wire_name(Settings, each.name) for each in fields(Settings)} - set(MANAGED_SETTINGS)
    below = {name: {"unknown": 1} for name in settings}
    for values in (wrong, {"settings": below}):
        with pytest.raises(HelmError) as refused:
            render(values)
        named = set(re.findall(r"at '/([^']+)'", str(refused.value)))
        for path in paths(values):
            assert [each for each in named if f"{each}/".startswith(path.replace(".", "/") + "/")], path


def test_an_unknown_value_in_any_map_of_values_is_named() -> None:
    maps = {path.rpartition(".")[0] for path, _, _ in values_table()} - {""}
    unknown: dict[str, Any] = {"unknown": 1}
    for path in maps:
        unknown = merged(unknown, nested(f"{path}.unknown", 1))
    with pytest.raises(HelmError) as refused:
        render(unknown)
    for path in maps:
        assert f"at '/{path.replace('.', '/')}': additional properties 'unknown' not allowed" in str(refused.value)


def test_values_in_the_docs_exist() -> None:
    known = {path for path, _, _ in values_table()}
    groups = {path.split(".")[0] for path in known if "." in path} - {"resources", "probes", "tests", "image"}
    for page in (ROOT / "docs").glob("*.md"):
        for path in re.findall(rf"`((?:{'|'.join(groups)})\.[A-Za-z.]+)", page.read_text()):
            assert [each for each in known if f"{each}.".startswith(f"{path}.")], f"{page.name}: {path}"


@pytest.mark.parametrize(
    "path", ["image", "image.repository", "metrics", "metrics.port", "probes", "probes.startup", "settings"]
)
def test_null_that_removes_a_default_is_refused_by_its_name(path: str) -> None:
    with pytest.raises(HelmError, match=path.rsplit(".", maxsplit=1)[-1]) as refused:
        render(nested(path, None))
    assert "nil pointer" not in str(refused.value)


def test_settings_that_the_chart_sets_itself_are_refused() -> None:
    for name in MANAGED_SETTINGS:
        with pytest.raises(HelmError, match=name):
            render({"settings": {name: "x"}})


def test_a_change_of_the_settings_replaces_the_pods() -> None:
    def checksum(values: dict[str, Any]) -> list[str]:
        return [line for line in render(values).splitlines() if "checksum/settings" in line]

    assert checksum({}) == checksum({"replicaCount": 3})
    assert checksum({}) != checksum({"settings": {"workers": 4}})


def test_no_template_names_a_registry() -> None:
    assert images({}) == {"monitored-models:0.1.0"}
    assert images({"imageRegistry": "mirror.example.com/a", "image": {"digest": DIGEST}}) == {
        f"mirror.example.com/a/monitored-models@{DIGEST}"
    }


def images(values: dict[str, Any]) -> set[str]:
    """All images of the release."""
    text = render(merged(values, {"crds": {"enabled": False}}))
    return set(re.findall(r"^ +(?:- )?image: (\S+)$", text, re.MULTILINE))
