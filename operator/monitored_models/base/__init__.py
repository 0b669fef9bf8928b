"""Helpers for every package, without knowledge of models: schema types, JSON paths, the timing of steps."""
