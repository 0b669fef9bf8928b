"""Results of Prometheus queries as series, named as in Grafana."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..base.json_paths import JSON, get_path
from .dashboard_reader import Target

_LABEL = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_LONGEST_GRID = 12_000


@dataclass(frozen=True)
class Answer:
    """The result of one query: samples with `metric` and `value` or `values`. Times and steps are in seconds."""

    target: Target
    samples: Sequence[JSON]
    begin: float
    end: float
    step: float


@dataclass(frozen=True)
class Series:
    """Values over time. The series of an instant query has one value."""

    name: str
    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    """One value per step; None where a step has no sample."""

    @property
    def last(self) -> float | None:
        """The last value that is not None, or None."""
        return next((value for value in reversed(self.values) if value is not None), None)


def series(answers: Iterable[Answer]) -> list[Series]:
    """Return every series of the results."""
    return [_series(answer, sample) for answer in answers for sample in answer.samples]


def _series(answer: Answer, sample: JSON) -> Series:
    labels = labels_of(sample)
    name = named(answer.target.legend, labels)
    if "value" in sample:
        at, value = sample["value"]
        return Series(name, labels, (float(at),), (value_of(value),))
    found = {
        round((float(at) - answer.begin) / answer.step): value for at, value in get_path(sample, "values", list[Any]())
    }
    steps = range(min(int((answer.end - answer.begin) / answer.step + 1e-9) + 1, _LONGEST_GRID))
    values = tuple(value_of(found[index]) if index in found else None for index in steps)
    return Series(name, labels, tuple(answer.begin + index * answer.step for index in steps), values)


def labels_of(sample: JSON) -> dict[str, str]:
    """Return the labels of a sample."""
    return {str(label): str(text) for label, text in get_path(sample, "metric", JSON()).items()}


def value_of(text: str) -> float | None:
    """Parse a value of Prometheus; None if it is not a number."""
    value = float(text)
    return None if math.isnan(value) else value


def named(form: str, labels: Mapping[str, str]) -> str:
    """Replace each {{label}} of a text. A missing label becomes an empty string."""
    return _LABEL.sub(lambda match: labels.get(match[1], ""), form)
