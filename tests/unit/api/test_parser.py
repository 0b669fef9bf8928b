"""The door for specs: what is admitted, what is refused, and how a refusal reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import RESTARTED_AT, InvalidSpec, Model, PlatformDefaults, Problem, parse
from monitored_models.api.validation import PROMQL_WORDS, RESERVED_ALERT_LABELS, ValidationRule, all_rules
from monitored_models.base.schema_types import wire_name
from monitored_models.runtimes import RuntimeProfile, builtin_runtimes
from unit import notification_specs
from unit.specs import (
    FULL,
    IMAGE,
    JSON,
    MINIMAL,
    NOT_QUITE_WORDS,
    OBJECTIVES,
    RUNTIMES,
    TRITON,
    VLLM,
    body,
    model,
    specs,
    with_,
)


def problems(spec: Any, platform: PlatformDefaults | None = None) -> tuple[Problem, ...]:
    """What is wrong with a spec; a valid one has nothing wrong."""
    parsed = parse(body(spec), platform)
    return parsed.problems if isinstance(parsed, InvalidSpec) else ()


def slo(indicator: JSON, **changes: Any) -> JSON:
    return {"name": "a", "objective": 99, "indicator": indicator, **changes}


def volume(**changes: Any) -> JSON:
    return {"name": "data", "mountPath": "/data", "emptyDir": {}, **changes}


# --- what is admitted ---


def test_smallest_spec_is_an_image() -> None:
    made = model(MINIMAL)
    assert (made.port, made.metrics_port, made.display_name, made.fixed_replicas) == (8080, 8080, "churn", 1)
    assert (made.scrape_interval, made.scrape_timeout) == ("30s", "10s")


def _unset(given: Any, typed: Any, path: str) -> Iterator[str]:
    """Fields of the typed spec that a spec does not name."""
    if isinstance(typed, list):
        for item, value in zip(given, typed, strict=True):
            yield from _unset(item, value, f"{path}[]")
    if not is_dataclass(typed):
        return
    for field in fields(typed):
        name = wire_name(type(typed), field.name)
        if name not in given:
            yield f"{path}.{name}"
        else:
            yield from _unset(given[name], getattr(typed, field.name), f"{path}.{name}")


def test_full_spec_names_every_field_and_is_valid() -> None:
    left_out = {re.sub(r"\[\d+\]", "[]", path) for path in _unset(FULL, model(FULL).spec, "spec")}
    alternatives = {
        "spec.replicas",  # or autoscaling
        "spec.disruptionBudget.maxUnavailable",  # or minAvailable
        *(f"spec.storage.volumes[].{source}" for source in ("persistentVolumeClaim", "emptyDir", "configMap")),
        "spec.storage.volumes[].readOnly",  # named by one of three volumes
        *(f"spec.monitoring.slos[].indicator.{kind}" for kind in ("availability", "latency", "ttft", "ratio")),
        *(f"spec.monitoring.slos[].indicator.ratio.{part}" for part in ("good", "bad")),
        *(f"spec.monitoring.notifications[].{name}" for name in notification_specs.ALTERNATIVES),
    }
    assert left_out == alternatives


def test_every_value_of_a_full_spec_arrives() -> None:
    spec = model(FULL).spec
    assert spec.model.framework == "lightgbm"
    assert spec.resources is not None
    assert spec.resources.limits == {"cpu": "2", "memory": "2Gi"}
    assert spec.monitoring.alerts.rules.model_latency_high.threshold == "250ms"
    assert spec.monitoring.alerts.rules.model_no_data.for_ == "5m"
    assert spec.monitoring.metrics.body_size_limit == "8MB"
    assert [slo.indicator.ratio is not None for slo in spec.monitoring.slos] == [False, False, False, True, True]
    assert spec.monitoring.quality is not None
    assert spec.monitoring.quality.f1_score is not None
    assert spec.monitoring.quality.f1_score.min == 0.75
    assert spec.monitoring.freshness is not None
    assert spec.monitoring.freshness.max_age == "30d"
    assert spec.autoscaling is not None
    assert spec.autoscaling.target_cpu_utilization_percentage == 70
    assert spec.storage.volumes[0].persistent_volume_claim is not None
    assert spec.env is not None
    assert spec.env[1]["valueFrom"]["secretKeyRef"]["key"] == "churn"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_smallest_spec_of_each_runtime_is_valid(runtime: str) -> None:
    assert model(RUNTIMES[runtime]).runtime.id == runtime


def test_namespace_is_default_when_none_is_named() -> None:
    parsed = parse({**body(MINIMAL), "metadata": {"name": "churn"}})
    assert isinstance(parsed, Model)
    assert (parsed.namespace, parsed.uid, parsed.generation) == ("default", "", 0)


ADMITTED: list[tuple[str, Any]] = [
    ("model.name", 'Größe 模型 😀 {{ "quotes" }} ${x}'),
    ("model.version", "v1.2-rc_3"),
    ("model.uri", "hf://meta-llama/Llama-3.1-8B"),
    ("replicas", 0),
    ("replicas", 1000),
    ("rollout.maxSurge", "100%"),
    ("rollout.maxSurge", 3),
    ("storage.sharedMemory", 1073741824),
    ("storage.sharedMemory", "0.5Gi"),
    ("storage.sharedMemory", 0),
    ("storage.sharedMemory", 10**15 - 1),
    *(("resources.limits.memory", text) for text in ("0", "1m", "999999999999999m", "999999999.999Gi", "999.999Pi")),
    ("rollout.maxSurge", 1000),
    ("disruptionBudget.minAvailable", 0),
    ("monitoring.dashboard.folder", "Risk models . and {{ others }}"),
    ("monitoring.dashboard.folder", "a.b"),
    ("monitoring.dashboard.folder", "é😀"),
    ("monitoring.scrape.interval", "2m"),
    ("monitoring.scrape.path", "/metrics?format=prometheus&a=%20"),
    ("monitoring.signals", {"latency": {"histogram": "a:b_c", "scale": 1}}),
    ("monitoring.signals", {"requests": {"counter": "a", "matchers": {"status": "(2|3)..", "who": "é"}}}),
    ("monitoring.signals", {"queue": {"gauge": "a:b", "matchers": {"engine": "0"}}, "kvCache": {"gauge": "c"}}),
    ("monitoring.signals", {}),
    ("monitoring.alerts.labels", {"team": 'quote " brace {{ newline \n'}),
    ("monitoring.profile", "gold.v2"),
    ("monitoring.metrics", {"keep": [], "drop": []}),
    ("monitoring.metrics.keep", ["on", "sum"]),  # names in a relabeling, not in PromQL
    ("monitoring.metrics.bodySizeLimit", "99999MiB"),
    ("monitoring.metrics.sampleLimit", 100),
    ("monitoring.slos", []),
    *(("monitoring.slos", [slo(indicator)]) for indicator in OBJECTIVES.values()),
    ("monitoring.slos", [slo({"availability": {}}, objective=85)]),
    ("monitoring.slos", [slo({"availability": {}}, objective=99.999)]),
    ("monitoring.slos", [slo({"availability": {}}, name="x" * 40, window="28d")]),
    ("monitoring.quality", {}),
    *(("monitoring.quality.accuracy.min", share) for share in (0, 1, 0.5)),
    ("monitoring.quality.predictionError.max", 1e9),
    ("monitoring.quality.minimumCoverage", 0),
    ("monitoring.drift", {}),
    ("monitoring.drift", {"warning": 1, "critical": 1000}),
    *(("monitoring.freshness.maxAge", age) for age in ("1h", "9999d")),
    ("scheduling.nodeSelector", {"node-role.kubernetes.io/gpu": ""}),
    ("gpu", {"count": 0}),
    ("gpu", {}),
    ("networkPolicy", {}),
    ("args", []),
]


@pytest.mark.parametrize(("path", "value"), ADMITTED)
def test_value_is_admitted(path: str, value: Any) -> None:
    assert problems(with_(MINIMAL, {path: value})) == ()


def test_null_is_as_good_as_left_out() -> None:
    spec = {**MINIMAL, "replicas": None, "gpu": None, "model": {"name": None}, "env": [{"name": "A", "value": None}]}
    made = model(spec)
    assert (made.spec.replicas, made.spec.gpu, made.display_name) == (None, None, "churn")
    assert made.spec.env == [{"name": "A"}]


def test_null_of_a_required_field_counts_as_missing() -> None:
    assert [str(p) for p in problems({**MINIMAL, "autoscaling": {"maxReplicas": None}})] == [
        "spec.autoscaling.maxReplicas: required, and missing"
    ]


# --- what is refused: single fields ---

REFUSED: list[tuple[str, Any, str]] = [
    # path, value, part of the message
    ("replicas", "3", "integer"),
    ("replicas", 3.0, "integer"),
    ("replicas", True, "integer"),
    ("replicas", -1, "greater than or equal to 0"),
    ("replicas", 1001, "less than or equal to 1000"),
    ("suspend", 1, "boolean"),
    ("suspend", "true", "boolean"),
    ("port", 0, "greater than or equal to 1"),
    ("port", 65536, "less than or equal to 65535"),
    ("image", 5, "string"),
    ("image", "", "pattern"),
    ("image", "has space", "pattern"),
    ("image", "a" * 513, "at most 512"),
    ("model.version", 1, "string"),
    ("model.version", "a/b", "pattern"),
    ("model.version", "a" * 64, "at most 63"),
    ("model.name", "two\nlines", "pattern"),
    ("model.uri", "no-scheme", "pattern"),
    ("model.framework", "a b", "pattern"),
    ("runtime", "vlm", "there is no runtime 'vlm'; did you mean vllm?"),
    ("runtime", "Triton", "there is no runtime 'Triton'; did you mean triton?"),
    ("runtime", "quite-another", f"there is no runtime 'quite-another'; there are {', '.join(builtin_runtimes())}"),
    ("runtime", "vllm\n", "there is no runtime"),
    ("runtime", "x-", "there is no runtime"),
    ("runtime", "x-a-", "there is no runtime"),
    ("runtime", "x-own", f"the operator's settings have no runtime x-own; there are {', '.join(builtin_runtimes())}"),
    ("runtime", "x-vllm", "the operator's settings have no runtime x-vllm; did you mean vllm?"),
    ("runtime", "x-" + "a" * 39, "at most 40"),
    ("runtime", 5, "string"),
    ("imagePullPolicy", "always", "'Always'"),
    ("rollout.maxSurge", True, "integer or a string"),
    ("rollout.maxSurge", 0.5, "integer or a string"),
    ("rollout.maxSurge", "101%", "percentage"),
    ("rollout.maxSurge", "3", "percentage"),
    ("rollout.maxSurge", -1, "from 0 to 1000"),
    ("rollout.maxSurge", 1001, "from 0 to 1000"),
    ("rollout.maxUnavailable", -1, "from 0 to 1000"),
    ("disruptionBudget.minAvailable", -1, "from 0 to 1000"),
    ("storage.sharedMemory", True, "integer or a string"),
    ("storage.sharedMemory", 0.5, "quotes"),
    ("storage.sharedMemory", "8GB", "quantity"),
    ("storage.sharedMemory", -1, "quantity"),
    ("storage.sharedMemory", 10**15, "quantity"),
    *(
        ("resources.limits.memory", text, "quantity")
        for text in (
            "-1",
            "1e3",
            "1E",
            "1Ei",
            "1n",
            "1u",
            "0.5m",
            "1.0001",
            "9999999999Gi",
            "1000Pi",
            "1.Gi",
            ".5",
            "1\n",
        )
    ),
    ("storage.sharedMemory", {}, "integer or a string"),
    ("resources.requests.cpu", "1 core", "quantity"),
    ("resources.requests.cpu", 0.5, "quotes"),
    ("gpu.count", -1, "greater than or equal to 0"),
    ("gpu.resourceName", "gpu", "pattern"),
    ("security.runAsUser", 0, "greater than or equal to 1"),
    ("probes.startup.path", "healthz", "pattern"),
    ("probes.startup.periodSeconds", 0, "greater than or equal to 1"),
    ("monitoring.scrape.interval", "30", "pattern"),
    ("monitoring.scrape.interval", "1m30s", "pattern"),
    ("monitoring.scrape.interval", 30, "string"),
    *(
        ("storage.volumes", [{"name": "data", "mountPath": path, "emptyDir": {}}], "pattern")
        for path in ("/", "/data/", "//data", "/a//b", "data", "", "/a:b", "/a\n")
    ),
    ("monitoring.alerts.rules.ModelErrorRatioHigh.threshold", 1, "less than 1"),
    ("monitoring.alerts.rules.ModelErrorRatioHigh.threshold", 0, "greater than 0"),
    ("monitoring.alerts.rules.ModelErrorRatioHigh.threshold", "0.1", "number"),
    ("monitoring.alerts.rules.ModelLatencyHigh.threshold", 1, "string"),
    ("monitoring.alerts.rules.ModelNoData.severity", "page", "'critical'"),
    ("monitoring.alerts.labels.team", 1, "string"),
    ("monitoring.signals.requests.counter", "a-b", "pattern"),
    ("monitoring.signals.latency.scale", 0, "greater than or equal to 0.000000000001"),
    ("monitoring.signals.latency.scale", 1001, "less than or equal to 1000"),
    ("monitoring.signals.queue.gauge", "a-b", "pattern"),
    ("monitoring.profile", "Gold", "pattern"),
    ("monitoring.metrics.selection", "some", "'core' or 'all'"),
    ("monitoring.metrics.keep", ["a-b"], "pattern"),
    ("monitoring.metrics.keep", ["a" * 201], "at most 200"),
    ("monitoring.metrics.drop", ["a.*"], "pattern"),
    ("monitoring.metrics.sampleLimit", 99, "greater than or equal to 100"),
    ("monitoring.metrics.sampleLimit", 0, "greater than or equal to 100"),
    ("monitoring.metrics.sampleLimit", 1000001, "less than or equal to 1000000"),
    ("monitoring.metrics.labelLimit", 9, "greater than or equal to 10"),
    ("monitoring.metrics.labelValueLengthLimit", 63, "greater than or equal to 64"),
    *(("monitoring.metrics.bodySizeLimit", size, "pattern") for size in ("0MB", "10", "1GB", "1.5MB", "MB")),
    *(
        ("monitoring.slos", [slo({}, objective=value)], text)
        for value, text in (
            (84.9, "greater than or equal to 85"),
            (100, "less than or equal to 99.999"),
            ("99", "number"),
            (None, "missing"),
        )
    ),
    ("monitoring.slos", [slo({}, name="a b")], "pattern"),
    ("monitoring.slos", [slo({}, name="x" * 41)], "at most 40"),
    ("monitoring.slos", [slo({}, window="7d")], "'28d' or '30d'"),
    ("monitoring.slos", [slo({}, window=30)], "'28d' or '30d'"),
    ("monitoring.slos", [slo({"latency": {}})], "missing"),
    ("monitoring.slos", [slo({"latency": {"threshold": 1}})], "string"),
    ("monitoring.slos", [slo({"ttft": {"threshold": "1d"}})], "pattern"),
    ("monitoring.slos", [slo({"ratio": {"good": {"counter": "a"}}})], "missing"),
    ("monitoring.slos", [{"name": "a", "objective": 99}], "missing"),
    ("monitoring.slos", {"a": {}}, "array"),
    ("monitoring.quality.accuracy", {}, "missing"),
    ("monitoring.quality.accuracy.min", 1.1, "less than or equal to 1"),
    ("monitoring.quality.accuracy.min", -0.1, "greater than or equal to 0"),
    ("monitoring.quality.accuracy.min", "90%", "number"),
    ("monitoring.quality.falsePositiveRate.max", 5, "less than or equal to 1"),
    ("monitoring.quality.predictionError.max", 0, "greater than 0"),
    ("monitoring.quality.window", "2d", "'1h', '6h', '1d' or '7d'"),
    ("monitoring.quality.minimumLabels", 0, "greater than or equal to 1"),
    ("monitoring.quality.minimumCoverage", 1.5, "less than or equal to 1"),
    ("monitoring.drift.warning", 0, "greater than 0"),
    ("monitoring.drift.critical", 1001, "less than or equal to 1000"),
    *(("monitoring.freshness.maxAge", age, "pattern") for age in ("30", "30m", "1w", "0d", "1d12h")),
    ("monitoring.freshness.maxAge", "10000d", "at most 5"),
    ("monitoring.freshness", {}, "missing"),
    *(
        ("monitoring.dashboard.folder", text, "pattern")
        for text in ("", "a/b", "/a", "a/", "..", ".", ".hidden", "../x", " a", "a\nb", "a\n")
    ),
    ("scheduling.priorityClassName", "High", "pattern"),
    ("scheduling.nodeSelector.disk", "a" * 64, "at most 63"),
    ("env", "A=1", "array"),
    ("env", {}, "array"),
    ("rollout", [], "object"),
    ("model", "churn", "object"),
    ("command", [1], "string"),
    ("args", ["x" * 4097], "at most 4096"),
]


@pytest.mark.parametrize(("path", "value", "text"), REFUSED)
def test_value_is_refused_where_it_stands_and_says_what_is_wanted(path: str, value: Any, text: str) -> None:
    base = {"latency": {"histogram": "h"}} if "signals.latency" in path else None
    spec = with_(with_(MINIMAL, {"monitoring.signals": base}) if base else MINIMAL, {path: value})
    (problem,) = problems(spec)
    assert problem.field.startswith(f"spec.{path}")
    assert text in problem.message


LISTS_AND_MAPS: list[tuple[str, Any]] = [
    ("imagePullSecrets", [{"name": f"s{i}"} for i in range(9)]),
    ("command", ["x"] * 65),
    ("args", ["x"] * 129),
    ("env", [{"name": f"E{i}"} for i in range(129)]),
    ("envFrom", [{"secretRef": {"name": "s"}}] * 33),
    ("storage.volumes", [volume(name=f"v{i}", mountPath=f"/v{i}") for i in range(17)]),
    ("scheduling.tolerations", [{"key": "a"}] * 33),
    ("scheduling.nodeSelector", {f"k{i}": "v" for i in range(33)}),
    ("resources.limits", {f"k{i}": 1 for i in range(17)}),
    ("monitoring.alerts.labels", {f"k{i}": "v" for i in range(17)}),
    ("monitoring.signals.requests", {"counter": "c", "matchers": {f"k{i}": "v" for i in range(9)}}),
    ("monitoring.signals.queue", {"gauge": "g", "matchers": {f"k{i}": "v" for i in range(9)}}),
    ("monitoring.metrics.keep", [f"m{i}" for i in range(65)]),
    ("monitoring.metrics.drop", [f"m{i}" for i in range(65)]),
    ("monitoring.slos", [slo({"availability": {}}, name=f"s{i}") for i in range(9)]),
]


@pytest.mark.parametrize(("path", "value"), LISTS_AND_MAPS, ids=[path for path, _ in LISTS_AND_MAPS])
def test_lists_and_maps_have_a_largest_size(path: str, value: Any) -> None:
    (problem,) = problems(with_(MINIMAL, {path: value}))
    assert problem.field.startswith(f"spec.{path}")
    assert "at most" in problem.message


UNKNOWN = [
    "replica",
    "model.versoin",
    "autoscaling.min",
    "resources.request",
    "storage.shm",
    "probes.startup.http",
    "security.privileged",
    "security.runAsNonRoot",
    "scheduling.serviceAccountName",
    "monitoring.scrap",
    "monitoring.scrape.honorLabels",
    "monitoring.signals.error",
    "monitoring.alerts.rules.ModelDown",
    "monitoring.alerts.rules.ModelNoData.threshold",
    "monitoring.dashboard.uid",
    "monitoring.slo",
    "monitoring.quality.accuracyy",
    "monitoring.quality.f1_score",
    "monitoring.drift.severe",
    "monitoring.freshness.max",
    "monitoring.metrics.keepAll",
    "monitoring.alerts.rules.ModelAccuracyLow.threshold",
    "serviceAccountName",
    "hostNetwork",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_field_is_refused_by_its_path(path: str) -> None:
    base = with_(MINIMAL, {"autoscaling": {"maxReplicas": 2}, "resources": {"requests": {"cpu": 1}}})
    base = with_(base, {"monitoring.freshness.maxAge": "1d"})
    (problem,) = problems(with_(base, {path: 1}))
    assert problem.field == f"spec.{path}"
    assert "unknown field" in problem.message


KUBERNETES_TYPES: list[tuple[str, Any, str]] = [
    # path, value, field that the message must name
    ("env", [{"name": "A", "value": 1}], "value"),
    ("env", [{"value": "x"}], "name"),
    ("env", [{"name": "A", "valu": "x"}], "valu"),
    ("env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}], "key"),
    ("envFrom", [{"configMapRef": {"nam": "x"}}], "nam"),
    ("scheduling.tolerations", [{"tolerationSeconds": "3"}], "tolerationSeconds"),
    ("scheduling.affinity", {"podAffinit": {}}, "podAffinit"),
    ("scheduling.affinity", {"nodeAffinity": []}, "nodeAffinity"),
    ("scheduling.topologySpreadConstraints", [{"maxSkew": 1}], "topologyKey"),
]


@pytest.mark.parametrize(("path", "value", "named"), KUBERNETES_TYPES)
def test_misspelt_part_of_a_kubernetes_type_is_named(path: str, value: Any, named: str) -> None:
    found = problems(with_(MINIMAL, {path: value}))
    assert found
    assert all(problem.field.startswith(f"spec.{path}") for problem in found)
    assert any(named in f"{problem}" for problem in found)


def test_every_problem_is_told_at_once() -> None:
    found = problems({"replicas": "3", "port": 0, "foo": 1, "env": [{"name": "A", "value": 1}, {"value": "x"}]})
    assert {p.field.split("[")[0] for p in found} == {"spec.replicas", "spec.port", "spec.foo", "spec.env"}


# --- what is refused: lists keyed by a field ---

TWICE: list[tuple[str, list[JSON], str]] = [
    ("env", [{"name": "A"}, {"name": "B"}, {"name": "A", "value": "x"}], "A"),
    ("imagePullSecrets", [{"name": "s"}, {"name": "s"}], "s"),
    ("storage.volumes", [volume(), volume(mountPath="/other")], "data"),
    ("monitoring.slos", [slo({"availability": {}}), slo({"latency": {"threshold": "1s"}})], "a"),
]


@pytest.mark.parametrize(("path", "value", "name"), TWICE)
def test_name_that_stands_twice_in_a_keyed_list_is_refused(path: str, value: list[JSON], name: str) -> None:
    (problem,) = problems(with_(MINIMAL, {path: value}))
    assert problem.field == f"spec.{path}"
    assert name in problem.message
    assert "twice" in problem.message


# --- what is refused: names ---


@pytest.mark.parametrize("name", ["a", "churn", "a-b-2", "x" + "y" * 51])
def test_name_that_a_service_may_have_is_admitted(name: str) -> None:
    assert isinstance(parse(body(MINIMAL, name)), Model)


@pytest.mark.parametrize(
    "name", ["", "1a", "-a", "a-", "A", "a.b", "a_b", "é", "a\n", "x" * 53, None, 5, True, ["a"], {"a": "b"}]
)
def test_other_name_is_refused_with_the_rule(name: Any) -> None:
    parsed = parse(body(MINIMAL, name))
    assert isinstance(parsed, InvalidSpec)
    assert parsed.problems[0].field == "metadata.name"
    assert "at most 52 characters" in parsed.problems[0].message


@pytest.mark.parametrize("namespace", [5, True, ["a"], {"a": "b"}, 'a"b', "Not_A_Namespace", "a" * 64])
def test_namespace_that_no_cluster_can_have_is_refused(namespace: Any) -> None:
    parsed = parse(body(MINIMAL, namespace=namespace))
    assert isinstance(parsed, InvalidSpec)
    assert parsed.problems[0].field == "metadata.namespace"


@pytest.mark.parametrize("text", ["2026-11-20T08:30:00Z", "2026-11-20T08:30:00.123456789+05:30"])
def test_restart_is_a_time(text: str) -> None:
    parsed = parse(body(MINIMAL, annotations={RESTARTED_AT: text}))
    assert isinstance(parsed, Model)
    assert parsed.restarted_at == text


@pytest.mark.parametrize(
    "value", ["", "now", "2026-11-20", "2026-13-20T08:30:00Z", "2026-11-20T08:30:00Z\n", "x" * 300_000, 5, ["a"]]
)
def test_other_restart_is_refused_with_an_example(value: Any) -> None:
    parsed = parse(body(MINIMAL, annotations={RESTARTED_AT: value}))
    assert isinstance(parsed, InvalidSpec)
    assert parsed.problems[0].field == "metadata.annotations[monitoredmodels.dev/restarted-at]"
    assert "such as 2026-11-20T08:30:00Z" in parsed.problems[0].message
    assert len(str(parsed)) < 400


@pytest.mark.parametrize(
    "changes",
    [{"kind": "MonitoredModell"}, {"apiVersion": "monitoredmodels.dev/v1"}, {"kind": None}, {"apiVersion": 1}],
)
def test_other_kind_or_version_is_refused_with_the_right_one(changes: JSON) -> None:
    parsed = parse({**body(MINIMAL), **changes})
    assert isinstance(parsed, InvalidSpec)
    assert "monitoredmodels.dev/v1alpha1, MonitoredModel" in str(parsed)


@pytest.mark.parametrize("spec", [None, [], "x", 1, True])
def test_spec_that_is_no_map_is_refused(spec: Any) -> None:
    assert [problem.field for problem in problems(spec)] == ["spec"]


# --- rules that span fields ---

SPELLED_WORDS = [spelled for word in PROMQL_WORDS for spelled in (word, word.upper(), word.capitalize())]
CUSTOM_NAMES: JSON = {"requests": {"counter": "c"}, "latency": {"histogram": "h"}}
SCALED: JSON = {"autoscaling": {"maxReplicas": 3}, "resources.requests": {"cpu": 1}}
NO_REGEX = "each value must be a regular expression"
NO_LABEL = "each key must be a Prometheus label name"
REGEX = ["", "a", "5..", "(a|b)+", "[^a-c]?", "\\d+\\.\\d*", "é😀", '"', "a\nb", "\\$x", "[$window]", "a[\\\\]b", "^a$"]
REGEX += ["^*", "a$?", "(^)*", "[^*]", "[]a]", "[^]a]", "[a-]", "[\\d-]", "\\[x\\]y[z]", "v\\d-a", "|", "()"]
NO_REGEX_AT_ALL = ["[", "(", "*", "a)", "+", "[b-a]", "a)|(b", "\\"]
NOT_COMMON = ["(?=a)", "(?i)x", "(?:a)", "(?P<n>a)", "(?<n>a)", "a{2,3}", "a{,2}", "{{", "}", "\\$\\{x\\}"]
NOT_COMMON += [
    "a++",
    "a*?",
    "[[:alpha:]]",
    "[a[b]]",
    "[a--b]",
    "[a&&b]",
    "[a~~b]",
    "\\pL+",
    "\\Qa.b\\E",
    "\\<b",
    "\\x41",
]
NOT_COMMON += ["[][]", "[^][]", "[\\][]", "\\\\[][]", "[\\d-a]", "[a\\w-~]", "[]-a]", "a||b", "[||]", "[^||a]"]
NOT_COMMON += ["\\n", "\\b", "\\z", "\\u0041", '\\"']
"""Regular expressions of some languages that others read in another way, or not at all."""


def _matchers(signal: str, *maps: JSON) -> list[JSON]:
    name = {"latency": "histogram", "queue": "gauge"}.get(signal, "counter")
    return [{f"monitoring.signals.{signal}": {name: "x", "matchers": matchers}} for matchers in maps]


def _values(signal: str, values: list[str]) -> list[JSON]:
    return _matchers(signal, *({"who": value} for value in values))


BAD_KEYS: list[JSON] = [
    {"a-b": "x"},
    {"": "x"},
    {"1a": "x"},
    {"é": "x"},
    {"namespace": "x"},
    {"monitored_model": "x"},
    {"le": "x"},
    {"__name__": "x"},
    {"__address__": "x"},
    {"__": "x"},
]
Cases = tuple[JSON, Sequence[JSON], Sequence[JSON]]
"""A base, changes of it that break the rule, and changes that keep it."""
RULE_CASES: dict[tuple[str, str], Cases] = {
    ("Spec", "set replicas or autoscaling"): (
        MINIMAL,
        [{**SCALED, "replicas": 2}, {**SCALED, "replicas": 0}],
        [SCALED, {"replicas": 0}, {}],
    ),
    ("Spec", "autoscaling measures CPU"): (
        MINIMAL,
        [{"autoscaling.maxReplicas": 3}, {**SCALED, "resources": {"limits": {"cpu": 1}}}],
        [SCALED],
    ),
    ("Spec", "the GPU resource stands in gpu and in resources"): (
        MINIMAL,
        [
            {"gpu": {}, "resources.limits": {"nvidia.com/gpu": 1}},
            {"gpu": {"resourceName": "a.b/c", "count": 0}, "resources.requests": {"a.b/c": 1}},
        ],
        [{"gpu": {}, "resources.limits": {"amd.com/gpu": 1}}, {"resources.limits": {"nvidia.com/gpu": 1}}],
    ),
    ("Autoscaling", "minReplicas must not be above"): (
        with_(MINIMAL, SCALED),
        [{"autoscaling.minReplicas": 4}],
        [{"autoscaling.minReplicas": 3}, {}],
    ),
    ("Storage", "two volumes have the same mountPath"): (
        MINIMAL,
        [{"storage.volumes": [volume(), volume(name="b")]}],
        [{"storage.volumes": [volume(), volume(name="b", mountPath="/data/b")]}],
    ),
    ("Storage", "sharedMemory and a volume on /dev/shm"): (
        MINIMAL,
        [{"storage": {"sharedMemory": "1Gi", "volumes": [volume(mountPath="/dev/shm")]}}],
        [
            {"storage": {"sharedMemory": "1Gi", "volumes": [volume(mountPath="/dev/shm/a")]}},
            {"storage": {"sharedMemory": "1Gi"}},
            {"storage": {"volumes": [volume(mountPath="/dev/shm")]}},
        ],
    ),
    ("Volume", "volume names that begin with mm-"): (
        MINIMAL,
        [{"storage.volumes": [volume(name="mm-home")]}],
        [{"storage.volumes": [volume(name="mm")]}],
    ),
    ("Volume", "give exactly one of persistentVolumeClaim"): (
        MINIMAL,
        [
            {"storage.volumes": [{"name": "a", "mountPath": "/a"}]},
            {"storage.volumes": [volume(configMap={"name": "c"})]},
        ],
        [{"storage.volumes": [volume()]}],
    ),
    ("Rollout", "maxSurge and maxUnavailable must not both be 0"): (
        MINIMAL,
        [{"rollout.maxSurge": 0}, {"rollout": {"maxSurge": "0%", "maxUnavailable": "0%"}}],
        [{"rollout": {"maxSurge": 0, "maxUnavailable": 1}}, {"rollout": {"maxSurge": "0%", "maxUnavailable": "1%"}}],
    ),
    ("Rollout", "drainSeconds must be below"): (
        MINIMAL,
        [{"rollout.drainSeconds": 60}, {"rollout.terminationGracePeriodSeconds": 10}],
        [{"rollout.drainSeconds": 59}, {"rollout.terminationGracePeriodSeconds": 11}],
    ),
    ("Scheduling", "each key must be a Kubernetes label name"): (
        MINIMAL,
        [{"scheduling.nodeSelector": {key: "x"}} for key in ("a b", "/a", "a/", "A.com/x", "-a", "", "x" * 318)],
        [{"scheduling.nodeSelector": {"a.b/C_d.e": "x", "d": ""}}],
    ),
    ("DisruptionBudget", "give exactly one of minAvailable"): (
        MINIMAL,
        [{"disruptionBudget": {}}, {"disruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}],
        [{"disruptionBudget": {"minAvailable": 0}}, {"disruptionBudget": {"maxUnavailable": "0%"}}],
    ),
    ("Scrape", "timeout must not be above interval"): (
        MINIMAL,
        [
            {"monitoring.scrape": {"interval": "1m", "timeout": "61s"}},
            {"monitoring.scrape": {"interval": "5s", "timeout": "5001ms"}},
        ],
        [
            {"monitoring.scrape": {"interval": "1m", "timeout": "60s"}},
            {"monitoring.scrape.timeout": "500ms"},
            {"monitoring.scrape.timeout": "30s"},
            {"monitoring.scrape.interval": "5s"},
        ],
    ),
    ("Scrape", "interval must not be above 2m"): (
        MINIMAL,
        [{"monitoring.scrape.interval": interval} for interval in ("121s", "3m", "5m", "1h", "999999h", "120001ms")],
        [{"monitoring.scrape.interval": interval} for interval in ("2m", "120s", "120000ms")],
    ),
    ("CounterSignal", "a word of PromQL"): (
        MINIMAL,
        [{"monitoring.signals.requests": {"counter": word}} for word in SPELLED_WORDS],
        [{"monitoring.signals.requests": {"counter": name}} for name in NOT_QUITE_WORDS],
    ),
    ("LatencySignal", "a word of PromQL"): (
        MINIMAL,
        [{"monitoring.signals.latency": {"histogram": word}} for word in SPELLED_WORDS],
        [{"monitoring.signals.latency": {"histogram": name}} for name in NOT_QUITE_WORDS],
    ),
    ("GaugeSignal", "a word of PromQL"): (
        MINIMAL,
        [{"monitoring.signals.kvCache": {"gauge": word}} for word in SPELLED_WORDS],
        [{"monitoring.signals.kvCache": {"gauge": name}} for name in NOT_QUITE_WORDS],
    ),
    ("Spec", "only the custom runtime takes signals"): (
        TRITON,
        [{"monitoring.signals": CUSTOM_NAMES}, {"monitoring.signals": {}}],
        [{"monitoring": {}}, {"runtime": "custom", "image": IMAGE, "monitoring.signals": CUSTOM_NAMES}],
    ),
    ("CounterSignal", NO_LABEL): (
        MINIMAL,
        _matchers("errors", *BAD_KEYS),
        _matchers("errors", {"code": "x", "_a": "x"}),
    ),
    ("LatencySignal", NO_LABEL): (
        MINIMAL,
        _matchers("latency", *BAD_KEYS),
        _matchers("latency", {"code": "x", "a__b": "x"}),
    ),
    ("GaugeSignal", NO_LABEL): (
        MINIMAL,
        _matchers("queue", *BAD_KEYS),
        _matchers("queue", {"code": "x", "a_": "x"}),
    ),
    ("CounterSignal", NO_REGEX): (
        MINIMAL,
        _values("requests", [*NO_REGEX_AT_ALL, *NOT_COMMON]),
        _values("requests", REGEX),
    ),
    ("LatencySignal", NO_REGEX): (
        MINIMAL,
        _values("latency", [*NO_REGEX_AT_ALL, *NOT_COMMON]),
        _values("latency", REGEX),
    ),
    ("GaugeSignal", NO_REGEX): (
        MINIMAL,
        _values("queue", [*NO_REGEX_AT_ALL, *NOT_COMMON]),
        _values("queue", REGEX),
    ),
    ("Indicator", "give exactly one of availability"): (
        MINIMAL,
        [
            {"monitoring.slos": [slo({})]},
            {"monitoring.slos": [slo({"availability": {}, "latency": {"threshold": "1s"}})]},
            {"monitoring.slos": [slo({"ttft": {"threshold": "1s"}, **OBJECTIVES["few-are-refused"]})]},
            {"monitoring.slos": [slo({k: v for one in OBJECTIVES.values() for k, v in one.items()})]},
        ],
        [{"monitoring.slos": [slo(indicator)]} for indicator in OBJECTIVES.values()],
    ),
    ("Ratio", "give exactly one of good and bad"): (
        MINIMAL,
        [
            {"monitoring.slos": [slo({"ratio": {"total": {"counter": "a"}, **parts}})]}
            for parts in ({}, {"good": {"counter": "b"}, "bad": {"counter": "c"}})
        ],
        [
            {"monitoring.slos": [slo({"ratio": {"total": {"counter": "a"}, part: {"counter": "b"}}})]}
            for part in ("good", "bad")
        ],
    ),
    ("Drift", "critical must not be below warning"): (
        MINIMAL,
        [
            {"monitoring.drift": drift}
            for drift in ({"warning": 0.3}, {"critical": 0.09}, {"warning": 2, "critical": 1}, {"warning": 1})
        ],
        [
            {"monitoring.drift": drift}
            for drift in ({}, {"warning": 0.25}, {"critical": 0.1}, {"warning": 1, "critical": 1}, {"critical": 7})
        ],
    ),
    ("Alerts", NO_LABEL): (
        MINIMAL,
        [
            {"monitoring.alerts": {"labels": {key: "x"}}}
            for key in ("a-b", "", "__name__", "__x", *RESERVED_ALERT_LABELS)
        ],
        [{"monitoring.alerts.labels": {"team": "", "_a1": "x"}}],
    ),
}


def _of_profile(profile: RuntimeProfile) -> Iterator[tuple[tuple[str, str], Cases]]:
    """The cases of the rules that a runtime brings."""
    base, known = RUNTIMES[profile.id], profile.uri.schemes
    broken: list[JSON] = [{}, {"command": ["x"]}]
    if profile.image is None:
        without = with_(base, {"image": None})
        yield ("Spec", f"the {profile.id} runtime brings no image"), (without, broken, [{"image": IMAGE}])
    if profile.uri.required:
        uri = f"{next(iter(known), 's3')}://m"
        without = with_(base, {"model": None})
        kept: list[JSON] = [{"command": ["serve"]}, {"model.uri": uri}]
        yield ("Spec", f"the {profile.id} runtime needs model.uri"), (without, [{}, {"image": IMAGE}], kept)
    if known:
        foreign = {"hf", "s3", "s3a", "https", "xx"} - known.keys()
        yield (
            ("Spec", f"the {profile.id} runtime understands"),
            (
                base,
                [{"model.uri": f"{scheme}://m"} for scheme in sorted(foreign)],
                [{"model.uri": f"{scheme}:///m/n"} for scheme in known],
            ),
        )


RULE_CASES |= {key: cases for profile in builtin_runtimes().values() for key, cases in _of_profile(profile)}
RULE_CASES |= notification_specs.RULE_CASES


def _rule(key: tuple[str, str]) -> ValidationRule:
    (rule,) = [rule for rule in all_rules() if rule.on.__name__ == key[0] and rule.message.startswith(key[1])]
    return rule


def test_every_rule_has_cases() -> None:
    assert {id(_rule(key)) for key in RULE_CASES} == {id(rule) for rule in all_rules()}
    assert all(broken and kept for _, broken, kept in RULE_CASES.values())


@pytest.mark.parametrize(
    ("key", "spec"), [(key, with_(base, change)) for key, (base, broken, _) in RULE_CASES.items() for change in broken]
)
def test_broken_rule_is_told_with_its_field_and_way_out(key: tuple[str, str], spec: JSON) -> None:
    found = problems(spec)
    rule = _rule(key)
    assert [problem.message for problem in found] == [rule.message]
    assert found[0].field.startswith("spec")
    assert found[0].field.endswith(f".{rule.field}")


@pytest.mark.parametrize(
    ("key", "spec"), [(key, with_(base, change)) for key, (base, _, kept) in RULE_CASES.items() for change in kept]
)
def test_spec_that_keeps_a_rule_is_valid(key: tuple[str, str], spec: JSON) -> None:
    assert problems(spec) == (), key


@pytest.mark.parametrize(
    "text", ["a++", "a**", "a)|(b", "(?x)a", "(?u)a", "(?R)", "\\u0041", "a{1001}", "\\d{2}{3}", "[[:foo:]]", "[a--b]"]
)
def test_regular_expression_of_another_language_is_refused(text: str) -> None:
    """Prometheus refuses each of these, and with it every rule of the model."""
    (problem,) = problems(with_(MINIMAL, _values("requests", [text])[0]))
    assert NO_REGEX in problem.message


def test_several_broken_rules_are_told_together() -> None:
    found = problems({"replicas": 1, "autoscaling": {"minReplicas": 3, "maxReplicas": 2}, "rollout": {"maxSurge": 0}})
    assert sorted(problem.field for problem in found) == [
        "spec.autoscaling",
        "spec.autoscaling.minReplicas",
        "spec.image",
        "spec.replicas",
        "spec.rollout.maxSurge",
    ]


def test_text_of_an_invalid_spec_names_each_field() -> None:
    parsed = parse(body({"replicas": "3", "foo": 1}))
    assert str(parsed).split("; ")[0].startswith("spec.replicas: ")
    assert "spec.foo: unknown field" in str(parsed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "path",
    [
        "monitoring.signals.latency.scale",
        "monitoring.alerts.rules.ModelErrorRatioHigh.threshold",
        "monitoring.quality.accuracy.min",
        "monitoring.quality.falsePositiveRate.max",
        "monitoring.quality.predictionError.max",
        "monitoring.quality.minimumCoverage",
        "monitoring.drift.warning",
        "monitoring.drift.critical",
    ],
)
def test_what_is_no_number_is_no_limit(path: str, value: float) -> None:
    """YAML has .nan and .inf; the API server has neither."""
    assert problems(with_(FULL, {path: value}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_objective(value: float) -> None:
    assert problems(with_(MINIMAL, {"monitoring.slos": [slo({"availability": {}}, objective=value)]}))


@pytest.mark.parametrize(
    ("scrape", "times"),
    [
        ({}, ("30s", "10s")),
        ({"interval": "5s"}, ("5s", "5s")),
        ({"interval": "500ms"}, ("500ms", "500ms")),
        ({"interval": "2m"}, ("2m", "10s")),
        ({"interval": "60s", "timeout": "45s"}, ("60s", "45s")),
        ({"timeout": "30s"}, ("30s", "30s")),
    ],
)
def test_scrape_is_given_up_after_ten_seconds_or_when_the_next_is_due(scrape: JSON, times: tuple[str, str]) -> None:
    made = model(monitoring__scrape=scrape)
    assert (made.scrape_interval, made.scrape_timeout) == times


@pytest.mark.parametrize("timeout", ["31s", "1m", "30001ms"])
def test_timeout_above_the_interval_that_is_left_out_is_refused(timeout: str) -> None:
    (problem,) = problems(with_(MINIMAL, {"monitoring.scrape.timeout": timeout}))
    assert problem.field == "spec.monitoring.scrape.timeout"
    assert "30s when left out" in problem.message


# --- runtimes of the settings ---

OWN = replace(builtin_runtimes()["vllm"], id="x-own", image=None)
OF_THE_PLATFORM = PlatformDefaults(runtimes={**builtin_runtimes(), "x-own": OWN})


def test_runtime_of_the_settings_is_taken() -> None:
    made = model({**VLLM, "runtime": "x-own", "image": IMAGE}, platform=OF_THE_PLATFORM)
    assert (made.runtime, made.port) == (OWN, OWN.port)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"runtime": "x-owm"}, "spec.runtime: the operator's settings have no runtime x-owm; did you mean x-own?"),
        ({"image": None}, "spec.image: the x-own runtime brings no image: set image"),
        ({"model": None}, "spec.model.uri: the x-own runtime needs model.uri (or a command of your own)"),
        ({"model.uri": "s3://m"}, "spec.model.uri: the x-own runtime understands hf://, file://"),
        (
            {"monitoring.signals": {}},
            "spec.monitoring.signals: only the custom runtime takes signals: this runtime's metric names are known",
        ),
    ],
)
def test_rules_of_a_runtime_of_the_settings_hold(changes: JSON, told: str) -> None:
    spec = with_({**VLLM, "runtime": "x-own", "image": IMAGE}, changes)
    assert [str(problem) for problem in problems(spec, OF_THE_PLATFORM)] == [told]


def test_settings_can_leave_out_a_built_in_runtime() -> None:
    (problem,) = problems(VLLM, PlatformDefaults(runtimes={"custom": builtin_runtimes()["custom"]}))
    assert str(problem) == "spec.runtime: the operator's settings have no runtime vllm; there are custom"


def test_long_value_is_not_repeated_in_full() -> None:
    (problem,) = problems({"image": "x y" * 1000})
    assert len(str(problem)) < 300


# --- anything at all ---

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def _understood(parsed: Model | InvalidSpec) -> bool:
    if isinstance(parsed, Model):
        return True
    return bool(parsed.problems) and all(problem.field and problem.message for problem in parsed.problems)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec", "x"]), json_values))
def test_any_object_is_understood_or_refused(anything: JSON) -> None:
    assert _understood(parse(anything))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "namespace", "uid", "generation", "labels"]), json_values))
def test_any_metadata_is_understood_or_refused(metadata: JSON) -> None:
    assert _understood(parse({**body(MINIMAL), "metadata": {"name": "churn", **metadata}}))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(list(FULL)) | st.text(max_size=8), json_values, max_size=6))
def test_any_spec_is_understood_or_refused(spec: JSON) -> None:
    assert _understood(parse(body(spec)))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a value with a key in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_value_in_any_place_of_a_full_spec_is_understood_or_refused(data: st.DataObject) -> None:
    spec = with_(FULL, {})
    places = list(_places(spec))
    holder, key = places[data.draw(st.integers(0, len(places) - 1))]
    holder[key] = data.draw(json_values)
    assert _understood(parse(body(spec)))


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_spec_is_refused(depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = {"a": deep}
    found = problems({**MINIMAL, "x": deep})
    assert found
    assert all(problem.field.startswith("spec") for problem in found)


@pytest.mark.parametrize("generation", ["x", [1], {}, 1.5])
def test_generation_that_is_no_number_is_no_reason_to_raise(generation: Any) -> None:
    assert _understood(parse(body(MINIMAL, generation=generation)))


@settings(max_examples=40, deadline=None)
@given(specs())
def test_generated_specs_are_valid(spec: JSON) -> None:
    assert problems(spec) == ()


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"replica": 3}, "spec.replica: unknown field; did you mean replicas?"),
        ({"gpu": {"cuont": 1}}, "spec.gpu.cuont: unknown field; did you mean count?"),
        (
            {"monitoring": {"alerts": {"rules": {"ModelLatencyHigh": {"treshold": "1s"}}}}},
            "spec.monitoring.alerts.rules.ModelLatencyHigh.treshold: unknown field; did you mean threshold?",
        ),
        (
            {"storage": {"volumes": [{"name": "a", "mountPaht": "/a", "emptyDir": {}}]}},
            "spec.storage.volumes[0].mountPaht: unknown field; did you mean mountPath?",
        ),
        (
            {"monitoring": {"slos": [{"name": "a", "objective": 99, "indicator": {"latncy": {}}}]}},
            "spec.monitoring.slos[0].indicator.latncy: unknown field; did you mean latency?",
        ),
        (
            {"monitoring": {"quality": {"falsePositivRate": {"max": 0.1}}}},
            "spec.monitoring.quality.falsePositivRate: unknown field; did you mean falsePositiveRate?",
        ),
        (
            {"monitoring": {"alerts": {"rules": {"ModelAcuracyLow": {}}}}},
            "spec.monitoring.alerts.rules.ModelAcuracyLow: unknown field; did you mean ModelAccuracyLow?",
        ),
        ({"monitoring": {"profil": "gold"}}, "spec.monitoring.profil: unknown field; did you mean profile?"),
        ({"zzz": 1}, "spec.zzz: unknown field; see the reference for the fields there are"),
        ({"model": {"version": 1.1}}, "spec.model.version: input should be a valid string: put quotes around it"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_slip_of_the_pen_is_answered_with_the_way_out(spec: dict[str, Any], named: str) -> None:
    parsed = parse(
        {
            "apiVersion": "monitoredmodels.dev/v1alpha1",
            "kind": "MonitoredModel",
            "metadata": {"name": "churn"},
            "spec": {"image": "x", **spec},
        }
    )
    assert isinstance(parsed, InvalidSpec)
    assert named in str(parsed)
