"""What is scraped and said, and the state of an alert at some minutes: a file for each tier of alerts."""
