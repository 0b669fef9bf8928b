"""The data themselves: can they be true?"""

from __future__ import annotations

from promtool.cases.case import (
    FIRING,
    P1,
    P2,
    P3,
    PENDING,
    POD,
    QUIET,
    TARGET,
    TARGET_2,
    Case,
    histogram,
    scraped,
    up,
)
from promtool.cases.learning import labelled
from promtool.cases.traffic import cache, custom, triton
from promtool.harness import ONE, Series

SHARES = (
    "model_accuracy",
    "model_precision",
    "model_recall",
    "model_f1_score",
    "false_positive_rate",
    "false_negative_rate",
)
DAY = 24 * 60


def steady(value: str) -> str:
    """A value for an hour; promtool's short form knows numbers only."""
    return " ".join([value] * 60)


def _check(name: str) -> dict[str, str]:
    return {"check": name}


def _impossible(name: str, series: Series, spec: str = "custom", *, of_pod: bool = False) -> Case:
    labels = _check(name) | (TARGET if of_pod else {})
    return Case("ModelValuesImpossible", f"fires for {name} ({spec})", series, {17: FIRING}, spec, labels)


# 15 minutes.
VALUES_IMPOSSIBLE = [
    Case(
        "ModelValuesImpossible",
        "fires",
        custom("0+100x60", "0+107x60"),
        {0: QUIET, 1: PENDING, 15: PENDING, 16: FIRING},
        labels=_check("more_errors_than_requests"),
        says="1.07",
    ),
    Case(
        "ModelValuesImpossible",
        "does not fire",
        custom("0+100x60", "0+104x60")
        | {scraped(name, P1): "0x60" for name in SHARES}
        | {scraped(name, P2): "1x60" for name in SHARES}
        | {scraped("inference_latency_seconds_sum"): "0+1x60", scraped("inference_latency_seconds_count"): "0+100x60"}
        | {scraped("model_drift_score", P1): "0x60", scraped("model_drift_score", P2): "900x60"}
        | {scraped("model_last_update_timestamp_seconds"): "290+60x60"}
        | labelled("0+100x60", "0+96x60"),
        {16: QUIET, 60: QUIET},
    ),
    _impossible(
        "negative_latency",
        {scraped("inference_latency_seconds_sum"): "0-6x60", scraped("inference_latency_seconds_count"): "0+6x60"},
    ),
    *(
        Case(
            "ModelValuesImpossible",
            f"fires for {name} of {value}",
            {scraped(name, P1): "0.5x60", scraped(name, P2): steady(value)},
            {16: FIRING},
            labels=_check(f"{name}_beyond_0_to_1") | TARGET_2,
        )
        for name in SHARES
        for value in ("1.01", "-0.01", "NaN")
    ),
    *(
        Case(
            "ModelValuesImpossible",
            f"fires for a drift score of {value}",
            {scraped("model_drift_score"): "0.1x60", scraped("model_drift_score", P2): steady(value)},
            {16: FIRING},
            labels=_check("drift_score_impossible") | TARGET_2,
        )
        for value in ("-0.1", "NaN", "Inf")
    ),
    *(
        Case(
            "ModelValuesImpossible",
            f"fires for an update in the future by {name}",
            {scraped(name): "320+60x60"},
            {16: FIRING},
            labels=_check("update_in_the_future") | {"instance": TARGET["instance"]},
        )
        for name in ("model_last_update_timestamp_seconds", "model_update_time")
    ),
    _impossible("more_labels_than_predictions", labelled("0+107x60", "0+100x60")),
    Case(
        "ModelValuesImpossible",
        "does not fire for labels that come a day later",
        labelled(f"0x{DAY} 100+100x600", f"0+100x600 60000x{DAY}"),
        dict.fromkeys(range(DAY, DAY + 600, 60), QUIET),
        step=30,
    ),
    Case(
        "ModelValuesImpossible",
        "does not fire for labels of predictions that another pod made",
        labelled("0+100x60", "0x60") | labelled("0x60", "0+100x60", P2),
        {17: QUIET},
    ),
    _impossible("kv_cache_beyond_0_to_1", cache("1.01x60", "0x60"), "vllm"),
    _impossible("kv_cache_beyond_0_to_1", cache("-0.5x60", "0x60"), "vllm of two"),
    Case(
        "ModelValuesImpossible",
        "does not fire for a full cache",
        cache("1x60", "0x60"),
        {17: QUIET},
        "vllm",
    ),
    Case(
        "ModelValuesImpossible",
        "fires for a gauge of the spec that is beyond 0 to 1",
        {scraped("my_cache"): "97x60"},
        {17: FIRING},
        "own names",
        labels=_check("kv_cache_beyond_0_to_1"),
        scopes=(ONE,),
    ),
    _impossible("negative_latency", triton("0+60x60", "0x60", duration="0-60x60"), "triton"),
    Case(
        "ModelValuesImpossible",
        "does not mind quality in a server that cannot know any",
        {scraped("model_accuracy"): "95x60"},
        {17: QUIET},
        "triton",
    ),
    Case(
        "ModelValuesImpossible",
        "recovers",
        custom("0+60x60", "0+90x20 1800x40"),
        {19: FIRING, 30: QUIET},
        labels=_check("more_errors_than_requests"),
    ),
]

# 10 minutes, 30 seconds.
CLOCK_SKEWED = [
    Case(
        "ModelClockSkewed",
        "fires",
        {scraped("model_clock_timestamp_seconds"): "0 60 120 180 240 332+60x60"},
        {4: QUIET, 5: PENDING, 14: PENDING, 15: FIRING},
        labels=TARGET,
    ),
    Case(
        "ModelClockSkewed",
        "does not fire",
        {
            scraped("model_clock_timestamp_seconds"): "29+60x60",
            scraped("model_clock_timestamp_seconds", P2): "-29+60x60",
            scraped("process_start_time_seconds"): "29x60",
        },
        {0: QUIET, 11: QUIET, 60: QUIET},
    ),
    Case(
        "ModelClockSkewed",
        "fires for a clock that is late",
        {scraped("model_clock_timestamp_seconds"): "-40+60x60"},
        {10: FIRING},
        labels=TARGET,
    ),
    *(
        Case(
            "ModelClockSkewed",
            f"fires for a process that is yet to start ({spec})",
            {scraped("process_start_time_seconds"): "1172x60"},
            {0: PENDING, 9: PENDING, 10: FIRING, 19: FIRING, 20: QUIET},
            spec,
            labels=TARGET,
        )
        for spec in ("custom", "vllm", "triton")
    ),
    Case(
        "ModelClockSkewed",
        "recovers",
        {scraped("model_clock_timestamp_seconds"): "40+60x20 1260+60x40"},
        {20: FIRING, 22: QUIET},
        labels=TARGET,
    ),
]


def doubled(values: str, pod: str = P1) -> Series:
    return {scraped("up", pod): "1x60", scraped("up", pod, job="another"): values}


# 15 minutes.
TARGETS_DUPLICATED = [
    Case(
        "ModelTargetsDuplicated",
        "fires",
        doubled("_x5 1x60"),
        {4: QUIET, 5: PENDING, 19: PENDING, 20: FIRING},
        labels=POD,
        says="2",
    ),
    Case("ModelTargetsDuplicated", "does not fire", up("1x60") | up("1x60", P2), {16: QUIET, 60: QUIET}, "two"),
    Case(
        "ModelTargetsDuplicated",
        "fires for one pod of two",
        up("1x60") | doubled("1x60", P2),
        {15: FIRING},
        "two",
        labels={"pod": P2},
    ),
    Case(
        "ModelTargetsDuplicated",
        "does not fire for targets that are no pods",
        {'up{namespace="risk",monitored_model="churn",instance="a"}': "1x60"}
        | {'up{namespace="risk",monitored_model="churn",instance="b"}': "1x60"},
        {16: QUIET},
    ),
    Case("ModelTargetsDuplicated", "recovers", doubled("1x20 stale"), {20: FIRING, 22: QUIET}, labels=POD),
]


def samples(values: str, pod: str = P1) -> Series:
    return {scraped("scrape_samples_post_metric_relabeling", pod): values}


# 15 minutes, 8,000 of 10,000.
SAMPLES_NEAR_LIMIT = [
    Case(
        "ModelSamplesNearLimit",
        "fires",
        samples("100x4 8001x60"),
        {4: QUIET, 5: PENDING, 19: PENDING, 20: FIRING},
        labels=POD,
        says="8001",
    ),
    Case("ModelSamplesNearLimit", "does not fire", samples("8000x60"), {16: QUIET, 60: QUIET}),
    Case(
        "ModelSamplesNearLimit",
        "fires for one pod of two",
        samples("100x60") | samples("9000x60", P2),
        {16: FIRING},
        labels={"pod": P2},
    ),
    Case(
        "ModelSamplesNearLimit",
        "fires for one of two targets of a pod",
        samples("100x60") | {scraped("scrape_samples_post_metric_relabeling", job="another"): "9000x60"},
        {16: FIRING},
        labels=POD,
    ),
    Case(
        "ModelSamplesNearLimit",
        "does not add up pods",
        samples("7000x60") | samples("7000x60", P2),
        {16: QUIET},
    ),
    Case(
        "ModelSamplesNearLimit", "fires at a limit of its own", samples("5001x60"), {16: FIRING}, "changed", labels=POD
    ),
    Case("ModelSamplesNearLimit", "does not fire below a limit of its own", samples("4999x60"), {16: QUIET}, "changed"),
    Case("ModelSamplesNearLimit", "recovers", samples("9000x20 100x20"), {20: FIRING, 22: QUIET}, labels=POD),
]

# 1 hour; twice as many as a day ago, and more than 1,000.
SERIES_GROWING = [
    Case(
        "ModelSeriesGrowing",
        "fires",
        samples(f"500x{DAY} 1050x200"),
        {DAY: QUIET, DAY + 5: PENDING, DAY + 60: PENDING, DAY + 65: FIRING},
        says="1.05k",
        step=5,
    ),
    Case(
        "ModelSeriesGrowing", "does not fire", samples(f"600x{DAY} 1190x200"), {DAY + 5: QUIET, DAY + 70: QUIET}, step=5
    ),
    Case(
        "ModelSeriesGrowing",
        "does not fire for few",
        samples(f"10x{DAY} 990x200", P1) | samples(f"10x{DAY} 990x200", P2),
        {DAY + 5: QUIET, DAY + 70: QUIET},
        step=5,
    ),
    Case(
        "ModelSeriesGrowing",
        "fires for what grew half a day ago",
        samples(f"600x{DAY // 2} 1300x1000"),
        {DAY - 5: QUIET, DAY: PENDING, DAY + 60: FIRING},
        step=5,
    ),
    Case(
        "ModelSeriesGrowing",
        "fires when there are fewer pods than a day ago",
        samples(f"600x{DAY} 1300x200", P1) | samples(f"600x{DAY} stale", P2),
        {DAY + 65: FIRING},
        step=5,
    ),
    Case(
        "ModelSeriesGrowing",
        "does not fire for more pods",
        samples(f"1100x{DAY} 1100x200") | samples(f"_x{DAY} 1100x200", P2) | samples(f"_x{DAY} 1100x200", P3),
        {DAY + 5: QUIET, DAY + 70: QUIET},
        step=5,
    ),
    Case("ModelSeriesGrowing", "does not fire on its first day", samples("600x60 9000x200"), {130: QUIET}, step=5),
    Case(
        "ModelSeriesGrowing",
        "recovers",
        samples(f"600x{DAY} 1300x100 700x100"),
        {DAY + 100: FIRING, DAY + 110: QUIET},
        step=5,
    ),
]


def versions(says: str, labelled_as: str = "1", pod: str = P1) -> Series:
    named = {"monitored_model_version": labelled_as}
    return {
        scraped("up", pod, **named): "1x60",
        scraped("model_info", pod, version=says, framework="lightgbm", **named): "1x60",
    }


def mismatch(says: str, instance: str = TARGET["instance"], labelled_as: str = "1") -> dict[str, str]:
    return {"version": says, "compared": says, "monitored_model_version": labelled_as, "instance": instance}


# 30 minutes.
VERSION_MISMATCHED = [
    Case(
        "ModelVersionMismatched",
        "fires",
        versions("2"),
        {0: PENDING, 29: PENDING, 30: FIRING},
        labels=mismatch("2"),
    ),
    Case("ModelVersionMismatched", "does not fire", versions("1"), {31: QUIET, 60: QUIET}),
    Case(
        "ModelVersionMismatched",
        "does not fire during a rollout",
        versions("1", "1") | versions("2", "2", P2),
        {31: QUIET, 60: QUIET},
    ),
    Case(
        "ModelVersionMismatched",
        "fires for one pod of two",
        versions("1") | versions("2", pod=P2),
        {30: FIRING},
        labels=mismatch("2", TARGET_2["instance"]),
    ),
    Case(
        "ModelVersionMismatched",
        "fires for a gauge whose value is the version",
        {
            scraped("up", monitored_model_version="7"): "1x60",
            scraped("model_version", monitored_model_version="7"): "8x60",
        },
        {30: FIRING},
        labels=mismatch("8", labelled_as="7"),
    ),
    Case(
        "ModelVersionMismatched",
        "does not fire for a gauge whose value is the version",
        {
            scraped("up", monitored_model_version="7"): "1x60",
            scraped("model_version", monitored_model_version="7"): "7x60",
        },
        {31: QUIET},
    ),
    Case(
        "ModelVersionMismatched",
        "does not fire for a pod without a version",
        up("1x60") | {scraped("model_info", version="2"): "1x60"},
        {31: QUIET},
    ),
    Case(
        "ModelVersionMismatched",
        "recovers",
        {
            scraped("up", monitored_model_version="1"): "1x60",
            scraped("model_info", version="2", monitored_model_version="1"): "1x40 stale",
            scraped("model_info", version="1", monitored_model_version="1"): "_x41 1x20",
        },
        {40: FIRING, 42: QUIET},
        labels=mismatch("2"),
    ),
    *(
        Case(
            "ModelVersionMismatched",
            story,
            {
                scraped("up", monitored_model_version="7"): "1x60",
                scraped("nv_inference_request_success", version="3", model="a", monitored_model_version="7"): "5x60",
            },
            states,
            spec,
            labels=mismatch("3", labelled_as="7"),
        )
        for story, states, spec in (
            ("is off where versions are counted in another way (triton)", {31: QUIET, 60: QUIET}, "triton"),
            ("fires where the spec asks for it (triton)", {30: FIRING}, "versions of triton"),
        )
    ),
]


def measured(bounds: dict[str, str], count: str, metric: str = "inference_latency_seconds") -> Series:
    return histogram(metric, **bounds) | {scraped(f"{metric}_count"): count}


# 15 minutes.
THRESHOLD_NOT_COUNTED = [
    Case(
        "ModelThresholdNotABucket",
        "fires",
        measured({"le0_5": "0+60x60", "le1": "0+60x60", "leinf": "0+60x60"}, "0+60x60"),
        {0: QUIET, 1: PENDING, 15: PENDING, 16: FIRING},
        "uncounted",
        labels={"slo": "uncounted"},
    ),
    Case(
        "ModelThresholdNotABucket",
        "does not fire",
        measured({"le0_5": "0+60x60", "le0_7": "0+60x60", "leinf": "0+60x60"}, "0+60x60"),
        {17: QUIET, 60: QUIET},
        "uncounted",
    ),
    Case(
        "ModelThresholdNotABucket",
        "does not fire without requests",
        measured({"le0_5": "7x60", "leinf": "7x60"}, "7x60"),
        {17: QUIET},
        "uncounted",
    ),
    Case(
        "ModelThresholdNotABucket",
        "does not fire for availability before the first error",
        custom("0+60x60"),
        {17: QUIET},
        "objectives",
    ),
    Case(
        "ModelThresholdNotABucket",
        "recovers",
        measured({"le0_5": "0+60x60", "le0_7": "_x30 0+60x60", "leinf": "0+60x60"}, "0+60x60"),
        {30: FIRING, 40: QUIET},
        "uncounted",
        labels={"slo": "uncounted"},
    ),
]

CASES = (
    *VALUES_IMPOSSIBLE,
    *CLOCK_SKEWED,
    *TARGETS_DUPLICATED,
    *SAMPLES_NEAR_LIMIT,
    *SERIES_GROWING,
    *VERSION_MISMATCHED,
    *THRESHOLD_NOT_COUNTED,
)
