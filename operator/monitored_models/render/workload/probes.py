"""Effective probes, and the time that a pod may take to start."""

from __future__ import annotations

from ...api import Model
from ...api.spec import Probe
from ...runtimes import ProbeDefaults

MARGIN = 60
"""Seconds for scheduling, and for the first scrape."""


def effective(probe: Probe, default: ProbeDefaults) -> ProbeDefaults | None:
    """Merge a probe with the defaults of its runtime profile; None if the probe is disabled."""
    if not (probe.enabled and default.enabled):
        return None

    def pick(own: int | None, other: int) -> int:
        return other if own is None else own

    return ProbeDefaults(
        path=probe.path or default.path,
        initial_delay_seconds=pick(probe.initial_delay_seconds, default.initial_delay_seconds),
        period_seconds=pick(probe.period_seconds, default.period_seconds),
        timeout_seconds=pick(probe.timeout_seconds, default.timeout_seconds),
        failure_threshold=pick(probe.failure_threshold, default.failure_threshold),
    )


def seconds_to_load(model: Model) -> int:
    """Return the startup time in seconds. A pod that never answered within it is no longer just loading."""
    probe = effective(model.spec.probes.startup, model.runtime.startup) or effective(
        model.spec.probes.readiness, model.runtime.readiness
    )
    patience = probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold if probe else 0
    return patience + MARGIN
