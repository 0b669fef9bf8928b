"""Drawings of panels, before HTML: a figure with its legend, numbers, a table, a text, or the reason for none."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.json_paths import JSON


@dataclass(frozen=True)
class Key:
    """A legend entry. `traces` are the indexes of the figure's traces that it toggles."""

    name: str
    colour: str
    traces: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Legend:
    """The legend of a figure."""

    keys: tuple[Key, ...] = ()
    headings: tuple[str, ...] = ()
    as_table: bool = False
    right: bool = False


@dataclass(frozen=True)
class Figure:
    """A plotly figure. Its texts are escaped, because plotly interprets some HTML."""

    figure: JSON
    legend: Legend = field(default_factory=Legend)


@dataclass(frozen=True)
class Number:
    """One value of a stat or a bar gauge. `share` (0 to 1) is the filled part of the bar."""

    name: str
    text: str
    colour: str
    share: float = 0
    spark: JSON | None = None


@dataclass(frozen=True)
class Numbers:
    """Large numbers, with a colored text or background."""

    numbers: tuple[Number, ...]
    coloured: str = "value"
    upright: bool = False
    bars: bool = False


@dataclass(frozen=True)
class Shown:
    """A table cell: its text, and its colors from thresholds or mappings."""

    text: str
    colour: str = ""
    background: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table as displayed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Shown, ...], ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Markdown, or preformatted text."""

    content: str
    markdown: bool = True


@dataclass(frozen=True)
class Nothing:
    """The panel has no data; `text` is its message."""

    text: str


@dataclass(frozen=True)
class NotDrawn:
    """The preview does not support the panel type."""

    text: str


Drawing = Figure | Numbers | Sheet | Text | Nothing | NotDrawn
