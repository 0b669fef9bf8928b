"""What is measured at one number of models."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass
class Bare:
    """The bare loop at one number of models."""

    seconds: float
    calls: float
    """API calls per model."""


@dataclass
class Restart:
    """A process that starts where everything is as it should be."""

    cores: float | None
    """Its share of the processor; None for no limit."""
    seconds: float
    """From its start until it had looked at every model and was idle."""
    lag: float
    """Seconds that no timer of the work's event loop was late by more than."""
    step: str
    """The step that held the event loop longest, and for how long."""
    probe: float
    """Seconds that the slowest answer of /healthz took."""
    kept: bool
    """Whether it took the Lease once and held it to the end."""
    writes: int
    cpu: float
    """Seconds."""
    peak: float
    """MiB."""


@dataclass
class Plain:
    """The operator with controllers off."""

    seconds: float
    """First create to last observedGeneration."""
    calls: dict[str, float]
    """API calls per model."""
    cpu: float
    """Milliseconds per model."""
    rss: float
    lag: float
    restarts: list[Restart]


@dataclass
class Full:
    """The operator with controllers and nodes."""

    ready_seconds: float
    cpu: float
    rss: float
    lag: float
    writes: float
    """Per model, until all are Ready."""
    quiet_writes: int
    change_seconds: float
    change_writes: float
    delete_seconds: float
    delete_writes: int
    failover_seconds: float


@dataclass
class Rung:
    """All that was measured at one number of models."""

    count: int
    bare: list[Bare] = field(default_factory=list)
    plain: list[Plain] = field(default_factory=list)
    full: Full | None = None

    @property
    def ratio(self) -> float:
        """Operator to bare loop."""
        return statistics.median(p.seconds for p in self.plain) / statistics.median(b.seconds for b in self.bare)
