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
    restart_seconds: float
    restart_writes: int


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
