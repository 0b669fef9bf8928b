"""Rules and dashboards for the operator itself and for all models, as objects to apply."""
