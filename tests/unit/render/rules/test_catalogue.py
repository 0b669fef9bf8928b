"""The catalogue: every promised name exists for every runtime, as a series or with a reason; recorded once, by model."""

from __future__ import annotations

import re
from datetime import timedelta

import promql_parser
import pytest

from monitored_models.api.fields import seconds
from monitored_models.api.monitoring import Signals
from monitored_models.render.children import unavailable, unmet_requests
from monitored_models.render.rules.catalogue import (
    CATALOGUE,
    NAMES,
    NO_GPU,
    PREFIX,
    Context,
    Entry,
    missing,
    offers,
    recorded,
)
from monitored_models.render.rules.context import context
from monitored_models.render.rules.quality import DEFAULT_WINDOW
from monitored_models.render.rules.recording_rules import catalogue_rules
from monitored_models.render.rules.scope import FleetScope, ModelScope, Scope
from monitored_models.render.rules.signals import SignalSource, server
from monitored_models.runtimes import builtin_runtimes
from unit.promql_helpers import matchers, plain, ranges, read_names, result_labels
from unit.render.rules.test_signals import bare
from unit.render_helpers import recorded as recorded_series
from unit.render_helpers import rules
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, TRITON, VLLM, model, with_

PROMISED = (
    "model_accuracy",
    "model_precision",
    "model_recall",
    "model_f1_score",
    "prediction_error",
    "false_positive_rate",
    "false_negative_rate",
    "inference_latency",
    "inference_throughput",
    "inference_errors",
    "cpu_usage",
    "memory_usage",
    "gpu_usage",
    "disk_usage",
    "model_version",
    "model_update_time",
    "model_drift_score",
)
"""What every model is promised, whatever its server calls it."""
of_each_runtime = pytest.mark.parametrize("runtime", RUNTIMES)
of_each_entry = pytest.mark.parametrize("entry", CATALOGUE, ids=[entry.series for entry in CATALOGUE])


def test_catalogue_has_all_that_is_promised() -> None:
    assert len(PROMISED) == 17
    assert set(PROMISED) <= set(NAMES)


@pytest.mark.parametrize("name", PROMISED)
@of_each_runtime
def test_promised_name_is_a_series_or_has_a_reason(runtime: str, name: str) -> None:
    made = model(RUNTIMES[runtime])
    series = {each for each in recorded_series(made) if each.removeprefix(PREFIX).split(":")[0] == name}
    reason = unavailable(made).get(name)
    assert bool(series) != (reason is not None)
    if reason is not None:
        assert reason.startswith(f"{made.runtime.title}: ")
        assert len(reason) > len(made.runtime.title) + 10


@of_each_runtime
def test_every_name_is_a_series_or_has_a_reason(runtime: str) -> None:
    made = context(model(RUNTIMES[runtime]))
    offered = offers(made)
    assert [offer.entry for offer in offered] == list(CATALOGUE)
    there = {offer.entry.name for offer in offered if offer.expression}
    assert there | missing(offered).keys() == set(NAMES)
    assert not there & missing(offered).keys()


@of_each_runtime
def test_no_reason_is_empty_and_what_is_given_has_none(runtime: str) -> None:
    for spec in (RUNTIMES[runtime], with_(RUNTIMES[runtime], {"storage.volumes": _claim()})):
        for offer in offers(context(model(spec))):
            if offer.expression is None:
                assert offer.reason, offer.entry.series
                assert re.search(r": \w", offer.reason), offer.entry.series
                assert "not given" not in offer.reason, offer.entry.series
                assert not {"\n", "|"} & set(offer.reason), "it stands in a table"
            else:
                assert offer.expression.strip()


def _claim() -> list[JSON]:
    return [{"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "data"}}]


def test_full_model_of_the_custom_runtime_has_everything_but_what_it_did_not_name() -> None:
    assert unavailable(model(FULL)).keys() <= {"prompt_token_throughput"}


def test_names_that_the_spec_gives_are_there() -> None:
    before, after = unavailable(model()), unavailable(model(monitoring__signals={"tokens": {"counter": "t_total"}}))
    assert before.keys() - after.keys() <= {"token_throughput"}
    assert "token_throughput" not in after


def test_use_of_the_volume_is_there_where_a_claim_is_mounted() -> None:
    assert f"{PREFIX}disk_usage:ratio" not in recorded_series(model())
    assert f"{PREFIX}disk_usage:ratio" in recorded_series(model(with_(MINIMAL, {"storage.volumes": _claim()})))
    assert f"{PREFIX}disk_usage" in recorded_series(model())


@of_each_runtime
def test_gpus_are_not_promised_where_nothing_tells_them(runtime: str) -> None:
    made = model(RUNTIMES[runtime])
    if made.runtime.signals.gpu:
        assert "gpu_usage" not in unavailable(made)
    else:
        assert unavailable(made)["gpu_usage"] == f"{made.runtime.title}: {NO_GPU}"


def test_server_with_only_a_mean_says_why_it_has_no_quantiles() -> None:
    only_a_mean = [p for p in builtin_runtimes().values() if p.signals.latency and not p.signals.latency.histograms]
    assert only_a_mean
    for profile in only_a_mean:
        offered = {offer.entry.series: offer for offer in offers(context(model(RUNTIMES[profile.id])))}
        assert offered[f"{PREFIX}inference_latency:mean"].expression
        assert "only a mean" in (offered[f"{PREFIX}inference_latency:p95"].reason or "")


# --- the entries ---


@of_each_entry
def test_entry_is_described(entry: Entry) -> None:
    assert entry.text.strip()
    assert entry.unit.strip()
    assert entry.group in ("traffic", "tokens", "quality", "resources")


def test_each_series_is_recorded_once() -> None:
    assert len({entry.series for entry in CATALOGUE}) == len(CATALOGUE)


@of_each_entry
def test_name_of_a_series_is_that_of_the_catalogue_and_a_stat(entry: Entry) -> None:
    assert re.fullmatch(rf"{PREFIX}[a-z][a-z0-9_]*(:[a-z0-9]+)?", entry.series)
    assert entry.series.startswith(f"{PREFIX}{entry.name}")
    assert recorded(entry.series, ModelScope(model())).startswith(f"{entry.series}{{")


def of_series(name: str) -> frozenset[str] | None:
    """Of the operator's own series: they come with no labels but the identity, and more that no entry keeps."""
    return frozenset({"namespace", "monitored_model"}) if name.startswith("monitored_model_version_since") else None


SCOPES: dict[str, Scope] = {
    "one": ModelScope(model(with_(MINIMAL, {"storage.volumes": _claim()}))),
    "fleet": FleetScope(),
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
@of_each_runtime
def test_labels_of_a_recorded_series_are_the_identity_and_what_the_entry_names(runtime: str, scope: Scope) -> None:
    """Never a version or a generation of the rules: a series would end with each change of a model."""
    made = Context(SignalSource(builtin_runtimes()[runtime], Signals()), scope, DEFAULT_WINDOW)
    for offer in offers(made):
        if offer.expression:
            found = result_labels(offer.expression, of_series)
            assert found == frozenset({"namespace", "monitored_model", *offer.entry.extra}), offer.entry.series


@of_each_runtime
def test_every_expression_is_promql_in_every_scope(runtime: str) -> None:
    for scope in (*SCOPES.values(), FleetScope(runtime)):
        for offer in offers(Context(SignalSource(builtin_runtimes()[runtime], Signals()), scope, "7d")):
            if offer.expression:
                assert promql_parser.parse(offer.expression)
                assert "$window" not in offer.expression


@of_each_runtime
def test_groups_have_at_most_twenty_rules(runtime: str) -> None:
    for spec in (RUNTIMES[runtime], FULL):
        for rows in catalogue_rules(offers(context(model(spec)))).values():
            assert 0 < len(rows) <= 20


def test_series_that_alerts_read_are_recorded_before_the_alerts() -> None:
    found = [("record" in rule) for rule in rules(model(FULL))]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_series_of_a_model_do_not_depend_on_how_it_is_watched(runtime: str) -> None:
    """What is recorded is there for whoever looks; alerts and panels are what is asked for."""
    catalogue = {entry.series for entry in CATALOGUE}
    asked = with_(RUNTIMES[runtime], {"monitoring.drift": {}, "monitoring.quality": {"window": "7d"}})
    assert recorded_series(model(asked)) & catalogue == recorded_series(model(RUNTIMES[runtime])) & catalogue


# --- quality ---

ENTRIES = {entry.series: entry for entry in CATALOGUE}


def quality(name: str, span: str = "1d") -> str:
    made = Context(server(model()), ModelScope(model()), span)
    expression = ENTRIES[f"{PREFIX}{name}"].expression(made)
    assert expression is not None
    return bare(expression)


def outcomes(*names: str) -> str:
    return f'sum(increase(model_outcomes_total{{outcome=~"{"|".join(names)}"}}[1d]))'


ALL_OUTCOMES = outcomes("tp", "fp", "tn", "fn")
SHARES: list[tuple[str, str, str]] = [
    ("model_accuracy", outcomes("tp", "tn"), ALL_OUTCOMES),
    ("model_precision", outcomes("tp"), outcomes("tp", "fp")),
    ("model_recall", outcomes("tp"), outcomes("tp", "fn")),
    ("false_positive_rate", outcomes("fp"), outcomes("fp", "tn")),
    ("false_negative_rate", outcomes("fn"), outcomes("fn", "tp")),
]


@pytest.mark.parametrize(("name", "part", "whole"), SHARES)
def test_share_is_of_outcomes_and_of_the_servers_own_word_where_it_counts_none(
    name: str, part: str, whole: str
) -> None:
    assert quality(name) == plain(f"({part} / ({whole} > 0)) or (avg({name}) unless {ALL_OUTCOMES})")


def test_f1_score_is_the_harmonic_mean() -> None:
    twice = f"2 * {outcomes('tp')}"
    whole = f"{twice} / (({twice} + {outcomes('fp', 'fn')}) > 0)"
    assert quality("model_f1_score") == plain(f"({whole}) or (avg(model_f1_score) unless {ALL_OUTCOMES})")


@pytest.mark.parametrize("span", ["1h", "6h", "1d", "7d"])
def test_quality_is_over_the_window_of_the_spec(span: str) -> None:
    made = model(monitoring__quality={"window": span})
    (found,) = [rule["expr"] for rule in rules(made) if rule.get("record") == f"{PREFIX}model_accuracy"]
    assert set(ranges(found)) == {timedelta(seconds=seconds(span))}


def test_coverage_is_the_share_of_predictions_with_a_label() -> None:
    assert quality("model_labels:coverage") == plain(
        "sum(increase(model_labels_joined_total[1d])) / (sum(increase(model_predictions_total[1d])) > 0)"
    )


def test_drift_is_that_of_the_pod_where_it_is_highest() -> None:
    assert quality("model_drift_score") == plain("max(model_drift_score)")
    assert quality("model_drift_score:feature") == plain("max by (feature) (model_feature_drift_score)")


def test_last_update_is_the_servers_word_or_the_specs() -> None:
    assert re.findall(r"max\((\w+)\)", quality("model_update_time")) == [
        "model_last_update_timestamp_seconds",
        "model_update_time",
        "monitored_model_version_since_timestamp_seconds",
    ]
    (of_vllm,) = [rule["expr"] for rule in rules(model(VLLM)) if rule.get("record") == f"{PREFIX}model_update_time"]
    assert read_names(of_vllm) == {"monitored_model_version_since_timestamp_seconds"}


def test_server_that_runs_no_code_of_the_authors_has_no_quality() -> None:
    reasons = unavailable(model(TRITON))
    for name in PROMISED[:7]:
        assert "would have been right" in reasons[name]
    assert "compare inputs with a reference" in reasons["model_drift_score"]


ASKED_OF_THE_MODEL: list[tuple[JSON, JSON, list[str]]] = [
    # spec, monitoring, what of it cannot be had
    (MINIMAL, {"quality": {"accuracy": {"min": 0.9}}, "drift": {}, "freshness": {"maxAge": "1d"}}, []),
    (TRITON, {}, []),
    (TRITON, {"quality": {"accuracy": {"min": 0.9}}}, ["quality"]),
    (TRITON, {"drift": {}}, ["drift"]),
    (VLLM, {"quality": {}, "drift": {}}, ["quality", "drift"]),
    (VLLM, {"freshness": {"maxAge": "1d"}}, []),  # the spec's version tells by its change
    (with_(VLLM, {"model.version": None}), {"freshness": {"maxAge": "1d"}}, ["freshness"]),
]


@pytest.mark.parametrize(("spec", "monitoring", "fields"), ASKED_OF_THE_MODEL)
def test_what_is_asked_of_a_server_that_cannot_know_is_told(spec: JSON, monitoring: JSON, fields: list[str]) -> None:
    made = model(with_(spec, {"monitoring": monitoring}))
    found = unmet_requests(made)
    assert [note.message.split(":")[0] for note in found] == [f"spec.monitoring.{field}" for field in fields]
    for note in found:
        assert note.reason == "SignalUnavailable"
        assert made.runtime.title in note.message


def test_what_could_not_be_inherited_is_told_with_the_rest() -> None:
    made = model(with_(TRITON, {"monitoring": {"profile": "gold", "drift": {}}}))
    assert [note.reason for note in unmet_requests(made)] == ["ProfileNotFound", "SignalUnavailable"]


# --- resources ---


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("cpu_usage", "container_cpu_usage_seconds_total"),
        ("memory_usage", "container_memory_working_set_bytes"),
        ("disk_usage", "container_fs_usage_bytes"),
    ],
)
def test_resources_come_from_the_kubelet_and_leave_out_the_pause_container(name: str, series: str) -> None:
    (expression,) = [rule["expr"] for rule in rules(model(VLLM)) if rule.get("record") == f"{PREFIX}{name}"]
    ((metric, own),) = matchers(expression)
    assert metric == series
    assert {("container", "!=", ""), ("container", "!=", "POD")} <= own


@pytest.mark.parametrize("name", ["cpu_usage", "memory_usage", "disk_usage"])
def test_word_of_a_custom_server_counts_where_the_kubelet_says_nothing(name: str) -> None:
    (expression,) = [rule["expr"] for rule in rules(model()) if rule.get("record") == f"{PREFIX}{name}"]
    first, *_, last = (metric for metric, _ in matchers(expression))
    assert first.startswith("container_")
    assert last == name
