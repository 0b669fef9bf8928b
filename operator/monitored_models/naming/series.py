"""Names of the series that the operator exposes about its own work and about each model, each defined only here."""

from __future__ import annotations

PREFIX = "monitored_models_"
"""Prefix of every series about the operator's own work."""
MAX_WATCH_AGE = 420.0
"""Seconds: four minutes until the API server ends a watch, one until a silent watch is closed, two as margin."""
CONDITION = "monitored_model_condition"
BUDGET = "monitored_model_slo_budget"
