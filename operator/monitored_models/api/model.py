"""A parsed MonitoredModel, a parsed MonitoringProfile, and what may be wrong with either."""

from __future__ import annotations

from dataclasses import dataclass

from ..runtimes import RuntimeProfile
from .fields import seconds
from .monitoring import Monitoring, ProfileMonitoring
from .spec import Spec

GROUP, VERSION, KIND, PLURAL = "monitoredmodels.dev", "v1alpha1", "MonitoredModel", "monitoredmodels"


PROFILE_KIND, PROFILE_PLURAL = "MonitoringProfile", "monitoringprofiles"


API_VERSION = f"{GROUP}/{VERSION}"


RESTARTED_AT = f"{GROUP}/restarted-at"
"""Annotation of a MonitoredModel, and of its pods: a new time in it replaces all pods, as a rollout does."""


class UnmetReason:
    """Reasons that the parser finds. `naming/conditions.py` has all reasons."""

    PROFILE_NOT_FOUND = "ProfileNotFound"
    PROFILE_INVALID = "ProfileInvalid"
    DEFAULTS_INVALID = "DefaultsInvalid"


@dataclass(frozen=True)
class UnmetRequest:
    """Something asked of the monitoring that cannot be had, while everything else is: a reason and a message."""

    reason: str
    message: str


@dataclass(frozen=True)
class Model:
    """A valid MonitoredModel: identity, spec, and the profile of its runtime."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: Spec
    """As it was written."""
    monitoring: Monitoring
    """How it is watched in the end: the operator's defaults and a MonitoringProfile laid under `spec.monitoring`."""
    runtime: RuntimeProfile
    restarted_at: str | None = None
    """When someone last restarted it, by annotation."""
    notes: tuple[UnmetRequest, ...] = ()
    """What could not be inherited."""
    monitoring_profile: str | None = None
    """Name of the MonitoringProfile that counts."""

    @property
    def port(self) -> int:
        """The serving port."""
        return self.spec.port or self.runtime.port

    @property
    def metrics_port(self) -> int:
        """The port of the metrics; the serving port where the runtime has none of its own."""
        return self.monitoring.scrape.port or self.runtime.metrics_port or self.port

    @property
    def scrape_interval(self) -> str:
        """Time between two scrapes."""
        return scrape_interval(self.monitoring)

    @property
    def scrape_timeout(self) -> str:
        """Time after which a scrape is given up."""
        given, interval = self.monitoring.scrape.timeout, self.scrape_interval
        return given or min("10s", interval, key=seconds)

    @property
    def display_name(self) -> str:
        """The name for people."""
        return self.spec.model.name or self.name

    @property
    def fixed_replicas(self) -> int | None:
        """The number of replicas that the operator decides, or None where an autoscaler does."""
        if self.spec.suspend:
            return 0
        if self.spec.autoscaling is not None:
            return None
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def minimum_replicas(self) -> int:
        """The replicas that must at least be there."""
        if self.fixed_replicas is not None:
            return self.fixed_replicas
        assert self.spec.autoscaling is not None
        return self.spec.autoscaling.min_replicas


@dataclass(frozen=True)
class MonitoringProfile:
    """A valid MonitoringProfile."""

    namespace: str
    name: str
    uid: str
    monitoring: ProfileMonitoring


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec: where, and what to do."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True)
class InvalidSpec:
    """A MonitoredModel that cannot be understood."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "; ".join(str(problem) for problem in self.problems)


def scrape_interval(monitoring: Monitoring) -> str:
    """Time between two scrapes."""
    return monitoring.scrape.interval or "30s"
