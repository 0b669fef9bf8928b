"""The MonitoredModel operator and its command line. Start reading at `reconcile/model.py`."""
