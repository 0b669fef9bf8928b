"""Explains what a model gets, and where each value comes from, for `mmctl explain`. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pydantic
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..api import Model
from ..api.layering import Layer, origins
from ..api.monitoring import Monitoring
from ..render.children import unmet_requests
from ..render.rules.alerts.groups import ALERTS, is_enabled, override_of
from ..render.rules.alerts.objective_alerts import OBJECTIVES
from ..render.rules.catalogue import Context, missing, offers
from ..render.rules.context import context
from ..render.rules.promql import metrics_in
from ..render.scrape.metric_relabeling import core, selection

_ADAPTER = pydantic.TypeAdapter(Monitoring)
Row = tuple[str, ...]


def explanation(model: Model, stack: Sequence[Layer]) -> str:
    """Text for people: catalogue, unavailable metrics and why, alerts, settings with their origin, unmet requests."""
    about = context(model)
    made = offers(about)
    there = [offer for offer in made if offer.expression]
    parts = [
        f"{model.namespace}/{model.name}: {model.runtime.title} (runtime {model.runtime.id})",
        _table(
            "Catalogue",
            ("series", "unit", "from"),
            [(o.entry.series, o.entry.unit, ", ".join(sources(o.expression or ""))) for o in there],
        ),
        _table("Not available", ("name", "why"), list(missing(made).items())),
        _table("Alerts", ("alert", "severity", "for", ""), list(_alerts(model, about))),
        _table("Metrics kept", ("selection", "names"), [(selection(model), ", ".join(_kept(model)))]),
        _table("Settings", ("spec.monitoring", "value", "from"), list(_settings(model, stack))),
        _table("Cannot be had", ("reason", "what"), [(note.reason, note.message) for note in unmet_requests(model)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def sources(expression: str) -> list[str]:
    """Names of the metrics that an expression reads."""
    return sorted(metrics_in(expression))


def _kept(model: Model) -> tuple[str, ...]:
    return core(model) if selection(model) == "core" else ("everything",)


def _alerts(model: Model, context_: Context) -> Iterator[Row]:
    for alert in ALERTS:
        rule = override_of(model, alert.name)
        if is_enabled(alert, model) and alert.expression(context_) is not None:
            yield alert.name, rule.severity or alert.severity, rule.for_ or alert.for_, alert.summary
    for slo in model.monitoring.slos:
        for burn in OBJECTIVES:
            rule = override_of(model, burn.name)
            if rule.enabled is not False:
                yield (
                    f"{burn.name} ({slo.name})",
                    rule.severity or burn.severity,
                    rule.for_ or burn.for_,
                    burn.summary,
                )


def _settings(model: Model, stack: Sequence[Layer]) -> Iterator[Row]:
    come_from = origins(stack)
    for path, value in _leaves(_ADAPTER.dump_python(model.monitoring, by_alias=True, mode="json"), ""):
        yield path, str(value), come_from.get(path) or come_from.get(path.split("[")[0], "default")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, item in enumerate(value):
            yield from _leaves({k: v for k, v in item.items() if k != "name"}, f"{path}[{item.get('name', number)}]")
    elif value not in (None, [], {}):
        yield path, value


def _table(title: str, head: Row, rows: Iterable[Row]) -> str:
    table = Table(*head, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if not table.row_count:
        return ""
    # As wide as its content: people search this output, and a wrapped name would not be found.
    console = Console(width=sys.maxsize, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "\n".join([f"{title}:", *(f"  {line.rstrip()}" for line in captured.get().splitlines())])
