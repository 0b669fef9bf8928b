"""Specs for tests: a small one, one with every field, and generated ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from hypothesis import strategies as st

from monitored_models.api import API_VERSION, KIND, Model, PlatformDefaults, ProfileSpec, parse
from monitored_models.api.fields import MAX_AMOUNT, METRIC, QUANTITY
from monitored_models.api.monitoring import AlertRules, LatencyAlertRule, RatioAlertRule
from monitored_models.api.validation import PROMQL_WORDS, RESERVED_ALERT_LABELS, RESERVED_MATCHERS
from monitored_models.base.schema_types import wire_name
from monitored_models.codegen.crd import openapi_schema
from monitored_models.runtimes import RuntimeProfile, builtin_runtimes
from unit.notification_specs import EVERY_FIELD, generated

JSON = dict[str, Any]

IMAGE = "registry.example.com/churn:1"
MINIMAL: JSON = {"image": IMAGE}
TRITON: JSON = {"runtime": "triton", "model": {"version": "7", "uri": "s3://models/churn"}, "gpu": {"count": 1}}
VLLM: JSON = {
    "runtime": "vllm",
    "model": {"version": "3.1", "uri": "hf://meta-llama/Llama-3.1-8B"},
    "gpu": {"count": 2},
}


def smallest(profile: RuntimeProfile) -> JSON:
    """A spec with little more than the runtime asks for."""
    scheme = "file" if "file" in profile.uri.schemes else next(iter(profile.uri.schemes), "s3")
    return {
        "runtime": profile.id,
        "model": {"version": "1", "uri": f"{scheme}:///models/churn"},
        **({} if profile.image else {"image": IMAGE}),
    }


RUNTIMES: dict[str, JSON] = {
    **{name: smallest(profile) for name, profile in builtin_runtimes().items()},
    "custom": {"image": IMAGE, "model": {"version": "1"}},
    "triton": TRITON,
    "vllm": VLLM,
}

ALERT_RULE: JSON = {"enabled": True, "for": "5m", "severity": "critical"}
_LIMITS: Mapping[type[Any], JSON] = {RatioAlertRule: {"threshold": 0.1}, LatencyAlertRule: {"threshold": "250ms"}}
ALERT_RULES: JSON = {
    wire_name(AlertRules, name): {**ALERT_RULE, **_LIMITS.get(kind, {})}
    for name, kind in get_type_hints(AlertRules).items()
}
"""Every alert with every change of it."""
MATCHERS: JSON = {"matchers": {"status": "5.."}}
COUNTER: JSON = {"counter": "my_requests_total", **MATCHERS}
HISTOGRAM: JSON = {"histogram": "my_latency_ms", "scale": 0.001, **MATCHERS}
GAUGE: JSON = {"gauge": "my_gauge", **MATCHERS}
OBJECTIVES: JSON = {
    "available": {"availability": {}},
    "fast": {"latency": {"threshold": "500ms"}},
    "prompt": {"ttft": {"threshold": "2s"}},
    "few-are-refused": {"ratio": {"total": COUNTER, "bad": {"counter": "my_refusals_total", **MATCHERS}}},
    "most-are-cached": {"ratio": {"total": COUNTER, "good": {"counter": "my_hits_total", **MATCHERS}}},
}
"""One indicator of each kind, by the name of an objective."""
QUALITY: JSON = {
    "accuracy": {"min": 0.9},
    "precision": {"min": 0.8},
    "recall": {"min": 0.7},
    "f1Score": {"min": 0.75},
    "falsePositiveRate": {"max": 0.05},
    "falseNegativeRate": {"max": 0.15},
    "predictionError": {"max": 12.5},
    "window": "7d",
    "minimumLabels": 200,
    "minimumCoverage": 0.25,
}
PROBE: JSON = {
    "enabled": True,
    "path": "/healthz",
    "initialDelaySeconds": 0,
    "periodSeconds": 5,
    "timeoutSeconds": 2,
    "failureThreshold": 4,
}
FULL: JSON = {
    "model": {"name": "Churn", "version": "2026-11-20", "uri": "s3://models/churn/1", "framework": "lightgbm"},
    "runtime": "custom",
    "image": "registry.example.com/churn:2026-11-20",
    "imagePullPolicy": "IfNotPresent",
    "imagePullSecrets": [{"name": "registry"}],
    "command": ["serve"],
    "args": ["--fast"],
    "env": [
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "churn", "optional": True}}},
    ],
    "envFrom": [{"prefix": "X_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "more"}}],
    "port": 9000,
    "autoscaling": {"minReplicas": 2, "maxReplicas": 10, "targetCPUUtilizationPercentage": 70},
    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "2Gi"}},
    "gpu": {"count": 1, "resourceName": "nvidia.com/mig-1g.10gb"},
    "storage": {
        "sharedMemory": "8Gi",
        "volumes": [
            {"name": "data", "mountPath": "/data", "readOnly": True, "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "mountPath": "/scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            {"name": "config", "mountPath": "/etc/churn", "configMap": {"name": "churn", "optional": True}},
        ],
    },
    "probes": {"startup": PROBE, "readiness": PROBE, "liveness": {**PROBE, "enabled": False}},
    "rollout": {
        "maxSurge": "25%",
        "maxUnavailable": 0,
        "drainSeconds": 5,
        "terminationGracePeriodSeconds": 60,
        "progressDeadlineSeconds": 1800,
    },
    "scheduling": {
        "nodeSelector": {"node.example.com/gpu": "a100"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}
                ]
            }
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "priorityClassName": "high",
        "runtimeClassName": "nvidia",
    },
    "security": {"runAsUser": 10002, "runAsGroup": 10003, "fsGroup": 10004, "readOnlyRootFilesystem": True},
    "disruptionBudget": {"minAvailable": 1},
    "networkPolicy": {"enabled": True},
    "suspend": False,
    "monitoring": {
        "profile": "gold",
        "scrape": {"enabled": True, "port": 9001, "path": "/m", "interval": "15s", "timeout": "5s"},
        "metrics": {
            "selection": "core",
            "keep": ["my_extra_total"],
            "drop": ["my_noise_bucket"],
            "sampleLimit": 5000,
            "labelLimit": 32,
            "labelValueLengthLimit": 512,
            "bodySizeLimit": "8MB",
        },
        "signals": {
            "requests": COUNTER,
            "errors": COUNTER,
            "latency": HISTOGRAM,
            "timeToFirstToken": {**HISTOGRAM, "histogram": "my_ttft_ms"},
            "interToken": {**HISTOGRAM, "histogram": "my_gap_ms"},
            "tokens": {"counter": "my_tokens_total", **MATCHERS},
            "queue": {**GAUGE, "gauge": "my_queue"},
            "kvCache": {**GAUGE, "gauge": "my_cache"},
        },
        "slos": [
            {"name": name, "objective": 99.5, "window": "28d", "indicator": indicator}
            for name, indicator in OBJECTIVES.items()
        ],
        "quality": QUALITY,
        "drift": {"warning": 0.2, "critical": 0.4},
        "freshness": {"maxAge": "30d"},
        "alerts": {"labels": {"team": "risk"}, "rules": ALERT_RULES},
        "dashboard": {"enabled": True, "folder": "Risk models"},
        "notifications": EVERY_FIELD,
    },
}


def with_(base: JSON, changes: Mapping[str, Any]) -> JSON:
    """A copy of a spec with other values at dotted paths; None removes a field."""
    changed = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = changed
        for part in parents:
            place = place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return changed


def body(spec: Any, name: Any = "churn", namespace: Any = "risk", **metadata: Any) -> JSON:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "uid": "uid-1", "generation": 3, **metadata},
        "spec": spec,
    }


def model(
    spec: Any = None,
    name: str = "churn",
    namespace: str = "risk",
    *,
    platform: PlatformDefaults | None = None,
    shared: ProfileSpec | None = None,
    **changes: Any,
) -> Model:
    """The model of a valid spec; changes by path, with __ for the dots."""
    given = with_(
        MINIMAL if spec is None else spec, {path.replace("__", "."): value for path, value in changes.items()}
    )
    parsed = parse(body(given, name, namespace), platform, shared)
    assert isinstance(parsed, Model), str(parsed)
    return parsed


# --- generated specs ---

NASTY = (
    '"',
    "'",
    "\\",
    "{{ query `up` }}",
    "}}",
    "${datasource}",
    "$(HOME)",
    "$$(HOME)",
    "{x}",
    "é😀",
    "[[x]]",
    "#",
    ",",
    "=",
)
"""Pieces of text that mean something to one of the languages that a spec's text ends up in."""

printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
display_text = st.lists(st.sampled_from(NASTY) | printable, min_size=1, max_size=4).map("".join)
any_text = st.lists(
    st.sampled_from([*NASTY, "\n", "\t"]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4
).map("".join)
label_name = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: name not in (*RESERVED_ALERT_LABELS, *RESERVED_MATCHERS)
)
label_key = st.sampled_from(["disk", "node.example.com/gpu", "a/b", "kubernetes.io/arch"])
ascii_text = st.characters(min_codepoint=32, max_codepoint=126)
quantity = (
    st.from_regex(r"[1-9][0-9]{0,3}(m|k|M|Ki|Mi|Gi)?", fullmatch=True)
    | st.from_regex(QUANTITY.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=ascii_text)
    | st.integers(0, 10)
    | st.integers(0, MAX_AMOUNT)
)
NOT_QUITE_WORDS = (
    "sum",
    "SUM",
    "avg",
    "topk",
    "count_values",
    "rate",
    "absent",
    "time",
    "vector",
    "scalar",
    "ORx",
    "_on",
)
"""Names that mean something to PromQL elsewhere, and may be those of metrics."""
any_metric_name = st.sampled_from([*PROMQL_WORDS, *map(str.upper, PROMQL_WORDS), *NOT_QUITE_WORDS]) | st.from_regex(
    METRIC.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=ascii_text
).filter(lambda name: len(name) <= 200)
"""Names that the pattern of a metric name admits; some of them are words of PromQL."""
metric_name = any_metric_name.filter(lambda name: name.lower() not in PROMQL_WORDS)
folder = display_text.map(lambda text: "a" + text.replace("/", "|"))
regex = st.sampled_from(
    ["5..", "a|b", "", ".*", "\\d+", "[^2]..", 'x"y', "a[\\\\]b", "é😀", "\\$x", "[$window]", "a\nb", "(a|b)?", "\t"]
)
"""Values of a matcher that mean something to PromQL, to YAML or to a dashboard, of those that are admitted."""

_KEYS: Mapping[str, st.SearchStrategy[str]] = {
    "nodeSelector": label_key,
    "requests": st.sampled_from(["cpu", "memory", "ephemeral-storage"]),
    "limits": st.sampled_from(["cpu", "memory", "ephemeral-storage"]),
    "matchers": label_name,
    "labels": label_name,
    "matchLabels": label_key,
}
_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "runtime": st.sampled_from(sorted(builtin_runtimes())),
    "env[].name": st.sampled_from(["HOME", "MODEL_NAME", "MODEL_URI", "HF_HOME", "LOG_LEVEL", "a.b-c"]),
    "model.name": display_text,
    "dashboard.folder": folder,
    "counter": metric_name,
    "gauge": metric_name,
    "histogram": metric_name,
    "metrics.keep[]": any_metric_name,
    "metrics.drop[]": any_metric_name,
    "alerts.labels": st.dictionaries(label_name, any_text, max_size=3),
    "matchers": st.dictionaries(label_name, regex, max_size=3),
    "resources.requests": st.dictionaries(_KEYS["requests"], quantity, max_size=2),
    "resources.limits": st.dictionaries(_KEYS["limits"], quantity, max_size=2),
    "volumes[].mountPath": st.from_regex(r"/(data|dev/shm|tmp|home/mm|models)(/[a-z]{1,3})?", fullmatch=True),
    "monitoring.notifications": generated,
    "volumes[].name": st.from_regex(r"[a-l][a-z0-9]{0,5}", fullmatch=True),
}


_ALTERNATIVES: Mapping[str, tuple[str, ...]] = {
    "indicator": ("availability", "latency", "ttft", "ratio"),
    "ratio": ("good", "bad"),
}
"""Fields of which exactly one is given."""


def _strategy(schema: JSON, path: str) -> st.SearchStrategy[Any]:
    """Values that a structural schema admits."""
    for suffix, known in _FIELDS.items():
        if path.endswith(f".{suffix}"):
            return known
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "x-kubernetes-int-or-string" in schema:
        return st.integers(0, 100) | _matching(schema.get("pattern", "[1-9][0-9]?"), schema.get("maxLength", 32))
    return _BY_TYPE[schema["type"]](schema, path)


def _text(schema: JSON, _path: str) -> st.SearchStrategy[str]:
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" in schema:
        return _matching(schema["pattern"], longest)
    return any_text.filter(lambda text: shortest <= len(text) <= longest)


def _matching(pattern: str, longest: int) -> st.SearchStrategy[str]:
    found = st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=ascii_text)
    return found.filter(lambda text: len(text) <= longest)


def _integer(schema: JSON, _path: str) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum", -5), schema.get("maximum", 2**31 - 1))


def _number(schema: JSON, _path: str) -> st.SearchStrategy[float]:
    return st.floats(
        schema["minimum"],
        schema.get("maximum", 1e6),
        exclude_min=schema.get("exclusiveMinimum", False),
        exclude_max=schema.get("exclusiveMaximum", False),
        allow_subnormal=False,
    )


def _list(schema: JSON, path: str) -> st.SearchStrategy[list[Any]]:
    items = _strategy(schema["items"], f"{path}[]")
    keys = schema.get("x-kubernetes-list-map-keys")
    unique = (lambda item: tuple(item[key] for key in keys)) if keys else None
    return st.lists(items, max_size=min(2, schema["maxItems"]), unique_by=unique)


def _map(schema: JSON, path: str) -> st.SearchStrategy[JSON]:
    properties = schema.get("properties")
    if properties is None and "additionalProperties" not in schema:
        return st.just({})
    if properties is None:
        keys = _KEYS.get(path.rsplit(".", 1)[-1], label_name)
        return st.dictionaries(keys, _strategy(schema["additionalProperties"], f"{path}{{}}"), max_size=2)
    required = schema.get("required", [])
    parts = {name: _strategy(inner, f"{path}.{name}") for name, inner in properties.items()}
    if alternatives := _ALTERNATIVES.get(path.rsplit(".", 1)[-1]):
        always = {name: part for name, part in parts.items() if name in required}
        each = [st.fixed_dictionaries({**always, name: parts[name]}) for name in alternatives]
        made: st.SearchStrategy[JSON] = st.one_of(each)
        return made
    return st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )


_BY_TYPE: Mapping[str, Callable[[JSON, str], st.SearchStrategy[Any]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, _path: st.booleans(),
    "array": _list,
    "object": _map,
}


def _mend(spec: JSON) -> JSON:
    """The nearest spec that keeps the rules between fields."""
    profile = builtin_runtimes()[spec.setdefault("runtime", "custom")]
    if profile.image is None:
        spec.setdefault("image", "example.com/image:1")
    if profile.uri.schemes:
        scheme = next(iter(profile.uri.schemes))
        spec.setdefault("model", {})["uri"] = f"{scheme}:///models/$(X)/{{name}}"
    if profile.id != "custom":
        spec.get("monitoring", {}).pop("signals", None)
    if spec.get("autoscaling"):
        spec.pop("replicas", None)
        spec.setdefault("resources", {}).setdefault("requests", {})["cpu"] = "1"
        scaling = spec["autoscaling"]
        scaling["maxReplicas"] = max(scaling["maxReplicas"], scaling.get("minReplicas", 1))
    if rollout := spec.get("rollout"):
        if rollout.get("maxSurge", 1) in (0, "0%") and rollout.get("maxUnavailable", 0) in (0, "0%"):
            rollout["maxSurge"] = 1
        rollout["drainSeconds"] = min(
            rollout.get("drainSeconds", 10), rollout.get("terminationGracePeriodSeconds", 60) - 1
        )
    if budget := spec.get("disruptionBudget"):
        budget.pop("maxUnavailable", None)
    if "disruptionBudget" in spec:
        spec["disruptionBudget"].setdefault("minAvailable", "50%")
    _mend_storage(spec.get("storage", {}))
    _mend_monitoring(spec.get("monitoring", {}))
    return spec


def _mend_storage(storage: JSON) -> None:
    by_path = {volume["mountPath"]: volume for volume in storage.get("volumes", ())}
    if by_path:
        storage["volumes"] = list(by_path.values())
    if "/dev/shm" in by_path:
        storage.pop("sharedMemory", None)
    for volume in by_path.values():
        sources = [source for source in ("persistentVolumeClaim", "emptyDir", "configMap") if source in volume]
        for source in sources[1:]:
            del volume[source]
        if not sources:
            volume["emptyDir"] = {}


def _mend_monitoring(monitoring: JSON) -> None:
    if scrape := monitoring.get("scrape"):
        scrape.pop("timeout", None)
        scrape["interval"] = "30s"
    if drift := monitoring.get("drift"):
        drift["critical"] = max(drift.get("critical", 0.25), drift.get("warning", 0.1))


_PROPERTIES: JSON = openapi_schema()["properties"]["spec"]["properties"]
_PARTS = {name: _strategy(schema, f"spec.{name}") for name, schema in _PROPERTIES.items()}


@st.composite
def specs(draw: st.DrawFn) -> JSON:
    """Valid specs over all fields, a few of them at a time so that each is filled well."""
    named = draw(st.lists(st.sampled_from(sorted(_PARTS)), unique=True, min_size=1, max_size=5))
    named += [name for name in ("monitoring", "runtime") if name not in named and draw(st.booleans())]
    return _mend({name: draw(_PARTS[name]) for name in named})


models: st.SearchStrategy[Model] = specs().map(model)
