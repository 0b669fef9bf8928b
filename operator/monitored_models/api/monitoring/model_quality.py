"""Thresholds on quality, drift and age of a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    Age,
)

UnitInterval = Annotated[float, Field(ge=0, le=1)]


@spec_type
class Minimum:
    """A lower limit."""

    min: UnitInterval
    """Value below which the alert fires, 0 to 1."""


@spec_type
class Maximum:
    """An upper limit."""

    max: UnitInterval
    """Value above which the alert fires, 0 to 1."""


@spec_type
class MaximumError:
    """An upper limit, in the unit of the predictions."""

    max: Annotated[float, Field(gt=0, le=1e15)]
    """Mean absolute error above which the alert fires, in the unit of the predictions."""


@spec_type
class Quality:
    """Limits of what the model gets right, by labels that come in later. Each limit that is set has an alert of its own."""

    accuracy: Minimum | None = None
    """Share of predictions that are right."""
    precision: Minimum | None = None
    """Share of the positive predictions that are right."""
    recall: Minimum | None = None
    """Share of the positive cases that are found."""
    f1_score: Annotated[Minimum | None, Field(alias="f1Score")] = None
    """Harmonic mean of precision and recall."""
    false_positive_rate: Maximum | None = None
    """Share of the negative cases that are taken for positive."""
    false_negative_rate: Maximum | None = None
    """Share of the positive cases that are missed."""
    prediction_error: MaximumError | None = None
    """Mean absolute error."""
    window: Literal["1h", "6h", "1d", "7d"] = "1d"
    """Time over which labels are counted."""
    minimum_labels: Annotated[int, Field(ge=1, le=1000000000)] = 500
    """Labels within the window below which no quality alert fires: fewer say too little."""
    minimum_coverage: UnitInterval = 0.1
    """Share of the predictions that have got their label, below which no quality alert fires."""


@spec_type
class Drift:
    """Limits of how far the model's inputs may move from what it was trained on; `drift: {}` takes the defaults."""

    warning: Annotated[float, Field(gt=0, le=1000)] = 0.1
    """Drift score from which a warning is given; 0.1 is the custom for the population stability index."""
    critical: Annotated[float, Field(gt=0, le=1000)] = 0.25
    """Drift score that is severe; not below warning."""


@spec_type
class Freshness:
    """How old a model may become."""

    max_age: Age
    """Time since the model's last update after which it counts as stale: 12h, 30d."""
