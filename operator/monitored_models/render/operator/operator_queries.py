"""PromQL queries of the operator's own metrics, for its alerts and panels."""

from __future__ import annotations

from ...naming.conditions import READY
from ...naming.series import CONDITION, PREFIX

WINDOW = "10m"
"""Rate window, long enough for a scrape interval of one minute."""


def rate(name: str, by: str = "", **labels: str) -> str:
    """Events per second, summed over all instances."""
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    selector = f"{PREFIX}{name}" + (f"{{{matchers}}}" if matchers else "")
    return f"sum{f' by ({by})' if by else ''} (rate({selector}[{WINDOW}]))"


def quantile(name: str, q: float, by: str = "") -> str:
    """A quantile of a histogram, in its unit."""
    labels = ", ".join(["le", *([by] if by else [])])
    return f"histogram_quantile({q:g}, sum by ({labels}) (rate({PREFIX}{name}_bucket[{WINDOW}])))"


def leading() -> str:
    """The current leader: 1, or no series."""
    return f"{PREFIX}leader == 1"


def error_ratio() -> str:
    """Share of failed reconciles."""
    count = "reconcile_duration_seconds_count"
    return f"{rate(count, outcome='error')} / {rate(count)}"


def errors() -> str:
    """Failed reconciles per second."""
    return rate("reconcile_duration_seconds_count", outcome="error")


def queue_age() -> str:
    """Age of the oldest queued model, in seconds."""
    return f"max ({PREFIX}queue_age_seconds)"


def watch_age() -> str:
    """Age of the watch of each resource, in seconds."""
    return f"max by (resource) ({PREFIX}watch_age_seconds)"


def loop_lag() -> str:
    """99th percentile of the event loop lag, in seconds."""
    return quantile("event_loop_lag_seconds", 0.99)


def forbidden_reads() -> str:
    """Reads (get, list, watch) that the API server rejects with 401 or 403, per second, by resource."""
    selector = f'{PREFIX}api_requests_total{{verb=~"get|list|watch",code=~"401|403"}}'
    return f"sum by (resource) (rate({selector}[{WINDOW}]))"


def disagreeing_selectors() -> str:
    """1 for each kind of child of each object whose selector contradicts another's."""
    return f'max by (kind, namespace, name, selects) ({PREFIX}selector_info{{outcome="Disagrees"}})'


def leader_changes() -> str:
    """Leadership changes within an hour."""
    return f"sum (changes({PREFIX}leader[1h]))"


def models_by_false_condition() -> str:
    """Number of models by condition and reason, for conditions that are False."""
    return f'count by (condition, reason) ({CONDITION}{{status="False"}})'


def models_ready() -> str:
    """Number of models that are Ready."""
    return f'count ({CONDITION}{{condition="{READY}",status="True"}}) or vector(0)'
