"""Alert definitions by topic. `groups.py` builds alerting rules from them."""
