"""Annotations: when their queries begin to have a result, and how these times are marked on a time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from ..base.json_paths import JSON, get_path
from .colors import color
from .dashboard_reader import Annotation
from .frames import labels_of, named
from .plotting import escaped, moment_text
from .variables import Window


@dataclass(frozen=True)
class Mark:
    """An event on the time axis; `at` is in Unix seconds."""

    at: float
    text: str
    color: str


def marks(annotation: Annotation, sample: JSON, window: Window, step: float) -> Iterator[Mark]:
    """Yield a mark at each time at which one series of an annotation's query starts."""
    labels = labels_of(sample)
    text = " · ".join(part for form in (annotation.title, annotation.text) if (part := named(form, labels)))
    before = float("-inf")
    for time, value in get_path(sample, "values", list[Any]()):
        if float(value) > 0:
            at = float(time)
            if at - before > step * 1.5 and window.begin <= at <= window.end:
                yield Mark(at, text, color(annotation.color))
            before = at


def lines(marked: Sequence[Mark], zone: tzinfo | None) -> list[JSON]:
    """Return a dashed vertical line for each event, as shapes of plotly."""
    line: JSON = {"type": "line", "xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    return [
        line | {"x0": x, "x1": x, "line": {"color": mark.color, "width": 1, "dash": "dash"}}
        for mark in marked
        for x in [moment_text(mark.at, zone)]
    ]


def flags(marked: Sequence[Mark], zone: tzinfo | None) -> list[JSON]:
    """Return a small triangle at the foot of each event's line, with the text of the event on hover."""
    flag: JSON = {"y": 0, "xref": "x", "yref": "paper", "yanchor": "bottom", "text": "▲", "showarrow": False}
    return [
        flag
        | {
            "x": moment_text(mark.at, zone),
            "font": {"size": 9, "color": mark.color},
            "borderpad": 0,
            "hovertext": escaped(mark.text),
        }
        for mark in marked
    ]
