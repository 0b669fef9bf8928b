"""What should exist for a model or a profile, as Kubernetes objects. Pure. Start with `children.py`."""
