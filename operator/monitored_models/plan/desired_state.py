"""The desired state of a model: parsed, rendered and digested once for each generation, and cached. Pure.

A model is reconciled many times while its pods start, with the same spec each time. Digests are cached for long; the
objects themselves only for as long as it takes to apply them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..api import InvalidSpec, Model, MonitoringProfile, UnmetRequest, parse, parse_profile
from ..api.live_scale import LiveScale
from ..cache.models import ModelSource
from ..cache.profiles import ObservedProfile, ProfileSource
from ..kube import applied_fields as digest
from ..naming import object_names
from ..naming.kinds import CHILDREN, PROMETHEUS_RULE, Kind
from ..render.children import Child, render, render_profile, unavailable, unmet_requests
from ..render.workload.replicas import replicas
from ..settings import Settings

SUMMARY_CACHE = 1024
"""Models whose digests are cached: more than start at the same time."""
OBJECT_CACHE = 128
"""Models whose objects are cached: those that are being applied."""
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
    profile: str | None
    """The MonitoringProfile in effect."""
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


def summarize(model: Model, rendered: Sequence[Child], profile: str | None = None) -> DesiredState:
    """Summary of a rendering. `profile` names the MonitoringProfile that the model was parsed with."""
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
        profile=None if any(note.reason == "ProfileInvalid" for note in model.notes) else profile,
        notes=unmet_requests(model),
        unavailable=tuple(unavailable(model)),
        alertmanager_config=object_names.notifier(model),
    )


def _summaries(rendered: Sequence[Child]) -> tuple[DesiredChild, ...]:
    return tuple(DesiredChild(*identity(child), digest.digest_rendered(child)) for child in rendered)


def identity(child: Child) -> tuple[Kind, str]:
    """Kind and name of a rendered child."""
    return _KINDS[child["kind"]], child["metadata"]["name"]


class Renderer:
    """Parses and renders models, and caches the latest results: the same input always has the same result."""

    def __init__(self, settings: Settings) -> None:
        platform = settings.platform

        def parsed(source: ModelSource, shared: ProfileSource | None) -> Model | InvalidSpec:
            return parse(source.body(), platform, shared.shared() if shared else None)

        def rendered(
            source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None
        ) -> tuple[Model, list[Child]]:
            model = self.parse(source, shared)
            assert isinstance(model, Model)
            return model, render(model, settings, replicas(model, scale))

        def wanted(source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None) -> DesiredState:
            return summarize(*self._rendered(source, shared, scale), shared.name if shared else None)

        def of_profile(
            source: ProfileSource, namespace: str, uid: str
        ) -> tuple[DesiredProfileState, list[Child]] | InvalidSpec:
            monitoring = parse_profile(source.shared().spec)
            if isinstance(monitoring, InvalidSpec):
                return monitoring
            made = render_profile(MonitoringProfile(namespace, source.name, uid, monitoring), settings)
            return DesiredProfileState(source.name, uid, _summaries(made)), made

        self._of_profile = lru_cache(OBJECT_CACHE)(of_profile)
        self._parsed = lru_cache(SUMMARY_CACHE)(parsed)
        self._rendered = lru_cache(OBJECT_CACHE)(rendered)
        self._wanted = lru_cache(SUMMARY_CACHE)(wanted)

    def parse(self, source: ModelSource, shared: ProfileSource | None) -> Model | InvalidSpec:
        """The model merged with its profile, or the problems of its spec."""
        return self._parsed(source, shared)

    def desired_state(self, source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None) -> DesiredState:
        """Desired state of a valid model. Raises ValueError for a text that validation should have rejected."""
        return self._wanted(source, shared, scale)

    def objects(
        self, source: ModelSource, shared: ProfileSource | None, scale: LiveScale | None
    ) -> dict[tuple[Kind, str], Child]:
        """The rendered objects, by kind and name."""
        return {identity(child): child for child in self._rendered(source, shared, scale)[1]}

    def profile(self, seen: ObservedProfile) -> tuple[DesiredProfileState, dict[tuple[Kind, str], Child]] | InvalidSpec:
        """Desired state of a MonitoringProfile with its rendered objects, or the problems of its spec."""
        made = self._of_profile(seen.source, seen.namespace, seen.uid)
        if isinstance(made, InvalidSpec):
            return made
        return made[0], {identity(child): child for child in made[1]}
