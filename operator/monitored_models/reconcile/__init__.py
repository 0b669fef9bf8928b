"""One reconcile loop per kind of owner: parse, render, plan, apply, report. Start with `model.py`."""
