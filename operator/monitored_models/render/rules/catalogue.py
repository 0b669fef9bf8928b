"""The metric catalogue: common metrics of every model, with one name that does not depend on the model server.

Name: `monitored_model:<catalogue name>[:<stat>]`. The labels are the model's identity and the entry's extra labels,
never a version or generation of the rules, so a recorded series continues when a model changes.

Longer than other modules because the catalogue is one table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...naming import labels
from ...runtimes import RuntimeProfile
from . import quality, signals, usage
from .scope import Scope, SeriesSelector
from .signals import QUANTILES, SignalSource

PREFIX = "monitored_model:"
NO_LABELS = "it runs no code of the model's authors, and cannot know what would have been right"
NO_INPUTS = "it runs no code of the model's authors that could compare inputs with a reference"
NO_CLAIM = "the model mounts no volume claim"
NO_GPU = "GPUs are not read from the DCGM exporter yet"


@dataclass(frozen=True)
class Context:
    """The input of an entry's expression: server, scope and quality window."""

    server: SignalSource
    scope: Scope
    span: str
    """Quality window."""


@dataclass(frozen=True)
class Entry:
    """One recorded series."""

    series: str
    group: str
    unit: str
    text: str
    expression: Callable[[Context], str | None]
    why_not: Callable[[RuntimeProfile], str | None] = lambda _profile: None
    """Returns why a runtime cannot provide the series, or None if it can."""
    extra: tuple[str, ...] = ()
    """Labels in addition to the identity."""

    @property
    def name(self) -> str:
        """Catalogue name, without the stat."""
        return self.series.removeprefix(PREFIX).split(":", 1)[0]


def _signal(name: str) -> Callable[[RuntimeProfile], str | None]:
    return lambda profile: profile.why_not(name)


def _needs_code(reason: str) -> Callable[[RuntimeProfile], str | None]:
    return lambda profile: None if profile.instrumented else f"{profile.title}: {reason}"


def _histogram(signal: str) -> Callable[[RuntimeProfile], str | None]:
    def why_not(profile: RuntimeProfile) -> str | None:
        source = getattr(profile.signals, signal)
        if source and not source.histograms:
            return f"{profile.title}: it exposes no histogram of it, only a mean"
        return profile.why_not(signal)

    return why_not


def _quantiles(name: str, group: str, signal: str, text: str, stats: tuple[str, ...]) -> list[Entry]:
    def of(share: float) -> Callable[[Context], str | None]:
        return lambda c: signals.quantile(c.server, signal, c.scope, share)

    return [
        Entry(
            f"{PREFIX}{name}:{stat}",
            group,
            "seconds",
            f"{text}, {stat[1:]}th percentile",
            of(QUANTILES[stat]),
            _histogram(signal),
        )
        for stat in stats
    ]


def _share(name: str, text: str) -> Entry:
    return Entry(
        f"{PREFIX}{name}",
        "quality",
        "ratio",
        text,
        lambda c: quality.share(name, c.scope, c.span),
        _needs_code(NO_LABELS),
    )


def _kubelet(signal: str, measure: Callable[[Scope], str]) -> Callable[[Context], str]:
    def expression(c: Context) -> str:
        kubelet, said = measure(c.scope), signals.self_reported(c.server, signal, c.scope)
        return f"{kubelet} or {said}" if said else kubelet

    return expression


def by_reported_version(context: Context) -> str | None:
    """PromQL of the number of pods by the version that the server reports."""
    found = signals.reported_versions(context.server, context.scope)
    return found and f"count by ({', '.join((*labels.IDENTITY, 'version'))}) ({found})"


THROUGHPUT = f"{PREFIX}inference_throughput"
ERRORS = f"{PREFIX}inference_errors"
ERROR_RATIO = f"{PREFIX}inference_errors:ratio"
LATENCY_P95 = f"{PREFIX}inference_latency:p95"
LATENCY_MEAN = f"{PREFIX}inference_latency:mean"
QUEUE = f"{PREFIX}queue_length"
KV_CACHE = f"{PREFIX}kv_cache_usage"
DRIFT = f"{PREFIX}model_drift_score"
LABELS_COUNT = f"{PREFIX}model_labels:count"
LABELS_COVERAGE = f"{PREFIX}model_labels:coverage"
UPDATE_TIME = f"{PREFIX}model_update_time"
DISK_RATIO = f"{PREFIX}disk_usage:ratio"
REPORTED = f"{PREFIX}model_version:reported"

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        THROUGHPUT,
        "traffic",
        "requests per second",
        "Requests",
        lambda c: signals.requests(c.server, c.scope),
        _signal("requests"),
    ),
    Entry(
        ERRORS,
        "traffic",
        "requests per second",
        "Failed requests",
        lambda c: signals.errors(c.server, c.scope),
        _signal("errors"),
    ),
    Entry(
        ERROR_RATIO,
        "traffic",
        "ratio",
        "Share of requests that fail",
        lambda c: signals.error_ratio(c.server, c.scope),
        _signal("errors"),
    ),
    *_quantiles("inference_latency", "traffic", "latency", "Request duration", ("p50", "p95", "p99")),
    Entry(
        LATENCY_MEAN,
        "traffic",
        "seconds",
        "Request duration, mean",
        lambda c: signals.mean(c.server, "latency", c.scope),
        _signal("latency"),
    ),
    *_quantiles(
        "time_to_first_token", "tokens", "time_to_first_token", "Time to the first token", ("p50", "p95", "p99")
    ),
    *_quantiles("inter_token_latency", "tokens", "inter_token", "Time between two tokens", ("p50", "p95")),
    Entry(
        f"{PREFIX}inter_token_latency:mean",
        "tokens",
        "seconds",
        "Time between two tokens, mean",
        lambda c: signals.mean(c.server, "inter_token", c.scope),
        _signal("inter_token"),
    ),
    Entry(
        f"{PREFIX}token_throughput",
        "tokens",
        "tokens per second",
        "Generated tokens",
        lambda c: signals.tokens(c.server, c.scope),
        _signal("tokens"),
    ),
    Entry(
        f"{PREFIX}prompt_token_throughput",
        "tokens",
        "tokens per second",
        "Tokens of prompts",
        lambda c: signals.prompt_tokens(c.server, c.scope),
        _signal("prompt_tokens"),
    ),
    Entry(
        QUEUE, "tokens", "requests", "Requests that wait", lambda c: signals.queue(c.server, c.scope), _signal("queue")
    ),
    Entry(
        KV_CACHE,
        "tokens",
        "ratio",
        "Key-value cache in use, of the fullest pod",
        lambda c: signals.kv_cache(c.server, c.scope),
        _signal("kv_cache"),
    ),
    _share("model_accuracy", "Share of predictions that are right"),
    _share("model_precision", "Share of the positive predictions that are right"),
    _share("model_recall", "Share of the positive cases that are found"),
    _share("model_f1_score", "Harmonic mean of precision and recall"),
    _share("false_positive_rate", "Share of the negative cases that are taken for positive"),
    _share("false_negative_rate", "Share of the positive cases that are missed"),
    Entry(
        f"{PREFIX}prediction_error",
        "quality",
        "unit of the predictions",
        "Absolute error, mean",
        lambda c: quality.prediction_error(c.scope, c.span),
        _needs_code(NO_LABELS),
    ),
    Entry(
        f"{PREFIX}prediction_error:p95",
        "quality",
        "unit of the predictions",
        "Absolute error, 95th percentile",
        lambda c: quality.prediction_error_quantile(c.scope, c.span, 0.95),
        _needs_code(NO_LABELS),
    ),
    Entry(
        LABELS_COUNT,
        "quality",
        "labels",
        "Labels within the window of monitoring.quality",
        lambda c: quality.labels_count(c.scope, c.span),
        _needs_code(NO_LABELS),
    ),
    Entry(
        LABELS_COVERAGE,
        "quality",
        "ratio",
        "Share of the predictions that have got their label",
        lambda c: quality.labels_coverage(c.scope, c.span),
        _needs_code(NO_LABELS),
    ),
    Entry(
        DRIFT,
        "quality",
        "score",
        "How far inputs have moved, by the feature that moved most",
        lambda c: quality.drift(c.scope),
        _needs_code(NO_INPUTS),
    ),
    Entry(
        f"{DRIFT}:feature",
        "quality",
        "score",
        "The same by feature",
        lambda c: quality.drift_by_feature(c.scope),
        _needs_code(NO_INPUTS),
        ("feature",),
    ),
    Entry(f"{PREFIX}cpu_usage", "resources", "cores", "CPU of the pods", _kubelet("cpu", usage.cpu)),
    Entry(f"{PREFIX}memory_usage", "resources", "bytes", "Memory of the pods", _kubelet("memory", usage.memory)),
    Entry(
        f"{PREFIX}disk_usage",
        "resources",
        "bytes",
        "Disk of the containers and volume claims",
        _kubelet("disk", usage.disk),
    ),
    Entry(DISK_RATIO, "resources", "ratio", "Use of the fullest volume claim", lambda c: usage.disk_ratio(c.scope)),
    Entry(
        f"{PREFIX}gpu_usage",
        "resources",
        "ratio",
        "GPU, as the server itself says",
        lambda c: signals.gpu(c.server, c.scope),
        lambda profile: None if profile.signals.gpu else f"{profile.title}: {NO_GPU}",
    ),
    Entry(
        f"{PREFIX}model_version",
        "resources",
        "pods",
        "Pods that answer, by the version that they are labelled with",
        lambda c: signals.targets_up_by_version(c.scope),
        extra=(labels.SERIES_VERSION,),
    ),
    Entry(
        REPORTED,
        "resources",
        "pods",
        "Pods by the version that the server itself says",
        by_reported_version,
        _signal("reported_version"),
        ("version",),
    ),
    Entry(
        UPDATE_TIME,
        "resources",
        "Unix time in seconds",
        "Last update of the model",
        lambda c: quality.updated(c.scope, instrumented=c.server.profile.instrumented),
    ),
)
"""All entries, in the order of the documentation."""

NAMES = tuple(dict.fromkeys(entry.name for entry in CATALOGUE))


def recorded(name: str, scope: SeriesSelector) -> str:
    """Return the selector of a recorded series."""
    return scope.series(name)


@dataclass(frozen=True)
class Offer:
    """An entry for one model: its expression, or the reason why it is unavailable."""

    entry: Entry
    expression: str | None
    reason: str | None


def offers(context: Context) -> tuple[Offer, ...]:
    """Return all entries for a model, with the reason for each unavailable one."""
    return tuple(_offer(entry, context) for entry in CATALOGUE)


def _offer(entry: Entry, context: Context) -> Offer:
    profile = context.server.profile
    expression = entry.expression(context)
    # Quality expressions exist for every runtime, so the runtime profile decides whether they are available.
    reason = entry.why_not(profile) if expression is None or entry.group == "quality" else None
    if expression is None:
        return Offer(
            entry, None, reason or f"{profile.title}: {NO_CLAIM if entry.series == DISK_RATIO else 'not given'}"
        )
    return Offer(entry, expression if reason is None else None, reason)


def missing(offered: tuple[Offer, ...]) -> dict[str, str]:
    """Map each catalogue name without any available series to the reason."""
    there = {offer.entry.name for offer in offered if offer.expression}
    reasons: dict[str, str] = {}
    for offer in offered:
        if offer.entry.name not in there and offer.reason:
            reasons.setdefault(offer.entry.name, offer.reason)
    return reasons
