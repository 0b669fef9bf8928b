"""The time that a pod may take until it is ready: the startup probe's patience."""

from __future__ import annotations

from ...api import Model
from ...api.spec import Probe
from ...runtimes import ProbeDefaults

MARGIN = 60
"""Seconds for scheduling, and for the first scrape."""


def effective(given: Probe, default: ProbeDefaults) -> ProbeDefaults | None:
    """A probe with the runtime's defaults filled in, or None where there is none."""
    if not (given.enabled and default.enabled):
        return None

    def pick(own: int | None, other: int) -> int:
        return other if own is None else own

    return ProbeDefaults(
        path=given.path or default.path,
        initial_delay_seconds=pick(given.initial_delay_seconds, default.initial_delay_seconds),
        period_seconds=pick(given.period_seconds, default.period_seconds),
        timeout_seconds=pick(given.timeout_seconds, default.timeout_seconds),
        failure_threshold=pick(given.failure_threshold, default.failure_threshold),
    )


def seconds_to_load(model: Model) -> int:
    """Seconds after which a pod that never answered is not just loading any more."""
    probe = effective(model.spec.probes.startup, model.profile.startup) or effective(
        model.spec.probes.readiness, model.profile.readiness
    )
    patience = probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold if probe else 0
    return patience + MARGIN
