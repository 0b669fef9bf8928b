"""Render the desired children of a model or a MonitoringProfile. Pure. Start with `children.py`."""
