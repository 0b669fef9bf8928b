"""The growing delay before a retry."""

from __future__ import annotations

import random
from dataclasses import dataclass

FACTOR = 2.0
"""Each delay is this many times the one before it."""
MAX_DOUBLINGS = 16
"""The delay stops growing here even if the limit is higher: a power of a large count would overflow."""


@dataclass(frozen=True)
class Backoff:
    """A delay that doubles with each consecutive failure, up to a limit.

    It has no state, so one instance can serve many keys. Whoever retries counts the failures.
    """

    first: float
    """Seconds before the first retry."""
    limit: float
    """Most seconds before a retry, without jitter. It may be lower than `first`."""
    jitter: float = 0.0
    """Part of the delay by which it may randomly be shorter or longer, so that many retries do not come at once."""

    def delay(self, failures: int) -> float:
        """Seconds to wait after a number of consecutive failures, from 1."""
        seconds = min(self.first * FACTOR ** min(failures - 1, MAX_DOUBLINGS), self.limit)
        return seconds * random.uniform(1 - self.jitter, 1 + self.jitter) if self.jitter else seconds
