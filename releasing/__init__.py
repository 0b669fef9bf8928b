"""Builds, signs and publishes a release. A tool of maintainers: the operator never imports it."""
