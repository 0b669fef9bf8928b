"""Parses and renders each generation of an owner once, and caches the latest results. Pure: equal input, equal result.

A model is reconciled many times while its pods start, with the same spec each time. Digests are cached for long; the
objects themselves only for as long as it takes to apply them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..api import InvalidSpec, Model, MonitoringProfile, Problem, parse, parse_profile
from ..api.live_scale import LiveScale
from ..cache.models import ModelSource
from ..cache.profiles import ObservedProfile, ProfileSource
from ..naming.kinds import Kind
from ..render.children import Child, render, render_profile
from ..render.workload.replicas import replicas
from ..settings import NO_LABELS, FoundLabels, Settings
from .desired_state import DesiredProfileState, DesiredState, identity, summarize, summarize_profile

SUMMARY_CACHE = 1024
"""Models whose digests are cached: more than start at the same time."""
OBJECT_CACHE = 128
"""Models whose objects are cached: those that are being applied."""

Objects = Mapping[tuple[Kind, str], Child]
"""Rendered objects by kind and name."""


@dataclass(frozen=True)
class RenderInput:
    """Everything besides the settings that decides what is rendered for a model."""

    source: ModelSource
    monitoring_profile: ProfileSource | None = None
    """The MonitoringProfile that applies; None if it does not exist."""
    scale: LiveScale | None = None
    """The replica count of the live Deployment; None if there is no Deployment."""
    labels: FoundLabels = NO_LABELS
    """Labels that the selectors in the cluster require."""

    @property
    def size(self) -> int:
        """Bytes of JSON to parse."""
        return len(self.source.spec) + (len(self.monitoring_profile.spec) if self.monitoring_profile else 0)


class RenderCache:
    """Desired states and rendered objects by their input. Other threads may use it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._settings_with = lru_cache(OBJECT_CACHE)(settings.with_found)
        self._parsed = lru_cache(SUMMARY_CACHE)(self._parse)
        self._rendered = lru_cache(OBJECT_CACHE)(self._render)
        self._summarized = lru_cache(SUMMARY_CACHE)(self._summarize)
        self._of_profiles = lru_cache(OBJECT_CACHE)(self._render_profile)

    def desired_state(self, inputs: RenderInput) -> DesiredState | InvalidSpec:
        """The desired state of a model, or the problems of its spec."""
        return self._summarized(inputs)

    def objects(self, inputs: RenderInput) -> Objects:
        """The rendered objects of a valid model; rendered again if they are no longer cached."""
        return self._rendered(inputs)

    def profile(
        self, observed: ObservedProfile, labels: FoundLabels = NO_LABELS
    ) -> tuple[DesiredProfileState, Objects] | InvalidSpec:
        """Desired state and rendered objects of a MonitoringProfile, or the problems of its spec."""
        return self._of_profiles(observed.source, observed.namespace, observed.uid, labels)

    def _parse(self, source: ModelSource, monitoring_profile: ProfileSource | None) -> Model | InvalidSpec:
        shared = monitoring_profile.profile_spec() if monitoring_profile else None
        return parse(source.body(), self._settings.platform, shared)

    def _render(self, inputs: RenderInput) -> Objects:
        model = self._parsed(inputs.source, inputs.monitoring_profile)
        assert isinstance(model, Model)
        settings = self._settings_with(inputs.labels)
        return {identity(child): child for child in render(model, settings, replicas(model, inputs.scale))}

    def _summarize(self, inputs: RenderInput) -> DesiredState | InvalidSpec:
        model = self._parsed(inputs.source, inputs.monitoring_profile)
        if isinstance(model, InvalidSpec):
            return model
        try:
            return summarize(model, self._rendered(inputs).values())
        except ValueError as error:  # a text that validation should have rejected
            return InvalidSpec((Problem("spec", str(error)),))

    def _render_profile(
        self, source: ProfileSource, namespace: str, uid: str, labels: FoundLabels
    ) -> tuple[DesiredProfileState, Objects] | InvalidSpec:
        monitoring = parse_profile(source.profile_spec().spec)
        if isinstance(monitoring, InvalidSpec):
            return monitoring
        profile = MonitoringProfile(namespace, source.name, uid, monitoring)
        objects = {identity(child): child for child in render_profile(profile, self._settings_with(labels))}
        return summarize_profile(profile, objects.values()), objects
