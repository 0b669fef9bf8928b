"""What the operator shows of itself, in one hand: filled by whoever does the work, read by `web`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.step_timer import Steps
from .api_client_metrics import WatchAgeCollector
from .health import Health
from .heartbeat import Heartbeat
from .model_metrics import ModelMetrics
from .operator_metrics import LongestStepCollector, Metrics


@dataclass(frozen=True)
class Telemetry:
    """One process's figures, streams, series of models, and state of health."""

    metrics: Metrics = field(default_factory=Metrics)
    watches: WatchAgeCollector = field(default_factory=WatchAgeCollector)
    steps: Steps = field(default_factory=Steps)
    series: ModelMetrics = field(default_factory=ModelMetrics)
    health: Health = field(default_factory=Health)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def __post_init__(self) -> None:
        self.metrics.registry.register(self.watches)
        self.metrics.registry.register(LongestStepCollector(self.steps))

    def ready(self) -> dict[str, str]:
        """Checks of readiness by name: what is wrong, or nothing where all is well."""
        return self.health.checks(self.watches.age(), self.steps.longest())

    def reset(self) -> None:
        """Start anew with nothing seen and nothing opened."""
        self.watches.clear()
        self.series.clear()
        self.health.synced = False
