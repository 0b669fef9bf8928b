"""What a panel becomes before it is HTML: a figure with its legend, some numbers, a table, a text, or a word why not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.json_paths import JSON


@dataclass(frozen=True)
class Key:
    """A line of a legend. `traces` are those of the figure that it switches on and off."""

    name: str
    colour: str
    traces: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Legend:
    """What the colours of a figure mean."""

    keys: tuple[Key, ...] = ()
    headings: tuple[str, ...] = ()
    as_table: bool = False
    right: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure as plotly takes it. Its texts are escaped: plotly reads a little HTML."""

    figure: JSON
    legend: Legend = field(default_factory=Legend)


@dataclass(frozen=True)
class Number:
    """One value of a stat or a bar gauge; `share` is how much of the bar is filled."""

    name: str
    text: str
    colour: str
    share: float = 0
    spark: JSON | None = None


@dataclass(frozen=True)
class Numbers:
    """Big numbers, coloured in the text or behind it."""

    numbers: tuple[Number, ...]
    coloured: str = "value"
    upright: bool = False
    bars: bool = False


@dataclass(frozen=True)
class Shown:
    """A cell: its text, and colours where thresholds or mappings ask for them."""

    text: str
    colour: str = ""
    background: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table as it is shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Shown, ...], ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Markdown, or text that is shown as it is."""

    content: str
    markdown: bool = True


@dataclass(frozen=True)
class Nothing:
    """No data: what the panel says of it."""

    text: str


@dataclass(frozen=True)
class NotDrawn:
    """A panel that the preview does not know."""

    text: str


Drawing = Figure | Numbers | Sheet | Text | Nothing | NotDrawn
