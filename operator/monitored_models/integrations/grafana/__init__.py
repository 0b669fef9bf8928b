"""Grafana: which dashboards it has loaded, and annotations for new versions."""
