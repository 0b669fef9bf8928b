"""`mmctl`: files in, text out. Thin."""
