"""Manifests that monitor the operator itself and all models: rules and dashboards."""
