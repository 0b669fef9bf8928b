"""One loop for each kind of owner: parse, render, plan, apply, report. Start with `model.py`."""
