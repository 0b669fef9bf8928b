"""Pieces of a past that looks like one: days and nights, noise, counters that begin anew with their pod, histograms."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

STEP = 60
HOURS = 6

Labels = dict[str, str]


def line(name: str, labels: Labels, value: float, at: float) -> str:
    """A sample of OpenMetrics."""
    inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value:.10g} {at:.0f}"


def of_day(at: float) -> float:
    """How busy the time of day is: 0.5 to 1.5, most in the afternoon."""
    return 1 + 0.5 * math.sin(2 * math.pi * (at % 86400 - 8 * 3600) / 86400)


@dataclass(frozen=True)
class Pod:
    """A pod: when it is there, and when its container was started anew."""

    name: str
    version: str
    begin: float
    end: float
    restarts: tuple[float, ...] = ()

    def times(self, every: tuple[float, ...]) -> list[float]:
        """Scrapes that it answers; it takes a minute to load."""
        return [at for at in every if self.begin + 60 <= at < self.end]

    def started(self, at: float) -> float:
        """When its process began that runs at a time."""
        return max((self.begin, *(restart for restart in self.restarts if restart <= at)))


@dataclass
class Target:
    """Writes the series of one scraped pod."""

    pod: Pod
    labels: Labels
    times: list[float]
    random: random.Random
    lines: list[str] = field(default_factory=list)

    def gauge(self, name: str, of: Callable[[float], float], **labels: str) -> None:
        """What a function says at each time."""
        about = {**self.labels, **labels}
        self.lines += [line(name, about, of(at), at) for at in self.times]

    def counter(self, name: str, pace: Callable[[float], float], **labels: str) -> None:
        """Events by their pace per second, with noise; from 0 again after a restart."""
        about, total, before = {**self.labels, **labels}, 0.0, None
        for at in self.times:
            total = self._more(total, before, at, pace)
            self.lines.append(line(name, about, total, at))
            before = at

    def _more(self, total: float, before: float | None, at: float, pace: Callable[[float], float]) -> float:
        begun = self.pod.started(at)
        since = begun if before is None or begun > before else before
        kept = 0.0 if before is None or begun > before else total
        return kept + max(0.0, pace(at) * (at - since) * (1 + self.random.gauss(0, 0.05)))

    def histogram(
        self,
        name: str,
        bounds: tuple[float, ...],
        pace: Callable[[float], float],
        middle: Callable[[float], float],
        **labels: str,
    ) -> None:
        """Durations by their pace and their median, spread as durations are: with a long tail."""
        about, before, spread = {**self.labels, **labels}, None, 0.6
        counts, total = [0.0] * (len(bounds) + 1), 0.0
        for at in self.times:
            begun = self.pod.started(at)
            if before is None or begun > before:
                counts, total = [0.0] * (len(bounds) + 1), 0.0
            since = begun if before is None or begun > before else before
            more, median = max(0.0, pace(at) * (at - since)), middle(at) * (1 + abs(self.random.gauss(0, 0.05)))
            shares = [_below(bound, median, spread) for bound in bounds] + [1.0]
            counts = [count + more * share for count, share in zip(counts, shares, strict=True)]
            total += more * median * math.exp(spread**2 / 2)
            for bound, count in zip((*map(_spelled, bounds), "+Inf"), counts, strict=True):
                self.lines.append(line(f"{name}_bucket", {**about, "le": bound}, count, at))
            self.lines.append(line(f"{name}_sum", about, total, at))
            self.lines.append(line(f"{name}_count", about, counts[-1], at))
            before = at


def _below(bound: float, median: float, spread: float) -> float:
    """Share of a log-normal distribution that is below a bound."""
    return 0.5 * (1 + math.erf((math.log(bound) - math.log(median)) / (spread * math.sqrt(2))))


def _spelled(bound: float) -> str:
    return repr(float(bound))


def times(end: float) -> tuple[float, ...]:
    """All scrapes up to a time."""
    return tuple(end - seconds for seconds in range(HOURS * 3600, -1, -STEP))
