"""Grafana's colors for its light theme, as CSS."""

from __future__ import annotations

COLORS = {"green": "#56A64B", "orange": "#FF780A", "red": "#E02F44", "blue": "#3274D9", "text": "#24292e"}
"""The named colors of our dashboards."""
PALETTE = (
    *("#56A64B", "#E0B400", "#5794F2", "#FA6400", "#E02F44", "#3274D9", "#A352CC", "#705DA0"),
    *("#19730E", "#F2CC0C", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477"),
)
"""Grafana's classic palette: the colors of series, in their order."""


def color(name: str) -> str:
    """Return a named color as CSS, or gray for any other name."""
    return COLORS.get(name, "#8e8e8e")
