"""Facts about children that hold for every spec, which golden files cannot show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsignals import names as exposed
from monitored_models.api import RESTARTED_AT, InvalidSpec, Model, parse
from monitored_models.api.fields import seconds
from monitored_models.api.live_scale import LiveScale
from monitored_models.api.monitoring import CounterSignal, Signals
from monitored_models.naming.conditions import ON_DASHBOARDS, STUCK
from monitored_models.naming.kinds import CHILDREN, DEPLOYMENT
from monitored_models.naming.object_names import claims, pod_pattern
from monitored_models.render.children import render
from monitored_models.render.dashboards.config_map import dashboard_json
from monitored_models.render.rules.alerts.groups import escape_template
from monitored_models.render.rules.quality import SHARES, UPDATED
from monitored_models.render.rules.signals import SignalSource, le_values
from monitored_models.render.workload.probes import MARGIN, seconds_to_load
from monitored_models.render.workload.replicas import replicas
from monitored_models.settings import Settings
from unit.promql_helpers import Matcher, matchers
from unit.render_helpers import SETTINGS, alert_rules, children, container, expressions, template
from unit.specs import (
    FULL,
    IMAGE,
    JSON,
    MINIMAL,
    NASTY,
    RUNTIMES,
    TRITON,
    VLLM,
    any_text,
    body,
    display_text,
    folder,
    label_name,
    model,
    regex,
    specs,
    with_,
)


def environment(made: Model) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container(made)["env"]}


# --- pods ---


def assert_restricted(pod: JSON) -> None:
    """The restricted Pod Security Standard, field by field as Kubernetes documents it."""
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & pod.keys()
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"sysctls", "windowsOptions", "seLinuxOptions", "appArmorProfile"} & security.keys()
    for volume in pod["volumes"]:
        assert set(volume) - {"name"} <= {"configMap", "emptyDir", "persistentVolumeClaim"}
    (only,) = pod["containers"]
    own = only["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert set(own) == {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"}
    assert all("hostPort" not in port and "hostIP" not in port for port in only["ports"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert "host" not in only.get(probe, {}).get("httpGet", {})
        assert "host" not in only.get(probe, {}).get("tcpSocket", {})


def assert_no_rights(pod: JSON) -> None:
    """No account of choice, no token, nothing of the node."""
    assert pod["automountServiceAccountToken"] is False
    assert not {"serviceAccountName", "serviceAccount", "nodeName", "hostAliases", "shareProcessNamespace"} & pod.keys()


def assert_names_are_unique(pod: JSON) -> None:
    (only,) = pod["containers"]
    for listed, key in ((pod["volumes"], "name"), (only["env"], "name"), (only["ports"], "name")):
        names = [item[key] for item in listed]
        assert len(names) == len(set(names)), names
    paths = [mount["mountPath"].rstrip("/") for mount in only["volumeMounts"]]
    assert len(paths) == len(set(paths)), paths
    assert {mount["name"] for mount in only["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def assert_owned(made: Model, child: JSON) -> None:
    metadata = child["metadata"]
    assert metadata["namespace"] == made.namespace
    (owner,) = metadata["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (made.uid, True)
    assert metadata["labels"]["monitoredmodels.dev/model"] == made.name
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "monitored-models"
    assert "app.kubernetes.io/instance" not in metadata["labels"]
    assert len(metadata["name"]) <= 63


def empties(value: Any, path: str = "") -> Iterator[str]:
    """Places of empty maps, lists and nulls."""
    if value is None or (isinstance(value, dict | list) and not value):
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from empties(inner, f"{path}.{key}")


@settings(max_examples=200, deadline=None)
@given(specs())
def test_what_holds_for_the_children_of_every_spec(spec: JSON) -> None:
    made = model(spec)
    made_children = render(made, SETTINGS, replicas(made, None))
    identities = [(child["kind"], child["metadata"]["name"]) for child in made_children]
    assert len(identities) == len(set(identities))
    assert {kind for kind, _ in identities} <= {kind.name for kind in CHILDREN}
    for child in made_children:
        assert_owned(made, child)
        assert json.loads(json.dumps(child)) == child
    pod = template(made)["spec"]
    assert_restricted(pod)
    assert_no_rights(pod)
    assert_names_are_unique(pod)
    assert_selectors_are_of(made, SETTINGS)


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL])
def test_pods_are_restricted(spec: JSON) -> None:
    pod = template(model(spec))["spec"]
    assert_restricted(pod)
    assert_no_rights(pod)
    assert_names_are_unique(pod)


def test_security_of_the_spec_reaches_the_pod() -> None:
    security = template(model(FULL))["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (10002, 10003, 10004)
    assert container(model(FULL))["securityContext"]["readOnlyRootFilesystem"] is True


def test_nothing_is_copied_from_the_metadata_of_the_model() -> None:
    """A tracking label or annotation of a GitOps tool on a child would make the tool prune it."""
    foreign = {"argocd.argoproj.io/instance": "x", "app.kubernetes.io/instance": "x", "monitoredmodels.dev/model": "x"}
    parsed = parse(body(FULL, labels=foreign, annotations=foreign, finalizers=["x"]))
    assert isinstance(parsed, Model)
    assert render(parsed, SETTINGS, 1) == render(model(FULL), SETTINGS, 1)


def test_restart_changes_the_annotations_of_the_pods_and_nothing_else() -> None:
    time = "2026-11-20T08:30:00Z"
    parsed = parse(body(FULL, annotations={RESTARTED_AT: time}))
    assert isinstance(parsed, Model)
    restarted, before = children(parsed), children(model(FULL))
    assert restarted["Deployment"]["spec"]["template"]["metadata"].pop("annotations") == {RESTARTED_AT: time}
    assert restarted == before


def test_model_without_uid_gives_children_without_owner() -> None:
    parsed = parse({**body(MINIMAL), "metadata": {"name": "churn"}})
    assert isinstance(parsed, Model)
    assert all("ownerReferences" not in child["metadata"] for child in render(parsed, SETTINGS, 1))


def test_labels_of_the_settings_are_added_where_they_belong() -> None:
    found = children(model(FULL))
    with_release = {kind for kind, child in found.items() if "release" in child["metadata"]["labels"]}
    assert with_release == {"ServiceMonitor", "PrometheusRule"}
    assert found["ConfigMap"]["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_identity_labels_win_over_labels_of_the_settings() -> None:
    hostile = {"monitoredmodels.dev/model": "other", "app.kubernetes.io/managed-by": "x", "app.kubernetes.io/name": "x"}
    settings = Settings(service_monitor_labels=hostile, prometheus_rule_labels=hostile, dashboard_labels=hostile)
    for child in children(model(), settings).values():
        labels = child["metadata"]["labels"]
        assert (labels["monitoredmodels.dev/model"], labels["app.kubernetes.io/managed-by"]) == (
            "churn",
            "monitored-models",
        )


def test_selectors_of_all_children_select_the_pods() -> None:
    made = model(FULL)
    found, labels = children(made), template(made)["metadata"]["labels"]
    selectors = [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        template(made)["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    service_labels = found["Service"]["metadata"]["labels"]
    assert found["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items() <= service_labels.items()


def test_selector_of_the_deployment_never_depends_on_the_spec() -> None:
    """It can never be changed on a live Deployment."""
    selectors = [children(model(spec))["Deployment"]["spec"]["selector"] for spec in (*RUNTIMES.values(), FULL)]
    assert all(selector == selectors[0] for selector in selectors)


# --- environment and arguments ---


@pytest.mark.parametrize("spec", RUNTIMES.values(), ids=RUNTIMES)
def test_environment_of_the_spec_wins_over_that_of_the_runtime(spec: JSON) -> None:
    for name in environment(model(spec)):
        changed = environment(model({**spec, "env": [{"name": name, "value": "mine"}]}))
        assert changed[name] == "mine"
        assert changed.keys() == environment(model(spec)).keys()


def expand(text: str, variables: dict[str, str]) -> str:
    """Kubernetes' expansion of $(NAME), with $$ as an escaped $."""
    pattern = re.compile(r"\$(\$|\(([^)]*)\)|)", re.DOTALL)

    def replaced(found: re.Match[str]) -> str:
        if found[1] == "$" or not found[1]:
            return "$"
        return variables.get(found[2], found[0])

    return pattern.sub(replaced, text)


def test_variable_in_the_name_of_a_model_is_escaped() -> None:
    assert environment(model(model__name="$(HOME)"))["MODEL_NAME"] == "$$(HOME)"
    assert "--served-model-name=$$(HOME)" in container(model(VLLM, model__name="$(HOME)"))["args"]


@pytest.mark.parametrize(("name", "told"), [("$", "$$"), ("$$", "$$$$"), ("5$ a", "5$$ a"), ("$$(A)", "$$$$(A)")])
def test_every_dollar_in_a_text_of_a_model_is_doubled(name: str, told: str) -> None:
    assert environment(model(model__name=name))["MODEL_NAME"] == told
    assert f"--served-model-name={told}" in container(model(VLLM, model__name=name))["args"]
    assert environment(model(model__uri="s3://a/$b$"))["MODEL_URI"] == "s3://a/$$b$$"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["$", "(", ")", "HOME", "{uri}", *NASTY]), min_size=1, max_size=6).map("".join))
def test_server_is_given_the_name_exactly_as_it_stands(name: str) -> None:
    variables = {"HOME": "/home/mm", "MODEL_URI": "secret"}
    assert expand(environment(model(model__name=name))["MODEL_NAME"], variables) == name
    (argument,) = [a for a in container(model(VLLM, model__name=name))["args"] if a.startswith("--served-model-name")]
    assert expand(argument, variables) == f"--served-model-name={name}"


@pytest.mark.parametrize(
    ("spec", "uri", "argument"),
    [
        (VLLM, "hf://org/model", "--model=org/model"),
        (VLLM, "file:///models/a", "--model=/models/a"),
        (TRITON, "s3://bucket/a", "--model-repository=s3://bucket/a"),
        (TRITON, "gs://bucket/a", "--model-repository=gs://bucket/a"),
        (TRITON, "file:///models", "--model-repository=/models"),
        (TRITON, "s3://b/{port}", "--model-repository=s3://b/{port}"),
        (TRITON, "s3://b/$(HOME)", "--model-repository=s3://b/$$(HOME)"),
    ],
)
def test_server_is_told_where_its_model_is(spec: JSON, uri: str, argument: str) -> None:
    assert argument in container(model(spec, model__uri=uri))["args"]


def test_arguments_of_the_spec_come_last_and_as_they_stand() -> None:
    made = model(VLLM, args=["--max-model-len=$(LEN)", "{port}"])
    assert container(made)["args"][-2:] == ["--max-model-len=$(LEN)", "{port}"]
    assert len(container(made)["args"]) > 2


def test_command_of_the_spec_replaces_the_arguments_of_the_runtime() -> None:
    made = model(VLLM, command=["run"], args=["a"])
    assert (container(made)["command"], container(made)["args"]) == (["run"], ["a"])


@pytest.mark.parametrize(("count", "there"), [(0, False), (1, False), (2, True), (8, True)])
def test_llm_server_splits_its_model_over_several_gpus(count: int, there: bool) -> None:
    args = container(model(VLLM, gpu={"count": count}))["args"]
    assert (f"--tensor-parallel-size={count}" in args) == there


# --- volumes ---


def _mounts(made: Model) -> dict[str, str]:
    return {mount["mountPath"].rstrip("/"): mount["name"] for mount in container(made)["volumeMounts"]}


def test_home_folder_and_asked_for_folders_can_be_written() -> None:
    made = model(storage__sharedMemory="1Gi", security__readOnlyRootFilesystem=True)
    assert _mounts(made) == {"/home/mm": "mm-home", "/tmp": "mm-tmp", "/dev/shm": "mm-shm"}
    (shm,) = [volume for volume in template(made)["spec"]["volumes"] if volume["name"] == "mm-shm"]
    assert shm["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}


@pytest.mark.parametrize("path", ["/home/mm", "/tmp", "/dev/shm"])
def test_volume_of_the_spec_takes_the_place_of_one_of_the_operator(path: str) -> None:
    mine = {"name": "mine", "mountPath": path, "emptyDir": {}}
    shared = {} if path == "/dev/shm" else {"sharedMemory": "1Gi"}
    made = model(storage={"volumes": [mine], **shared}, security__readOnlyRootFilesystem=True)
    assert _mounts(made)[path] == "mine"
    assert_names_are_unique(template(made)["spec"])


def test_two_spellings_of_one_mount_path_are_refused() -> None:
    same = [{"name": "a", "mountPath": "/data", "emptyDir": {}}, {"name": "b", "mountPath": "/data/", "emptyDir": {}}]
    assert not isinstance(parse(body(with_(MINIMAL, {"storage.volumes": same}))), Model)


# --- replicas and GPUs ---

FIXED, SCALED = (
    {"replicas": 4},
    {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}, "resources": {"requests": {"cpu": 1}}},
)
HAND_OVER: list[tuple[str, JSON, LiveScale | None, int | None]] = [
    ("a fixed number is always applied", FIXED, None, 4),
    ("a fixed number is applied over another manager's", FIXED, LiveScale(7, owned_by_others=True), 4),
    ("without a number there is one replica", {}, LiveScale(7, owned_by_others=False), 1),
    ("zero stays zero", {"replicas": 0}, LiveScale(3, owned_by_others=False), 0),
    ("a new Deployment begins at the minimum", SCALED, None, 2),
    ("the present number is kept until an autoscaler owns it", SCALED, LiveScale(5, owned_by_others=False), 5),
    ("a number below the minimum is kept for the autoscaler to raise", SCALED, LiveScale(1, owned_by_others=False), 1),
    ("the number is left to the autoscaler that owns it", SCALED, LiveScale(5, owned_by_others=True), None),
    ("an autoscaler does nothing at zero", SCALED, LiveScale(0, owned_by_others=True), 2),
    ("from zero it begins at the minimum", SCALED, LiveScale(0, owned_by_others=False), 2),
    ("suspended is zero", {"suspend": True}, LiveScale(5, owned_by_others=False), 0),
    ("suspended is zero with an autoscaler too", {**SCALED, "suspend": True}, LiveScale(5, owned_by_others=True), 0),
]


@pytest.mark.parametrize(("spec", "live", "applied"), [row[1:] for row in HAND_OVER], ids=[row[0] for row in HAND_OVER])
def test_number_of_replicas_that_is_applied(spec: JSON, live: LiveScale | None, applied: int | None) -> None:
    assert replicas(model({**MINIMAL, **spec}), live) == applied


def test_deployment_names_no_number_when_an_autoscaler_owns_it() -> None:
    made = render(model({**MINIMAL, **SCALED}), SETTINGS, None)
    assert "replicas" not in made[0]["spec"]


def test_suspended_model_has_no_pods_no_alerts_and_no_autoscaler() -> None:
    found = children(model({**FULL, "suspend": True}))
    assert found["Deployment"]["spec"]["replicas"] == 0
    assert "HorizontalPodAutoscaler" not in found
    rules = [rule for group in found["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    assert rules
    assert all("alert" not in rule for rule in rules)
    assert {"Service", "ServiceMonitor", "ConfigMap", "PodDisruptionBudget"} <= found.keys()


def test_autoscaler_scales_the_deployment() -> None:
    found = children(model(FULL))
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"] == {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": "Deployment",
        "name": found["Deployment"]["metadata"]["name"],
    }


@pytest.mark.parametrize(
    ("gpu", "resource", "amount"),
    [
        ({}, "nvidia.com/gpu", "1"),
        ({"count": 4}, "nvidia.com/gpu", "4"),
        ({"count": 2, "resourceName": "nvidia.com/mig-1g.10gb"}, "nvidia.com/mig-1g.10gb", "2"),
        ({"count": 0}, "nvidia.com/gpu", None),
        (None, "nvidia.com/gpu", None),
    ],
)
def test_gpus_stand_in_requests_and_limits(gpu: JSON | None, resource: str, amount: str | None) -> None:
    asked = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}
    resources = container(model(gpu=gpu, resources=asked))["resources"]
    assert (resources["requests"].get(resource), resources["limits"].get(resource)) == (amount, amount)
    assert (resources["requests"]["cpu"], resources["limits"]["memory"]) == ("1", "1Gi")


# --- which children there are ---

ALWAYS = {"Deployment", "Service"}
WATCHED = {"ServiceMonitor", "PrometheusRule", "ConfigMap"}


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, ALWAYS | WATCHED),
        ({"monitoring.scrape.enabled": False}, ALWAYS),
        ({"monitoring.dashboard.enabled": False}, ALWAYS | WATCHED - {"ConfigMap"}),
        ({"networkPolicy": {}}, ALWAYS | WATCHED | {"NetworkPolicy"}),
        ({"networkPolicy": {"enabled": False}}, ALWAYS | WATCHED),
        ({"disruptionBudget.maxUnavailable": 0}, ALWAYS | WATCHED | {"PodDisruptionBudget"}),
        (SCALED, ALWAYS | WATCHED | {"HorizontalPodAutoscaler"}),
    ],
)
def test_what_is_switched_off_is_not_made(changes: JSON, kinds: set[str]) -> None:
    assert children(model(with_(MINIMAL, changes))).keys() == kinds


@pytest.mark.parametrize("port", [None, 8080, 9100])
def test_metrics_port_is_one_of_the_service(port: int | None) -> None:
    made = model(monitoring__scrape__port=port)
    found = children(made)
    ports = {each["name"]: each["port"] for each in found["Service"]["spec"]["ports"]}
    (endpoint,) = found["ServiceMonitor"]["spec"]["endpoints"]
    assert ports[endpoint["port"]] == (port or 8080)
    assert ports["http"] == 8080
    assert {p["name"]: p["containerPort"] for p in container(made)["ports"]} == ports


def test_serving_port_of_a_runtime_may_become_its_metrics_port() -> None:
    ports = children(model(TRITON, port=8002))["Service"]["spec"]["ports"]
    assert [(port["name"], port["port"]) for port in ports] == [("http", 8002)]


# --- the time that a pod may load ---

LOADING: list[tuple[str, Model, int]] = [
    ("custom", model(), 5 * 60 + 60),
    ("triton", model(TRITON), 10 * 120 + 60),
    ("vllm", model(VLLM), 10 * 360 + 60),
    (
        "the spec's own startup probe",
        model(probes={"startup": {"periodSeconds": 7, "failureThreshold": 11, "initialDelaySeconds": 30}}),
        30 + 7 * 11 + 60,
    ),
    ("a part of it", model(VLLM, probes={"startup": {"failureThreshold": 6}}), 10 * 6 + 60),
    ("another path is no other time", model(VLLM, probes={"startup": {"path": "/x"}}), 10 * 360 + 60),
    ("no startup probe", model(VLLM, probes={"startup": {"enabled": False}}), 5 * 3 + 60),
    (
        "no startup probe, and a patient readiness probe",
        model(VLLM, probes={"startup": {"enabled": False}, "readiness": {"initialDelaySeconds": 600}}),
        600 + 5 * 3 + 60,
    ),
    ("no probe", model(probes={"startup": {"enabled": False}, "readiness": {"enabled": False}}), 60),
]


@pytest.mark.parametrize(("made", "seconds"), [row[1:] for row in LOADING], ids=[row[0] for row in LOADING])
def test_time_that_a_pod_may_load_is_the_patience_of_its_probes(made: Model, seconds: int) -> None:
    """And a minute for the scheduler and for the first scrape."""
    assert seconds_to_load(made) == seconds
    found = {rule["alert"]: rule["expr"] for rule in alert_rules(made)}
    for alert in ("ModelTargetDown", "ModelReplicasMissing"):
        assert f"[{seconds}s]" in found[alert]
        assert f"offset {seconds}s" in found[alert]


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_time_that_a_pod_may_load_is_that_of_the_probe_it_has(spec: JSON) -> None:
    probe = container(model(spec))["startupProbe"]
    patience = probe.get("initialDelaySeconds", 0) + probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds_to_load(model(spec)) == patience + MARGIN


# --- text of users in rules and dashboards ---


KUBELET: dict[str, str] = {
    "container_cpu_usage_seconds_total": "pod",
    "container_memory_working_set_bytes": "pod",
    "container_fs_usage_bytes": "pod",
    "kubelet_volume_stats_used_bytes": "persistentvolumeclaim",
    "kubelet_volume_stats_capacity_bytes": "persistentvolumeclaim",
}
"""Series that name no model: bound by namespace, and by the names of its pods or claims."""
ON_TIMELINE = "|".join(ON_DASHBOARDS)
CHOICES = {("pod", "=~", "$pod"), ("monitored_model_version", "=~", "$version")}
"""What is chosen at the top of a dashboard."""
OUTCOMES = ["tp|tn", "tp|fp|tn|fn", "tp", "tp|fp", "tp|fn", "fp", "fp|tn", "fn", "fn|tp", "fp|fn"]
OF_THE_OPERATOR: dict[str, list[set[Matcher]]] = {
    exposed.OUTCOMES: [{("outcome", "=~", outcomes)} for outcomes in OUTCOMES],
    "ALERTS": [{("alertstate", "=", "firing")}],
    "monitored_model_condition": [
        *({("condition", "=~", ON_TIMELINE), ("status", "=", status)} for status in ("True", "False", "Unknown")),
        {("condition", "=", "WorkloadReady"), ("status", "=", "False"), ("reason", "=~", "|".join(STUCK))},
    ],
    "up": [{("monitored_model_version", "!=", "")}, {("pod", "!=", "")}],
    "monitored_model_pod_waiting": [{("reason", "=", "CrashLoopBackOff")}],
    **{metric: [{("container", "!=", ""), ("container", "!=", "POD")}] for metric in KUBELET},
}
"""What the operator itself asks of a series, beside whose it is."""


def _matching(signal: Any) -> set[Matcher]:
    return {(name, "=~", value) for name, value in signal.matchers.items()}


def _of_signals(made: Model) -> list[set[Matcher]]:
    """What the spec asks of its server's series."""
    monitoring = made.monitoring
    named = (
        [getattr(monitoring.signals, f) for f in monitoring.signals.__dataclass_fields__] if monitoring.signals else []
    )
    ratios = [slo.indicator.ratio for slo in monitoring.slos if slo.indicator.ratio]
    counters: list[CounterSignal | None] = [c for ratio in ratios for c in (ratio.total, ratio.good, ratio.bad)]
    return [_matching(signal) for signal in (*named, *counters) if signal]


def _of_profile(made: Model) -> list[set[Matcher]]:
    """What the runtime's profile asks of its server's series."""
    known = made.runtime.signals
    bare = [known.presence, *(e for value in vars(known).values() if isinstance(value, tuple) for e in value)]
    durations = [d for d in (known.latency, known.time_to_first_token, known.inter_token) if d]
    bare += [mean for source in durations for mean in source.mean]
    version = known.reported_version
    bare += [series for series in (version.series, version.gauge) if series] if version else []
    bare += [f"x{{{histogram.where}}}" for source in durations for histogram in source.histograms]
    return [own for expression in bare for _, own in matchers(expression.replace("$window", "5m"))]


def _bounds(made: Model) -> set[Matcher]:
    """Thresholds of objectives, as bounds of a histogram in whichever unit."""
    found: set[Matcher] = set()
    durations = SignalSource(made.runtime, made.monitoring.signals or Signals()).durations
    for slo in made.monitoring.slos:
        threshold = slo.indicator.latency or slo.indicator.ttft
        source = durations["latency" if slo.indicator.latency else "time_to_first_token"]
        if threshold and source:
            texts = le_values(seconds(threshold.threshold) / source.scale)
            found.add(("le", "=~", "|".join(text.replace(".", "\\.").replace("+", "\\+") for text in texts)))
    return found


NAMED = {("__name__", "=~", "|".join(SHARES)), ("__name__", "=~", f"{exposed.LAST_UPDATE}|{UPDATED}")}


def _is_kubelets(made: Model, metric: str, own: set[Matcher]) -> bool:
    """Whether a selector is of the kubelet's series of this model's pods or claims, and of nothing else."""
    wanted = (
        "|".join(map(re.escape, claims(made))) if KUBELET.get(metric) == "persistentvolumeclaim" else pod_pattern(made)
    )
    whose = {("namespace", "=", made.namespace), (KUBELET.get(metric, ""), "=~", wanted)}
    return whose <= own and own - whose in [set(), *OF_THE_OPERATOR.get(metric, [])]


def assert_selectors_are_of(made: Model, settings: Settings) -> None:
    """Every selector has this model's identity, and beyond it only what its profile, its signals or the operator name."""
    identity = {("namespace", "=", made.namespace), ("monitored_model", "=", made.name)}
    admitted = [set(), *_of_signals(made), *_of_profile(made)]
    slos = made.monitoring.slos
    on_threshold = "|".join(slo.name for slo in slos if slo.indicator.latency or slo.indicator.ttft)
    objectives: list[set[Matcher]] = [set(), {("slo", "=~", on_threshold)}, *({("slo", "=", s.name)} for s in slos)]
    bounds = _bounds(made)
    for expression in expressions(made, settings):
        found = matchers(expression)
        assert found, expression
        for metric, asked in found:
            own = asked - CHOICES
            if metric in KUBELET and _is_kubelets(made, metric, own):
                continue
            assert identity <= own, expression
            more = own - identity
            if metric.startswith("monitored_model:"):
                assert more in objectives, (metric, expression)
            elif metric.endswith("_bucket"):
                assert more - bounds in admitted, (metric, expression)
                assert len(more & bounds) <= 1, (metric, expression)
            else:
                known = [*admitted, *OF_THE_OPERATOR.get(metric, []), *({name} for name in NAMED)]
                assert more in known, (metric, expression)


HOSTILE = [
    *NASTY,
    'x"} or up{namespace!="',
    "\u2028",
    "\u0085",
    "a\u202eb",
    "'; DROP TABLE",
    "</script>",
    "`",
    "%s",
    "{{/*",
]


def escaped(text: str) -> str:
    """The regular expression for a text, with the escapes that are admitted."""
    return re.sub(r"[.+*?()|\[\]^$\\/-]", r"\\\g<0>", text)


def with_matcher(value: str) -> JSON:
    return with_(MINIMAL, {"monitoring.signals": {"requests": {"counter": "c", "matchers": {"who": value}}}})


NOT_AS_MATCHER = ("{", "}", "[[")
"""What no matcher holds, escaped or not."""


@pytest.mark.parametrize("text", [text for text in HOSTILE if any(part in text for part in NOT_AS_MATCHER)])
def test_hostile_text_that_is_no_matcher_is_refused(text: str) -> None:
    for value in (text, escaped(text), re.escape(text)):
        parsed = parse(body(with_matcher(value)))
        assert isinstance(parsed, InvalidSpec)
        assert [problem.field for problem in parsed.problems] == ["spec.monitoring.signals.requests.matchers"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_no_selector(text: str) -> None:
    who = "x" if any(part in text for part in NOT_AS_MATCHER) else escaped(text)
    made = model(
        model__name=text,
        monitoring__dashboard__folder="x" + text.replace("/", ""),
        monitoring__alerts__labels={"team": text + "\n"},
        monitoring__signals={"requests": {"counter": "c", "matchers": {"who": who}}},
    )
    assert_selectors_are_of(made, SETTINGS)
    assert json.loads(dashboard_json(made))["title"].startswith(text)


@settings(max_examples=60, deadline=None)
@given(display_text, folder, st.dictionaries(label_name, any_text, max_size=3), st.dictionaries(label_name, regex))
def test_free_text_changes_no_selector(name: str, shelf: str, labels: JSON, matching: JSON) -> None:
    matching = dict(list(matching.items())[:8])
    ratio = {"total": {"counter": "c", "matchers": matching}, "bad": {"counter": "b", "matchers": matching}}
    made = model(
        model={"name": name[:128], "framework": "a.b+c-d"},
        monitoring={
            "dashboard": {"folder": shelf[:128]},
            "alerts": {"labels": {key: value[:256] for key, value in labels.items()}},
            "signals": {
                "requests": {"counter": "c", "matchers": matching},
                "errors": {"counter": "c", "matchers": matching},
                "latency": {"histogram": "h", "matchers": matching},
                "timeToFirstToken": {"histogram": "f", "matchers": matching},
                "queue": {"gauge": "q", "matchers": matching},
            },
            "slos": [
                {"name": "a", "objective": 99, "indicator": {"ratio": ratio}},
                {"name": "b", "objective": 99, "indicator": {"latency": {"threshold": "1s"}}},
            ],
        },
    )
    assert_selectors_are_of(made, SETTINGS)
    assert_templates_are_ours(made)


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
@pytest.mark.parametrize("name", ["churn", "a-b", "x" * 52])
def test_every_selector_is_of_the_model(spec: JSON, name: str) -> None:
    assert_selectors_are_of(model(spec, name), SETTINGS)


def evaluated(template_text: str) -> str:
    """A template with the escape for {{ carried out, and nothing else."""
    return template_text.replace('{{ "{{" }}', "\0")


ACTION = re.compile(r'\$(labels\.\w+|value( \| (humanize\w*|printf "%\.\d[fg]"))?)')


def assert_templates_are_ours(made: Model) -> None:
    for rule in alert_rules(made):
        for name, value in rule["labels"].items():
            assert "{{" not in evaluated(value), (name, value)
        for value in rule["annotations"].values():
            for action in re.findall(r"\{\{(.*?)\}\}", value, re.DOTALL):
                assert ACTION.fullmatch(action.strip()), value


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["{", "{{", "}}", "}", '"', "\\", " ", "a", "\n", '{{ "{{" }}']), max_size=8).map("".join)
)
def test_text_in_a_template_shows_as_it_stands(text: str) -> None:
    """What is left after the escapes is the text, and begins no action."""
    made = escape_template(text)
    assert "{{" not in evaluated(made)
    assert evaluated(made).replace("\0", "{{") == text


def test_action_in_a_label_of_the_spec_is_neutralised() -> None:
    (label,) = {rule["labels"]["team"] for rule in alert_rules(model(monitoring__alerts__labels={"team": "{{ x }}"}))}
    assert label == '{{ "{{" }} x }}'


def test_image_of_the_runtime_is_used_unless_the_spec_names_one() -> None:
    assert container(model(VLLM))["image"].startswith("vllm/")
    assert container(model(VLLM, image=IMAGE))["image"] == IMAGE
