"""Names of the series that the operator exposes, about its own work and about each model. Each name is written here only."""

from __future__ import annotations

PREFIX = "monitored_models_"
"""Prefix of every series about the operator's own work."""
MAX_WATCH_AGE = 420.0
"""Seconds: the four minutes after which the API server ends a watch, the one after which a silent one is given up, and
two for what can come in between."""

INFO = "monitored_model_info"
CONDITION = "monitored_model_condition"
VERSION_SINCE = "monitored_model_version_since_timestamp_seconds"
SLO_BUDGET = "monitored_model_slo_budget"
"""Share of the events of an objective that may be bad: labels slo, window."""
CLAIM_INFO = "monitored_model_claim_info"
GENERATION = "monitored_model_generation"
REPLICAS_DESIRED = "monitored_model_replicas_desired"
REPLICAS_READY = "monitored_model_replicas_ready"
POD_INFO = "monitored_model_pod_info"
POD_CREATED = "monitored_model_pod_created_timestamp_seconds"
POD_READY = "monitored_model_pod_ready"
POD_RESTARTS = "monitored_model_pod_container_restarts_total"
POD_OUT_OF_MEMORY = "monitored_model_pod_out_of_memory"
POD_WAITING = "monitored_model_pod_waiting"
THRESHOLD = "monitored_model_limit"
"""Threshold of an alert, for rules of all models: labels limit, and the identity of the model."""
ENABLED_ALERT = "monitored_model_alert"
"""Always 1, for each alert that a model has, for rules of all models: labels alert, severity, and the identity of the model."""
SLO = "monitored_model_slo"
"""Always 1, for each objective, for rules of all models: labels slo, indicator, and the identity of the model."""
SLO_BUCKET = "monitored_model_slo_bound"
"""Always 1, for the bucket that is the threshold of an objective, in every spelling: labels slo, indicator, le."""
