"""The rules of every fixture's model, in both scopes."""

from __future__ import annotations

from monitored_models.render.children import render
from monitored_models.render.rules import fleet
from monitored_models.render.rules.writers import prometheus_operator
from monitored_models.runtimes import builtin_runtimes
from monitored_models.settings import Settings
from signals import replay
from signals.replay import fixtures
from testbed.prometheus import Group

FIXTURES = fixtures()
ONE_MODEL, FLEET = SCOPES = ("one model", "fleet")


def groups_of(scope: str) -> list[Group]:
    """The groups of a fleet, or of each model's PrometheusRule."""
    if scope == FLEET:
        return prometheus_operator.write_groups(fleet.groups(builtin_runtimes(), Settings()))
    children = (child for fixture in FIXTURES for child in render(fixture.model, Settings(), replay.PODS))
    return [group for child in children if child["kind"] == "PrometheusRule" for group in child["spec"]["groups"]]
