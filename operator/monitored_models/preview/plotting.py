"""Common parts of the figures: font, grid, time and value axes, and escaping for plotly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from ..base.json_paths import JSON
from .field_config import Field
from .units import ticks
from .variables import Window

INK, GRID = "#3c4046", "rgba(36,41,46,0.09)"
FONT: JSON = {"family": "Inter, Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif", "size": 11, "color": INK}
COLUMN_PIXELS, ROW_PIXELS, GAP_PIXELS = 58, 30, 8


def escaped(text: str) -> str:
    """Escape a text, because plotly interprets tags and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def tinted(colour: str, share: float) -> str:
    """Return a hex color with this opacity (0 to 1). Other CSS colors are returned unchanged."""
    if re.match(r"^#[0-9a-fA-F]{6}$", colour):
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return f"rgba({red},{green},{blue},{share:g})"
    return colour


def moment_text(at: float, zone: tzinfo | None) -> str:
    """Format a time (Unix seconds) for plotly, whose date axes have no time zones."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def time_axis(window: Window, zone: tzinfo | None, width: int) -> JSON:
    """Return a time axis over the range, with as many labels as fit."""
    day = 86400
    form = "%H:%M" if window.seconds <= 1.5 * day else ("%m-%d %H:%M" if window.seconds <= 8 * day else "%m-%d")
    label = 60 if form == "%H:%M" else 95
    return {
        "type": "date",
        "range": [moment_text(window.begin, zone), moment_text(window.end, zone)],
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


def value_axis(least: float, most: float, field: Field, height: int) -> JSON:
    """Return a value axis with labels in the unit of the field."""
    wanted = max(2, min(6, height * ROW_PIXELS // 45))
    values = ticks(least, most, field.unit, wanted)
    return {
        "range": [least, most],
        "tickmode": "array",
        "tickvals": values,
        "ticktext": [escaped(field.tick(value)) for value in values],
        "gridcolor": GRID,
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        "ticklabelstandoff": 4,
    }


def log_axis(least: float, most: float, field: Field) -> JSON:
    """Return a logarithmic value axis, with a label at each power of ten."""
    positive = least if least > 0 else most / 1000
    low, high = _power(positive), _power(most)
    values = [10.0**power for power in range(low, high + 2)]
    shown: JSON = value_axis(0, 1, field, 1)
    texts = [escaped(field.tick(value)) for value in values]
    return shown | {"type": "log", "range": [low, high + 1], "tickvals": values, "ticktext": texts}


def _power(value: float) -> int:
    return int(f"{value:e}".split("e")[1]) if value > 0 else 0


def layout(**parts: object) -> JSON:
    """Return a plotly layout in the style of the page."""
    return {
        "margin": {"l": 10, "r": 18, "t": 10, "b": 25},
        "font": FONT,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hoverlabel": {"font": {"size": 11}, "align": "left", "namelength": -1},
        **parts,
    }


def ends(
    values: Sequence[float], field: Field, soft: tuple[float | None, float | None] = (None, None)
) -> tuple[float, float]:
    """Return minimum and maximum of an axis: as configured, else those of the values plus a margin."""
    finite = [value for value in values if abs(value) < 1e300]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    if soft[0] is not None:
        low = min(low, soft[0])
    if soft[1] is not None:
        high = max(high, soft[1])
    least, most = field.least, field.most
    base = low if least is None else least
    top = high if most is None else most
    if top <= base:
        room = abs(base) * 0.2 or 1.0
        return (base if least is not None else (0.0 if base == 0 else base - room), base + room)
    air = (top - base) * 0.06
    flat = low >= 0 and base - air < 0  # without negative values, the axis starts at zero
    return (base if least is not None else (0.0 if flat else base - air), top if most is not None else top + air)
