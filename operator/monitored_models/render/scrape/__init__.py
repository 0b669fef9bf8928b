"""How Prometheus scrapes a model: the ServiceMonitor and which metrics it keeps."""
