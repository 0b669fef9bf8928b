"""The running process: lead, watch, work, stop."""
