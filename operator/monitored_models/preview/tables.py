"""The table panel: results of instant queries, merged, ordered and renamed by Grafana's transformations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..base.json_paths import JSON, get_path
from .dashboard_reader import Panel
from .field_config import Field, field_of
from .frames import Answer, labels_of, value_of
from .views import Cell, Drawing, Sheet, nothing

Value = str | float | None
_MOST_ROWS = 500


@dataclass(frozen=True)
class Table:
    """A table with named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def sheet(panel: Panel, answers: Sequence[Answer]) -> Drawing:
    """Draw a table of the query results, without their times."""
    found, left_out = _table(answers, panel)
    if not found.rows:
        return nothing(panel)
    fields = [field_of(panel, name) for name in found.columns]
    columns = [index for index, field in enumerate(fields) if not get_path(field.custom, "hidden", default=False)]
    if len(found.rows) > _MOST_ROWS:
        left_out = (*left_out, f"{len(found.rows) - _MOST_ROWS} more rows")
    rows = tuple(tuple(_cell(fields[index], row[index]) for index in columns) for row in found.rows[:_MOST_ROWS])
    return Sheet(tuple(found.columns[index] for index in columns), rows, left_out)


def _cell(field: Field, value: Value) -> Cell:
    is_colored = get_path(field.custom, "cellOptions.type", "") == "color-text"
    return Cell(field.text(value), field.color(value) if is_colored else "", isinstance(value, float))


def _table(answers: Sequence[Answer], panel: Panel) -> tuple[Table, tuple[str, ...]]:
    """Return the table of a panel, and a note on the tables that no transformation merges into it."""
    frames = [_frame(answer, len(answers) > 1) for answer in answers]
    frames = [frame for frame in frames if frame.rows] or frames[:1]
    for one in panel.transformations:
        name = get_path(one, "id", "")
        if name == "merge" and len(frames) > 1:
            frames = [_merged(frames)]
        elif name == "organize":
            frames = [_organized(frame, get_path(one, "options", JSON())) for frame in frames]
    others = (f"{len(frames) - 1} more tables of other queries",) if len(frames) > 1 else ()
    return (frames[0] if frames else Table((), ())), others


def _frame(answer: Answer, several: bool) -> Table:
    """Return labels and value of the last sample of each series."""
    found = [(sample, labels_of(sample)) for sample in answer.samples]
    labels = sorted({label for _, own in found for label in own})
    title = f"Value #{answer.target.ref}" if several else "Value"
    rows = []
    for sample, own in found:
        _, value = sample["value"] if "value" in sample else sample["values"][-1]
        rows.append((*(own.get(label) for label in labels), value_of(value)))
    return Table((*labels, title), tuple(rows))


def _merged(frames: Sequence[Table]) -> Table:
    """Merge the tables: rows that agree in all common columns become one row."""
    columns = tuple(dict.fromkeys(column for frame in frames for column in frame.columns))
    common = [column for column in columns if all(column in frame.columns for frame in frames)]
    rows: dict[tuple[Value, ...], list[dict[str, Value]]] = {}
    for frame in frames:
        for row in frame.rows:
            cells = dict(zip(frame.columns, row, strict=True))
            same = rows.setdefault(tuple(cells[column] for column in common), [])
            fitting = (old for old in same if all(old.get(column, cell) == cell for column, cell in cells.items()))
            if old := next(fitting, None):
                old.update(cells)
            else:
                same.append(cells)
    flat = (cells for same in rows.values() for cells in same)
    return Table(columns, tuple(tuple(cells.get(column) for column in columns) for cells in flat))


def _organized(frame: Table, options: JSON) -> Table:
    """Reorder and rename columns (Grafana's `organize`). Columns without a position come last."""
    order, names = get_path(options, "indexByName", JSON()), get_path(options, "renameByName", JSON())

    def position(index: int) -> float:
        place = order.get(frame.columns[index])
        return place if isinstance(place, int | float) else math.inf

    indexes = sorted(range(len(frame.columns)), key=position)
    return Table(
        tuple(str(names.get(frame.columns[index]) or frame.columns[index]) for index in indexes),
        tuple(tuple(row[index] for index in indexes) for row in frame.rows),
    )
