"""Generates files from the code: CRDs, pages of the docs, config/monitoring.yaml. Never imported at run time."""
