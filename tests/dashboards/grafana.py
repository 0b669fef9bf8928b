"""What Grafana does with a dashboard before it asks Prometheus: variables, intervals, steps. As its documentation has it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from dashboards.rendered_dashboards import JSON, variables
from testbed.prometheus import Prometheus

SCRAPE = 60
"""Seconds between two scrapes: what a data source's setting says."""
ALL = ".*"
"""The value of All in our dashboards."""


@dataclass(frozen=True)
class View:
    """A dashboard that someone looks at: time range, step, and what is chosen."""

    server: Prometheus
    end: int
    seconds: int = 3 * 3600
    step: int = SCRAPE
    chosen: dict[str, str] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        """An expression with everything filled in."""
        rate = max(self.step + SCRAPE, 4 * SCRAPE)
        intervals = {"__rate_interval": f"{rate}s", "__interval": f"{self.step}s", "__range": f"{self.seconds}s"}
        for name, value in {**intervals, **self.chosen}.items():
            text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", value.replace("\\", r"\\"), text)
        assert "$" not in text, text
        return text

    def choices(self, variable: JSON) -> list[str]:
        """What a variable offers: label_values as Grafana asks it."""
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert found
        span = {"start": str(self.end - self.seconds), "end": str(self.end)}
        values: list[str] = self.server.get(f"label/{found[2]}/values", **{"match[]": self.filled(found[1]), **span})
        return values

    def asked(self, target: JSON) -> list[dict[str, Any]]:
        """The answer to a target of a panel, as series."""
        expression = self.filled(target["expr"])
        return self.over_time(expression) if target.get("range") else self.server.query(expression, time=str(self.end))

    def over_time(self, expression: str) -> list[dict[str, Any]]:
        """The answer of a range query."""
        span = {"start": str(self.end - self.seconds), "end": str(self.end), "step": str(self.step)}
        found: list[dict[str, Any]] = self.server.get("query_range", query=expression, **span)["result"]
        return found


def with_all(board: JSON, view: View) -> View:
    """The view with All chosen everywhere, as a dashboard opens."""
    names = [variable["name"] for variable in variables(board)[1:]]
    return View(view.server, view.end, view.seconds, view.step, dict.fromkeys(names, ALL))


def with_first(board: JSON, view: View) -> View:
    """The view with one value chosen of each variable, in their order: each depends on those before."""
    for variable in variables(board)[1:]:
        choices = view.choices(variable)
        assert choices, variable["name"]
        view = View(view.server, view.end, view.seconds, view.step, {**view.chosen, variable["name"]: choices[0]})
    return view
