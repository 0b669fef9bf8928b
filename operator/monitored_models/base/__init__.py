"""Helpers for every package, without knowledge of models: schema types, JSON paths, backoff, the timing of steps."""
