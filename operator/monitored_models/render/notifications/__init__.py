"""Routing of alerts to receivers, and the message templates."""
