"""The instrumentation library that model authors import. So far it has the names of its metrics only: `names.py`."""
