"""What a pod of each kind of model server exposes while it serves, by how busy, how wrong and how slow it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboards.synthetic_series import Target
from modelsignals import names
from monitored_models.runtimes import builtin_runtimes

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FEATURES = ("age", "amount", "country", "device", "hour", "merchant", "tenure")


@dataclass(frozen=True)
class Load:
    """What a pod goes through, each by the time."""

    requests: Callable[[float], float]
    """Per second."""
    failing: Callable[[float], float]
    """Share."""
    seconds: Callable[[float], float]
    """Median duration of a request."""
    drift: Callable[[float], float]
    trained: float
    """When the model was made."""

    def errors(self, at: float) -> float:
        """Per second."""
        return self.requests(at) * self.failing(at)


def times(factor: float, of: Callable[[float], float]) -> Callable[[float], float]:
    """A function of time, times a factor."""
    return lambda at: factor * of(at)


def custom(target: Target, load: Load) -> None:
    """A server with the names of `modelsignals`: classification."""
    _requests(target, load)
    wrong = {"tp": 0.28, "tn": 0.65, "fp": 0.03, "fn": 0.04}
    for outcome, share in wrong.items():
        target.counter(names.OUTCOMES, times(0.6 * share, load.requests), outcome=outcome)
    _learning(target, load)


def regression(target: Target, load: Load) -> None:
    """The same for numbers."""
    _requests(target, load)
    bounds = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
    target.histogram(names.PREDICTION_ERROR, bounds, lambda at: 0.6 * load.requests(at), lambda _: 0.12)
    _learning(target, load)


def _requests(target: Target, load: Load) -> None:
    target.counter(names.REQUESTS, load.requests)
    target.counter(names.ERRORS, load.errors, error_type="exception")
    target.histogram(names.LATENCY, SECONDS, load.requests, load.seconds)


def _learning(target: Target, load: Load) -> None:
    target.counter(names.PREDICTIONS, load.requests)
    target.counter(names.LABELS, lambda at: 0.6 * load.requests(at))
    target.gauge(names.DRIFT, load.drift)
    for index, feature in enumerate(FEATURES):
        target.gauge(names.FEATURE_DRIFT, times(1 / (1 + index), load.drift), feature=feature)
    target.gauge(names.INFO, lambda _: 1, version=target.pod.version, framework="lightgbm")
    target.gauge(names.LAST_UPDATE, lambda _: load.trained)
    target.gauge(names.CLOCK, lambda at: at)


def vllm(target: Target, load: Load) -> None:
    """vLLM under chat traffic."""
    signals = builtin_runtimes()["vllm"].signals
    assert signals.latency is not None
    assert signals.time_to_first_token is not None
    target.counter(
        "http_requests_total",
        lambda at: load.requests(at) - load.errors(at),
        handler="/v1/chat/completions",
        status="2xx",
    )
    target.counter("http_requests_total", load.errors, handler="/v1/chat/completions", status="5xx")
    whole, first = signals.latency.histograms[0], signals.time_to_first_token.histograms[0]
    target.histogram(whole.name, tuple(whole.buckets), load.requests, load.seconds)
    target.histogram(first.name, tuple(first.buckets), load.requests, lambda at: load.seconds(at) / 20)
    between = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    target.histogram("vllm:inter_token_latency_seconds", between, lambda at: 200 * load.requests(at), lambda _: 0.03)
    target.counter("vllm:generation_tokens_total", lambda at: 210 * load.requests(at))
    target.counter("vllm:prompt_tokens_total", lambda at: 900 * load.requests(at))
    target.gauge("vllm:num_requests_waiting", lambda at: max(0.0, round(load.requests(at) - 3)))
    target.gauge("vllm:num_requests_running", lambda at: round(load.requests(at) * load.seconds(at)))
    target.gauge("vllm:kv_cache_usage_perc", lambda at: min(0.99, 0.12 * load.requests(at)))


def triton(target: Target, load: Load) -> None:
    """Triton with TensorRT-LLM's metrics; durations in microseconds, and in milliseconds."""
    about = {"model": "ranking", "exported_version": "7", "version": "7"}
    target.counter("nv_inference_request_success", lambda at: load.requests(at) - load.errors(at), **about)
    target.counter("nv_inference_request_failure", load.errors, reason="BACKEND", **about)
    target.counter("nv_inference_request_duration_us", lambda at: 1.2e6 * load.seconds(at) * load.requests(at), **about)
    bounds = (100.0, 500.0, 2000.0, 5000.0)
    target.histogram(
        "nv_inference_first_response_histogram_ms", bounds, load.requests, lambda at: 1000 * load.seconds(at), **about
    )
    target.gauge("nv_inference_pending_request_count", lambda at: round(load.requests(at) / 10), **about)
    target.gauge(
        "nv_trt_llm_kv_cache_block_metrics", lambda at: 0.02 * load.requests(at), kv_cache_block_type="fraction"
    )
    target.gauge("nv_gpu_utilization", lambda at: min(1.0, 0.03 * load.requests(at)), gpu_uuid="GPU-1")
