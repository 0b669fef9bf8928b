"""Six hours of a small platform that never was: five models with days and nights, a rollout, and one that is in trouble to the end.

`write` puts them into the data folder of a Prometheus, with what the rules of the models would have recorded, and the
alerts that would have fired. Tests ask every query of every dashboard of it; a preview shows the same. Seeded: the same
end gives the same samples.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from dashboards import sample_servers
from dashboards.rendered_dashboards import model_of
from dashboards.sample_servers import Load
from dashboards.synthetic_series import HOURS, STEP, Pod, Target, line, of_day, times
from monitored_models.api import Model
from monitored_models.api.fields import seconds
from monitored_models.cache.workload_status import DeploymentStatus, PodStatus
from monitored_models.naming.keys import Key
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.build import build_status
from monitored_models.status.status_input import StatusInput
from monitored_models.telemetry.model_metrics import render_model_metrics
from monitored_models.telemetry.operator_metrics import Metrics
from testbed import prometheus
from testbed.prometheus import Prometheus

INCIDENT = 70 * 60
"""Seconds before the end at which the sick model begins to fail."""
ROLLOUT = 150 * 60
"""The same for the change of a version."""
LIMIT = 2 << 30
"""Bytes of memory that a container may use."""
OPERATOR = {"instance": "10.0.0.9:8080", "job": "monitored-models"}
CLAIM = {"name": "data", "mountPath": "/data", "persistentVolumeClaim": {"claimName": "features"}}
_AVAILABLE = {"name": "availability", "objective": 99.5, "indicator": {"availability": {}}}
_FAST = {"name": "fast", "objective": 99, "indicator": {"latency": {"threshold": "250ms"}}}
_FIRST = {"name": "first-token", "objective": 95, "indicator": {"ttft": {"threshold": "500ms"}}}


@dataclass(frozen=True)
class Story:
    """A model, what its server exposes, and what happens to it."""

    name: str
    namespace: str
    spec: dict[str, Any]
    serve: Callable[[Target, Load], None]
    replicas: int
    requests: float
    """Per second, of one pod on an ordinary hour."""
    seconds: float
    new_version: str = ""
    sick: bool = False

    def model(self, version: str) -> Model:
        """The model while a version is wanted."""
        spec = {**self.spec, "replicas": self.replicas, "model": {**self.spec.get("model", {}), "version": version}}
        return model_of(spec, self.name, self.namespace)

    @property
    def now(self) -> Model:
        """The model at the end."""
        return self.model(self.new_version or self.spec["model"]["version"])


_IMAGE = {"image": "registry.example.com/server:1", "storage": {"volumes": [CLAIM]}}
_QUALITY = {"accuracy": {"min": 0.9}, "recall": {"min": 0.8}, "falsePositiveRate": {"max": 0.1}, "window": "6h"}
STORIES = (
    Story(
        "fraud",
        "risk",
        {
            **_IMAGE,
            "model": {"name": "Fraud score", "version": "2026-11-17", "framework": "lightgbm"},
            "monitoring": {
                "slos": [_AVAILABLE, _FAST],
                "quality": _QUALITY,
                "drift": {"warning": 0.1, "critical": 0.25},
                "freshness": {"maxAge": "30d"},
            },
        },
        sample_servers.custom,
        3,
        40,
        0.04,
        new_version="2026-11-24",
    ),
    Story(
        "churn",
        "risk",
        {
            **_IMAGE,
            "model": {"name": "Churn", "version": "12", "framework": "xgboost"},
            "monitoring": {
                "slos": [_AVAILABLE],
                "alerts": {"rules": {"ModelErrorRatioHigh": {"enabled": True}}},
            },
        },
        sample_servers.custom,
        2,
        15,
        0.06,
        sick=True,
    ),
    Story(
        "eta",
        "shop",
        {
            **_IMAGE,
            "model": {"version": "3"},
            "monitoring": {"quality": {"predictionError": {"max": 0.3}, "window": "6h"}, "drift": {}},
        },
        sample_servers.regression,
        2,
        8,
        0.03,
    ),
    Story(
        "assistant",
        "chat",
        {
            "runtime": "vllm",
            "model": {"name": "Assistant", "version": "3.1", "uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
            "monitoring": {"slos": [_AVAILABLE, _FIRST]},
        },
        sample_servers.vllm,
        2,
        4,
        5.0,
    ),
    Story(
        "ranking",
        "shop",
        {"runtime": "triton", "model": {"version": "7", "uri": "s3://models/ranking"}},
        sample_servers.triton,
        2,
        30,
        0.05,
    ),
)


def pods(story: Story, end: float) -> list[Pod]:
    """The pods of a model: the new version replaces the old one pod by pod, and the sick one's second is killed again and again."""
    begin = end - HOURS * 3600 - 3600
    old = story.spec["model"]["version"]
    if story.new_version:
        turn = [end - ROLLOUT + 120 * index for index in range(story.replicas)]
        before = [Pod(f"{story.name}-6c9f7d8b5-{'bcdfg'[i] * 5}", old, begin, at + 120) for i, at in enumerate(turn)]
        after = [
            Pod(f"{story.name}-7d4f9c8b6-{'hjklm'[i] * 5}", story.new_version, at, end + 1) for i, at in enumerate(turn)
        ]
        return before + after
    killed = tuple(end - 60 - 720 * index for index in reversed(range(5))) if story.sick else ()
    return [
        Pod(f"{story.name}-7d4f9c8b6-{'bcdfg'[i] * 5}", old, begin, end + 1, killed if i == 1 else ())
        for i in range(story.replicas)
    ]


def load_of(story: Story, end: float) -> Load:
    """What a pod of a model goes through."""

    def ill(at: float) -> bool:
        return story.sick and at > end - INCIDENT

    def drift(at: float) -> float:
        # Waves by the time before the end: what happens must not depend on the hour at which the tests run.
        moved = 0.13 * max(0.0, 1 - (end - at) / 5400) if story.new_version else 0
        return 0.05 + 0.01 * math.sin((end - at) / 900) + moved

    return Load(
        requests=lambda at: story.requests * of_day(at) * (1 + 0.06 * math.sin(at / 300)),
        failing=lambda at: 0.17 if ill(at) else 0.001 + 0.0005 * math.sin(at / 700) ** 2,
        seconds=lambda at: story.seconds * (9 if ill(at) else 1 + 0.2 * of_day(at)),
        drift=drift,
        trained=end - 9 * 86400,
    )


# --- samples ---


def samples(end: float) -> Iterator[str]:
    """Everything that is scraped."""
    for story in STORIES:
        noise = random.Random(f"{story.namespace}/{story.name}")
        for pod in pods(story, end):
            yield from _scraped(story, pod, end, noise)
            yield from _kubelet(story, pod, end, noise)
        yield from _told_by_the_operator(story, end)
    yield from _claims(end)
    yield from _operator(end)


def _scraped(story: Story, pod: Pod, end: float, noise: random.Random) -> list[str]:
    labels = {
        "namespace": story.namespace,
        "pod": pod.name,
        "service": story.name,
        "container": "server",
        "job": story.name,
        "instance": f"{pod.name}:8080",
        "monitored_model": story.name,
        "monitored_model_version": pod.version,
    }
    there = [at for at in times(end) if pod.begin <= at < pod.end]
    answering = [at for at in pod.times(times(end)) if not _down(pod, at)]
    target = Target(pod, labels, answering, noise)
    story.serve(target, load_of(story, end))
    target.gauge("process_start_time_seconds", pod.started)
    target.gauge("scrape_samples_post_metric_relabeling", lambda _: 180)
    return [*target.lines, *(line("up", labels, at in set(answering), at) for at in there)]


def _down(pod: Pod, at: float) -> bool:
    """A container that was killed takes two minutes to be back."""
    return any(restart <= at < restart + 120 for restart in pod.restarts)


def _kubelet(story: Story, pod: Pod, end: float, noise: random.Random) -> list[str]:
    labels = {"namespace": story.namespace, "pod": pod.name, "container": "server", "job": "kubelet"}
    target = Target(pod, labels, [at for at in times(end) if pod.begin <= at < pod.end], noise)
    load = load_of(story, end)
    target.counter("container_cpu_usage_seconds_total", lambda at: 0.02 * load.requests(at))
    growth = LIMIT / 720 if pod.restarts else 0

    def memory(at: float) -> float:
        grown = growth * min(720, at - pod.started(at)) if pod.started(at) > pod.begin else 0
        return min(LIMIT, 6e8 + 2e8 * of_day(at) + noise.gauss(0, 1e7) + grown)

    target.gauge("container_memory_working_set_bytes", memory)
    target.gauge("container_fs_usage_bytes", lambda at: 2e7 + 100 * (at - pod.begin))
    return target.lines


def _claims(end: float) -> Iterator[str]:
    for namespace in {story.namespace for story in STORIES}:
        about = {"namespace": namespace, "persistentvolumeclaim": "features"}
        for at in times(end):
            yield line("kubelet_volume_stats_used_bytes", about, 6e10 + 1e5 * (at - end), at)
            yield line("kubelet_volume_stats_capacity_bytes", about, 8e10, at)


def _told_by_the_operator(story: Story, end: float) -> Iterator[str]:
    """What the operator's own code says of the model at each time."""
    stored: dict[str, Any] = {}
    before, after = story.model(story.spec["model"]["version"]), story.now
    wanted = {
        made.spec.model.version: summarize(made, render(made, Settings(), story.replicas)) for made in (before, after)
    }
    for at in times(end):
        model = after if at >= end - ROLLOUT else before
        there = [_facts(pod, at) for pod in pods(story, end) if pod.begin <= at < pod.end]
        ready = sum(pod.ready for pod in there)
        new = sum(pod.version == model.spec.model.version for pod in pods(story, end) if pod.begin <= at < pod.end)
        workload = DeploymentStatus(
            True, story.replicas, len(there), min(new, story.replicas), ready, ready, None, None, False
        )
        now = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stored = build_status(StatusInput(wanted[model.spec.model.version], workload, there, ()), stored, now)
        for text in render_model_metrics(Key(story.namespace, story.name), model, stored, there):
            yield from _at(text, at)


def _at(text: str, at: float) -> Iterator[str]:
    """Lines of a page of the operator's, as scraped at a time."""
    inside = ",".join(f'{label}="{value}"' for label, value in OPERATOR.items())
    for row in text.splitlines():
        if row and not row.startswith("#"):
            name, value = row.rsplit(" ", 1)
            named = f"{name[:-1]},{inside}}}" if name.endswith("}") else f"{name}{{{inside}}}"
            yield f"{named} {value} {at:.0f}"


def _facts(pod: Pod, at: float) -> PodStatus:
    down = _down(pod, at)
    past = [restart for restart in pod.restarts if restart <= at]
    return PodStatus(
        name=pod.name,
        created=datetime.fromtimestamp(pod.begin, UTC).isoformat(),
        ready=at >= pod.begin + 60 and not down,
        terminating=False,
        reason="CrashLoopBackOff" if down else None,
        message="",
        out_of_memory=bool(past),
        restarts=len(past),
    )


def _operator(end: float) -> Iterator[str]:
    """The operator's own figures, from its own registry."""
    metrics, noise = Metrics(), random.Random("operator")
    metrics.leader.set(1)
    metrics.models.set(len(STORIES))
    for at in times(end):
        for _ in range(noise.randrange(1, 6)):
            metrics.reconciles.labels("ok").observe(noise.lognormvariate(-4, 0.6))
            metrics.queue_wait.observe(noise.lognormvariate(-5, 0.5))
            for verb, code in (("patch", "200"), ("get", "200"), ("list", "200"), ("watch", "200")):
                metrics.requests.labels(verb, "deployments", code).inc()
                metrics.request_seconds.labels(verb).observe(noise.lognormvariate(-5, 0.5))
        if noise.random() < 0.02:
            metrics.reconciles.labels("error").observe(0.2)
            metrics.errors.labels("Conflict").inc()
        metrics.lag.observe(noise.lognormvariate(-7, 0.8))
        metrics.depth.set(noise.randrange(3))
        metrics.age.set(noise.random())
        yield from _at(generate_latest(metrics.registry).decode(), at)
        for resource in ("pods", "deployments", "monitoredmodels"):
            about = {**OPERATOR, "resource": resource}
            yield line("monitored_models_watch_age_seconds", about, (at + len(resource) * 20) % 240, at)


# --- what the rules make of them ---


def groups() -> list[dict[str, Any]]:
    """The rules of all models."""
    children = (child for story in STORIES for child in render(story.now, Settings(), story.replicas))
    return [group for child in children if child["kind"] == "PrometheusRule" for group in child["spec"]["groups"]]


def write(folder: Path, end: int) -> None:
    """The data folder of a Prometheus, with everything in it."""
    prometheus.write_history(folder, samples(end))
    prometheus.record(folder, groups(), end, seconds=HOURS * 3600, step="1m")
    with prometheus.running(folder, []) as server:
        fired = list(_alerts(server, end))
    prometheus.write_history(folder, fired)


def _alerts(server: Prometheus, end: int) -> Iterator[str]:
    """Alerts as Prometheus would have shown them: pending while their condition holds, firing once it has held long enough."""
    for rule in (rule for group in groups() for rule in group["rules"] if "alert" in rule):
        span = {"start": str(end - HOURS * 3600), "end": str(end), "step": str(STEP)}
        for series in server.get("query_range", query=rule["expr"], **span)["result"]:
            labels = {k: v for k, v in series["metric"].items() if k != "__name__"}
            about = {"alertname": rule["alert"], **labels, **rule["labels"]}
            yield from _alert(about, [float(at) for at, _ in series["values"]], seconds(rule["for"]))


def _alert(about: dict[str, str], holds: list[float], hold: float) -> Iterator[str]:
    since = holds[0]
    for index, at in enumerate(holds):
        if index and at - holds[index - 1] > STEP:
            since = at
        state = "firing" if at - since >= hold else "pending"
        yield line("ALERTS", {"alertstate": state, **about}, 1, at)
        yield line("ALERTS_FOR_STATE", about, since, at)
