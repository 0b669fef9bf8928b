"""The demo's live table: models with their conditions and their key metrics from Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import operator_chart
from kubernetes_client import Cluster
from models import NAMESPACE
from prometheus import Prometheus
from rich.console import Group
from rich.table import Table
from rich.text import Text

SERIES = {
    "up": "sum by (monitored_model) (up{{{where}}})",
    "throughput": "monitored_model:inference_throughput{{{where}}}",
    "errors": "monitored_model:inference_errors:ratio{{{where}}}",
    "p95": "monitored_model:inference_latency:p95{{{where}}}",
}


@dataclass(frozen=True)
class Row:
    """The state of one model at one time."""

    name: str
    conditions: dict[str, dict[str, Any]]
    replicas: str
    version: str
    figures: dict[str, float]

    @property
    def missing(self) -> str | None:
        """What the model still lacks, as text; None if it is Ready and Prometheus has all of its metrics."""
        ready = self.conditions.get("Ready", {})
        if ready.get("status") != "True":
            return f"{self.name} is not Ready: {ready.get('reason', 'no status yet')}: {ready.get('message', '')}"
        lacking = [name for name in SERIES if name not in self.figures]
        if lacking:
            return f"{self.name}: Prometheus has no {', '.join(lacking)} yet"
        return None if self.figures["throughput"] > 0 else f"{self.name}: Prometheus has seen no request yet"


def look(cluster: Cluster, prometheus: Prometheus) -> list[Row]:
    """Return the current state of every model of the demo."""
    path = f"/apis/monitoredmodels.dev/v1alpha1/namespaces/{NAMESPACE}/monitoredmodels"
    figures = {name: _values(prometheus, query) for name, query in SERIES.items()}
    return [_row(body, figures) for body in cluster.get(path)["items"]]


def gaps(cluster: Cluster, prometheus: Prometheus) -> list[str]:
    """Return the rules of the models and of the operator that Prometheus has not loaded or cannot evaluate."""
    rules = "/apis/monitoring.coreos.com/v1/namespaces/{}/prometheusrules"
    bodies = [
        body for name in (NAMESPACE, operator_chart.NAMESPACE) for body in cluster.get(rules.format(name))["items"]
    ]
    groups = {group["name"] for body in bodies for group in body["spec"]["groups"]}
    loaded = {group["name"]: group["rules"] for group in prometheus.rule_groups()}
    unwell = [rule["name"] for name in groups for rule in loaded.get(name, ()) if rule["health"] != "ok"]
    return [f"Prometheus has not loaded the rules {name}" for name in sorted(groups - loaded.keys())] + [
        f"the rule {name} is not evaluated well" for name in unwell
    ]


def _values(prometheus: Prometheus, query: str) -> dict[str, float]:
    results = prometheus.samples(query.format(where=f'namespace="{NAMESPACE}"'))
    return {each["metric"]["monitored_model"]: float(each["value"][1]) for each in results}


def _row(body: dict[str, Any], figures: dict[str, dict[str, float]]) -> Row:
    name, status = body["metadata"]["name"], body.get("status", {})
    return Row(
        name=name,
        conditions={each["type"]: each for each in status.get("conditions", ())},
        replicas=status.get("readyReplicasText", ""),
        version=body["spec"]["model"]["version"],
        figures={kind: values[name] for kind, values in figures.items() if name in values},
    )


def screen(rows: list[Row], footer: list[str]) -> Group:
    """Return the live table, with the links and commands of `footer` below it."""
    return Group(_table(rows), *(Text(line, overflow="fold") for line in footer))


def _table(rows: list[Row]) -> Table:
    shown = Table(title="MonitoredModels", title_justify="left")
    for column in ("model", "version", "ready", "reason", "replicas", "scraped", "requests/s", "failed", "p95"):
        left = column in ("model", "version", "ready", "reason")
        shown.add_column(column, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        ready = row.conditions.get("Ready", {})
        colour = {"True": "green", "False": "red"}.get(ready.get("status", ""), "yellow")
        figure = row.figures.get
        shown.add_row(
            row.name,
            row.version,
            f"[{colour}]{ready.get('status', '-')}[/]",
            ready.get("reason", "-"),
            row.replicas,
            _text(figure("up"), "{:.0f}"),
            _text(figure("throughput"), "{:.1f}"),
            _text(figure("errors"), "{:.1%}"),
            _text(figure("p95"), "{:.3f} s"),
        )
    return shown


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
