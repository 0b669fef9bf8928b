"""Results of Prometheus queries as series and as tables, named and transformed as in Grafana."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base.json_paths import JSON, get_path
from .dashboard_reader import Panel, Target

Cell = str | float | None
_LABEL = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_LONGEST_GRID = 12_000


@dataclass(frozen=True)
class Answer:
    """The result of one query: samples with `metric` and `value` or `values`. Times and steps are in seconds."""

    target: Target
    expression: str
    samples: Sequence[JSON]
    begin: float
    end: float
    step: float


@dataclass(frozen=True)
class Series:
    """Values over time. The series of an instant query has one value."""

    ref: str
    name: str
    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    """One value per step; None where a step has no sample."""

    @property
    def last(self) -> float | None:
        """The last value that is not None, or None."""
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Table:
    """A table with named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    refs: Mapping[str, str] = field(default_factory=dict)
    """Maps a value column to the `refId` of its query."""

    def column(self, name: str) -> list[Cell]:
        """Return the cells of a column."""
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def series(answers: Iterable[Answer]) -> list[Series]:
    """Return every series of the results."""
    return [_series(answer, sample) for answer in answers for sample in answer.samples]


def _series(answer: Answer, sample: JSON) -> Series:
    labels = _labels(sample)
    name = _name(answer, labels)
    if "value" in sample:
        at_time, value = sample["value"]
        return Series(answer.target.ref, name, labels, (float(at_time),), (_number(value),))
    found = {
        round((float(at_time) - answer.begin) / answer.step): value
        for at_time, value in get_path(sample, "values", list[Any]())
    }
    steps = range(min(int((answer.end - answer.begin) / answer.step + 1e-9) + 1, _LONGEST_GRID))
    values = tuple(_number(found[index]) if index in found else None for index in steps)
    return Series(answer.target.ref, name, labels, tuple(answer.begin + index * answer.step for index in steps), values)


def _labels(sample: JSON) -> dict[str, str]:
    return {str(label): str(text) for label, text in get_path(sample, "metric", JSON()).items()}


def _number(text: str) -> float | None:
    value = float(text)
    return None if math.isnan(value) else value


def _name(answer: Answer, labels: Mapping[str, str]) -> str:
    """Return the legend of a series: by its legend format, else from its labels, else the query."""
    form = answer.target.legend
    if form and form != "__auto":
        return named(form, labels)
    inside = ", ".join(f'{label}="{text}"' for label, text in sorted(labels.items()) if label != "__name__")
    if form == "__auto" and len(answer.samples) == 1:
        return labels.get("__name__") or (f"{{{inside}}}" if inside else answer.expression)
    whole = f"{labels.get('__name__', '')}{{{inside}}}" if inside else labels.get("__name__", "")
    return whole or answer.expression


def named(form: str, labels: Mapping[str, str]) -> str:
    """Replace each {{label}} of a text. A missing label becomes an empty string."""
    return _LABEL.sub(lambda match: str(labels.get(match[1], "")), form)


# --- tables ---


def table(answers: Sequence[Answer], panel: Panel) -> tuple[Table, tuple[str, ...]]:
    """Return the table of a panel, and the transformations that the preview does not support."""
    frames = [_frame(answer, len(answers) > 1) for answer in answers]
    frames = [frame for frame in frames if frame.rows] or frames[:1]
    unknown: list[str] = []
    for one in panel.transformations:
        name, options = get_path(one, "id", ""), get_path(one, "options", JSON())
        if name == "merge":
            frames = [_merged(frames)] if frames else []
        elif name == "organize":
            frames = [_organized(frame, options) for frame in frames]
        else:
            unknown.append(f"transformation {name}")
    if len(frames) > 1:
        unknown.append(f"{len(frames) - 1} more tables of other queries")
    return (frames[0] if frames else Table((), ())), tuple(unknown)


def _frame(answer: Answer, several: bool) -> Table:
    """Return time (milliseconds), labels and value of the last sample of each series."""
    found = [(sample, _labels(sample)) for sample in answer.samples]
    labels = sorted({label for _, own in found for label in own})
    value = f"Value #{answer.target.ref}" if several else "Value"
    rows = []
    for sample, own in found:
        moment, number = sample["value"] if "value" in sample else sample["values"][-1]
        rows.append((float(moment) * 1000, *(own.get(label) for label in labels), _number(number)))
    return Table(("Time", *labels, value), tuple(rows), {value: answer.target.ref})


def _merged(frames: Sequence[Table]) -> Table:
    """Merge the tables: rows that agree in all common columns become one row."""
    columns = tuple(dict.fromkeys(column for frame in frames for column in frame.columns))
    shared = [column for column in columns if all(column in frame.columns for frame in frames)]
    if len(frames) == 1:
        return frames[0]
    rows: dict[tuple[Cell, ...], list[dict[str, Cell]]] = {}
    for frame in frames:
        for row in frame.rows:
            cells = dict(zip(frame.columns, row, strict=True))
            there = rows.setdefault(tuple(cells[column] for column in shared), [])
            fitting = (old for old in there if all(old.get(column, cell) == cell for column, cell in cells.items()))
            if old := next(fitting, None):
                old.update(cells)
            else:
                there.append(cells)
    refs = {column: ref for frame in frames for column, ref in frame.refs.items()}
    flat = (cells for there in rows.values() for cells in there)
    return Table(columns, tuple(tuple(cells.get(column) for column in columns) for cells in flat), refs)


def _organized(frame: Table, options: JSON) -> Table:
    """Exclude, reorder and rename columns (Grafana's `organize`)."""
    excluded, included = get_path(options, "excludeByName", JSON()), get_path(options, "includeByName", JSON())
    order, renamed = get_path(options, "indexByName", JSON()), get_path(options, "renameByName", JSON())
    keep = [
        column
        for column in frame.columns
        if not excluded.get(column) and (included.get(column) or not any(included.values()))
    ]
    keep.sort(key=lambda column: order.get(column, len(frame.columns)))
    names = [str(renamed.get(column) or column) for column in keep]
    indexes = [frame.columns.index(column) for column in keep]
    refs = {name: frame.refs[column] for name, column in zip(names, keep, strict=True) if column in frame.refs}
    return Table(tuple(names), tuple(tuple(row[index] for index in indexes) for row in frame.rows), refs)


# --- one value for many ---


def reduced(one: Series, calculation: str) -> float | None:
    """Reduce a series to one value, or None if it has no value. An unknown calculation returns the last value."""
    if calculation in ("last", "first"):
        return one.values[-1 if calculation == "last" else 0] if one.values else None
    values = [value for value in one.values if value is not None]
    return _CALCULATIONS.get(calculation, _last)(values) if values else None


def _last(values: Sequence[float]) -> float:
    return values[-1]


_CALCULATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "lastNotNull": _last,
    "firstNotNull": lambda values: values[0],
    "min": min,
    "max": max,
    "mean": lambda values: math.fsum(values) / len(values),
    "sum": math.fsum,
    "total": math.fsum,
    "count": lambda values: float(len(values)),
    "range": lambda values: max(values) - min(values),
    "diff": lambda values: values[-1] - values[0],
}
CALCULATION_NAMES = {
    "lastNotNull": "Last",
    "last": "Last",
    "firstNotNull": "First",
    "first": "First",
    "min": "Min",
    "max": "Max",
    "mean": "Mean",
    "sum": "Total",
    "total": "Total",
    "count": "Count",
    "range": "Range",
    "diff": "Difference",
}
