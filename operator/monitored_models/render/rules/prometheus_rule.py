"""The PrometheusRule of a model."""

from __future__ import annotations

from ...api import Model
from ...naming import object_names
from ...naming.kinds import PROMETHEUS_RULE
from ...settings import Settings
from ..workload.object_meta import Child, child
from . import model_rules
from .writers import prometheus_operator


def make_prometheus_rule(model: Model, settings: Settings) -> Child | None:
    """Return the PrometheusRule, or None if the model has no rules."""
    groups = model_rules.groups(model, settings)
    if not groups:
        return None
    return child(
        model,
        PROMETHEUS_RULE,
        object_names.workload(model),
        extra_labels=settings.prometheus_rule_labels,
        spec={"groups": prometheus_operator.write_groups(groups)},
    )
