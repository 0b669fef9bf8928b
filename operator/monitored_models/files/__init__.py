"""Kubernetes objects in YAML files."""
