"""Pages of the docs, generated from code: the catalogue by runtime, and the alerts. `generated_files` writes them."""

from __future__ import annotations

from collections.abc import Iterator

from ..api.model import API_VERSION, KIND, Model
from ..api.monitoring import Signals
from ..api.parser import parse
from ..render.rules.alerts.alert import Alert
from ..render.rules.alerts.groups import ALERTS, TIERS, is_enabled
from ..render.rules.alerts.objective_alerts import OBJECTIVES
from ..render.rules.catalogue import CATALOGUE, PREFIX, Context, missing, offers
from ..render.rules.promql import metrics_in
from ..render.rules.quality import DEFAULT_WINDOW
from ..render.rules.scope import FleetScope
from ..render.rules.signals import SignalSource
from ..runtimes import RuntimeProfile, builtin_runtimes

_KUBELET = ("container_", "kubelet_")
_OPERATOR = "monitored_model_"


def catalogue_page() -> str:
    """docs/catalogue.md: the series of each name, and by runtime the source of each series."""
    lines = [
        "# The catalogue",
        "",
        "Whatever a model's server calls its metrics, these are recorded for it, with the labels `namespace` and `monitored_model`.",
        "Generated from `operator/monitored_models/render/rules/catalogue.py` and `runtimes/` by `make generate`; `mmctl explain -f FILE`",
        "prints the same for one MonitoredModel.",
        "",
        "| name | series | unit | what |",
        "|---|---|---|---|",
        *(f"| {e.name} | `{e.series}` | {e.unit} | {e.text}{_extra(e.extra)} |" for e in CATALOGUE),
        "",
        "Quality comes from labels that come in later: counts of outcomes over `monitoring.quality.window`. CPU, memory and disk come",
        "from the kubelet's series (`container_*`, `kubelet_volume_stats_*`); where a custom server says them itself and the kubelet",
        "says nothing, its word counts. Many kubelets on containerd measure no disk of containers: then disk is that of volume claims alone.",
        "",
    ]
    for profile in builtin_runtimes().values():
        lines += [
            f"## {profile.title} (`runtime: {profile.id}`)",
            "",
            "| series | from |",
            "|---|---|",
            *_sources(profile),
            "",
        ]
    return "\n".join(lines)


def _extra(labels: tuple[str, ...]) -> str:
    return f"; label {', '.join(f'`{label}`' for label in labels)}" if labels else ""


def _sources(profile: RuntimeProfile) -> Iterator[str]:
    made = offers(Context(SignalSource(profile, Signals()), FleetScope(), DEFAULT_WINDOW))
    for offer in made:
        if offer.expression:
            yield f"| `{offer.entry.series.removeprefix(PREFIX)}` | {', '.join(f'`{n}`' for n in _own(offer.expression))} |"
    for name, reason in missing(made).items():
        yield f"| {name} | not available: {reason.removeprefix(f'{profile.title}: ')} |"


def _own(expression: str) -> list[str]:
    """Metrics of an expression, the server's first; without the operator's own, which only serve joins."""
    names = sorted(metrics_in(expression), key=lambda name: (name.startswith(_KUBELET), name))
    told = [
        name for name in names if not name.startswith((f"{_OPERATOR}info", f"{_OPERATOR}pod_", f"{_OPERATOR}claim_"))
    ]
    return told or names


def alerts_page() -> str:
    """docs/alerts.md: the alerts of a default model, the optional alerts, and the rationale of each."""
    default = _default_model()
    lines = [
        "# Alerts",
        "",
        "Few by default, each worth someone's attention. `critical` wakes someone, `warning` makes a ticket, `info` does neither. Every",
        "one can be changed or switched off in `spec.monitoring.alerts.rules`, and has a page in [runbooks](runbooks). The label",
        "`signal` says what an alert is about. Generated from `operator/monitored_models/render/rules/alerts/` by `make generate`.",
        "",
        "## What a model gets that says nothing about alerts",
        "",
        *_alert_table([alert for alert in ALERTS if is_enabled(alert, default)]),
        "",
        "`ModelVolumeFillingUp` is there only where the model mounts a claim, `ModelSaturated` only for language models.",
        "",
        "## What a spec asks for",
        "",
        *_alert_table([alert for alert in ALERTS if not is_enabled(alert, default)]),
        "",
        "## Of each objective in `spec.monitoring.slos`",
        "",
        "| alert | severity | for | fires when | why it is worth attention |",
        "|---|---|---|---|---|",
        *(f"| {_link(a.name)} | {a.severity} | {a.for_} | {a.summary} | {a.rationale} |" for a in OBJECTIVES),
        "",
        "An objective for availability switches `ModelErrorRatioHigh` off by default, one for latency `ModelLatencyHigh`: nobody should",
        "be told twice.",
        "",
    ]
    return "\n".join(lines)


def _default_model() -> Model:
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "default"}, "spec": {"image": "server:1"}}
    parsed = parse(body)
    assert isinstance(parsed, Model)
    return parsed


def _alert_table(alerts: list[Alert]) -> list[str]:
    tier = {alert.name: name for name, several in TIERS.items() for alert in several}
    return [
        "| alert | severity | for | fires when | why it is worth attention | about |",
        "|---|---|---|---|---|---|",
        *(
            f"| {_link(a.name)} | {a.severity} | {a.for_} | {a.summary} | {a.rationale} | {tier[a.name]} |"
            for a in alerts
        ),
    ]


def _link(name: str) -> str:
    return f"[`{name}`](runbooks/{name}.md)"
