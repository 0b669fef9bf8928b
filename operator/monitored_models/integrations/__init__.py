"""Other systems, each asked once for the whole fleet."""
