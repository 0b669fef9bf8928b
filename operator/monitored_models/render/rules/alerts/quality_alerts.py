"""Alerts on model quality, drift of the inputs and freshness."""

from __future__ import annotations

from collections.abc import Callable

from ....api import Model
from .. import thresholds
from ..catalogue import DRIFT, LABELS_COUNT, LABELS_COVERAGE, PREFIX, UPDATE_TIME, Context, recorded
from .alert import MODEL_TEMPLATE, Alert


def _gated(comparison: str, c: Context) -> str:
    """Suppress a comparison while there are too few labels or too few predictions have a label."""
    few = f"{recorded(LABELS_COUNT, c.scope)} < {c.scope.limit('labels')}"
    partial = f"{recorded(LABELS_COVERAGE, c.scope)} < {c.scope.limit('coverage')}"
    return f"{comparison} unless ({few}) unless ({partial})"


def _quality(name: str, series: str, field: str, text: str, *, unit: str = "ratio") -> Alert:
    low = thresholds.QUALITY[field] == "min"

    def expression(c: Context) -> str | None:
        if not c.server.profile.instrumented:
            return None
        return _gated(f"{recorded(PREFIX + series, c.scope)} {'<' if low else '>'} {c.scope.limit(field)}", c)

    value = "humanizePercentage" if unit == "ratio" else 'printf "%.4g"'  # humanize formats 0.5 as 500m
    return Alert(
        name=name,
        signal="quality",
        for_="30m",
        severity="warning",
        summary=f"The {text} of a model is too {'low' if low else 'high'}.",
        description=f"The {text} of {MODEL_TEMPLATE} is {{{{ $value | {value} }}}}; the limit is {{limit}}.",
        rationale="The model answers, and its answers are wrong more often than was agreed.",
        expression=expression,
        limit=field,
        unit=unit,
        applies=_requests(field),
    )


def _requests(field: str) -> Callable[[Model], bool]:
    return lambda model: getattr(model.monitoring.quality, field, None) is not None


def _drift(limit: str) -> Callable[[Context], str | None]:
    def expression(c: Context) -> str | None:
        return f"{recorded(DRIFT, c.scope)} > {c.scope.limit(limit)}" if c.server.profile.instrumented else None

    return expression


def _stale(c: Context) -> str:
    return f"time() - {recorded(UPDATE_TIME, c.scope)} > {c.scope.limit('age')}"


def _requests_drift(model: Model) -> bool:
    return model.monitoring.drift is not None


def _requests_freshness(model: Model) -> bool:
    return model.monitoring.freshness is not None


QUALITY = (
    _quality("ModelAccuracyLow", "model_accuracy", "accuracy", "accuracy"),
    _quality("ModelPrecisionLow", "model_precision", "precision", "precision"),
    _quality("ModelRecallLow", "model_recall", "recall", "recall"),
    _quality("ModelF1ScoreLow", "model_f1_score", "f1_score", "F1 score"),
    _quality("ModelFalsePositiveRateHigh", "false_positive_rate", "false_positive_rate", "false positive rate"),
    _quality("ModelFalseNegativeRateHigh", "false_negative_rate", "false_negative_rate", "false negative rate"),
    _quality("ModelPredictionErrorHigh", "prediction_error", "prediction_error", "mean absolute error", unit=""),
    Alert(
        name="ModelDriftModerate",
        signal="drift",
        for_="30m",
        severity="warning",
        summary="The inputs of a model have moved.",
        description=f'The drift score of {MODEL_TEMPLATE} is {{{{ $value | printf "%.2f" }}}}; from {{limit}} on its inputs differ from what '
        "it was trained on.",
        rationale="Quality falls later, and labels that would show it come later still.",
        expression=_drift("drift_warning"),
        limit="drift_warning",
        applies=_requests_drift,
    ),
    Alert(
        name="ModelDriftSevere",
        signal="drift",
        for_="30m",
        severity="critical",
        summary="The inputs of a model are not those that it was trained on.",
        description=f'The drift score of {MODEL_TEMPLATE} is {{{{ $value | printf "%.2f" }}}}; from {{limit}} on its answers are guesses.',
        rationale="Most often an upstream change: a unit, a missing field. Each hour makes decisions on it.",
        expression=_drift("drift_critical"),
        limit="drift_critical",
        applies=_requests_drift,
    ),
    Alert(
        name="ModelStale",
        signal="freshness",
        for_="1h",
        severity="warning",
        summary="A model is older than it may be.",
        description=f"The last update of {MODEL_TEMPLATE} was {{{{ $value | humanizeDuration }}}} ago; the limit is {{limit}}.",
        rationale="A pipeline that fails to retrain fails silently.",
        expression=_stale,
        limit="age",
        unit="seconds",
        applies=_requests_freshness,
    ),
)
