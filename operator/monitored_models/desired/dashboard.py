"""The Grafana dashboard of a model, as a ConfigMap that Grafana's sidecar picks up.

Classic JSON, built with Grafana's own types. Panels ask Prometheus what the rules ask, by the same functions, so that
a panel and an alert never tell different stories.
"""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from ..api import Model
from ..kinds import CONFIG_MAP
from ..settings import Settings
from . import names, panels, promql
from .alerts import ALERTS
from .child import Child, child


def dashboard(model: Model, settings: Settings) -> Child | None:
    """The ConfigMap, or None where the dashboard, or scraping with it, is switched off."""
    wanted = model.spec.monitoring.dashboard
    if not (wanted.enabled and model.spec.monitoring.scrape.enabled):
        return None
    return child(
        model,
        CONFIG_MAP,
        names.dashboard(model),
        extra_labels=settings.dashboard_labels,
        annotations={settings.dashboard_folder_annotation: wanted.folder} if wanted.folder else None,
        data={names.dashboard_key(model): dashboard_json(model)},
    )


def dashboard_json(model: Model) -> str:
    """The dashboard itself: is it well, what does it do, how fast is it, which pods are it."""
    framework = model.spec.model.framework
    builder = (
        grafana.Dashboard(f"{model.display_name} ({model.namespace}/{model.name})")
        .uid(names.dashboard_uid(model))
        .tags(["monitored-models", f"runtime:{model.profile.id}", *([f"framework:{framework}"] if framework else [])])
        .readonly()
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(grafana.DatasourceVariable(panels.DATASOURCE).label("Data source").type("prometheus"))
    )
    for panel in _panels(model):
        builder = builder.with_panel(panel)
    return json.dumps(builder.build(), cls=JSONEncoder, sort_keys=True, separators=(",", ":"))


def _panels(model: Model) -> list[panels.Panel]:
    scope = promql.model_scope(model)
    ratio_limit = _threshold(model, "ModelErrorRatioHigh")
    latency_limit = _threshold(model, "ModelLatencyHigh")
    mean = promql.latency_mean(model, scope)
    quantiles = {f"p{q * 100:g}": promql.latency_quantile(model, scope, q) for q in (0.5, 0.95, 0.99)}
    latencies = {name: query for name, query in {**quantiles, "mean": mean}.items() if query is not None}
    headline = "p95" if "p95" in latencies else "mean"
    buckets = promql.latency_buckets(model, scope)
    shown = [
        panels.stat(
            "Replicas that answer",
            f"Pods that answer Prometheus; {model.minimum_replicas} are wanted.",
            promql.targets_up(scope),
            unit="short",
            red_below=model.minimum_replicas,
        ),
        panels.stat("Requests", "Requests per second.", promql.requests(model, scope), unit="reqps"),
        panels.stat(
            "Failed requests",
            "Share of requests that fail." + _limit("ModelErrorRatioHigh", ratio_limit),
            promql.error_ratio(model, scope),
            unit="percentunit",
            red_from=ratio_limit,
        ),
        panels.stat(
            f"Latency ({headline})",
            "Duration of a request." + _limit("ModelLatencyHigh", latency_limit),
            latencies[headline],
            unit="s",
            red_from=latency_limit,
        ),
        panels.lines(
            "Traffic",
            "Requests and failed requests per second.",
            {"requests": promql.requests(model, scope), "failed": promql.errors(model, scope)},
            unit="reqps",
        ),
        panels.lines(
            "Error ratio",
            "Share of requests that fail." + _limit("ModelErrorRatioHigh", ratio_limit),
            {"failed": promql.error_ratio(model, scope)},
            unit="percentunit",
            red_from=ratio_limit,
        ),
        panels.lines(
            "Latency",
            "Duration of requests." + _limit("ModelLatencyHigh", latency_limit),
            latencies,
            unit="s",
            red_from=latency_limit,
        ),
    ]
    if buckets is not None and promql.latency_source(model).scale == 1:
        # The bounds of a histogram in other units cannot be rescaled; its quantiles above are.
        shown.append(panels.heat("Latency distribution", "Requests per second by duration.", buckets, unit="s"))
    return [
        *shown,
        panels.lines(
            "Versions",
            "Pods that answer Prometheus, by the version that they serve.",
            {"{{monitored_model_version}}": promql.targets_up_by_version(scope)},
            unit="short",
        ),
        panels.table("Pods", "Each pod: 1 answers Prometheus, 0 does not.", promql.target_up(scope)),
    ]


def _limit(alert: str, threshold: float | None) -> str:
    return "" if threshold is None else f" Red from the limit of {alert}, {threshold:g}."


def _threshold(model: Model, name: str) -> float | None:
    """The limit at which an alert fires, or None where it is switched off."""
    (alert,) = (alert for alert in ALERTS if alert.name == name)
    rule = getattr(model.spec.monitoring.alerts.rules, alert.attribute)
    return alert.threshold(model, rule) if rule.enabled else None
