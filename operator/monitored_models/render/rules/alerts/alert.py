"""Types of alert definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....api import Model
from ....api.monitoring import Slo
from .. import slos
from ..catalogue import Context
from ..promql import Matcher
from ..scope import ModelScope
from ..signals import server

MODEL_TEMPLATE = "{{ $labels.namespace }}/{{ $labels.monitored_model }}"
"""The model, in a Prometheus template."""


def always(_model: Model) -> bool:
    """Return True: the default for alerts that apply to every model."""
    return True


@dataclass(frozen=True)
class Alert:
    """Definition of an alert: its name in `monitoring.alerts.rules`, its defaults and its texts."""

    name: str
    signal: str
    """Label `signal`. A critical alert inhibits warnings of the same model and signal."""
    for_: str
    severity: str
    summary: str
    description: str
    """Prometheus template. {limit} and {wanted} are replaced when the rule is rendered."""
    rationale: str
    """Why the alert needs attention, for the documentation."""
    expression: Callable[[Context], str | None]
    """PromQL, or None if the server does not expose the required metrics."""
    limit: str | None = None
    """Name of the threshold in `thresholds`, if any."""
    unit: str = ""
    """Unit of the threshold: ratio, seconds or empty."""
    applies: Callable[[Model], bool] = always
    """Whether the alert applies to a model's spec."""
    on_by_default: Callable[[Model], bool] = always
    """Whether the alert is enabled if the spec does not set it."""
    by_runtime: bool = False
    """Whether the expression depends on the runtime."""


@dataclass(frozen=True)
class ObjectiveAlert:
    """Definition of an alert that a model has once per objective."""

    name: str
    for_: str
    severity: str
    summary: str
    description: str
    """Prometheus template. {budget} and {window} are replaced when the rule is rendered."""
    rationale: str
    expression: Callable[[Context, str, tuple[Matcher, ...]], str]
    """Builds PromQL from the context, the budget (a number or a series to join) and the matchers of the objective."""


def counted_objectives(model: Model) -> list[Slo]:
    """Return the objectives that have rules. One that the server cannot count has none and replaces no alert."""
    known, scope = server(model), ModelScope(model)
    return [slo for slo in model.monitoring.slos if slos.events(known, slo, scope)]
