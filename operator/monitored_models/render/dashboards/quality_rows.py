"""Row on model quality, drift and age. It contains only what the spec configures.

Otherwise it would have empty panels: the runtime profile states what a server can expose, not whether it does.
"""

from __future__ import annotations

from ..rules.catalogue import DRIFT, LABELS_COUNT, LABELS_COVERAGE, PREFIX, UPDATE_TIME
from ..rules.quality import SHARES
from . import panels
from .panel_source import PanelSource
from .panels import Panel, Query, Row


def learning(s: PanelSource) -> Row:
    """Row with quality, drift and age."""
    return Row("Quality and drift", (*_quality(s), *_drift(s), *_age(s)))


def _quality(s: PanelSource) -> list[Panel]:
    asked, found = s.model.monitoring.quality, []
    if asked is None:
        return []
    by_labels = f"By the labels of the last {s.context.span}."
    shares = s.series(**{name: f"{PREFIX}{name}" for name in SHARES})
    if shares and not _is_regression(s):
        found.append(panels.lines("Quality", by_labels, shares, unit="percentunit"))
    error = s.series(mean=f"{PREFIX}prediction_error", p95=f"{PREFIX}prediction_error:p95")
    if error and asked.prediction_error:
        about = f"Absolute error. {by_labels}" + s.threshold_note("ModelPredictionErrorHigh")
        limit = s.limit("ModelPredictionErrorHigh")
        found.append(panels.lines("Prediction error", about, error, unit="short", red_from=limit))
    if coverage := s.series(share_of_the_predictions=LABELS_COVERAGE):
        about = f"Share of the predictions of the last {s.context.span} that have got their label."
        found.append(panels.lines("Labels", about, coverage, unit="percentunit"))
    if count := s.series(labels=LABELS_COUNT):
        about = f"Labels of the last {s.context.span}. Alerts on quality wait for {asked.minimum_labels}."
        found.append(panels.lines("Labels that came in", about, count, unit="short"))
    return found


def _is_regression(s: PanelSource) -> bool:
    """Whether the spec sets a threshold for the prediction error only."""
    asked = s.model.monitoring.quality
    shares = ("accuracy", "precision", "recall", "f1_score", "false_positive_rate", "false_negative_rate")
    return bool(asked and asked.prediction_error and not any(getattr(asked, share) for share in shares))


def _drift(s: PanelSource) -> list[Panel]:
    score = s.series(score=DRIFT)
    if s.model.monitoring.drift is None or not score:
        return []
    orange, red = s.limit("ModelDriftModerate"), s.limit("ModelDriftSevere")
    about = s.threshold_note("ModelDriftModerate", "Orange") + s.threshold_note("ModelDriftSevere")
    found = [
        panels.lines(
            "Drift",
            f"How far inputs have moved, by the feature that moved most.{about}",
            score,
            unit="short",
            orange_from=orange,
            red_from=red,
        )
    ]
    for query in s.series(feature=f"{DRIFT}:feature").values():
        colors = panels.steps(orange_from=orange, red_from=red)
        text = f"How far each feature has moved, now.{about}"
        by_feature = Query(f"sort_desc(topk(20, {query}))", "{{feature}}")
        found.append(panels.bars("Drift by feature", text, by_feature, unit="short", colors=colors))
    return found


def _age(s: PanelSource) -> list[Panel]:
    updated = s.series(age=UPDATE_TIME)
    if s.model.monitoring.freshness is None or not updated:
        return []
    queries = {legend: f"time() - {query}" for legend, query in updated.items()}
    about = "Time since the model was last updated." + s.threshold_note("ModelStale")
    return [panels.lines("Age", about, queries, unit="s", red_from=s.limit("ModelStale"))]
