"""Recorded series under the real promtool: catalogue names, base units, and the same values in both scopes.

Each case has two neighbours with the same series, another model and one of the same name elsewhere, which count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from monitored_models.render.rules import slos
from monitored_models.render.rules.catalogue import CATALOGUE
from promtool import harness
from promtool.cases.case import (
    IDENTITY,
    NAME,
    NAMESPACE,
    P1,
    P2,
    as_other,
    histogram,
    kubelet,
    model_of,
    scraped,
    told,
    up,
)
from promtool.cases.learning import errors, labelled, outcomes
from promtool.cases.objectives import measured
from promtool.cases.traffic import custom, own_names, triton, vllm
from promtool.harness import FLEET, ONE, SCOPES, Series
from unit.specs import JSON

PREFIX = "monitored_model:"
Labelled = dict[tuple[tuple[str, str], ...], float]
"""Values by the labels beyond identity."""


@dataclass(frozen=True)
class Recorded:
    """Series by the minute, and all that is recorded of them; names stand without their prefix."""

    story: str
    spec: str
    series: Series
    values: dict[str, float | Labelled]
    minute: int = 30
    scopes: tuple[str, ...] = SCOPES


def latencies(metric: str, scale: int = 1, pod: str = P1) -> Series:
    """60 requests a minute of which half take up to one second and half up to two; the mean is 1.25 seconds."""
    bounds = {f"le{scale}": "0+30x60", f"le{2 * scale}": "0+60x60", "leinf": "0+60x60"}
    return histogram(metric, pod, **bounds) | {
        scraped(f"{metric}_sum", pod): f"0+{75 * scale}x60",
        scraped(f"{metric}_count", pod): "0+60x60",
    }


def quantiles(name: str, *stats: str) -> dict[str, float | Labelled]:
    values = {"p50": 1.0, "p95": 1.9, "p99": 1.98, "mean": 1.25}
    return {f"{name}:{stat}": values[stat] for stat in stats}


def container(pod: str, cpu: str, memory: str, disk: str, name: str = "server") -> Series:
    return {
        kubelet("container_cpu_usage_seconds_total", pod=pod, container=name): cpu,
        kubelet("container_memory_working_set_bytes", pod=pod, container=name): memory,
        kubelet("container_fs_usage_bytes", pod=pod, container=name): disk,
    }


def claim(name: str, used: str, capacity: str) -> Series:
    return {
        kubelet("kubelet_volume_stats_used_bytes", persistentvolumeclaim=name): used,
        kubelet("kubelet_volume_stats_capacity_bytes", persistentvolumeclaim=name): capacity,
    }


def version(text: str) -> tuple[tuple[str, str], ...]:
    return (("version", text),)


def label(text: str) -> tuple[tuple[str, str], ...]:
    return (("monitored_model_version", text),)


CASES = [
    Recorded(
        "two pods of a classifier and all that is known of them",
        "claim",
        up("1x60", P1, monitored_model_version="1")
        | up("1x60", P2, monitored_model_version="2")
        | custom("0+60x60", "0+0x60", P1)
        | custom("0+60x60", "0+6x60", P2)
        | latencies("inference_latency_seconds", pod=P1)
        | latencies("inference_latency_seconds", pod=P2)
        | {scraped("inference_queue_length", P1): "2x60", scraped("inference_queue_length", P2): "3x60"}
        | outcomes("0+40x60", "0+10x60", "0+40x60", "0+10x60", P1)
        | outcomes("0+60x60", "0+0x60", "0+30x60", "0+10x60", P2)
        | labelled("0+100x60", "0+500x60", P1)
        | labelled("0+100x60", "0+300x60", P2)
        | {scraped("model_drift_score", P1): "0.1x60", scraped("model_drift_score", P2): "0.3x60"}
        | {
            scraped("model_feature_drift_score", P1, feature="age"): "0.1x60",
            scraped("model_feature_drift_score", P2, feature="age"): "0.3x60",
            scraped("model_feature_drift_score", P1, feature="income"): "0.05x60",
        }
        | container(P1, "0+30x60", "1000000000x60", "100000000x60")
        | container(P2, "0+45x60", "2000000000x60", "300000000x60")
        | container(P1, "0+60x60", "5000000000x60", "0x60", name="")  # the pod's sum
        | container(P1, "0+60x60", "5000000000x60", "0x60", name="POD")
        | container("churn-canary-7d4f9c8b6d-x2k4p", "0+60x60", "5000000000x60", "100000000x60")
        | claim("churn-data", "6000000000x60", "8000000000x60")
        | claim("data", "7000000000x60", "8000000000x60")
        | {scraped("gpu_usage", P1): "0.2x60", scraped("gpu_usage", P2): "0.4x60"}
        | {
            scraped("model_info", P1, version="1", monitored_model_version="1"): "1x60",
            scraped("model_info", P2, version="2", monitored_model_version="2"): "1x60",
        }
        | {
            scraped("model_last_update_timestamp_seconds", P1): "100x60",
            scraped("model_last_update_timestamp_seconds", P2): "200x60",
            told("monitored_model_version_since_timestamp_seconds"): "500x60",
        },
        {
            "inference_throughput": 2,
            "inference_errors": 0.1,
            "inference_errors:ratio": 0.05,
            **quantiles("inference_latency", "p50", "p95", "p99", "mean"),
            "queue_length": 5,
            "model_accuracy": 0.85,
            "model_precision": 0.9091,
            "model_recall": 0.8333,
            "model_f1_score": 0.8696,
            "false_positive_rate": 0.125,
            "false_negative_rate": 0.1667,
            "model_labels:count": 6000,
            "model_labels:coverage": 0.25,
            "model_drift_score": 0.3,
            "model_drift_score:feature": {(("feature", "age"),): 0.3, (("feature", "income"),): 0.05},
            "cpu_usage": 1.25,
            "memory_usage": 3e9,
            "disk_usage": 6.4e9,
            "disk_usage:ratio": 0.75,
            "gpu_usage": 0.3,
            "model_version": {label("1"): 1, label("2"): 1},
            "model_version:reported": {version("1"): 1, version("2"): 1},
            "model_update_time": 200,
        },
    ),
    Recorded(
        "a regression",
        "custom",
        {
            scraped("model_prediction_error_bucket", pod, le=le): values
            for pod in (P1, P2)
            for le, values in (("2", "0+50x60"), ("4", "0+100x60"), ("+Inf", "0+100x60"))
        }
        | errors("0+250x60", "0+100x60", P1)
        | errors("0+350x60", "0+100x60", P2),
        {"prediction_error": 3, "prediction_error:p95": 3.8, "model_labels:count": 6000},
    ),
    Recorded(
        "a server that says itself what others say better",
        "custom",
        {
            scraped(name, pod): f"{value}x60"
            for pod in (P1, P2)
            for name, value in {
                "inference_throughput": "3",
                "cpu_usage": "0.5",
                "memory_usage": "1000",
                "disk_usage": "2000",
                "model_accuracy": "0.9",
                "model_precision": "0.8",
                "model_recall": "0.7",
                "model_f1_score": "0.6",
                "false_positive_rate": "0.2",
                "false_negative_rate": "0.3",
                "prediction_error": "1.5",
                "model_version": "7",
                "model_update_time": "300",
            }.items()
        },
        {
            "inference_throughput": 6,
            "inference_errors": 0,
            "inference_errors:ratio": 0,
            "cpu_usage": 1,
            "memory_usage": 2000,
            "disk_usage": 4000,
            "model_accuracy": 0.9,
            "model_precision": 0.8,
            "model_recall": 0.7,
            "model_f1_score": 0.6,
            "false_positive_rate": 0.2,
            "false_negative_rate": 0.3,
            "prediction_error": 1.5,
            "model_version:reported": {version("7"): 2},
            "model_update_time": 300,
        },
    ),
    Recorded(
        "a model of which nothing but its version is known",
        "custom",
        {told("monitored_model_version_since_timestamp_seconds"): "500x60"},
        {"model_update_time": 500},
    ),
    Recorded("a model of which nothing is known", "custom", {}, {}),
    Recorded(
        "vLLM",
        "vllm",
        vllm("0+54x60", "0+6x60")
        | latencies("vllm:e2e_request_latency_seconds")
        | latencies("vllm:time_to_first_token_seconds")
        | latencies("vllm:inter_token_latency_seconds", pod=P1)
        | latencies("vllm:time_per_output_token_seconds", pod=P1)  # of a pod that has both names one counts
        | latencies("vllm:time_per_output_token_seconds", pod=P2)
        | {
            scraped("vllm:generation_tokens_total"): "0+600x60",
            scraped("vllm:prompt_tokens_total"): "0+1200x60",
            scraped("vllm:num_requests_waiting", P1): "2x60",
            scraped("vllm:num_requests_waiting", P2): "3x60",
            scraped("vllm:kv_cache_usage_perc", P1): "0.25x60",
            scraped("vllm:gpu_cache_usage_perc", P1): "0.9x60",
            scraped("vllm:gpu_cache_usage_perc", P2): "0.5x60",
        },
        {
            "inference_throughput": 1,
            "inference_errors": 0.1,
            "inference_errors:ratio": 0.1,
            **quantiles("inference_latency", "p50", "p95", "p99", "mean"),
            **quantiles("time_to_first_token", "p50", "p95", "p99"),
            **quantiles("inter_token_latency", "p50", "p95", "mean"),
            "token_throughput": 10,
            "prompt_token_throughput": 20,
            "queue_length": 5,
            "kv_cache_usage": 0.5,
        },
    ),
    Recorded(
        "Triton, whose durations are in other units",
        "triton",
        triton("0+54x60", "0+6x60", duration="0+67500000x60")
        | latencies("nv_inference_first_response_histogram_ms", 1000)
        | {
            scraped("nv_inference_pending_request_count", model="a"): "4x60",
            scraped("nv_gpu_utilization", gpu_uuid="a"): "0.2x60",
            scraped("nv_gpu_utilization", gpu_uuid="b"): "0.4x60",
        },
        {
            "inference_throughput": 1,
            "inference_errors": 0.1,
            "inference_errors:ratio": 0.1,
            **quantiles("inference_latency", "p50", "p95", "p99", "mean"),
            "queue_length": 4,
            "gpu_usage": 0.3,
            "model_version:reported": {version("1"): 1},
        },
    ),
    Recorded(
        "names and units of the spec",
        "own names",
        own_names("0+54x60", "0+6x60")
        | latencies("my_latency_ms", 1000)
        | {scraped("my_queue"): "4x60", scraped("my_cache"): "0.5x60"},
        {
            "inference_throughput": 1,
            "inference_errors": 0.1,
            "inference_errors:ratio": 0.1,
            **quantiles("inference_latency", "p50", "p95", "p99", "mean"),
            "queue_length": 4,
            "kv_cache_usage": 0.5,
        },
        scopes=(ONE,),
    ),
    Recorded(
        "objectives",
        "objectives",
        custom("0+600x60", "0+3x60") | measured("inference_latency_seconds", "0+600x60", "0+597x60", "le0_5"),
        {
            "inference_throughput": 10,
            "inference_errors": 0.05,
            "inference_errors:ratio": 0.005,
            "inference_latency:p50": 0.2513,
            "inference_latency:p95": 0.4774,
            "inference_latency:p99": 0.4975,
            "slo_events": {(("slo", "available"),): 10, (("slo", "prompt"),): 10},
            "slo_bad_events": {(("slo", "available"),): 0.05, (("slo", "prompt"),): 0.05},
            "slo_events:avg30m": {(("slo", "available"),): 10, (("slo", "prompt"),): 10},
            "slo_bad_events:avg30m": {(("slo", "available"),): 0.05, (("slo", "prompt"),): 0.05},
            "slo_budget_left": {(("slo", "available"),): 0.5, (("slo", "prompt"),): 0.5},
        },
        minute=60,
    ),
]


def samples(case: Recorded, scope: str, value: float | Labelled) -> list[JSON]:
    """All that is recorded under one name."""
    by_runtime = {"runtime": model_of(case.spec).runtime.id} if scope == FLEET else {}
    several: Labelled = value if isinstance(value, dict) else {(): value}
    return [
        {"labels": harness.named("", IDENTITY | by_runtime | dict(labels)), "value": one}
        for labels, one in several.items()
    ]


def as_test(case: Recorded, scope: str) -> JSON:
    series = case.series | harness.constant(scope, model_of(case.spec), case.minute)
    for name, namespace in ((NAME, "elsewhere"), ("other", NAMESPACE)):
        series |= as_other(case.series, name, namespace)
        series |= harness.constant(scope, model_of(case.spec, name, namespace), case.minute)
    time, churn = f"{case.minute}m", harness.named("", IDENTITY)[1:-1]
    every = {
        "expr": f'group by (__name__) ({{__name__=~"{PREFIX}.+",{churn}}})',
        "eval_time": time,
        "exp_samples": [{"labels": f'{{__name__="{PREFIX}{name}"}}', "value": 1} for name in case.values],
    }
    each = [
        {
            "expr": f"round({PREFIX}{name}{{{churn}}}, 0.0001)",
            "eval_time": time,
            "exp_samples": samples(case, scope, value),
        }
        for name, value in case.values.items()
    ]
    return {"input_series": harness.inputs(series), "promql_expr_test": [every, *each]}


@pytest.mark.parametrize(
    ("case", "scope"),
    [pytest.param(case, scope, id=f"{case.story} ({scope})") for case in CASES for scope in case.scopes],
)
def test_series_are_recorded_with_catalogue_names_base_units_and_identity_only(
    promtool: Path, tmp_path: Path, case: Recorded, scope: str
) -> None:
    rules = harness.recorded(harness.groups(scope, model_of(case.spec)))
    if wrong := harness.verdict(promtool, tmp_path, rules, as_test(case, scope)):
        pytest.fail(wrong, pytrace=False)


def test_every_recorded_series_is_covered_in_both_scopes() -> None:
    covered = {PREFIX + name for case in CASES if case.scopes == SCOPES for name in case.values}
    objectives = {slos.EVENTS, slos.BAD, slos.EVENTS_HALF_HOUR, slos.BAD_HALF_HOUR, slos.BUDGET_LEFT}
    assert covered == {entry.series for entry in CATALOGUE} | objectives
