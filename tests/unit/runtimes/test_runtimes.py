"""What is known of each kind of model server: every profile is whole, says why it lacks what it lacks, and can be rendered."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from importlib import resources
from typing import Any

import promql_parser
import pydantic
import pytest
import yaml

from monitored_models import runtimes
from monitored_models.api.fields import METRIC, seconds
from monitored_models.api.monitoring import Signals
from monitored_models.base.schema_types import wire_name
from monitored_models.render.children import render
from monitored_models.render.rules.scope import FleetScope
from monitored_models.render.rules.signals import SignalSource
from monitored_models.render.workload.probes import MARGIN
from monitored_models.render.workload.replicas import replicas
from monitored_models.runtimes import CUSTOM, CUSTOM_RUNTIME_PREFIX, RuntimeProfile, builtin_runtimes
from monitored_models.runtimes.profile import LLM_SIGNALS, REASONED, REQUEST_SIGNALS, Durations, Unavailable
from monitored_models.settings import Settings
from unit.promql_helpers import aggregations, matchers, ranges
from unit.render.rules.test_signals import expressions
from unit.specs import JSON, RUNTIMES, model

ALL = list(builtin_runtimes().values())
of_each = pytest.mark.parametrize("profile", ALL, ids=[profile.id for profile in ALL])
ADAPTER = pydantic.TypeAdapter(RuntimeProfile)
LISTS = ("requests", "errors", "tokens", "prompt_tokens", "queue", "kv_cache", "cpu", "memory", "disk", "gpu")


def written(name: str) -> JSON:
    """A profile as it stands in its file."""
    found: JSON = yaml.safe_load(resources.files(runtimes).joinpath(f"{name}.yaml").read_text())
    return found


def read(content: JSON) -> RuntimeProfile:
    return ADAPTER.validate_json(json.dumps(content))


def durations(profile: RuntimeProfile) -> dict[str, Durations]:
    found = {name: getattr(profile.signals, name) for name in ("latency", "time_to_first_token", "inter_token")}
    return {name: value for name, value in found.items() if value is not None}


def alternatives(profile: RuntimeProfile) -> list[str]:
    """Every expression that is summed over pods."""
    lists = [expression for name in LISTS for expression in getattr(profile.signals, name)]
    return lists + [expression for value in durations(profile).values() for expression in value.mean]


# --- the files ---


def test_each_file_is_a_profile_of_its_name() -> None:
    files = sorted(f.name for f in resources.files(runtimes).iterdir() if f.name.endswith(".yaml"))
    assert files == sorted(f"{name}.yaml" for name in builtin_runtimes())
    for name in builtin_runtimes():
        assert read(written(name)) == builtin_runtimes()[name]


def test_profiles_can_be_told_apart() -> None:
    assert len({profile.title for profile in ALL}) == len(ALL)
    assert not [profile.id for profile in ALL if profile.id.startswith(CUSTOM_RUNTIME_PREFIX)]
    assert CUSTOM in builtin_runtimes()


def test_profiles_are_the_same_for_everybody() -> None:
    with pytest.raises(TypeError):
        builtin_runtimes()["mine"] = ALL[0]  # type: ignore[index]


@of_each
def test_smallest_spec_of_a_runtime_renders(profile: RuntimeProfile) -> None:
    made = model(RUNTIMES[profile.id])
    kinds = {child["kind"] for child in render(made, Settings(), replicas(made, None))}
    assert {"Deployment", "Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"} <= kinds


@of_each
def test_image_is_pinned(profile: RuntimeProfile) -> None:
    if profile.image:
        tag = profile.image.rsplit("/", 1)[-1].partition(":")[2]
        assert tag
        assert "latest" not in tag


@of_each
def test_every_placeholder_can_be_filled_in(profile: RuntimeProfile) -> None:
    texts = (
        *profile.arguments,
        *profile.uri_arguments,
        *profile.gpu_arguments,
        *profile.command,
        *profile.environment.values(),
    )
    known = {"name", "version", "framework", "port", "metricsPort", "gpus", "home", "uri"}
    assert {name for text in texts for name in re.findall(r"\{(\w+)\}", text)} <= known
    assert set(profile.uri.schemes.values()) <= {"{uri}", "{rest}"}


@of_each
def test_model_that_is_still_loading_is_not_taken_for_stuck(profile: RuntimeProfile) -> None:
    probe = profile.startup
    assert probe.enabled
    patience = probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold
    assert profile.progress_deadline_seconds >= patience + MARGIN


@of_each
def test_paths_are_paths(profile: RuntimeProfile) -> None:
    paths = (
        profile.metrics_path,
        profile.home,
        *(p.path for p in (profile.startup, profile.readiness, profile.liveness)),
    )
    assert all(path is None or re.fullmatch(r"/[^\s]*", path) for path in paths)
    assert profile.user > 0


@of_each
def test_runtime_that_needs_to_know_where_its_model_is_is_told(profile: RuntimeProfile) -> None:
    told = "".join((*profile.uri_arguments, *profile.environment.values(), *profile.command))
    if profile.uri.required or profile.uri.schemes:
        assert "{uri}" in told


# --- signals ---


@of_each
def test_every_expression_is_promql_without_a_model(profile: RuntimeProfile) -> None:
    for bare in (*alternatives(profile), profile.signals.presence):
        for _, own in matchers(bare.replace("$window", "5m")):
            assert not {"namespace", "monitored_model"} & {label for label, _, _ in own}, bare


@of_each
def test_every_expression_can_be_put_into_every_scope(profile: RuntimeProfile) -> None:
    for scope in (FleetScope(), FleetScope(profile.id)):
        for expression in expressions(SignalSource(profile, Signals()), scope).values():
            assert promql_parser.parse(expression)


@of_each
def test_every_range_is_the_window(profile: RuntimeProfile) -> None:
    """A window of its own would be too short for models that are scraped more rarely."""
    for bare in alternatives(profile):
        assert len(ranges(bare.replace("$window", "5m"))) == bare.count("[$window]")


@of_each
def test_every_alternative_can_be_summed_pod_by_pod(profile: RuntimeProfile) -> None:
    """Of each pod the first that it exposes counts: what was aggregated must have kept the pod apart."""
    for bare in alternatives(profile):
        for labels in aggregations(bare.replace("$window", "5m")):
            assert "instance" in labels, bare


@of_each
def test_presence_is_a_plain_selector(profile: RuntimeProfile) -> None:
    assert isinstance(promql_parser.parse(profile.signals.presence), promql_parser.VectorSelector)


@of_each
def test_bounds_of_a_histogram_ascend_and_are_of_all_or_of_none(profile: RuntimeProfile) -> None:
    for name, source in durations(profile).items():
        for histogram in source.histograms:
            assert list(histogram.buckets) == sorted(set(histogram.buckets)), name
            assert all(bound > 0 for bound in histogram.buckets)
            assert promql_parser.parse(f"x{{{histogram.where}}}")
        assert source.histograms or source.headline == "mean"
        assert source.histograms or source.mean


@of_each
def test_latency_that_alerts_is_within_the_bounds(profile: RuntimeProfile) -> None:
    """A quantile never exceeds the last bound: an alert above it could never fire."""
    latency = profile.signals.latency
    if latency and latency.headline == "p95":
        for histogram in latency.histograms:
            if histogram.buckets:
                assert seconds(profile.alerts.latency) < histogram.buckets[-1] * latency.scale


@of_each
def test_names_of_metrics_are_names(profile: RuntimeProfile) -> None:
    for name in profile.core:
        assert re.fullmatch(METRIC, name), name
    assert len(set(profile.core)) == len(profile.core)


@of_each
def test_version_is_the_first_group_of_a_pattern(profile: RuntimeProfile) -> None:
    version = profile.signals.reported_version
    if version:
        assert re.compile(version.pattern).groups >= 1


# --- what a server does not give ---


def test_what_has_to_be_given_or_explained_is_all_that_can_be_explained() -> None:
    assert {field.name for field in fields(Unavailable)} == set(REASONED)
    assert set(REASONED) == {*REQUEST_SIGNALS, *LLM_SIGNALS, "reported_version"}


@of_each
def test_everything_is_given_or_explained(profile: RuntimeProfile) -> None:
    for signal in REASONED:
        why = profile.why_not(signal)
        if getattr(profile.signals, signal):
            assert why is None, signal
        else:
            assert why is not None, signal
            assert why.startswith(f"{profile.title}: "), signal
            assert "does not say" not in why or profile.unavailable, signal
            assert len(why) > len(profile.title) + 10, signal
            assert not why.endswith("."), signal


@of_each
def test_reason_is_half_a_sentence(profile: RuntimeProfile) -> None:
    for signal in REASONED:
        reason = getattr(profile.unavailable, signal)
        if reason is not None:
            assert reason == reason.strip()
            assert reason[0].islower(), reason
            assert not {"\n", "|"} & set(reason), "it stands in a table"


def _without(content: JSON, part: str, name: str) -> JSON:
    return {**content, part: {key: value for key, value in content.get(part, {}).items() if key != name}}


def _wire(signal: str) -> str:
    return wire_name(Unavailable, signal)


@of_each
@pytest.mark.parametrize("signal", REASONED)
def test_profile_that_neither_gives_nor_explains_a_signal_is_refused(profile: RuntimeProfile, signal: str) -> None:
    content = written(profile.id)
    without = _without(_without(content, "signals", _wire(signal)), "unavailable", _wire(signal))
    if signal in LLM_SIGNALS and not profile.llm:
        assert read(without).why_not(signal) == f"{profile.title}: it is no server for language models"
        return
    with pytest.raises(pydantic.ValidationError, match=f"{signal}: give it in signals, or say in unavailable"):
        read(without)


@of_each
@pytest.mark.parametrize("signal", REASONED)
def test_profile_that_gives_and_explains_a_signal_away_is_refused(profile: RuntimeProfile, signal: str) -> None:
    if getattr(profile.signals, signal) and (profile.llm or signal not in LLM_SIGNALS):
        content = written(profile.id)
        both = {**content, "unavailable": {**content.get("unavailable", {}), _wire(signal): "it does not"}}
        with pytest.raises(pydantic.ValidationError, match=f"{signal}: give it in signals, or say in unavailable"):
            read(both)


def changed(**signals: Any) -> JSON:
    content = written("vllm")
    explained = {name: text for name, text in content["unavailable"].items() if name not in signals}
    return {**content, "signals": {**content["signals"], **signals}, "unavailable": explained}


REFUSED: list[tuple[str, JSON, str]] = [
    ("no PromQL", changed(requests=["sum("]), "sum("),
    ("no PromQL in a list", changed(queue=["a", "b{"]), "b{"),
    ("no presence", {**written("vllm"), "signals": {"requests": ["a"]}}, "presence"),
    ("presence that is no PromQL", changed(presence="a b"), "a b"),
    ("no histogram's name", changed(latency={"histograms": [{"name": "a b"}]}), "pattern"),
    ("matchers that are none", changed(latency={"histograms": [{"name": "a", "where": "x=y"}]}), "x=y"),
    ("a mean that is no PromQL", changed(latency={"mean": ["a /"]}), "a /"),
    ("a scale of nothing", changed(latency={"histograms": [{"name": "a"}], "scale": 0}), "scale"),
    ("a version from nowhere", changed(reportedVersion={"series": "a"}), "series and label, or gauge"),
    ("a label of no series", changed(reportedVersion={"label": "a", "gauge": "b"}), "series and label, or gauge"),
    ("a signal that there is not", changed(throughput=["a"]), "throughput"),
    ("text for a list", changed(requests="a"), "requests"),
    ("an id in capitals", {**written("vllm"), "id": "VLLM"}, "id"),
    ("a port that is none", {**written("vllm"), "port": 0}, "port"),
    ("an unknown field", {**written("vllm"), "colour": "red"}, "colour"),
    # What would make models of the runtime impossible to render, or mean something else.
    ("durations from nowhere", changed(latency={}), "give histograms or mean"),
    ("an offset", changed(requests=["rate(a[$window] offset 1m)"]), "offset"),
    ("a moment", changed(requests=["rate(a[$window] @ end())"]), "@"),
    ("an offset of a subquery", changed(queue=["max_over_time(a[1h:1m] offset 1m)"]), "offset"),
    ("a grouping without", changed(requests=["sum without (pod) (a)"]), "without"),
    ("a placeholder that nobody fills", {**written("vllm"), "arguments": ["--x={y}"]}, "{y}"),
    ("one in the environment", {**written("vllm"), "environment": {"A": "{y}"}}, "{y}"),
    ("the user root", {**written("vllm"), "user": 0}, "user"),
    ("a pattern that is none", changed(reportedVersion={"series": "a", "label": "b", "pattern": "("}), "pattern"),
    ("a metric that is none", {**written("vllm"), "core": ["a|.*"]}, "core"),
]


NO_RULES: list[tuple[str, JSON, str]] = [
    ("an or between matchers", changed(requests=['a{b="c" or d="e"}']), "or"),
    ("a version's series that is no PromQL", changed(reportedVersion={"series": "a b", "label": "c"}), "a b"),
    ("a version's gauge that is no PromQL", changed(reportedVersion={"gauge": "a b"}), "a b"),
    ("a version's label that is none", changed(reportedVersion={"series": "a", "label": "b-c"}), "label"),
    ("presence that is no selector", changed(presence="sum(a)"), "presence"),
    ("a number for a vector", changed(requests=["1"]), "1"),
    ("a range for a vector", changed(requests=["a[5m]"]), "a[5m]"),
]


@pytest.mark.parametrize(("content", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_profile_is_refused(content: JSON, told: str) -> None:
    with pytest.raises(pydantic.ValidationError) as refused:
        read(content)
    assert told in str(refused.value)


@pytest.mark.parametrize("content", [row[1] for row in NO_RULES], ids=[row[0] for row in NO_RULES])
def test_what_no_model_can_be_rendered_with_is_refused(content: JSON) -> None:
    with pytest.raises(pydantic.ValidationError):
        read(content)
