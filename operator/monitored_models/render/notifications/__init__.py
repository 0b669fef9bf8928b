"""Who is notified of which alerts, and the texts of the messages."""
