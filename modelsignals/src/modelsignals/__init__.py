"""The instrumentation library for model servers. So far it contains only the names of the metrics (`names.py`)."""
