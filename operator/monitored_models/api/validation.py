"""Rules that span fields: each as CEL for the API server, beside the same rule in Python for the parser and `mmctl`.

The operator has no CEL engine. Unit tests compare both forms with cel-python (`tests/unit/api/test_cel_twins.py`), and the
end-to-end tests with the API server.

Longer than other modules because it is one table: rules that are read together stay together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

import promql_parser

from ..runtimes import RuntimeProfile, builtin_runtimes
from .fields import LABEL_KEY, PROMETHEUS_LABEL, seconds
from .monitoring import (
    Alerts,
    CounterSignal,
    Drift,
    EmailTarget,
    GaugeSignal,
    Indicator,
    LatencySignal,
    MuteTimeInterval,
    Notification,
    Ratio,
    Scrape,
    TimeRange,
)
from .spec import Autoscaling, DisruptionBudget, Rollout, Scheduling, Spec, Storage, Volume

RESERVED_ALERT_LABELS = ("namespace", "monitored_model", "severity", "signal", "slo", "notified_by", "alertname")
RESERVED_MATCHERS = ("namespace", "monitored_model", "le")
PROMQL_WORDS = (
    "and",
    "anchored",
    "atan2",
    "bool",
    "by",
    "end",
    "fill",
    "fill_left",
    "fill_right",
    "group_left",
    "group_right",
    "ignoring",
    "inf",
    "nan",
    "offset",
    "on",
    "or",
    "smoothed",
    "start",
    "unless",
    "without",
)
TIMEOUT_MESSAGE = "timeout must not be above interval, which is 30s when left out"
RESERVED_VOLUME_PREFIX = "mm-"


@dataclass(frozen=True)
class ValidationRule:
    """One rule: `cel` and `holds` say the same of a value of type `on`; `field` is where the message points."""

    on: type[Any]
    field: str
    cel: str
    holds: Callable[[Any], bool]
    message: str


def _is_zero(value: int | str) -> bool:
    return value in (0, "0%")


def _unique(values: Iterable[str]) -> bool:
    listed = list(values)
    return len(listed) == len(set(listed))


def _sources(volume: Volume) -> int:
    return sum(s is not None for s in (volume.persistent_volume_claim, volume.empty_dir, volume.config_map))


def _gpu_is_not_in_resources(spec: Spec) -> bool:
    if spec.gpu is None or spec.resources is None:
        return True
    named = {**(spec.resources.limits or {}), **(spec.resources.requests or {})}
    return spec.gpu.resource_name not in named


def _label_keys(pattern: str, names: dict[str, str] | None, reserved: tuple[str, ...] = ()) -> bool:
    return all(
        re.fullmatch(pattern, name) and len(name) <= 317 and name not in reserved and not name.startswith("__")
        for name in names or {}
    )


def _keys_cel(field: str, pattern: str, reserved: tuple[str, ...] = ()) -> str:
    listed = ", ".join(f"'{name}'" for name in reserved)
    unreserved = f" && !(k in [{listed}])" if reserved else ""
    return f"!has(self.{field}) || self.{field}.all(k, k.size() <= 317 && k.matches('{pattern}') && !k.startsWith('__'){unreserved})"


NOT_COMMON_REGEX = (
    r"\(\?|[*+?][*+?]|[{}]|\[[^\]]*\[|--|&&|~~|\|\||\\[^.dwsDWS+*?()|\[\]^$\\/-]|"
    r"(^|[^\\]|\\\\)\[\^?(\]-[^\]]|\]?(\\.|[^\]\\])*(\[|\\[dwsDWS]-[^\]]))"
)
"""What Go and Rust, so Prometheus and promql-parser, do not read alike: groups with flags, stacked or counted repetitions,
rare escapes; in a class a bracket, or a range from another class or from a leading bracket. A matcher does without, so
that admission, this parser and Prometheus agree on what it means."""
_BRACKETS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()]", re.DOTALL)


def _is_regex(text: str) -> bool:
    if re.search(NOT_COMMON_REGEX, text):
        return False
    try:
        promql_parser.parse(f"x{{name=~{json.dumps(text, ensure_ascii=False)}}}")
    except ValueError:
        return False
    # promql-parser compiles the text inside a group, where a)(b is valid.
    depths = accumulate({"(": 1, ")": -1}.get(token, 0) for token in _BRACKETS.findall(text))
    return min(depths, default=0) >= 0


def _matcher_rules(on: type[Any]) -> tuple[ValidationRule, ...]:
    expressions = ValidationRule(
        on=on,
        field="matchers",
        # An expression that RE2 refuses makes the evaluation itself fail, and with it the rule.
        cel=f"!has(self.matchers) || self.matchers.all(k, !self.matchers[k].matches(r'{NOT_COMMON_REGEX}') && "
        "''.matches(self.matchers[k]) in [true, false])",
        holds=lambda signal: all(_is_regex(value) for value in signal.matchers.values()),
        message="each value must be a regular expression in RE2 syntax, without flags, {counts} or nested classes",
    )
    names = ValidationRule(
        on=on,
        field="matchers",
        cel=_keys_cel("matchers", PROMETHEUS_LABEL, RESERVED_MATCHERS),
        holds=lambda signal: _label_keys(PROMETHEUS_LABEL, signal.matchers, RESERVED_MATCHERS),
        message="each key must be a Prometheus label name, not namespace, monitored_model or le, and without two underscores at its start",
    )
    metric = {LatencySignal: "histogram", GaugeSignal: "gauge"}.get(on, "counter")
    words = ValidationRule(
        on=on,
        field=metric,
        cel=f"!(self.{metric}.lowerAscii() in [{', '.join(map(repr, PROMQL_WORDS))}])",
        holds=lambda signal: getattr(signal, metric).lower() not in PROMQL_WORDS,
        message="a word of PromQL cannot be the name of a metric",
    )
    return names, expressions, words


RULES: tuple[ValidationRule, ...] = (
    ValidationRule(
        on=Spec,
        field="replicas",
        cel="!(has(self.replicas) && has(self.autoscaling))",
        holds=lambda s: s.replicas is None or s.autoscaling is None,
        message="set replicas or autoscaling, not both: remove replicas to let the autoscaler decide",
    ),
    ValidationRule(
        on=Spec,
        field="autoscaling",
        cel="!has(self.autoscaling) || (has(self.resources) && has(self.resources.requests) && "
        "'cpu' in self.resources.requests)",
        holds=lambda s: s.autoscaling is None or "cpu" in ((s.resources and s.resources.requests) or {}),
        message="autoscaling measures CPU use against the request: set resources.requests.cpu",
    ),
    ValidationRule(
        on=Spec,
        field="gpu",
        cel="!has(self.gpu) || !has(self.resources) || ("
        "(!has(self.resources.limits) || !(self.gpu.resourceName in self.resources.limits)) && "
        "(!has(self.resources.requests) || !(self.gpu.resourceName in self.resources.requests)))",
        holds=_gpu_is_not_in_resources,
        message="the GPU resource stands in gpu and in resources: keep it in gpu only",
    ),
    ValidationRule(
        on=Autoscaling,
        field="minReplicas",
        cel="self.minReplicas <= self.maxReplicas",
        holds=lambda a: a.min_replicas <= a.max_replicas,
        message="minReplicas must not be above maxReplicas",
    ),
    ValidationRule(
        on=Storage,
        field="volumes",
        cel="!has(self.volumes) || self.volumes.all(v, self.volumes.exists_one(w, w.mountPath == v.mountPath))",
        holds=lambda s: _unique(v.mount_path for v in s.volumes),
        message="two volumes have the same mountPath",
    ),
    ValidationRule(
        on=Storage,
        field="sharedMemory",
        cel="!has(self.sharedMemory) || !has(self.volumes) || self.volumes.all(v, v.mountPath != '/dev/shm')",
        holds=lambda s: s.shared_memory is None or all(v.mount_path != "/dev/shm" for v in s.volumes),
        message="sharedMemory and a volume on /dev/shm exclude each other",
    ),
    ValidationRule(
        on=Volume,
        field="name",
        cel="!self.name.startsWith('mm-')",
        holds=lambda v: not v.name.startswith(RESERVED_VOLUME_PREFIX),
        message="volume names that begin with mm- belong to the operator",
    ),
    ValidationRule(
        on=Volume,
        field="name",
        cel="(has(self.persistentVolumeClaim) ? 1 : 0) + (has(self.emptyDir) ? 1 : 0) + "
        "(has(self.configMap) ? 1 : 0) == 1",
        holds=lambda v: _sources(v) == 1,
        message="give exactly one of persistentVolumeClaim, emptyDir and configMap",
    ),
    ValidationRule(
        on=Rollout,
        field="maxSurge",
        cel="!((type(self.maxSurge) == int ? self.maxSurge == 0 : self.maxSurge == '0%') && "
        "(type(self.maxUnavailable) == int ? self.maxUnavailable == 0 : self.maxUnavailable == '0%'))",
        holds=lambda r: not (_is_zero(r.max_surge) and _is_zero(r.max_unavailable)),
        message="maxSurge and maxUnavailable must not both be 0: no pod could ever be replaced",
    ),
    ValidationRule(
        on=Rollout,
        field="drainSeconds",
        cel="self.drainSeconds < self.terminationGracePeriodSeconds",
        holds=lambda r: r.drain_seconds < r.termination_grace_period_seconds,
        message="drainSeconds must be below terminationGracePeriodSeconds, which includes it",
    ),
    ValidationRule(
        on=Scheduling,
        field="nodeSelector",
        cel=_keys_cel("nodeSelector", LABEL_KEY),
        holds=lambda s: _label_keys(LABEL_KEY, s.node_selector),
        message="each key must be a Kubernetes label name",
    ),
    ValidationRule(
        on=DisruptionBudget,
        field="minAvailable",
        cel="has(self.minAvailable) != has(self.maxUnavailable)",
        holds=lambda d: (d.min_available is None) != (d.max_unavailable is None),
        message="give exactly one of minAvailable and maxUnavailable",
    ),
    # What is left out comes from elsewhere; the parser looks again when all is laid over one another.
    ValidationRule(
        on=Scrape,
        field="timeout",
        cel="!has(self.timeout) || !has(self.interval) || duration(self.timeout) <= duration(self.interval)",
        holds=lambda s: s.timeout is None or s.interval is None or seconds(s.timeout) <= seconds(s.interval),
        message=TIMEOUT_MESSAGE,
    ),
    ValidationRule(
        on=Scrape,
        field="interval",
        cel="!has(self.interval) || duration(self.interval) <= duration('2m')",
        holds=lambda s: s.interval is None or seconds(s.interval) <= 120,
        message="interval must not be above 2m: Prometheus takes a series for gone after five minutes without a sample",
    ),
    ValidationRule(
        on=Spec,
        field="monitoring.signals",
        cel="self.runtime == 'custom' || !has(self.monitoring) || !has(self.monitoring.signals)",
        holds=lambda s: s.runtime == "custom" or s.monitoring.signals is None,
        message="only the custom runtime takes signals: this runtime's metric names are known",
    ),
    *_matcher_rules(CounterSignal),
    *_matcher_rules(GaugeSignal),
    *_matcher_rules(LatencySignal),
    ValidationRule(
        on=Indicator,
        field="availability",
        cel="(has(self.availability) ? 1 : 0) + (has(self.latency) ? 1 : 0) + (has(self.ttft) ? 1 : 0) + "
        "(has(self.ratio) ? 1 : 0) == 1",
        holds=lambda i: sum(x is not None for x in (i.availability, i.latency, i.ttft, i.ratio)) == 1,
        message="give exactly one of availability, latency, ttft and ratio",
    ),
    ValidationRule(
        on=Ratio,
        field="good",
        cel="has(self.good) != has(self.bad)",
        holds=lambda r: (r.good is None) != (r.bad is None),
        message="give exactly one of good and bad",
    ),
    ValidationRule(
        on=Drift,
        field="critical",
        cel="(has(self.warning) ? double(self.warning) : 0.1) <= (has(self.critical) ? double(self.critical) : 0.25)",
        holds=lambda d: d.warning <= d.critical,
        message="critical must not be below warning; they are 0.25 and 0.1 when left out",
    ),
    ValidationRule(
        on=Notification,
        field="slack",
        cel="(has(self.slack) ? 1 : 0) + (has(self.pagerDuty) ? 1 : 0) + (has(self.email) ? 1 : 0) + "
        "(has(self.webhook) ? 1 : 0) == 1",
        holds=lambda n: sum(x is not None for x in (n.slack, n.pager_duty, n.email, n.webhook)) == 1,
        message="give exactly one of slack, pagerDuty, email and webhook",
    ),
    ValidationRule(
        on=Notification,
        field="repeatInterval",
        cel="duration(has(self.groupInterval) ? self.groupInterval : '5m') <= "
        "duration(has(self.repeatInterval) ? self.repeatInterval : '12h')",
        holds=lambda n: seconds(n.group_interval) <= seconds(n.repeat_interval),
        message="repeatInterval must not be below groupInterval; they are 12h and 5m when left out",
    ),
    ValidationRule(
        on=EmailTarget,
        field="authPassword",
        cel="has(self.authUsername) == has(self.authPassword)",
        holds=lambda e: (e.auth_username is None) == (e.auth_password is None),
        message="give authUsername and authPassword, or neither",
    ),
    ValidationRule(
        on=MuteTimeInterval,
        field="days",
        cel="(has(self.days) && self.days.size() > 0) || (has(self.times) && self.times.size() > 0)",
        holds=lambda m: bool(m.days or m.times),
        message="give days or times: a time without either would never end",
    ),
    ValidationRule(
        on=TimeRange,
        field="end",
        cel="self.start != self.end",
        holds=lambda c: c.start != c.end,
        message="end must differ from start",
    ),
    ValidationRule(
        on=Alerts,
        field="labels",
        cel=_keys_cel("labels", PROMETHEUS_LABEL, RESERVED_ALERT_LABELS),
        holds=lambda a: _label_keys(PROMETHEUS_LABEL, a.labels, RESERVED_ALERT_LABELS),
        message="each key must be a Prometheus label name, not namespace, monitored_model, severity, signal, slo, notified_by or alertname, and without two underscores at its start",
    ),
)


def _has_scheme(spec: Spec, profile: RuntimeProfile) -> bool:
    uri = spec.model.uri
    return spec.runtime != profile.id or uri is None or uri.split("://", 1)[0] in profile.uri.schemes


def _profile_rules(profile: RuntimeProfile) -> Iterable[ValidationRule]:
    other = f"self.runtime != '{profile.id}'"
    if profile.image is None:
        yield ValidationRule(
            on=Spec,
            field="image",
            cel=f"{other} || has(self.image)",
            holds=lambda s: s.runtime != profile.id or s.image is not None,
            message=f"the {profile.id} runtime brings no image: set image",
        )
    if profile.uri.required:
        yield ValidationRule(
            on=Spec,
            field="model.uri",
            cel=f"{other} || (has(self.model) && has(self.model.uri)) || has(self.command)",
            holds=lambda s: s.runtime != profile.id or s.model.uri is not None or s.command is not None,
            message=f"the {profile.id} runtime needs model.uri (or a command of your own)",
        )
    if profile.uri.schemes:
        accepted = " || ".join(f"self.model.uri.startsWith('{scheme}://')" for scheme in profile.uri.schemes)
        yield ValidationRule(
            on=Spec,
            field="model.uri",
            cel=f"{other} || !has(self.model) || !has(self.model.uri) || {accepted}",
            holds=lambda s: _has_scheme(s, profile),
            message=f"the {profile.id} runtime understands "
            + ", ".join(f"{scheme}://" for scheme in profile.uri.schemes),
        )


@cache
def all_rules() -> tuple[ValidationRule, ...]:
    """Every rule on a spec that the API server can know, those of the built-in runtime profiles included."""
    return RULES + tuple(rule for profile in builtin_runtimes().values() for rule in _profile_rules(profile))


@cache
def _by_type() -> dict[type[Any], tuple[ValidationRule, ...]]:
    return {kind: tuple(rule for rule in RULES if rule.on is kind) for kind in {rule.on for rule in RULES}}


def rules_on(value: Any, profile: RuntimeProfile | None) -> tuple[ValidationRule, ...]:
    """The rules on a value of a spec with this runtime, those that only the settings' own profiles bring included."""
    general = _by_type().get(type(value), ())
    return (*general, *_profile_rules(profile)) if profile and isinstance(value, Spec) else general


NAME_CEL = "self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')"
NAME_MESSAGE = (
    "metadata.name must be at most 52 characters of a-z, 0-9 and -, begin with a letter and end with a letter or digit"
)


def name_holds(name: str) -> bool:
    """Whether the name can be that of a Service, with room for what Kubernetes appends to it."""
    return len(name) <= 52 and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is not None
