"""A case, and how its series are written."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from monitored_models.api import Model
from promtool.harness import OPERATOR_TARGET, SCOPES, Series
from unit.specs import JSON, RUNTIMES, model

QUIET, PENDING, FIRING = "", "pending", "firing"
NAMESPACE, NAME = "risk", "churn"
IDENTITY = {"namespace": NAMESPACE, "monitored_model": NAME}
ID = 'namespace="risk",monitored_model="churn"'
P1, P2, P3 = "churn-7d4f9c8b6d-x2k4p", "churn-7d4f9c8b6d-z9w7q", "churn-7d4f9c8b6d-m5n6t"
POD = {"pod": P1}
TARGET = {"pod": P1, "instance": f"{P1}:8080"}
TARGET_2 = {"pod": P2, "instance": f"{P2}:8080"}
LONG = 400
"""Minutes that the operator's series of a pod go on."""
CLAIM = {"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "churn-data"}}
SIGNALS: JSON = {
    "requests": {"counter": "my_requests_total"},
    "errors": {"counter": "my_requests_total", "matchers": {"status": "5.."}},
    "latency": {"histogram": "my_latency_ms", "scale": 0.001},
    "queue": {"gauge": "my_queue"},
    "kvCache": {"gauge": "my_cache"},
}


def _slo(name: str, indicator: JSON, objective: float = 99) -> JSON:
    return {"name": name, "objective": objective, "window": "28d", "indicator": indicator}


AVAILABLE = _slo("available", {"availability": {}})
PROMPT = _slo("prompt", {"latency": {"threshold": "500ms"}})
FIRST_TOKEN = _slo("first-token", {"ttft": {"threshold": "1s"}})
UNCOUNTED = _slo("uncounted", {"latency": {"threshold": "700ms"}})
FEW_BAD = _slo("few-bad", {"ratio": {"total": {"counter": "my_total"}, "bad": {"counter": "my_bad_total"}}})
MOST_GOOD = _slo("most-good", {"ratio": {"total": {"counter": "my_total"}, "good": {"counter": "my_good_total"}}})

LEARNING: JSON = {
    "quality": {
        "accuracy": {"min": 0.9},
        "precision": {"min": 0.8},
        "recall": {"min": 0.7},
        "f1Score": {"min": 0.75},
        "falsePositiveRate": {"max": 0.1},
        "falseNegativeRate": {"max": 0.2},
        "predictionError": {"max": 12.5},
        "minimumLabels": 500,
        "minimumCoverage": 0.25,
    },
    "drift": {"warning": 0.2, "critical": 0.4},
    "freshness": {"maxAge": "2h"},
}

CHANGED: JSON = {
    "ModelErrorRatioHigh": {"enabled": True, "threshold": 0.5, "severity": "info"},
    "ModelLatencyHigh": {"threshold": "3s", "severity": "critical"},
    "ModelVolumeFillingUp": {"threshold": 0.5},
    "ModelSamplesNearLimit": {"threshold": 0.5},
    "ModelTargetDown": {"enabled": False},
    "ModelErrorBudgetFastBurn": {"enabled": False},
    "ModelErrorBudgetSlowBurn": {"severity": "info"},
}
CUSTOM = RUNTIMES["custom"]
SPECS: dict[str, JSON] = {
    **RUNTIMES,
    "two": {**CUSTOM, "replicas": 2},
    "vllm of two": {**RUNTIMES["vllm"], "replicas": 2},
    "autoscaled": {**CUSTOM, "autoscaling": {"maxReplicas": 3}, "resources": {"requests": {"cpu": 1}}},
    "suspended": {**CUSTOM, "replicas": 2, "suspend": True},
    "claim": {**CUSTOM, "storage": {"volumes": [CLAIM]}},
    "own names": {**CUSTOM, "monitoring": {"signals": SIGNALS}},
    "learning": {**CUSTOM, "monitoring": LEARNING},
    "learning by the hour": {
        **CUSTOM,
        "monitoring": {"quality": {"accuracy": {"min": 0.9}, "window": "1h", "minimumLabels": 1}},
    },
    "objectives": {**CUSTOM, "monitoring": {"slos": [AVAILABLE, PROMPT]}},
    "uncounted": {**CUSTOM, "monitoring": {"slos": [UNCOUNTED, PROMPT]}},
    "vllm with objectives": {**RUNTIMES["vllm"], "monitoring": {"slos": [AVAILABLE, PROMPT, FIRST_TOKEN]}},
    "triton with objectives": {**RUNTIMES["triton"], "monitoring": {"slos": [AVAILABLE, PROMPT]}},
    "ratio of bad events": {**CUSTOM, "monitoring": {"slos": [FEW_BAD]}},
    "ratio of good events": {**CUSTOM, "monitoring": {"slos": [MOST_GOOD]}},
    "freshness of triton": {**RUNTIMES["triton"], "monitoring": {"freshness": {"maxAge": "2h"}}},
    "versions of triton": {
        **RUNTIMES["triton"],
        "monitoring": {"alerts": {"rules": {"ModelVersionMismatched": {"enabled": True}}}},
    },
    "changed": {
        **CUSTOM,
        "storage": {"volumes": [CLAIM]},
        "monitoring": {"alerts": {"rules": CHANGED}, "slos": [AVAILABLE]},
    },
}


@dataclass(frozen=True)
class Case:
    """Series by the minute, and the state of one alert at some minutes."""

    alert: str
    story: str
    series: Series
    states: dict[int, str]
    spec: str = "custom"
    """Key of SPECS."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the alert beyond identity, severity and signal."""
    says: str = ""
    """Its value as the alert writes it when it begins to fire."""
    step: int = 1
    """Minutes between two evaluations."""
    severity: str | None = None
    """Where it is not the alert's usual one."""
    signal: str = ""
    """Of an objective's alerts, in a model's own rules."""
    scopes: tuple[str, ...] = SCOPES
    operators: int = 1
    """How many tell of the models: for a moment there may be two."""
    with_others: bool = False
    """Whether a fleet has other models of the same spec: another one, and one of the same name in another namespace."""

    @property
    def minutes(self) -> int:
        """How long it goes on."""
        return max(self.states) + 1


@functools.cache
def model_of(spec: str, name: str = NAME, namespace: str = NAMESPACE) -> Model:
    """The model of a spec, under this name or as another one that mounts another claim."""
    renamed = _renamed(SPECS[spec], name)
    return model(renamed, name=name, namespace=namespace)


def _renamed(value: JSON, name: str) -> JSON:
    if name == NAME or "storage" not in value:
        return value
    claim = {**CLAIM, "persistentVolumeClaim": {"claimName": f"{name}-data"}}
    return {**value, "storage": {"volumes": [claim]}}


def as_other(series: Series, name: str = NAME, namespace: str = NAMESPACE) -> Series:
    """The same series of another model."""
    return {
        text.replace(f'"{NAMESPACE}"', f'"{namespace}"').replace(f'"{NAME}', f'"{name}'): values
        for text, values in series.items()
    }


def as_second_operator(series: Series) -> Series:
    """What an operator says, said by another one."""
    return {text.replace("operator:8080", "operator-2:8080"): values for text, values in series.items()}


def scraped(metric: str, pod: str = P1, **labels: str) -> str:
    """A series of a pod's own."""
    more = "".join(f',{label}="{text}"' for label, text in labels.items())
    return f'{metric}{{{ID},pod="{pod}",instance="{pod}:8080"{more}}}'


def told(metric: str, **labels: str) -> str:
    """A series of the operator's."""
    more = "".join(f',{label}="{text}"' for label, text in labels.items())
    return f"{metric}{{{ID},{OPERATOR_TARGET}{more}}}"


def kubelet(metric: str, **labels: str) -> str:
    """A series of the kubelet's, which knows no model."""
    more = "".join(f',{label}="{text}"' for label, text in labels.items())
    return f'{metric}{{namespace="{NAMESPACE}"{more}}}'


def up(values: str, pod: str = P1, start: int = 0, **labels: str) -> Series:
    """A target from some minute on, and its pod, which is half a minute older."""
    blank = f"_x{start} " if start else ""
    return {
        scraped("up", pod, **labels): blank + values,
        told("monitored_model_pod_info", pod=pod): f"{blank}1x{LONG}",
        told("monitored_model_pod_created_timestamp_seconds", pod=pod): f"{blank}{60 * start - 30}+0x{LONG}",
    }


def histogram(metric: str, pod: str = P1, **by_bound: str) -> Series:
    """Buckets; a bound is written le0_5 for 0.5, and leinf for infinity."""
    bounds = {bound.removeprefix("le").replace("_", "."): values for bound, values in by_bound.items()}
    return {
        scraped(f"{metric}_bucket", pod, le="+Inf" if bound == "inf" else bound): values
        for bound, values in bounds.items()
    }
