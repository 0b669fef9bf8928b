"""The only place where tests read the clock; `make check` refuses any other.

A test that builds a history takes the end of it from `end`. TEST_CLOCK, as 2028-02-29T12:00:00Z, puts that end anywhere:
`python -m testbed.clock_times` runs those tests at hours and on dates at which they are never run by hand.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

VARIABLE = "TEST_CLOCK"


def end(step: int = 1) -> int:
    """The end of a test's history, in seconds since 1970: a multiple of the step, and not later than TEST_CLOCK or now."""
    asked = os.environ.get(VARIABLE)
    at = datetime.fromisoformat(asked) if asked else now()
    if at.tzinfo is None:
        raise ValueError(f"{VARIABLE}={asked} has no time zone: write 2028-02-29T12:00:00Z")
    return int(at.timestamp()) // step * step


def now() -> datetime:
    """The time on the clock, in UTC: for the dates of measurements and for what has to be called new."""
    return datetime.now(UTC)
