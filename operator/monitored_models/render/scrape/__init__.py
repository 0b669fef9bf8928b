"""Scraping of a model: the ServiceMonitor and its metric selection."""
