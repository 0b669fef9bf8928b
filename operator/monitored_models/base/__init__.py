"""What every room may use and what knows nothing of models: schema types, the timing of steps."""
