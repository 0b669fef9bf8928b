"""What the model has learnt: is it still right, do its inputs look as before, is it old?"""

from __future__ import annotations

from promtool.cases.case import FIRING, P1, P2, PENDING, QUIET, Case, scraped, told
from promtool.harness import ONE, Series

SPEC = "learning"


def outcomes(tp: str = "0x120", fp: str = "0x120", tn: str = "0x120", fn: str = "0x120", pod: str = P1) -> Series:
    counted = {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    return {scraped("model_outcomes_total", pod, outcome=name): values for name, values in counted.items()}


def labelled(labels: str, predictions: str, pod: str = P1) -> Series:
    return {
        scraped("model_labels_joined_total", pod): labels,
        scraped("model_predictions_total", pod): predictions,
    }


def errors(total: str, count: str, pod: str = P1) -> Series:
    return {scraped("model_prediction_error_sum", pod): total, scraped("model_prediction_error_count", pod): count}


# For each share: outcomes per minute of which it is beyond its limit, with what the alert says of it; and just within.
SHARES: dict[str, tuple[str, dict[str, int], str, dict[str, int]]] = {
    "ModelAccuracyLow": (
        "model_accuracy",
        {"tp": 400, "tn": 480, "fp": 60, "fn": 60},
        "88%",
        {"tp": 400, "tn": 510, "fp": 45, "fn": 45},
    ),
    "ModelPrecisionLow": (
        "model_precision",
        {"tp": 390, "fp": 110, "tn": 500, "fn": 0},
        "78%",
        {"tp": 405, "fp": 95, "tn": 500, "fn": 0},
    ),
    "ModelRecallLow": (
        "model_recall",
        {"tp": 340, "fn": 160, "tn": 500, "fp": 0},
        "68%",
        {"tp": 355, "fn": 145, "tn": 500, "fp": 0},
    ),
    "ModelF1ScoreLow": (
        "model_f1_score",
        {"tp": 290, "fp": 110, "fn": 110, "tn": 490},
        "72.5%",
        {"tp": 304, "fp": 96, "fn": 96, "tn": 504},
    ),
    "ModelFalsePositiveRateHigh": (
        "false_positive_rate",
        {"fp": 53, "tn": 447, "tp": 500, "fn": 0},
        "10.6%",
        {"fp": 49, "tn": 451, "tp": 500, "fn": 0},
    ),
    "ModelFalseNegativeRateHigh": (
        "false_negative_rate",
        {"fn": 110, "tp": 390, "tn": 500, "fp": 0},
        "22%",
        {"fn": 99, "tp": 401, "tn": 500, "fp": 0},
    ),
}
"""1,000 labels a minute, of which the limits of the spec are: accuracy 0.9, precision 0.8, recall 0.7, F1 score 0.75,
false positive rate 0.1, false negative rate 0.2."""
GAUGES = {
    "ModelAccuracyLow": ("0.88", "0.91"),
    "ModelPrecisionLow": ("0.78", "0.81"),
    "ModelRecallLow": ("0.68", "0.71"),
    "ModelF1ScoreLow": ("0.73", "0.76"),
    "ModelFalsePositiveRateHigh": ("0.12", "0.09"),
    "ModelFalseNegativeRateHigh": ("0.22", "0.19"),
}


def per_minute(counts: dict[str, int], pod: str = P1) -> Series:
    return outcomes(**{name: f"0+{count}x120" for name, count in counts.items()}, pod=pod)


def _mended(bad: dict[str, int], good: dict[str, int]) -> Series:
    """Bad for 40 minutes, then good with so many labels that those count no more."""
    return outcomes(**{name: f"0+{bad[name]}x40 {40 * bad[name]}+{200 * good[name]}x80" for name in bad})


def _share_cases(alert: str) -> list[Case]:
    gauge, bad, says, good = SHARES[alert]
    low, fine = GAUGES[alert]
    states = {0: QUIET, 1: PENDING, 30: PENDING, 31: FIRING, 60: FIRING}
    return [
        Case(alert, "fires", per_minute(bad) | labelled("0+1000x120", "0+2000x120"), states, SPEC, says=says),
        Case(
            alert,
            "does not fire",
            per_minute(good) | labelled("0+1000x120", "0+2000x120"),
            {31: QUIET, 60: QUIET},
            SPEC,
        ),
        Case(
            alert,
            "fires for outcomes alone, of which no coverage is known",
            per_minute(bad),
            {30: PENDING, 31: FIRING},
            SPEC,
        ),
        Case(
            alert,
            "fires for two pods that are right together less often than they should be",
            per_minute(bad) | per_minute(bad, P2),
            {31: FIRING},
            SPEC,
        ),
        Case(
            alert,
            "is held back by too few labels",
            outcomes(**{name: f"0+{count}x1 {count}x119" for name, count in _halved(bad).items()}),
            {31: QUIET, 60: QUIET},
            SPEC,
        ),
        Case(
            alert,
            "is held back until there are enough labels",
            # 25 labels a minute, of which 500 are wanted.
            outcomes(**{name: f"0+{count / 40:g}x120" for name, count in bad.items()}),
            {19: QUIET, 20: PENDING, 49: PENDING, 50: FIRING},
            SPEC,
        ),
        Case(
            alert,
            "is held back by labels of too small a part of the predictions",
            per_minute(bad) | labelled("0+1000x120", "0+4100x120"),
            {31: QUIET, 60: QUIET},
            SPEC,
        ),
        Case(
            alert,
            "fires for labels of just enough of the predictions",
            per_minute(bad) | labelled("0+1000x120", "0+3900x120"),
            {31: FIRING},
            SPEC,
        ),
        Case(alert, "does not fire without labels", outcomes(**dict.fromkeys(bad, "7x120")), {31: QUIET}, SPEC),
        Case(alert, "recovers", _mended(bad, good), {40: FIRING, 70: QUIET}, SPEC),
        Case(
            alert,
            "fires for a server that exposes a gauge only",
            {scraped(gauge): f"{low}x60", scraped(gauge, P2): f"{low}x60"},
            {29: PENDING, 30: FIRING},
            SPEC,
        ),
        Case(
            alert,
            "does not fire for a server that exposes a gauge only",
            {scraped(gauge): f"{fine}x60"},
            {31: QUIET, 60: QUIET},
            SPEC,
        ),
        Case(
            alert,
            "recovers for a server that exposes a gauge only",
            {scraped(gauge): f"{low}x40 {fine}x40"},
            {40: FIRING, 42: QUIET},
            SPEC,
        ),
        Case(
            alert,
            "does not hear a gauge beside outcomes",
            {scraped(gauge): f"{low}x60"} | per_minute(good),
            {31: QUIET, 60: QUIET},
            SPEC,
        ),
        Case(alert, "is off where the spec sets no limit", per_minute(bad), {31: QUIET, 60: QUIET}),
    ]


def _halved(counts: dict[str, int]) -> dict[str, int]:
    """499 labels at most."""
    return {name: count * 499 // 1000 for name, count in counts.items()}


# Two good hours, then one prediction of five is wrong: an hour is below 90 % after half of it, the day would not be for two.
WINDOW = [
    Case(
        "ModelAccuracyLow",
        "fires within a window of its own",
        outcomes(tp="0+1000x120 120800+800x120", fp="0x120 200+200x120"),
        {145: QUIET, 155: PENDING, 190: FIRING},
        "learning by the hour",
        scopes=(ONE,),  # a fleet's window is a day
    ),
]

# 30 minutes, 12.5.
PREDICTION_ERROR_HIGH = [
    Case(
        "ModelPredictionErrorHigh",
        "fires",
        errors("0+1300x120", "0+100x120"),
        {4: QUIET, 5: PENDING, 34: PENDING, 35: FIRING},
        SPEC,
        says="13",
    ),
    Case("ModelPredictionErrorHigh", "does not fire", errors("0+1200x120", "0+100x120"), {36: QUIET, 60: QUIET}, SPEC),
    Case(
        "ModelPredictionErrorHigh",
        "is held back by too few labels",
        errors("0+1300x4 6370x60", "0+100x4 490x60"),
        {36: QUIET, 60: QUIET},
        SPEC,
    ),
    Case(
        "ModelPredictionErrorHigh",
        "is held back by labels of too small a part of the predictions",
        errors("0+1300x120", "0+100x120") | labelled("0+100x120", "0+410x120"),
        {36: QUIET, 60: QUIET},
        SPEC,
    ),
    Case(
        "ModelPredictionErrorHigh",
        "fires for labels of just enough of the predictions",
        errors("0+1300x120", "0+100x120") | labelled("0+100x120", "0+390x120"),
        {36: FIRING},
        SPEC,
    ),
    Case(
        "ModelPredictionErrorHigh",
        "fires for a server that exposes a gauge only",
        {scraped("prediction_error"): "13x60"},
        {29: PENDING, 30: FIRING},
        SPEC,
    ),
    Case(
        "ModelPredictionErrorHigh",
        "does not fire for a server that exposes a gauge only",
        {scraped("prediction_error"): "12x60"},
        {31: QUIET},
        SPEC,
    ),
    Case(
        "ModelPredictionErrorHigh",
        "recovers",
        errors("0+1300x40 52000+20000x40", "0+100x40 4000+20000x40"),
        {40: FIRING, 45: QUIET},
        SPEC,
    ),
]


def _drift_cases(alert: str, beyond: str, within: str) -> list[Case]:
    return [
        Case(
            alert,
            "fires",
            {scraped("model_drift_score"): f"0.1x4 {beyond}x60"},
            {4: QUIET, 5: PENDING, 34: PENDING, 35: FIRING},
            SPEC,
            says=beyond,
        ),
        Case(alert, "does not fire", {scraped("model_drift_score"): f"{within}x60"}, {31: QUIET, 60: QUIET}, SPEC),
        Case(
            alert,
            "fires for the one pod of two whose inputs have moved",
            {scraped("model_drift_score"): f"{within}x60", scraped("model_drift_score", P2): f"{beyond}x60"},
            {30: FIRING},
            SPEC,
        ),
        Case(
            alert, "recovers", {scraped("model_drift_score"): f"{beyond}x40 {within}x20"}, {40: FIRING, 42: QUIET}, SPEC
        ),
        Case(
            alert,
            "is off where the spec does not ask for it",
            {scraped("model_drift_score"): f"{beyond}x60"},
            {31: QUIET},
        ),
    ]


# 1 hour; older than 2 hours.
STALE = [
    Case(
        "ModelStale",
        "fires",
        {scraped("model_last_update_timestamp_seconds"): "-7000+0x120"},
        {3: QUIET, 4: PENDING, 63: PENDING, 64: FIRING},
        SPEC,
        says="3h 0m 40s",
    ),
    Case(
        "ModelStale",
        "does not fire",
        {scraped("model_last_update_timestamp_seconds"): "0x120"},
        {61: QUIET, 120: QUIET},
        SPEC,
    ),
    Case(
        "ModelStale",
        "takes the newest of its pods",
        {
            scraped("model_last_update_timestamp_seconds"): "-10000+0x120",
            scraped("model_last_update_timestamp_seconds", P2): "0x120",
        },
        {61: QUIET, 119: QUIET},
        SPEC,
    ),
    Case(
        "ModelStale",
        "fires for the time at which the spec began to name the version",
        {told("monitored_model_version_since_timestamp_seconds"): "-10000+0x120"},
        {59: PENDING, 60: FIRING},
        SPEC,
    ),
    Case(
        "ModelStale",
        "believes the server rather than the spec",
        {
            told("monitored_model_version_since_timestamp_seconds"): "-10000+0x120",
            scraped("model_last_update_timestamp_seconds"): "0x120",
        },
        {61: QUIET, 119: QUIET},
        SPEC,
    ),
    Case(
        "ModelStale",
        "fires for a server that knows nothing of updates",
        {told("monitored_model_version_since_timestamp_seconds"): "-10000+0x120"},
        {59: PENDING, 60: FIRING},
        "freshness of triton",
    ),
    Case(
        "ModelStale",
        "recovers",
        {scraped("model_last_update_timestamp_seconds"): "-10000+0x70 4200x50"},
        {70: FIRING, 72: QUIET},
        SPEC,
    ),
    Case(
        "ModelStale",
        "is off where the spec does not ask for it",
        {scraped("model_last_update_timestamp_seconds"): "-100000+0x120"},
        {61: QUIET},
    ),
]

CASES = (
    *WINDOW,
    *(case for alert in SHARES for case in _share_cases(alert)),
    *PREDICTION_ERROR_HIGH,
    *_drift_cases("ModelDriftModerate", "0.21", "0.19"),
    *_drift_cases("ModelDriftSevere", "0.41", "0.39"),
    *STALE,
)
