"""The command `mmctl`: files in, text out. Thin."""
