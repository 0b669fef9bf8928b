"""Recording and alerting rules of a model: signals, catalogue, objectives and thresholds."""
