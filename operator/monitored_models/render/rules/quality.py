"""PromQL of model quality, drift and age, from the metrics of `modelsignals.names`.

Quality is computed from counts of outcomes over the window of `monitoring.quality`, because counts add up over pods and
restarts. If a server exposes only a gauge with the name of the catalogue, the mean over its pods is used.
"""

from __future__ import annotations

from modelsignals import names

from ...api import Model
from ...naming.series import VERSION_SINCE
from .scope import Scope

DEFAULT_WINDOW = "1d"
SHARES = (
    "model_accuracy",
    "model_precision",
    "model_recall",
    "model_f1_score",
    "false_positive_rate",
    "false_negative_rate",
)
"""Catalogue names that are ratios of labelled predictions."""
LITERAL_ERROR = "prediction_error"
UPDATED = "model_update_time"


def window(model: Model) -> str:
    """Return the window over which labels are counted."""
    return model.monitoring.quality.window if model.monitoring.quality else DEFAULT_WINDOW


def _outcomes(span: str, *outcomes: str) -> str:
    wanted = "|".join(outcomes)
    return f'sum(increase({names.OUTCOMES}{{outcome=~"{wanted}"}}[{span}]))'


_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "model_accuracy": (("tp", "tn"), names.OUTCOME),
    "model_precision": (("tp",), ("tp", "fp")),
    "model_recall": (("tp",), ("tp", "fn")),
    "false_positive_rate": (("fp",), ("fp", "tn")),
    "false_negative_rate": (("fn",), ("fn", "tp")),
}
"""Maps each name to the outcomes of its numerator and its denominator."""


def share(name: str, scope: Scope, span: str) -> str:
    """PromQL of one of SHARES, 0 to 1; no value without labels in the window."""
    if name == "model_f1_score":  # 2tp / (2tp + fp + fn)
        twice = f"2 * {_outcomes(span, 'tp')}"
        counted = f"{twice} / (({twice} + {_outcomes(span, 'fp', 'fn')}) > 0)"
    else:
        part, whole = _PARTS[name]
        counted = f"{_outcomes(span, *part)} / ({_outcomes(span, *whole)} > 0)"
    # Use the gauge only if the server counts no outcomes; otherwise an old gauge would hide a count of zero.
    return scope.own(f"({counted}) or (avg({name}) unless {_outcomes(span, *names.OUTCOME)})")


def prediction_error(scope: Scope, span: str) -> str:
    """Mean absolute error, in the unit of the predictions."""
    means = [
        f"sum(increase({histogram}_sum[{span}])) / (sum(increase({histogram}_count[{span}])) > 0)"
        for histogram in (names.PREDICTION_ERROR, LITERAL_ERROR)
    ]
    return scope.own(" or ".join((*means, f"avg({LITERAL_ERROR})")))


def prediction_error_quantile(scope: Scope, span: str, quantile: float) -> str:
    """A quantile of the absolute error."""
    either = [f"sum by (le) (increase({name}_bucket[{span}]))" for name in (names.PREDICTION_ERROR, LITERAL_ERROR)]
    return f"histogram_quantile({quantile}, {scope.own(f'{either[0]} or {either[1]}')})"


def labels_count(scope: Scope, span: str) -> str:
    """Number of labels that arrived within the window."""
    return scope.own(
        f"sum(increase({names.LABELS}[{span}])) or sum(increase({names.OUTCOMES}[{span}])) "
        f"or sum(increase({names.PREDICTION_ERROR}_count[{span}]))"
    )


def labels_coverage(scope: Scope, span: str) -> str:
    """Labels divided by predictions, 0 to 1, both counted over the window."""
    return scope.own(f"sum(increase({names.LABELS}[{span}])) / (sum(increase({names.PREDICTIONS}[{span}])) > 0)")


def drift(scope: Scope) -> str:
    """The highest drift score over all pods."""
    return scope.own(f"max({names.DRIFT})")


def drift_by_feature(scope: Scope) -> str:
    """The highest drift score of each feature, over all pods."""
    return scope.own(f"max by (feature) ({names.FEATURE_DRIFT})")


def updated(scope: Scope, *, instrumented: bool) -> str:
    """Last update as Unix time: as the server reports it, else when the spec first named the current version."""
    own = f"max({names.LAST_UPDATE}) or max({UPDATED}) or " if instrumented else ""
    return scope.own(f"{own}max({VERSION_SINCE})")
