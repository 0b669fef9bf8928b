"""Number formatting as in Grafana: units, scaling, decimals. Covers the units that our dashboards may use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

_COUNTS = {
    "reqps": "req/s",
    "rps": "rd/s",
    "wps": "wr/s",
    "ops": "ops/s",
    "iops": "io/s",
    "cps": "c/s",
    "eps": "evt/s",
    "reqpm": "req/min",
    "opm": "ops/min",
}
_BINARY = {"bytes": "B", "binBps": "B/s", "bits": "b"}
_DECIMAL = {"decbytes": "B", "Bps": "B/s", "bps": "b/s", "hertz": "Hz", "watt": "W", "joule": "J", "volt": "V"}
_FIXED = {"celsius": "°C", "percent": "%", "tps": "t/s", "humidity": "%H"}
_SECONDS_OF = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
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
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_BOOLEANS = {"bool": ("False", "True"), "bool_yes_no": ("No", "Yes"), "bool_on_off": ("Off", "On")}
_DATES = {
    "dateTimeAsIso": "%Y-%m-%d %H:%M:%S",
    "dateTimeAsUS": "%m/%d/%Y %I:%M:%S %p",
    "dateTimeAsLocal": "%Y-%m-%d %H:%M:%S",
    "dateTimeAsSystem": "%Y-%m-%d %H:%M:%S",
}


def text(
    value: float | None, unit: str = "", decimals: int | None = None, now: float = 0, zone: tzinfo | None = None
) -> str:
    """Format a value in its unit. Dates are Unix milliseconds, as everywhere in Grafana; `now` is in seconds."""
    if value is None:
        return ""
    if math.isnan(value):
        return "NaN"
    if unit == "dateTimeFromNow":
        return _ago(value / 1000, now)
    if unit in _DATES:
        return _date(value / 1000, _DATES[unit], zone)
    if unit in _BOOLEANS:
        return _BOOLEANS[unit][value != 0]
    before = unit.removeprefix("prefix:") if unit.startswith("prefix:") else ""
    scaled, after = scale(value, unit)
    return f"{before}{digits(scaled, decimals)}{after}"


def tick(value: float, unit: str, decimals: int | None = None) -> str:
    """Format a value as an axis label, as short as possible."""
    scaled, after = scale(value, unit)
    written = digits(scaled, decimals)
    if decimals is None and "." in written:
        written = written.rstrip("0").rstrip(".")
    return f"{unit.removeprefix('prefix:') if unit.startswith('prefix:') else ''}{written}{after}"


def digits(value: float, decimals: int | None) -> str:
    """Format a number with fixed decimals, or with three significant digits."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if decimals is None:
        decimals = 0 if value == round(value) else min(max(0, 2 - math.floor(math.log10(abs(value)))), 12)
    written = f"{value:.{decimals}f}"
    return written.removeprefix("-") if float(written) == 0 else written


def scale(value: float, unit: str) -> tuple[float, str]:  # noqa: PLR0911 -- one line for each family of units
    """Scale a value to the multiple of its unit that fits its size. Returns the value and the suffix."""
    if unit == "percentunit":
        return value * 100, "%"
    if unit == "short":
        return _stepped(value, 1000, _SHORT)
    if unit in _COUNTS:
        scaled, prefix = _stepped(value, 1000, _COUNTED)
        return scaled, f"{prefix} {_COUNTS[unit]}"
    if unit in _BINARY:
        scaled, prefix = _stepped(value, 1024, [f"{p.upper()}i" if p else "" for p in _PREFIXES])
        return scaled, f" {prefix}{_BINARY[unit]}"
    if unit in _DECIMAL:
        scaled, prefix = _stepped(value, 1000, _PREFIXES)
        return scaled, f" {prefix}{_DECIMAL[unit]}"
    if unit in _SECONDS_OF:
        return _time(value * _SECONDS_OF[unit], " s" if unit == "s" else f" {unit}")
    if unit in _FIXED:
        return value, _FIXED[unit] if unit == "percent" else f" {_FIXED[unit]}"
    if unit.startswith("suffix:"):
        return value, unit.removeprefix("suffix:")
    if unit in ("", "none", "locale", "sishort", "string") or unit.startswith("prefix:"):
        return value, ""
    return value, f" {unit}"


def ticks(least: float, most: float, unit: str, wanted: int) -> list[float]:
    """Return about `wanted` round values between two ends. They are round in the unit in which they are displayed."""
    span = most - least
    if not (span > 0 and math.isfinite(span)):
        return [least]
    largest = max(abs(least), abs(most))
    whole = _whole(largest, unit)
    rough = span / max(wanted, 1) / whole
    power = 10 ** math.floor(math.log10(rough))
    if whole in (60.0, 3600.0) and unit in _SECONDS_OF:
        sizes: Sequence[float] = (1 / 60, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60)
        size = next((s for s in sizes if s >= rough), 60) * whole
    else:
        size = next(s for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9)) * power * whole
    first = math.ceil(least / size - 1e-9)
    last = math.floor(most / size + 1e-9)
    return [count * size for count in range(first, last + 1)]


def _whole(largest: float, unit: str) -> float:
    """Return the size of one displayed unit, in the unit of the value."""
    if unit in _SECONDS_OF:
        in_seconds = largest * _SECONDS_OF[unit]
        return next((size for size, _ in _TIMES if in_seconds >= size), 1e-9) / _SECONDS_OF[unit]
    if unit in _BINARY:
        return float(1024 ** min(int(math.log(largest, 1024)), 6)) if largest >= 1 else 1.0
    return 0.01 if unit == "percentunit" else 1.0


def _stepped(value: float, factor: int, names: Sequence[str]) -> tuple[float, str]:
    index = 0
    while abs(value) >= factor and index < len(names) - 1 and math.isfinite(value):
        value /= factor
        index += 1
    return value, names[index]


def _time(in_seconds: float, zero: str) -> tuple[float, str]:
    if in_seconds == 0 or not math.isfinite(in_seconds):
        return in_seconds, zero
    size, name = next(((size, name) for size, name in _TIMES if abs(in_seconds) >= size * (1 - 1e-12)), _TIMES[-1])
    scaled = in_seconds / size
    return scaled, _ONE.get(name, name) if scaled == 1 else name


def _ago(at: float, now: float) -> str:
    """Format a time (Unix seconds) relative to now."""
    if not math.isfinite(at):
        return "never"
    length = abs(now - at)
    bounds: Mapping[float, tuple[float, str]] = {
        45: (1, "a few seconds"),
        2700: (60, "minutes"),
        79200: (3600, "hours"),
        2246400: (86400, "days"),
        27648000: (2629800, "months"),
    }
    size, name = next((found for bound, found in bounds.items() if length < bound), (31557600.0, "years"))
    count = max(round(length / size), 1)
    told = name if size == 1 else (f"{count} {name}" if count > 1 else f"{_an(name)} {name[:-1]}")
    return f"in {told}" if at > now else f"{told} ago"


def _an(name: str) -> str:
    return "an" if name.startswith("hour") else "a"


def _date(at: float, form: str, zone: tzinfo | None) -> str:
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "Invalid date"
