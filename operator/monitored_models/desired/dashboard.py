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
from . import names, panels, signals, slos
from .alerts import ALERTS, is_on
from .alerts.traffic import latency_headline
from .catalogue import (
    CATALOGUE,
    DRIFT,
    ERROR_RATIO,
    ERRORS,
    KV_CACHE,
    PREFIX,
    QUEUE,
    THROUGHPUT,
    Context,
    Offer,
    missing,
    offers,
    recorded,
)
from .child import Child, child
from .context import context
from .limits import limits
from .quality import SHARES


def dashboard(model: Model, settings: Settings) -> Child | None:
    """The ConfigMap, or None where the dashboard, or scraping with it, is switched off."""
    wanted = model.monitoring.dashboard
    if not (wanted.enabled and model.monitoring.scrape.enabled):
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


WIDTH = 24
"""Columns of Grafana's grid."""
TOKENS = {entry.series for entry in CATALOGUE if entry.group == "tokens" and entry.series != QUEUE}


def _panels(model: Model) -> list[panels.Panel]:
    made = context(model)
    offered = offers(made)
    there = {offer.entry.series for offer in offered if offer.expression}
    return [
        *_headlines(model, made, there),
        *_traffic(model, made, there),
        *_language_model(made, there),
        *_objectives(model, made),
        *_learning(model, made, there),
        *_pods(made),
        *_unavailable(offered),
    ]


def _headlines(model: Model, c: Context, there: set[str]) -> list[panels.Panel]:
    headline = latency_headline(c.server)
    shown = [
        panels.stat(
            "Replicas that answer",
            f"Pods that answer Prometheus; {model.minimum_replicas} are wanted.",
            signals.targets_up(c.scope),
            unit="short",
            red_below=model.minimum_replicas,
        )
    ]
    if THROUGHPUT in there:
        shown.append(panels.stat("Requests", "Requests per second.", recorded(THROUGHPUT, c.scope), unit="reqps"))
    if ERROR_RATIO in there:
        shown.append(
            panels.stat(
                "Failed requests",
                "Share of requests that fail." + _limit(model, "ModelErrorRatioHigh"),
                recorded(ERROR_RATIO, c.scope),
                unit="percentunit",
                red_from=_threshold(model, "ModelErrorRatioHigh"),
            )
        )
    if headline in there:
        shown.append(
            panels.stat(
                f"Latency ({headline.rsplit(':', 1)[1]})",
                "Duration of a request." + _limit(model, "ModelLatencyHigh"),
                recorded(headline, c.scope),
                unit="s",
                red_from=_threshold(model, "ModelLatencyHigh"),
            )
        )
    return [panel.span(WIDTH // len(shown)) for panel in shown]


def _lines(c: Context, there: set[str], name: str, stats: tuple[str, ...]) -> dict[str, str]:
    """Legend to query, for those stats of a catalogue name that there are."""
    series = {stat: f"{PREFIX}{name}:{stat}" for stat in stats}
    return {stat: recorded(found, c.scope) for stat, found in series.items() if found in there}


def _traffic(model: Model, c: Context, there: set[str]) -> list[panels.Panel]:
    shown = []
    traffic = {"requests": THROUGHPUT, "failed": ERRORS}
    queries = {legend: recorded(name, c.scope) for legend, name in traffic.items() if name in there}
    if queries:
        shown.append(panels.lines("Traffic", "Requests and failed requests per second.", queries, unit="reqps"))
    if ERROR_RATIO in there:
        shown.append(
            panels.lines(
                "Error ratio",
                "Share of requests that fail." + _limit(model, "ModelErrorRatioHigh"),
                {"failed": recorded(ERROR_RATIO, c.scope)},
                unit="percentunit",
                red_from=_threshold(model, "ModelErrorRatioHigh"),
            )
        )
    if latencies := _lines(c, there, "inference_latency", ("p50", "p95", "p99", "mean")):
        shown.append(
            panels.lines(
                "Latency",
                "Duration of requests." + _limit(model, "ModelLatencyHigh"),
                latencies,
                unit="s",
                red_from=_threshold(model, "ModelLatencyHigh"),
            )
        )
    if heat := signals.buckets(c.server, "latency", c.scope):
        shown.append(panels.heat("Latency distribution", "Requests per second by duration.", heat, unit="s"))
    return shown


def _language_model(c: Context, there: set[str]) -> list[panels.Panel]:
    if not c.server.profile.llm and not (there & TOKENS):
        return []  # a queue alone makes no language model
    shown = []
    if first := _lines(c, there, "time_to_first_token", ("p50", "p95", "p99")):
        shown.append(panels.lines("Time to first token", "From a request to its first token.", first, unit="s"))
    if between := _lines(c, there, "inter_token_latency", ("p50", "p95", "mean")):
        shown.append(panels.lines("Time between tokens", "Between two tokens of an answer.", between, unit="s"))
    tokens = {"generated": f"{PREFIX}token_throughput", "prompts": f"{PREFIX}prompt_token_throughput"}
    if queries := {legend: recorded(name, c.scope) for legend, name in tokens.items() if name in there}:
        shown.append(panels.lines("Tokens", "Tokens per second.", queries, unit="short"))
    if QUEUE in there:
        shown.append(panels.lines("Queue", "Requests that wait.", {"waiting": recorded(QUEUE, c.scope)}, unit="short"))
    if KV_CACHE in there:
        full = {"in use": recorded(KV_CACHE, c.scope)}
        shown.append(panels.lines("Key-value cache", "Share in use, of the fullest pod.", full, unit="percentunit"))
    return shown


def _objectives(model: Model, c: Context) -> list[panels.Panel]:
    if not any(slos.events(c.server, slo, c.scope) for slo in model.monitoring.slos):
        return []
    return [
        panels.lines(
            "Error budget left",
            "Of each objective: 100% is all of it, below 0 it is overspent. Counted in half hours.",
            {"{{slo}}": recorded(slos.BUDGET_LEFT, c.scope)},
            unit="percentunit",
            least=None,
        ),
        panels.lines(
            "Bad events",
            "Share of bad events over the last hour, of each objective.",
            {"{{slo}}": slos.error_ratio("1h", c.scope)},
            unit="percentunit",
        ),
    ]


def _learning(model: Model, c: Context, there: set[str]) -> list[panels.Panel]:
    """What the spec asks for: a server that exposes none of it would give empty panels."""
    shown, asked = [], model.monitoring.quality
    shares = {name: f"{PREFIX}{name}" for name in SHARES if asked and f"{PREFIX}{name}" in there}
    if shares:
        queries = {name: recorded(series, c.scope) for name, series in shares.items()}
        text = f"By the labels of the last {c.span}."
        shown.append(panels.lines("Quality", text, queries, unit="percentunit"))
    if model.monitoring.drift and DRIFT in there:
        shown.append(
            panels.lines(
                "Drift",
                "How far inputs have moved, by the feature that moved most." + _limit(model, "ModelDriftModerate"),
                {"score": recorded(DRIFT, c.scope)},
                unit="short",
                red_from=_threshold(model, "ModelDriftModerate"),
            )
        )
    return shown


def _pods(c: Context) -> list[panels.Panel]:
    usage = {name: recorded(f"{PREFIX}{name}_usage", c.scope) for name in ("cpu", "memory")}
    return [
        panels.lines("CPU", "CPU of all pods, in cores.", {"used": usage["cpu"]}, unit="short"),
        panels.lines("Memory", "Memory of all pods.", {"used": usage["memory"]}, unit="bytes"),
        panels.lines(
            "Versions",
            "Pods that answer Prometheus, by the version that they serve.",
            {"{{monitored_model_version}}": signals.targets_up_by_version(c.scope)},
            unit="short",
        ),
        panels.table("Pods", "Each pod: 1 answers Prometheus, 0 does not.", signals.target_up(c.scope)),
    ]


def _unavailable(offered: tuple[Offer, ...]) -> list[panels.Panel]:
    reasons = missing(offered)
    if not reasons:
        return []
    rows = "\n".join(f"| {name} | {reason} |" for name, reason in reasons.items())
    return [
        panels.text(
            "Not available",
            "What the catalogue promises and this kind of server cannot give.",
            f"| metric | why |\n|---|---|\n{rows}",
        )
    ]


def _limit(model: Model, alert: str) -> str:
    threshold = _threshold(model, alert)
    return "" if threshold is None else f" Red from the limit of {alert}, {threshold:g}."


def _threshold(model: Model, name: str) -> float | None:
    """The limit at which an alert fires, or None where it is switched off."""
    (alert,) = (alert for alert in ALERTS if alert.name == name)
    return limits(model)[alert.limit] if alert.limit and is_on(alert, model) else None
