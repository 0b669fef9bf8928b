"""The recorded series of a model: the catalogue's names, whatever its server calls them.

Name: `monitored_model:<catalogue name>[:<stat>]`. The labels are the model's identity and nothing else, so that a
recorded series lives on when the version changes.
"""

from __future__ import annotations

from ..api import Model
from . import promql
from .promql import Scope

THROUGHPUT = "monitored_model:inference_throughput"
ERRORS = "monitored_model:inference_errors"
ERROR_RATIO = "monitored_model:inference_errors:ratio"
LATENCY_MEAN = "monitored_model:inference_latency:mean"
QUANTILES = {
    "monitored_model:inference_latency:p50": 0.5,
    "monitored_model:inference_latency:p95": 0.95,
    "monitored_model:inference_latency:p99": 0.99,
}
LATENCY_P95 = "monitored_model:inference_latency:p95"


def recordings(model: Model) -> dict[str, str]:
    """Series name to the expression that makes it. Requests and errors per second, latencies in seconds."""
    scope = promql.model_scope(model)
    latencies = {name: promql.latency_quantile(model, scope, quantile) for name, quantile in QUANTILES.items()}
    latencies[LATENCY_MEAN] = promql.latency_mean(model, scope)
    return {
        THROUGHPUT: promql.requests(model, scope),
        ERRORS: promql.errors(model, scope),
        ERROR_RATIO: promql.error_ratio(model, scope),
        **{name: expression for name, expression in latencies.items() if expression is not None},
    }


def latency_headline(model: Model) -> str:
    """The recorded latency that alerts and headlines use: the 95th percentile, or the mean where there is no other."""
    return LATENCY_P95 if promql.latency_source(model).histogram else LATENCY_MEAN


def recorded(name: str, scope: Scope) -> str:
    """The selector of a recorded series."""
    return promql.selector(name, scope.matchers)
