"""Whom a rule is about: one model, whose own series nobody else's can be mistaken for, or all models at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.api import InvalidSpec, parse
from monitored_models.naming.object_names import pod_pattern
from monitored_models.render.rules.scope import FleetScope, ModelScope, Scope
from monitored_models.render.rules.thresholds import thresholds
from unit.promql_helpers import Matcher, aggregations, matchers, plain, ranges
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, body, model, with_

OF_CHURN: set[Matcher] = {("namespace", "=", "risk"), ("monitored_model", "=", "churn")}
OF_ALL: set[Matcher] = {("monitored_model", "!=", "")}
CLAIMS: JSON = with_(
    MINIMAL,
    {
        "storage.volumes": [
            {"name": "b", "mountPath": "/b", "persistentVolumeClaim": {"claimName": "a.b-c"}},
            {"name": "a", "mountPath": "/a", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "again", "mountPath": "/again", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "mountPath": "/scratch", "emptyDir": {}},
        ]
    },
)


def one(spec: JSON | None = None, name: str = "churn") -> ModelScope:
    return ModelScope(model(spec, name))


# --- the window of rates ---


@pytest.mark.parametrize(
    ("interval", "window"),
    [("500ms", 300), ("30s", 300), ("75s", 300), ("76s", 304), ("119s", 476), ("2m", 480)],
)
def test_rates_look_back_five_minutes_or_four_scrapes(interval: str, window: int) -> None:
    scope = one(with_(MINIMAL, {"monitoring.scrape": {"interval": interval, "timeout": "100ms"}}))
    assert scope.window == f"{window}s"


@pytest.mark.parametrize(
    "interval", ["121s", "3m", "5m", "6m", "1h", "24h", "999999s", "999999m", "100000h", "999999h"]
)
def test_interval_at_which_prometheus_would_lose_its_series_is_refused(interval: str) -> None:
    parsed = parse(body({**MINIMAL, "monitoring": {"scrape": {"interval": interval}}}))
    assert isinstance(parsed, InvalidSpec)
    assert [problem.field for problem in parsed.problems] == ["spec.monitoring.scrape.interval"]
    assert "2m" in parsed.problems[0].message


def test_fleet_looks_back_as_far_as_a_model_without_an_interval_of_its_own() -> None:
    assert FleetScope().window == one().window


@pytest.mark.parametrize(
    "scope", [one(), one(CLAIMS), FleetScope(), FleetScope("custom")], ids=["one", "claims", "all", "runtime"]
)
def test_window_is_filled_in_wherever_it_stands(scope: Scope) -> None:
    for bare in ("sum(rate(a[$window])) / sum(rate(b[$window]))", "rate(a[$window])"):
        for made in (scope.own(bare), scope.over_pods(bare)):
            assert set(ranges(made)) == {timedelta(seconds=300)}


# --- one model ---


def test_series_of_a_model_are_bound_to_it() -> None:
    assert matchers(one().series("up")) == [("up", OF_CHURN)]
    assert matchers(one().series("x", (("a", "=~", 'b"'),))) == [("x", OF_CHURN | {("a", "=~", 'b"')})]
    assert matchers(one().own("sum(up) / sum(rate(x[$window]))")) == [("up", OF_CHURN), ("x", OF_CHURN)]


def test_results_are_grouped_by_the_model() -> None:
    assert aggregations(one().own("sum(max by (pod) (up))")) == [
        ["namespace", "monitored_model"],
        ["namespace", "monitored_model", "pod"],
    ]


@pytest.mark.parametrize("scope", [one(), FleetScope(), FleetScope("vllm")], ids=["one", "fleet", "runtime"])
@pytest.mark.parametrize("bare", ["", "sum(", "rate(a)", "a offset 1h"])
def test_what_is_not_promql_raises(scope: Scope, bare: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scope.own(bare)


def test_series_of_the_kubelet_are_bound_by_namespace_and_the_names_of_the_pods() -> None:
    made = one().over_pods('sum by (pod) (rate(container_x{container!=""}[$window]))')
    assert matchers(made) == [
        (
            "container_x",
            {("namespace", "=", "risk"), ("pod", "=~", pod_pattern(model())), ("container", "!=", "")},
        )
    ]
    assert made.startswith("label_replace(")
    assert plain(made).endswith('"monitored_model","churn","","")')


def test_series_of_claims_are_bound_by_namespace_and_the_names_of_the_claims() -> None:
    made = one(CLAIMS).over_claims("kubelet_volume_stats_used_bytes")
    assert made is not None
    ((name, own),) = matchers(made)
    assert name == "kubelet_volume_stats_used_bytes"
    assert ("namespace", "=", "risk") in own
    ((_, operator, pattern),) = own - {("namespace", "=", "risk")}
    assert operator == "=~"
    assert [c for c in ("data", "a.b-c", "aXb-c", "data2", "a", "", "data|a.b-c") if re.fullmatch(pattern, c)] == [
        "data",
        "a.b-c",
    ]
    assert plain(made).endswith('"monitored_model","churn","","")')


def test_model_without_claims_has_no_series_of_claims() -> None:
    assert one().over_claims("kubelet_volume_stats_used_bytes") is None


@pytest.mark.parametrize("spec", [FULL, *RUNTIMES.values()], ids=["full", *RUNTIMES])
def test_limits_of_a_model_stand_as_numbers(spec: JSON) -> None:
    scope = one(spec)
    for name, value in thresholds(scope.model).items():
        assert float(scope.limit(name)) == value
        assert promql_parser.parse(f"x > {scope.limit(name)}")


def test_limit_that_a_spec_does_not_ask_for_is_none() -> None:
    with pytest.raises(KeyError):
        one().limit("accuracy")


def test_absence_of_a_models_series_is_told_with_its_identity() -> None:
    """absent() makes labels of the matchers that are equalities."""
    assert one().none_of(one().series("up")) == f"absent({one().series('up')})"
    assert all(operator == "=" for _, own in matchers(one().series("up")) for _, operator, _ in own)


def test_time_to_load_is_that_of_the_model() -> None:
    made = one(with_(MINIMAL, {"probes.startup": {"periodSeconds": 7, "failureThreshold": 11}})).had_time()
    assert "[137s]" in made
    assert "offset 137s" in made
    assert [own for _, own in matchers(made)] == [OF_CHURN, OF_CHURN]


# --- names of pods ---

SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of the names that Kubernetes makes up (k8s.io/apimachinery/pkg/util/rand)."""
five = st.text(SAFE, min_size=5, max_size=5)
hashes = st.text(SAFE, min_size=6, max_size=10)
"""Of a pod template: a number of 32 bits, each digit a letter; fewer than six are one in ten thousand."""
model_names = st.from_regex(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)
long_names = st.integers(44, 52).flatmap(
    lambda size: st.from_regex(rf"[a-z][-a-z0-9]{{{size - 2}}}[a-z0-9]", fullmatch=True)
)
object_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def generated(base: str, made_up: str) -> str:
    """The name that the API server makes of generateName (names.SimpleNameGenerator): cut, so that 63 are enough."""
    return base[: 63 - len(made_up)] + made_up


def pod_of(deployment: str, template: str, made_up: str) -> str:
    """The name of a Deployment's pod. The ReplicaSet's own name is not cut."""
    return generated(f"{deployment}-{template}-", made_up)


ANY = model()


def is_of(name: str, pod: str) -> bool:
    """Whether Prometheus, whose expressions are anchored, takes a pod for one of the model's."""
    return re.fullmatch(pod_pattern(replace(ANY, name=name)), pod) is not None


@settings(max_examples=200, deadline=None)
@given(model_names | long_names, hashes, five)
def test_pods_of_a_model_are_known_by_their_names(name: str, template: str, made_up: str) -> None:
    assert is_of(name, pod_of(name, template, made_up))


@pytest.mark.parametrize("length", range(1, 53))
def test_pods_of_a_model_are_known_whatever_the_length_of_its_name(length: int) -> None:
    for size in range(6, 11):
        pod = pod_of("x" * length, "5dfc8b9c7z"[:size], "x7k2p")
        assert len(pod) <= 63
        assert is_of("x" * length, pod), pod


@settings(max_examples=300, deadline=None)
@given(model_names | long_names, st.from_regex(r"[-a-z0-9]{0,8}[a-z0-9]", fullmatch=True), hashes, five)
def test_pods_of_another_model_are_not_taken_for_its_own(name: str, rest: str, template: str, made_up: str) -> None:
    other = f"{name}{rest}"
    if len(other) <= 52:
        assert not is_of(name, pod_of(other, template, made_up))
        assert not is_of(other, pod_of(name, template, made_up))
    for shorter in range(1, len(name)):
        if name[:shorter][-1] != "-":
            assert not is_of(name[:shorter], pod_of(name, template, made_up))


@settings(max_examples=200, deadline=None)
@given(model_names | long_names, object_names, hashes, five)
def test_pods_of_a_foreign_deployment_are_not_taken_for_its_own(
    name: str, foreign: str, template: str, made_up: str
) -> None:
    if foreign != name:
        assert not is_of(name, pod_of(foreign, template, made_up))


def test_dots_and_other_characters_of_a_name_are_no_expression() -> None:
    """A name has only letters, digits and dashes, of which none means anything outside of brackets."""
    assert isinstance(parse(body(MINIMAL, "a.b")), InvalidSpec)
    assert not is_of("a-b", pod_of("axb", "5dfc8b9c7z", "x7k2p"))


OTHERS: list[tuple[str, str, str]] = [
    ("a DaemonSet", "churn", "churn-exporter-x7k2p"),
    ("a Job", "churn", "churn-train-x7k2p"),
    ("a CronJob's Job", "churn", "churn-29400123-x7k2p"),
    ("a StatefulSet", "churn", "churn-0"),
    ("a StatefulSet of a longer name", "churn", "churn-cache-0"),
    ("a pod of someone's own", "churn", "churn"),
    ("a StatefulSet beside a long name", "x" * 52, f"{'x' * 52}-0"),
    ("a Job beside a long name", "x" * 47, f"{'x' * 47}-fit-x7k2p"),
    (
        "a Deployment whose name takes the place of the hash",
        "churn",
        pod_of(f"churn-{'b' * 51}", "5dfc8b9c7z", "x7k2p"),
    ),
]


@pytest.mark.parametrize(("name", "pod"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_pods_of_other_kinds_of_workload_are_not_taken_for_its_own(name: str, pod: str) -> None:
    assert not is_of(name, pod)


# --- all models ---


def test_fleet_reads_the_series_of_models_only() -> None:
    assert matchers(FleetScope().series("up", (("a", "=", "b"),))) == [("up", OF_ALL | {("a", "=", "b")})]
    assert matchers(FleetScope().own("sum(up)")) == [("up", OF_ALL)]
    assert aggregations(FleetScope().own("sum by (x) (up)")) == [["namespace", "monitored_model", "x"]]


def test_fleet_of_a_runtime_keeps_to_its_models() -> None:
    made = FleetScope("vllm").own("sum(up) or sum(x)")
    assert [name for name, _ in matchers(made)] == ["up", "x", "monitored_model_info"]
    both = 'sumby(namespace,monitored_model)(up{monitored_model!=""})orsumby(namespace,monitored_model)(x{monitored_model!=""})'
    assert f'({both})andon(namespace,monitored_model)monitored_model_info{{runtime="vllm"}}' in plain(made)
    assert plain(f"0 * {made}").startswith("0*(("), "as one, wherever it is put"


@pytest.mark.parametrize("scope", [FleetScope(), FleetScope("vllm")], ids=["all", "runtime"])
def test_series_of_the_kubelet_are_joined_with_what_the_operator_says(scope: FleetScope) -> None:
    pods, claims = scope.over_pods("rate(a[$window])"), scope.over_claims("a")
    assert claims is not None
    assert "*on(namespace,pod)group_left(monitored_model)" in plain(pods)
    assert "maxby(namespace,monitored_model,pod)(monitored_model_pod_info)" in plain(pods)
    assert "maxby(namespace,monitored_model,persistentvolumeclaim)(monitored_model_claim_info)" in plain(claims)
    assert "*on(namespace,persistentvolumeclaim)group_left()" in plain(claims), "several models may mount one claim"
    for made, info in ((pods, "monitored_model_pod_info"), (claims, "monitored_model_claim_info")):
        assert {name for name, _ in matchers(made)} - {"monitored_model_info"} == {"a", info}


def test_limit_of_a_fleet_is_a_series_to_join_with() -> None:
    made = f"x > {FleetScope().limit('accuracy')}"
    assert ("monitored_model_limit", {("limit", "=", "accuracy")}) in matchers(made)
    assert "on(namespace,monitored_model)group_left()maxby(namespace,monitored_model)" in plain(made)


def test_fleet_tells_who_has_none_of_a_series_by_who_should_run() -> None:
    made = FleetScope().none_of(FleetScope().series("up"))
    assert matchers(made) == [("monitored_model_replicas_desired", set()), ("up", OF_ALL)]
    assert "unlesson(namespace,monitored_model)" in plain(made)


def test_fleet_knows_how_long_each_pod_has_had() -> None:
    assert {name for name, _ in matchers(FleetScope().had_time())} == {
        "up",
        "monitored_model_pod_created_timestamp_seconds",
        "monitored_model_limit",
    }


def test_severity_of_an_alert_is_that_which_each_model_gives_it() -> None:
    made = FleetScope().with_severity("a or b", "ModelStale")
    assert made.startswith("(a or b) * on (namespace, monitored_model) group_left (severity) ")
    assert ("monitored_model_alert", {("alert", "=", "ModelStale")}) in matchers(made)
