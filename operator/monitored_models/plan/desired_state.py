"""What a model should have: parsed, rendered and digested once for each generation, and remembered. Pure.

A model is reconciled many times while its pods start, and its spec is the same each time. What is kept for long are
digests; the objects themselves only for as long as it takes to apply them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..api import InvalidSpec, Model, MonitoringProfile, Note, parse, read_shared
from ..api.live_scale import LiveScale
from ..cache.cluster_cache import Source
from ..cache.profiles import ObservedProfile, SharedSource
from ..kube import applied_fields as digest
from ..naming import object_names
from ..naming.kinds import CHILDREN, PROMETHEUS_RULE, Kind
from ..render.children import Child, notes, render, render_profile, unavailable
from ..render.workload.replicas import replicas
from ..settings import Settings

REMEMBERED = 1024
"""Models whose digests are kept: more than start at the same time."""
AT_HAND = 128
"""Models whose objects are kept: those that are being applied."""
_KINDS = {kind.name: kind for kind in CHILDREN}


@dataclass(frozen=True)
class WantedChild:
    """A child that should exist, in brief."""

    kind: Kind
    name: str
    digest: str


@dataclass(frozen=True)
class Wanted:
    """All that should exist for a model, in brief."""

    model: Model
    children: tuple[WantedChild, ...]
    rules: int
    """Rules and alerts in its PrometheusRule."""
    profile: str | None
    """The MonitoringProfile that counts."""
    notes: tuple[Note, ...]
    """What is asked of the monitoring and cannot be had."""
    unavailable: tuple[str, ...]
    """Metrics of the catalogue that a server of its runtime cannot give."""
    notifier: str | None = None
    """The AlertmanagerConfig by which someone is told of its alerts: a child of its own, or its profile's."""


@dataclass(frozen=True)
class WantedOfProfile:
    """All that should exist for a MonitoringProfile by itself, in brief."""

    name: str
    uid: str
    children: tuple[WantedChild, ...]


def in_brief(model: Model, rendered: Sequence[Child], profile: str | None = None) -> Wanted:
    """What is kept of a rendering. `profile` names the MonitoringProfile that the model was parsed with."""
    rules = sum(
        len(group["rules"])
        for child in rendered
        if child["kind"] == PROMETHEUS_RULE.name
        for group in child["spec"]["groups"]
    )
    return Wanted(
        model=model,
        children=_in_brief(rendered),
        rules=rules,
        profile=None if any(note.reason == "ProfileInvalid" for note in model.notes) else profile,
        notes=notes(model),
        unavailable=tuple(unavailable(model)),
        notifier=object_names.notifier(model),
    )


def _in_brief(rendered: Sequence[Child]) -> tuple[WantedChild, ...]:
    return tuple(WantedChild(*identity(child), digest.of_rendering(child)) for child in rendered)


def identity(child: Child) -> tuple[Kind, str]:
    """Kind and name of a rendered child."""
    return _KINDS[child["kind"]], child["metadata"]["name"]


class Renderer:
    """Parses and renders models, and remembers the latest results: the same input always gives the same."""

    def __init__(self, settings: Settings) -> None:
        platform = settings.platform

        def parsed(source: Source, shared: SharedSource | None) -> Model | InvalidSpec:
            return parse(source.body(), platform, shared.shared() if shared else None)

        def rendered(source: Source, shared: SharedSource | None, scale: LiveScale | None) -> tuple[Model, list[Child]]:
            model = self.parse(source, shared)
            assert isinstance(model, Model)
            return model, render(model, settings, replicas(model, scale))

        def wanted(source: Source, shared: SharedSource | None, scale: LiveScale | None) -> Wanted:
            return in_brief(*self._rendered(source, shared, scale), shared.name if shared else None)

        def of_profile(
            source: SharedSource, namespace: str, uid: str
        ) -> tuple[WantedOfProfile, list[Child]] | InvalidSpec:
            monitoring = read_shared(source.shared().spec)
            if isinstance(monitoring, InvalidSpec):
                return monitoring
            made = render_profile(MonitoringProfile(namespace, source.name, uid, monitoring), settings)
            return WantedOfProfile(source.name, uid, _in_brief(made)), made

        self._of_profile = lru_cache(AT_HAND)(of_profile)
        self._parsed = lru_cache(REMEMBERED)(parsed)
        self._rendered = lru_cache(AT_HAND)(rendered)
        self._wanted = lru_cache(REMEMBERED)(wanted)

    def parse(self, source: Source, shared: SharedSource | None) -> Model | InvalidSpec:
        """The model with what it inherits from its profile, or what is wrong with its spec."""
        return self._parsed(source, shared)

    def wanted(self, source: Source, shared: SharedSource | None, scale: LiveScale | None) -> Wanted:
        """What a model should have that could be parsed. Raises ValueError for a text that a rule should have refused."""
        return self._wanted(source, shared, scale)

    def objects(
        self, source: Source, shared: SharedSource | None, scale: LiveScale | None
    ) -> dict[tuple[Kind, str], Child]:
        """The objects themselves, by kind and name."""
        return {identity(child): child for child in self._rendered(source, shared, scale)[1]}

    def profile(self, seen: ObservedProfile) -> tuple[WantedOfProfile, dict[tuple[Kind, str], Child]] | InvalidSpec:
        """What a MonitoringProfile should have, and the objects themselves; or what is wrong with it."""
        made = self._of_profile(seen.source, seen.namespace, seen.uid)
        if isinstance(made, InvalidSpec):
            return made
        return made[0], {identity(child): child for child in made[1]}
