"""From facts to conditions and Events. Pure."""
