"""The telemetry of one process: written by the components that do the work, read by `http_server`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.step_timer import Steps
from .api_client_metrics import WatchAgeCollector
from .heartbeat import Heartbeat
from .model_metrics import ModelMetrics
from .operator_metrics import LongestStepCollector, Metrics, SelectorCollector
from .readiness import Health


@dataclass(frozen=True)
class Telemetry:
    """Metrics, watch ages, selectors, step times, model series, health and heartbeat of one process."""

    metrics: Metrics = field(default_factory=Metrics)
    watches: WatchAgeCollector = field(default_factory=WatchAgeCollector)
    selectors: SelectorCollector = field(default_factory=SelectorCollector)
    steps: Steps = field(default_factory=Steps)
    series: ModelMetrics = field(default_factory=ModelMetrics)
    health: Health = field(default_factory=Health)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def __post_init__(self) -> None:
        self.metrics.registry.register(self.watches)
        self.metrics.registry.register(self.selectors)
        self.metrics.registry.register(LongestStepCollector(self.steps))

    def ready(self) -> dict[str, str]:
        """Readiness checks by name: the problem, or an empty text if none."""
        return self.health.checks(self.watches.age(), self.steps.longest())

    def reset(self) -> None:
        """Reset for a new controller run: no watches, no series, not synced."""
        self.watches.clear()
        self.series.clear()
        self.health.synced = False
