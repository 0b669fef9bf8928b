"""The instrumentation library that model authors import. Nothing is in it yet; it will need prometheus-client only."""
