"""From observed status to conditions and Events. Pure."""
