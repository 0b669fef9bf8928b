"""The running process: leader election, watches, workers, shutdown."""
