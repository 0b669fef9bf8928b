"""The forms in which rules are written: one module per output, with one public function that takes rule groups."""
