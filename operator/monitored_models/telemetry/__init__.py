"""What the process exposes: metrics, health, logs."""
