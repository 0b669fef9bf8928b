"""Drawings of panels, before HTML: a figure with its legend, numbers, bars, a table, a text, or the reason for none."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.json_paths import JSON, get_path
from .dashboard_reader import Panel


@dataclass(frozen=True)
class Key:
    """A legend entry. `trace` is the index of the figure's trace that it toggles, if it toggles one."""

    name: str
    color: str
    trace: int | None = None


@dataclass(frozen=True)
class Figure:
    """A plotly figure and its legend. The figure's texts are escaped, because plotly interprets some HTML."""

    figure: JSON
    legend: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Number:
    """One value of a stat or a bar gauge. `share` (0 to 1) is the filled part of the bar."""

    name: str
    text: str
    color: str
    share: float = 0


@dataclass(frozen=True)
class Numbers:
    """Large colored numbers."""

    numbers: tuple[Number, ...]
    upright: bool


@dataclass(frozen=True)
class Bars:
    """Horizontal bars."""

    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Cell:
    """A table cell: its text, and its color from thresholds or mappings."""

    text: str
    color: str
    is_number: bool


@dataclass(frozen=True)
class Sheet:
    """A table as displayed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Markdown."""

    content: str


@dataclass(frozen=True)
class Nothing:
    """The panel has no data; `text` is its message."""

    text: str


@dataclass(frozen=True)
class NotDrawn:
    """The preview does not support the panel type."""

    text: str


Drawing = Figure | Numbers | Bars | Sheet | Text | Nothing | NotDrawn


def nothing(panel: Panel) -> Nothing:
    """Return the drawing of a panel without data."""
    return Nothing(get_path(panel.defaults, "noValue", "") or "No data")
