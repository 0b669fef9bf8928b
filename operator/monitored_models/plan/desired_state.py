"""The desired state of a model or a MonitoringProfile: its rendered children, as digests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..api import Model, MonitoringProfile, UnmetRequest
from ..kube import applied_fields
from ..naming import object_names
from ..naming.kinds import CHILDREN, PROMETHEUS_RULE, Kind
from ..render.children import Child, unavailable, unmet_requests

_KINDS = {kind.name: kind for kind in CHILDREN}


@dataclass(frozen=True)
class DesiredChild:
    """Summary of a child that should exist."""

    kind: Kind
    name: str
    digest: str


@dataclass(frozen=True)
class DesiredState:
    """Summary of everything that should exist for a model."""

    model: Model
    children: tuple[DesiredChild, ...]
    rules: int
    """Number of recording rules and alerts in its PrometheusRule."""
    notes: tuple[UnmetRequest, ...]
    """Requested monitoring that is unavailable."""
    unavailable: tuple[str, ...]
    """Metrics of the catalogue that a server of its runtime does not expose."""
    alertmanager_config: str | None = None
    """The AlertmanagerConfig that notifies about its alerts: a child of its own, or its profile's."""


@dataclass(frozen=True)
class DesiredProfileState:
    """Summary of everything that should exist for a MonitoringProfile itself."""

    name: str
    uid: str
    children: tuple[DesiredChild, ...]


def summarize(model: Model, rendered: Iterable[Child]) -> DesiredState:
    """The desired state of a model, from its rendered children."""
    rendered = tuple(rendered)
    rules = sum(
        len(group["rules"])
        for child in rendered
        if child["kind"] == PROMETHEUS_RULE.name
        for group in child["spec"]["groups"]
    )
    return DesiredState(
        model=model,
        children=_summaries(rendered),
        rules=rules,
        notes=unmet_requests(model),
        unavailable=tuple(unavailable(model)),
        alertmanager_config=object_names.notifier(model),
    )


def summarize_profile(profile: MonitoringProfile, rendered: Iterable[Child]) -> DesiredProfileState:
    """The desired state of a MonitoringProfile, from its rendered children."""
    return DesiredProfileState(profile.name, profile.uid, _summaries(tuple(rendered)))


def _summaries(rendered: Sequence[Child]) -> tuple[DesiredChild, ...]:
    return tuple(DesiredChild(*identity(child), applied_fields.digest_rendered(child)) for child in rendered)


def identity(child: Child) -> tuple[Kind, str]:
    """Kind and name of a rendered child."""
    return _KINDS[child["kind"]], child["metadata"]["name"]
