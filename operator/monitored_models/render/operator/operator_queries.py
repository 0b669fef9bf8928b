"""The questions that rules and panels ask of the operator's figures, each once."""

from __future__ import annotations

from ...naming.series import CONDITION, PREFIX

WINDOW = "10m"
"""Long enough for a scrape interval of a minute."""


def rate(name: str, by: str = "", **labels: str) -> str:
    """Events per second, over all operators."""
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    selector = f"{PREFIX}{name}" + (f"{{{matchers}}}" if matchers else "")
    return f"sum{f' by ({by})' if by else ''} (rate({selector}[{WINDOW}]))"


def quantile(name: str, q: float, by: str = "") -> str:
    """A quantile of a histogram, in its unit."""
    labels = ", ".join(["le", *([by] if by else [])])
    return f"histogram_quantile({q:g}, sum by ({labels}) (rate({PREFIX}{name}_bucket[{WINDOW}])))"


def leading() -> str:
    """Operators that lead: 1, or nothing."""
    return f"{PREFIX}leader == 1"


def error_ratio() -> str:
    """Share of reconciles that fail."""
    count = "reconcile_duration_seconds_count"
    return f"{rate(count, outcome='error')} / {rate(count)}"


def errors() -> str:
    """Failed reconciles per second."""
    return rate("reconcile_duration_seconds_count", outcome="error")


def queue_age() -> str:
    """Seconds for which the model has waited that has waited longest."""
    return f"max ({PREFIX}queue_age_seconds)"


def watch_age() -> str:
    """Seconds since the watch of a resource was opened."""
    return f"max by (resource) ({PREFIX}watch_age_seconds)"


def loop_lag() -> str:
    """99th percentile of how late timers come, in seconds."""
    return quantile("event_loop_lag_seconds", 0.99)


def refused_reads() -> str:
    """Lists and watches that the API server refuses, per second, by resource."""
    selector = f'{PREFIX}api_requests_total{{verb=~"get|list|watch",code=~"401|403"}}'
    return f"sum by (resource) (rate({selector}[{WINDOW}]))"


def leader_changes() -> str:
    """How often leadership has come or gone within an hour."""
    return f"sum (changes({PREFIX}leader[1h]))"


def models_in_trouble() -> str:
    """Models by condition and reason, where the condition is False."""
    return f'count by (condition, reason) ({CONDITION}{{status="False"}})'


def models_ready() -> str:
    """Models that are Ready."""
    return f'count ({CONDITION}{{condition="Ready",status="True"}}) or vector(0)'
