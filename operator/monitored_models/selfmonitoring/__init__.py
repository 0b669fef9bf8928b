"""How the operator itself is watched: rules and a dashboard over its own /metrics, as objects to apply. Pure."""

from __future__ import annotations

from typing import Any

from .alerts import prometheusrule
from .dashboard import configmap

__all__ = ["manifests"]


def manifests() -> list[dict[str, Any]]:
    """The objects of config/monitoring.yaml."""
    return [prometheusrule(), configmap()]
