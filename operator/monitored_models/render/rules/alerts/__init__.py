"""The alerts, each defined once, by topic. `groups.py` makes rules of them."""
