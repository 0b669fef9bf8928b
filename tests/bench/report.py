"""The measurements as tables and pictures: Markdown, and SVG that can be read as text."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.results import Plain, Rung
from measured_sections import put
from testbed import clock

T = TypeVar("T")


def tables(rungs: Sequence[Rung]) -> str:
    """All tables."""
    return "\n".join([_speed(rungs), _calls(rungs), _cost(rungs), _restarts(rungs), _full(rungs)])


def write(page: Path, rungs: Sequence[Rung]) -> None:
    """Put the tables between the marks of the page, and the pictures beside it."""
    pictures = page.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    (pictures / "bench-time.svg").write_text(_time_picture(rungs))
    (pictures / "bench-cost.svg").write_text(_cost_picture(rungs))
    put(page, f"{when()}\n{tables(rungs)}\n")


def when() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {clock.now():%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, Linux "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}, Kubernetes 1.36, everything on the same "
        "machine. Where a rung was measured several times, the median is given.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---:"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _speed(rungs: Sequence[Rung]) -> str:
    rows = [
        [
            str(rung.count),
            f"{_middle(rung.bare, lambda b: b.seconds):.1f} s",
            f"{_middle(rung.plain, lambda p: p.seconds):.1f} s",
            f"**{rung.ratio:.2f}**",
            ", ".join(f"{plain.seconds / bare.seconds:.2f}" for bare, plain in zip(rung.bare, rung.plain, strict=True)),
            f"{rung.count / _middle(rung.plain, lambda p: p.seconds):.0f}/s",
        ]
        for rung in rungs
    ]
    return _table(["models", "bare loop", "operator", "ratio", "ratio of each turn", "models per second"], rows)


def _calls(rungs: Sequence[Rung]) -> str:
    names = sorted({name for rung in rungs for plain in rung.plain for name in plain.calls})
    rows = [[name, *(f"{_middle(rung.plain, partial(_called, name)):.2f}" for rung in rungs)] for name in names]
    heads = [f"at {rung.count} models" for rung in rungs]
    total = ["bare loop, all", *(f"{_middle(rung.bare, lambda b: b.calls):.2f}" for rung in rungs)]
    return _table(["API calls per model", *heads], [*rows, total])


def _called(name: str, plain: Plain) -> float:
    return plain.calls.get(name, 0.0)


def _cost(rungs: Sequence[Rung]) -> str:
    rows = [
        [
            str(rung.count),
            f"{_middle(rung.plain, lambda p: p.cpu):.1f} ms",
            f"{_middle(rung.plain, lambda p: p.rss):.0f} MiB",
            f"{_middle(rung.plain, lambda p: p.lag) * 1000:.0f} ms",
        ]
        for rung in rungs
    ]
    head = ["models", "CPU per model", "peak memory", "event-loop lag, p99 ≤"]
    return _table(head, rows)


def _restarts(rungs: Sequence[Rung]) -> str:
    """Of several turns at one number of models and one quota: the median of the times, the worst of the rest."""
    rows = [
        [
            str(rung.count),
            f"{turns[0].cores}" if turns[0].cores else "no limit",
            f"{_middle(turns, lambda r: r.seconds):.1f} s",
            f"{max(turn.lag for turn in turns) * 1000:.0f} ms",
            max(turns, key=lambda r: float(r.step.split()[-2])).step.replace("_", " "),
            f"{max(turn.probe for turn in turns) * 1000:.0f} ms",
            "yes" if all(turn.kept for turn in turns) else "**no**",
            f"{max(turn.writes for turn in turns)}",
            f"{_middle(turns, lambda r: r.cpu):.1f} s",
            f"{max(turn.peak for turn in turns):.0f} MiB",
        ]
        for rung in rungs
        for turns in zip(*(plain.restarts for plain in rung.plain), strict=True)
    ]
    head = [
        "models",
        "cores",
        "restart until idle",
        "longest lag ≤",
        "longest step",
        "slowest probe",
        "Lease kept",
        "writes",
        "CPU",
        "peak memory",
    ]
    return _table(head, rows)


def _full(rungs: Sequence[Rung]) -> str:
    rows = []
    for rung in rungs:
        if (full := rung.full) is None:
            continue
        rows.append(
            [
                str(rung.count),
                f"{full.ready_seconds:.1f} s",
                f"{full.writes:.2f}",
                f"{full.cpu:.1f} ms",
                f"{full.rss:.0f} MiB",
                f"{full.lag * 1000:.0f} ms",
                str(full.quiet_writes),
                f"{full.change_seconds:.1f} s, {full.change_writes:.2f}",
                f"{full.delete_seconds:.1f} s, {full.delete_writes}",
                f"{full.failover_seconds:.1f} s",
            ]
        )
    head = [
        "models",
        "all Ready",
        "writes per model",
        "CPU per model",
        "peak memory",
        "lag, p99 ≤",
        "writes in 60 quiet s",
        "one field of all: time, writes per model",
        "delete all: time, writes",
        "failover",
    ]
    return _table(head, rows)


def _middle(measured: Sequence[T], read: Callable[[T], float]) -> float:
    return statistics.median(read(each) for each in measured)


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 70, 50
COLOURS = ("#7f7f7f", "#1f77b4", "#d62728")


def _time_picture(rungs: Sequence[Rung]) -> str:
    return _chart(
        "Models created at once: seconds per 1,000 models",
        [str(rung.count) for rung in rungs],
        {
            "bare loop": [1000 * _middle(rung.bare, lambda b: b.seconds) / rung.count for rung in rungs],
            "operator": [1000 * _middle(rung.plain, lambda p: p.seconds) / rung.count for rung in rungs],
        },
    )


def _cost_picture(rungs: Sequence[Rung]) -> str:
    return _chart(
        "Peak memory of the operator, MiB",
        [str(rung.count) for rung in rungs],
        {"operator": [_middle(rung.plain, lambda p: p.rss) for rung in rungs]},
    )


def _chart(title: str, groups: Sequence[str], series: dict[str, list[float]]) -> str:
    """Bars side by side, with their values."""
    top = max(value for values in series.values() for value in values) * 1.15
    wide = (WIDTH - LEFT - 20) / len(groups)
    bar = wide * 0.8 / len(series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{title}</text>',
    ]
    for row, (name, values) in enumerate(series.items()):
        colour = COLOURS[row]
        parts.append(f'<text x="{WIDTH - 20}" y="{20 + 16 * row}" text-anchor="end" fill="{colour}">{name}</text>')
        for column, value in enumerate(values):
            tall = (HEIGHT - BOTTOM - 50) * value / top
            x, y = LEFT + column * wide + wide * 0.1 + row * bar, HEIGHT - BOTTOM - tall
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.95:.1f}" height="{tall:.1f}" fill="{colour}"/>'
            )
            parts.append(f'<text x="{x + bar / 2:.1f}" y="{y - 4:.1f}" text-anchor="middle">{value:.1f}</text>')
    for column, group in enumerate(groups):
        x = LEFT + (column + 0.5) * wide
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{group} models</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
