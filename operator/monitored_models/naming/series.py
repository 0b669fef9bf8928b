"""Names of the series that the operator exposes, about its own work and about each model. Each name is written here only."""

from __future__ import annotations

PREFIX = "monitored_models_"
"""Begins the name of every series about the operator's own work."""
MAX_WATCH_AGE = 420.0
"""Seconds: the four minutes after which the API server ends a watch, the one after which a silent one is given up, and
two for what can come in between."""
CONDITION = "monitored_model_condition"
BUDGET = "monitored_model_slo_budget"
