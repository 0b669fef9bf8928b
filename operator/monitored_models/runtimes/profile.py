"""What is known of one kind of model server: the type of the files in this folder, and of profiles in the settings."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import promql_parser
from pydantic import Field, model_validator

from ..base.schema_types import settings_type

CUSTOM = "custom"
METRIC = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
PLACEHOLDERS = ("name", "version", "framework", "port", "metricsPort", "gpus", "home", "uri")
"""What arguments, command and environment of a profile may name in braces."""
CUSTOM_RUNTIME_PREFIX = "x-"
"""Begins the id of a profile that comes with the operator's settings, so that a typo in a built-in one is still refused."""


@settings_type
class ProbeDefaults:
    """Defaults of one probe; without a path the port must accept connections. Times in seconds."""

    enabled: bool = True
    path: str | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 5
    failure_threshold: int = 3


@settings_type
class UriHandling:
    """Which schemes of model.uri the server understands, each with the form in which it is given to the server.

    In a form, {uri} is the whole URI and {rest} what follows the scheme's two slashes.
    """

    required: bool = False
    schemes: dict[str, str] = Field(default_factory=dict)


@settings_type
class Histogram:
    """A histogram as it stands on the metrics page, without _bucket."""

    name: Annotated[str, Field(pattern=METRIC)]
    where: str = ""
    """Matchers, as inside the braces of a selector."""
    buckets: tuple[float, ...] = ()
    """Upper bounds in the server's own unit, where they are known; a threshold that is none of them cannot be counted."""


@settings_type
class Durations:
    """A quantity that is measured for each request or token: histograms, or bare expressions of its mean.

    Alternatives, for the names of several versions: of each pod the first that it exposes counts.
    """

    histograms: tuple[Histogram, ...] = ()
    mean: tuple[str, ...] = ()
    """Where there is no histogram: bare vectors, each the mean of one pod in the server's own unit."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor that turns the server's unit into the base unit, seconds."""
    headline: Literal["p95", "mean"] = "p95"
    """What alerts read; the mean where there is no histogram, or its bounds are too far apart for a quantile."""

    @model_validator(mode="after")
    def _check_source(self) -> Durations:
        if not (self.histograms or self.mean):
            raise ValueError("give histograms or mean")
        return self


@settings_type
class ReportedVersion:
    """Where the server itself says which version it serves: a label of a series, or the value of a gauge."""

    series: str | None = None
    label: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")] | None = None
    """Label of the series."""
    pattern: str = "(.+)"
    """Regular expression over the label; its first group is the version."""
    gauge: str | None = None

    @model_validator(mode="after")
    def _check_source(self) -> ReportedVersion:
        if (self.series is None) != (self.label is None) or (self.series is None and self.gauge is None):
            raise ValueError("give series and label, or gauge")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error}") from error
        return self


@settings_type
class SignalExpressions:
    """The canonical signals as bare PromQL, in base units. $window stands for the rate window.

    Each list holds alternatives, for the names of several versions: vectors that are summed (for `kvCache`: of which
    the highest counts; for `gpu`: averaged), of each pod the first that it exposes.
    """

    requests: tuple[str, ...] = ()
    """Requests per second."""
    errors: tuple[str, ...] = ()
    """Failed requests per second."""
    latency: Durations | None = None
    """Request duration."""
    time_to_first_token: Durations | None = None
    """Time from a request to its first token."""
    inter_token: Durations | None = None
    """Time between two tokens of an answer."""
    tokens: tuple[str, ...] = ()
    """Generated tokens per second."""
    prompt_tokens: tuple[str, ...] = ()
    """Tokens of prompts per second."""
    queue: tuple[str, ...] = ()
    """Requests that wait."""
    kv_cache: tuple[str, ...] = ()
    """Share of the key-value cache in use, 0 to 1."""
    reported_version: ReportedVersion | None = None
    cpu: tuple[str, ...] = ()
    """CPU in use as the server itself says, in cores; used where the kubelet says nothing."""
    memory: tuple[str, ...] = ()
    """Memory in use as the server itself says, in bytes; used where the kubelet says nothing."""
    disk: tuple[str, ...] = ()
    """Disk in use as the server itself says, in bytes; used where the kubelet says nothing."""
    gpu: tuple[str, ...] = ()
    """GPU in use as the server itself says, 0 to 1."""
    presence: str
    """A series that exists as soon as the server is up: its absence means that the metrics are not the expected ones."""

    @model_validator(mode="after")
    def _is_promql(self) -> SignalExpressions:
        lists = [value for value in vars(self).values() if isinstance(value, tuple)]
        durations = [value for value in vars(self).values() if isinstance(value, Durations)]
        named = [f"x{{{h.where}}}" for d in durations for h in d.histograms] + [e for d in durations for e in d.mean]
        for expression in (*named, *(expression for several in lists for expression in several)):
            if isinstance(_checked(expression), _NO_VECTORS):
                # pydantic turns a ValueError into a message, and lets a TypeError through.
                raise ValueError(f"{expression}: must be an instant vector")  # noqa: TRY004
        version = self.reported_version
        for series in (self.presence, *((version.series, version.gauge) if version else ())):
            if series is not None and not isinstance(_checked(series), promql_parser.VectorSelector):
                raise ValueError(f"{series}: must be the selector of a series")
        return self


_NO_VECTORS = (promql_parser.NumberLiteral, promql_parser.StringLiteral, promql_parser.MatrixSelector)


def _checked(expression: str) -> promql_parser.Expr:
    """The syntax tree. Raises ValueError for what is no PromQL, or would mean something else once it is put to one model."""

    def visit(node: promql_parser.Expr) -> None:
        selected = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if getattr(selected, "offset", None) is not None or getattr(selected, "at", None) is not None:
            raise ValueError(f"{expression}: offset and @ are not supported")
        if isinstance(selected, promql_parser.VectorSelector) and selected.matchers.or_matchers:
            raise ValueError(f"{expression}: `or` between matchers is not supported")
        modifier = getattr(node, "modifier", None) if isinstance(node, promql_parser.AggregateExpr) else None
        if modifier and modifier.type == promql_parser.AggModifierType.Without:
            raise ValueError(f"{expression}: without is not supported, name what to keep")

    try:
        tree = promql_parser.parse(expression.replace("$window", "5m"))
    except ValueError as error:
        raise ValueError(f"{expression}: {error}") from error
    promql_parser.transform(tree, None, visit)
    return tree


@settings_type
class AlertDefaults:
    """Thresholds that make sense for this kind of server."""

    error_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.05
    latency: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(ms|s|m|h)$")] = "1s"


LLM_SIGNALS = ("time_to_first_token", "inter_token", "tokens", "prompt_tokens", "queue", "kv_cache")
REQUEST_SIGNALS = ("requests", "errors", "latency")
REASONED = (*REQUEST_SIGNALS, *LLM_SIGNALS, "reported_version")
"""Signals of which a profile has to say why it lacks them."""


@settings_type
class Unavailable:
    """Why the server cannot give a signal, in half a sentence that can follow its title and a colon."""

    requests: str | None = None
    errors: str | None = None
    latency: str | None = None
    time_to_first_token: str | None = None
    inter_token: str | None = None
    tokens: str | None = None
    prompt_tokens: str | None = None
    queue: str | None = None
    kv_cache: str | None = None
    reported_version: str | None = None


@settings_type
class RuntimeProfile:
    """One kind of model server."""

    id: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=40)]
    title: Annotated[str, Field(max_length=80)]
    image: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)]
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    metrics_path: str = "/metrics"
    arguments: tuple[str, ...] = ()
    uri_arguments: tuple[str, ...] = ()
    gpu_arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """Entrypoint, where the image's own does not turn metrics on; the arguments follow it."""
    environment: dict[str, str] = Field(default_factory=dict)
    uri: UriHandling = Field(default_factory=UriHandling)
    user: Annotated[int, Field(ge=1)] = 10001
    home: str = "/home/mm"
    startup: ProbeDefaults
    readiness: ProbeDefaults
    liveness: ProbeDefaults
    progress_deadline_seconds: int
    llm: bool = False
    """Whether it serves language models, so that signals of tokens are to be expected."""
    instrumented: bool = True
    """Whether code of the model's authors runs in it, so that it may expose the catalogue's own names: quality, drift."""
    selection: Literal["core", "all"] = "core"
    """Which metrics are kept unless a spec says otherwise."""
    core: tuple[Annotated[str, Field(pattern=METRIC)], ...] = ()
    """Metrics that are kept beside those that the signals read."""
    signals: SignalExpressions
    unavailable: Unavailable = Field(default_factory=Unavailable)
    alerts: AlertDefaults = Field(default_factory=AlertDefaults)

    @model_validator(mode="after")
    def _check_reasons(self) -> RuntimeProfile:
        expected = REASONED if self.llm else tuple(name for name in REASONED if name not in LLM_SIGNALS)
        for name in expected:
            if bool(getattr(self.signals, name)) == (getattr(self.unavailable, name) is not None):
                raise ValueError(f"{name}: give it in signals, or say in unavailable why there is none, not both")
        return self

    @model_validator(mode="after")
    def _check_placeholders(self) -> RuntimeProfile:
        texts = (*self.command, *self.arguments, *self.uri_arguments, *self.gpu_arguments, *self.environment.values())
        unknown = {name for text in texts for name in re.findall(r"\{(\w+)\}", text)} - set(PLACEHOLDERS)
        if unknown:
            raise ValueError(f"nobody fills in {{{min(unknown)}}}; there are {', '.join(PLACEHOLDERS)}")
        return self

    def why_not(self, signal: str) -> str | None:
        """Why the server does not give a signal of `SignalExpressions`; None when it does."""
        if getattr(self.signals, signal):
            return None
        reason = getattr(self.unavailable, signal, None)
        if reason is None and signal in LLM_SIGNALS and not self.llm:
            reason = "it is no server for language models"
        return f"{self.title}: {reason or 'it does not say'}"
