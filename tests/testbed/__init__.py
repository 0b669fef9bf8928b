"""Real Kubernetes components for the tests: built from their sources, started on loopback, killed with the tests."""
