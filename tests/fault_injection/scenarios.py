"""What a user does while something fails: each scenario is a state to begin with and the actions that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitored_models.naming.kinds import MODEL
from operator_testbed import Bed, model

NAME = "churn"
BASE: Mapping[str, Any] = {"model": {"version": "1"}}
ON_REQUEST: Mapping[str, Any] = {
    "resources": {"requests": {"cpu": "100m"}},
    "replicas": 2,
    "disruptionBudget": {"minAvailable": 1},
    "networkPolicy": {},
}
Act = Callable[[Bed, str], None]


@dataclass(frozen=True)
class Scenario:
    """A model before, what is done to it, and how often the operator writes for that at least."""

    before: Mapping[str, Any] | None
    act: Act
    writes: int
    """Children and one status: the places where a fault is tried."""
    exists: bool = True
    """Whether there is a model in the end."""


def spec(**changes: Any) -> Act:
    """Write the model with these fields."""

    def act(bed: Bed, namespace: str) -> None:
        bed.apply(model(NAME, namespace, **{**BASE, **changes}))

    return act


def delete(bed: Bed, namespace: str) -> None:
    """Delete the model."""
    bed.delete(MODEL, namespace, NAME)


def recreate(bed: Bed, namespace: str) -> None:
    """Delete the model, and write another of the same name before anyone has noticed."""
    delete(bed, namespace)
    spec(env=[{"name": "SECOND", "value": "yes"}])(bed, namespace)


SCENARIOS = {
    "create": Scenario(None, spec(), 6),
    "create-all": Scenario(None, spec(**ON_REQUEST), 8),
    "update-deployment": Scenario(BASE, spec(env=[{"name": "MODE", "value": "fast"}]), 2),
    "update-service": Scenario(BASE, spec(port=9000), 3),
    "update-servicemonitor": Scenario(BASE, spec(monitoring={"scrape": {"interval": "2m"}}), 2),
    "update-rules": Scenario(
        BASE, spec(monitoring={"alerts": {"rules": {"ModelErrorRatioHigh": {"threshold": 0.2}}}}), 2
    ),
    "update-dashboard": Scenario(BASE, spec(monitoring={"dashboard": {"folder": "Risk"}}), 1),
    "update-budget": Scenario(
        {**BASE, **ON_REQUEST}, spec(**{**ON_REQUEST, "disruptionBudget": {"maxUnavailable": 1}}), 2
    ),
    "features-on": Scenario(BASE, spec(**ON_REQUEST), 4),
    "features-off": Scenario({**BASE, **ON_REQUEST}, spec(), 4),
    "scrape-off": Scenario(BASE, spec(monitoring={"scrape": {"enabled": False}}), 2),
    "delete": Scenario(BASE, delete, 0, exists=False),
    "recreate": Scenario(BASE, recreate, 6),
}
