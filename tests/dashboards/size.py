"""How large a model's dashboard is, by runtime: `python -m dashboards.size` writes it into docs/dashboards.md."""

from __future__ import annotations

import json
from pathlib import Path

import measured_sections
from dashboards.rendered_dashboards import WATCHED, of_runtime, panels
from monitored_models.api import Model
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.runtimes import builtin_runtimes

PAGE = Path(__file__).parents[2] / "docs/dashboards.md"


def table() -> str:
    """Panels and bytes, of a model that says nothing of its monitoring, and of one that asks for everything."""
    lines = ["| runtime | panels | kB | panels, all asked for | kB |", "| :--- | ---: | ---: | ---: | ---: |"]
    for runtime in builtin_runtimes():
        small, large = of_runtime(runtime), of_runtime(runtime, WATCHED)
        lines.append(f"| {runtime} | {_panels(small)} | {_kilobytes(small)} | {_panels(large)} | {_kilobytes(large)} |")
    return "\n".join(lines)


def _panels(model: Model) -> int:
    return len(list(panels(json.loads(dashboard_json(model)))))


def _kilobytes(model: Model) -> int:
    return round(len(dashboard_json(model)) / 1000)


if __name__ == "__main__":
    measured_sections.put(PAGE, table() + "\n")
