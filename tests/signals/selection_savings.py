"""What `monitoring.metrics.selection: core` saves, measured on the fixtures: `python -m signals.selection_savings` writes docs/metrics.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import measured_sections
from monitored_models.render.scrape.metric_relabeling import metric_relabelings
from signals.replay import Fixture, fixtures
from unit.specs import model

PAGE = Path(__file__).parents[2] / "docs/metrics.md"


def kept(fixture: Fixture, names: Iterable[str]) -> int:
    """How many of the series the core keeps."""
    spec = {
        "runtime": fixture.runtime,
        "image": "server:1",
        "command": ["serve"],
        "monitoring": {"metrics": {"selection": "core"}},
    }
    (keep,) = metric_relabelings(model(spec))
    return sum(re.fullmatch(keep["regex"], name) is not None for name in names)


def table() -> str:
    """Series of one pod under load, all and core, by version of the server."""
    lines = ["| server | all series of a pod | core | |", "| :--- | ---: | ---: | ---: |"]
    for fixture in fixtures():
        names = [name for name, _ in fixture.page(2)]
        core = kept(fixture, names)
        lines.append(f"| {fixture.about['server']} | {len(names)} | {core} | {core / len(names):.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    measured_sections.put(PAGE, table() + "\n")
