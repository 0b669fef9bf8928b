"""Numbers in Grafana's units, scaled and rounded as in Grafana."""

from __future__ import annotations

import math
from collections.abc import Sequence

_PER_SECOND = {"reqps": "req/s", "ops": "ops/s"}
UNITS = ("short", "percentunit", "s", "bytes", *_PER_SECOND)
"""The units of our dashboards, by Grafana's IDs."""
_TIMES = (
    (31536000.0, " years"),
    (604800.0, " weeks"),
    (86400.0, " days"),
    (3600.0, " hours"),
    (60.0, " mins"),
    (1.0, " s"),
    (1e-3, " ms"),
    (1e-6, " µs"),
    (1e-9, " ns"),
)
_ONE = {" years": " year", " weeks": " week", " days": " day", " hours": " hour", " mins": " min"}
_SHORT = ("", " K", " Mil", " Bil", " Tri", " Quadr")
_COUNTED = ("", "K", "M", "B", "T")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")


def text(value: float, unit: str) -> str:
    """Format a value in its unit, with three significant digits."""
    scaled, suffix = _scale(value, unit)
    return f"{_digits(scaled)}{suffix}"


def tick(value: float, unit: str) -> str:
    """Format a value as an axis label, as short as possible."""
    scaled, suffix = _scale(value, unit)
    digits = _digits(scaled)
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}{suffix}"


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    decimals = 0 if value == round(value) else min(max(0, 2 - math.floor(math.log10(abs(value)))), 12)
    digits = f"{value:.{decimals}f}"
    return digits.removeprefix("-") if float(digits) == 0 else digits


def _scale(value: float, unit: str) -> tuple[float, str]:
    """Scale a value to the multiple of its unit that fits its size. Returns the value and the suffix."""
    match unit:
        case "percentunit":
            return value * 100, "%"
        case "short":
            return _stepped(value, 1000, _SHORT)
        case "bytes":
            return _stepped(value, 1024, _BINARY)
        case "s":
            return _time(value)
        case "reqps" | "ops":
            scaled, prefix = _stepped(value, 1000, _COUNTED)
            return scaled, f"{prefix} {_PER_SECOND[unit]}"
    return value, f" {unit}" if unit else ""


def ticks(least: float, most: float, unit: str, count: int) -> list[float]:
    """Return about `count` round values between two ends. They are round in the unit in which they are displayed."""
    span, largest = most - least, max(abs(least), abs(most))
    if not (span > largest * 1e-12 and math.isfinite(span)):  # no label tells apart what is closer
        return [least]
    multiple = _multiple(largest, unit)
    rough = span / max(count, 1) / multiple
    power = 10 ** math.floor(math.log10(rough))
    if unit == "s" and multiple in (60.0, 3600.0):
        sizes: Sequence[float] = (1 / 60, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60)
        size = next((s for s in sizes if s >= rough), 60) * multiple
    else:
        size = next(s for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9)) * power * multiple
    first = math.ceil(least / size - 1e-9)
    last = math.floor(most / size + 1e-9)
    return [number * size for number in range(first, last + 1)]


def _multiple(largest: float, unit: str) -> float:
    """Return the multiple of the unit in which the largest value is displayed."""
    if unit == "s":
        return next((size for size, _ in _TIMES if largest >= size), 1e-9)
    if unit == "bytes":
        return float(1024 ** min(int(math.log(largest, 1024)), 6)) if largest >= 1 else 1.0
    return 0.01 if unit == "percentunit" else 1.0


def _stepped(value: float, factor: int, names: Sequence[str]) -> tuple[float, str]:
    index = 0
    while abs(value) >= factor and index < len(names) - 1 and math.isfinite(value):
        value /= factor
        index += 1
    return value, names[index]


def _time(seconds: float) -> tuple[float, str]:
    if seconds == 0 or not math.isfinite(seconds):
        return seconds, " s"
    size, name = next(((size, name) for size, name in _TIMES if abs(seconds) >= size * (1 - 1e-12)), _TIMES[-1])
    scaled = seconds / size
    return scaled, _ONE.get(name, name) if scaled == 1 else name
