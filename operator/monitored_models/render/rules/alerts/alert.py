"""What an alert is."""

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
"""The model, in a template of Prometheus."""


def always(_model: Model) -> bool:
    """For alerts that every model has."""
    return True


@dataclass(frozen=True)
class Alert:
    """One alert: its name in `monitoring.alerts.rules`, its defaults, and how to say it."""

    name: str
    signal: str
    """What it is about; a critical alert silences a warning of the same model and signal."""
    for_: str
    severity: str
    summary: str
    description: str
    """Template of Prometheus; {limit} and {wanted} are filled in when the rule is made."""
    rationale: str
    """Why it is worth someone's attention: for the documentation."""
    expression: Callable[[Context], str | None]
    """None where the server does not give what it takes."""
    limit: str | None = None
    """Name of the limit that it compares with."""
    unit: str = ""
    """Of the limit: ratio, seconds or nothing."""
    applies: Callable[[Model], bool] = always
    """Whether a spec asks for it."""
    on_by_default: Callable[[Model], bool] = always
    """Whether it is on where a spec does not say."""
    by_runtime: bool = False
    """Whether its expression is another for each runtime."""


@dataclass(frozen=True)
class ObjectiveAlert:
    """An alert that a model has once for each of its objectives."""

    name: str
    for_: str
    severity: str
    summary: str
    description: str
    """Template of Prometheus; {objective} and {window} are filled in when the rule is made."""
    rationale: str
    expression: Callable[[Context, str, tuple[Matcher, ...]], str]
    """Of the budget, as a number or as a series to join with, and matchers of the objective."""


def counted_objectives(model: Model) -> list[Slo]:
    """Objectives that have rules: one that a server cannot count has none, and takes the place of no alert."""
    known, scope = server(model), ModelScope(model)
    return [slo for slo in model.monitoring.slos if slos.events(known, slo, scope)]
