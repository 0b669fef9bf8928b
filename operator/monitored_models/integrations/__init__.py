"""Clients and pollers of other systems, each queried once for the entire fleet."""
