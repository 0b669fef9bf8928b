"""Common parts of the figures: font, grid, axes, and escaping for plotly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from ..base.json_paths import JSON
from .units import tick, ticks
from .variables import Window

INK, GRID, CLEAR = "#3c4046", "rgba(36,41,46,0.09)", "rgba(0,0,0,0)"
FONT: JSON = {"family": "Inter, Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif", "size": 11, "color": INK}
COLUMN_PIXELS, ROW_PIXELS = 58, 30


def escaped(text: str) -> str:
    """Escape a text, because plotly interprets tags and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def tinted(color: str, opacity: float) -> str:
    """Return a hex color with an opacity from 0 to 1."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def moment_text(at: float, zone: tzinfo | None) -> str:
    """Format a time (Unix seconds) for plotly, whose date axes have no time zones."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def time_axis(window: Window, width: int) -> JSON:
    """Return a time axis over the range, with as many labels as fit."""
    day = 86400
    form = "%H:%M" if window.seconds <= 1.5 * day else ("%m-%d %H:%M" if window.seconds <= 8 * day else "%m-%d")
    label = 60 if form == "%H:%M" else 95
    return {
        "type": "date",
        "range": [moment_text(window.begin, window.zone), moment_text(window.end, window.zone)],
        "tickformat": form,
        "hoverformat": "%Y-%m-%d %H:%M:%S",
        "nticks": max(2, width * COLUMN_PIXELS // label * 2 // 3),
        "gridcolor": GRID,
        "zeroline": False,
        "showline": False,
        "tickangle": 0,
        "ticklabelstandoff": 3,
        "automargin": False,
    }


def value_axis(least: float, most: float, unit: str, height: int) -> JSON:
    """Return a value axis with labels in a unit."""
    values = ticks(least, most, unit, max(2, min(6, height * ROW_PIXELS // 45)))
    return {
        "range": [least, most],
        "tickmode": "array",
        "tickvals": values,
        "ticktext": [escaped(tick(value, unit)) for value in values],
        "gridcolor": GRID,
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        "ticklabelstandoff": 4,
    }


def name_axis(low: float, high: float, names: Sequence[tuple[float, str]]) -> JSON:
    """Return a vertical axis of names, each at its place, without a grid."""
    return {
        "range": [low, high],
        "tickmode": "array",
        "automargin": True,
        "showgrid": False,
        "tickvals": [place for place, _ in names],
        "ticktext": [escaped(name) for _, name in names],
        "ticklabelstandoff": 4,
        "ticks": "",
        "zeroline": False,
    }


def layout(**parts: object) -> JSON:
    """Return a plotly layout in the style of the page."""
    return {
        "margin": {"l": 10, "r": 18, "t": 10, "b": 25},
        "font": FONT,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "showlegend": False,
        "hoverlabel": {"font": {"size": 11}, "align": "left", "namelength": -1},
        **parts,
    }
