"""Prometheus: a client of its HTTP API."""
