"""Fixtures as a past: two scrapes of one pod become twenty minutes of two pods, one of which restarts in between.

Counters go on at the pace between the two scrapes, gauges stand at the second. The labels are those that a scrape with
`honorLabels: false` gives: what a page says under the name of a target's label arrives as `exported_…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from monitored_models.api import Model
from monitored_models.naming import labels
from unit.specs import model

FIXTURES = Path(__file__).parents[1] / "fixtures/runtimes"
NAMESPACE = "signals"
STEP = 30
MINUTES = 20
RESTART = 150
"""Seconds before the end at which the second pod starts anew: within the window of rates."""
PODS = 2
TARGET_LABELS = (
    "namespace",
    "pod",
    "service",
    "endpoint",
    "container",
    "job",
    "instance",
    labels.SERIES_MODEL,
    labels.SERIES_VERSION,
)
CLAIM = "weights"
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+\d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels; label values stay escaped as they stand on the page."""


@dataclass(frozen=True)
class Fixture:
    """Two scrapes of one version of a server, with what they should come to."""

    runtime: str
    version: str

    @property
    def name(self) -> str:
        """Name of the model that it becomes."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.runtime}-{self.version}".lower())

    @cached_property
    def about(self) -> dict[str, Any]:
        """Where it comes from, and what is expected."""
        found: dict[str, Any] = yaml.safe_load((FIXTURES / self.runtime / f"{self.version}.yaml").read_text())
        return found

    @property
    def expected(self) -> dict[str, Any]:
        """Name of a series, without its prefix, to its value for one pod."""
        found: dict[str, Any] = self.about["expected"]
        return found

    @cached_property
    def model(self) -> Model:
        """A MonitoredModel of this runtime."""
        spec = {
            "runtime": self.runtime,
            "image": "registry.example.com/server:1",
            "model": {"version": "v1"},
            "replicas": PODS,
            "storage": {
                "volumes": [{"name": "weights", "mountPath": "/weights", "persistentVolumeClaim": {"claimName": CLAIM}}]
            },
        }
        schemes = model({**spec, "command": ["serve"]}, name=self.name, namespace=NAMESPACE).runtime.uri.schemes
        if schemes:
            spec["model"] = {"version": "v1", "uri": f"{next(iter(schemes))}://models/one"}
        return model(spec, name=self.name, namespace=NAMESPACE)

    def page(self, number: int) -> dict[Series, tuple[float, str]]:
        """Series of a scrape, each with its value and the type of its family."""
        kinds: dict[str, str] = {}
        found: dict[Series, tuple[float, str]] = {}
        for line in (FIXTURES / self.runtime / f"{self.version}.{number}.prom").read_text().splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split()
                kinds[family] = kind
            sample = _SAMPLE.match(line)
            if sample and not line.startswith("#"):
                name = sample["name"]
                series = (name, tuple(_LABEL.findall(sample["labels"] or "")))
                found[series] = (float(sample["value"]), _kind(name, kinds))
        return found


def _kind(name: str, kinds: dict[str, str]) -> str:
    family = re.sub(r"_(bucket|sum|count|total)$", "", name)
    return kinds.get(name) or kinds.get(family) or "untyped"


def fixtures() -> list[Fixture]:
    """Every fixture there is."""
    files = sorted(FIXTURES.glob("*/*.yaml"))
    return [Fixture(file.parent.name, file.name.removesuffix(".yaml")) for file in files]


def pod(fixture: Fixture, index: int) -> str:
    """Name of a pod, as a Deployment gives it."""
    return f"{fixture.name}-7d4f9c8b6d-bcdf{'xz'[index]}"


def target(fixture: Fixture, index: int) -> dict[str, str]:
    """Labels of a pod's target."""
    return {
        "namespace": NAMESPACE,
        "pod": pod(fixture, index),
        "service": fixture.name,
        "endpoint": "http",
        "container": "server",
        "job": fixture.name,
        "instance": f"{pod(fixture, index)}:8080",
        labels.SERIES_MODEL: fixture.name,
        labels.SERIES_VERSION: "v1",
    }


def line(name: str, about: dict[str, str], value: float, at: float) -> str:
    """A sample of OpenMetrics."""
    inside = ",".join(f'{label}="{text}"' for label, text in about.items())
    return f"{name}{{{inside}}} {value!r} {at:.0f}"


def history(fixture: Fixture, end: float) -> Iterator[str]:
    """Samples of all pods of a fixture up to a time, and of what the kubelet and the operator say of them."""
    times = [end - seconds for seconds in range(MINUTES * 60, -1, -STEP)]
    first, second = fixture.page(1), fixture.page(2)
    for index in range(PODS):
        scraped = target(fixture, index)
        yield from (line("up", scraped, 1.0, at) for at in times)
        yield from (line("scrape_samples_post_metric_relabeling", scraped, float(len(second)), at) for at in times)
        for series, (value, kind) in second.items():
            name, own = series
            about = {f"exported_{label}" if label in TARGET_LABELS else label: text for label, text in own}
            begin, _ = first.get(series, (0.0, ""))
            pace = (value - begin) / fixture.about["seconds"] if kind in ("counter", "histogram", "summary") else 0.0
            counts = kind in ("counter", "histogram", "summary") and 'quantile="' not in str(own)
            for at in times:
                shown = _counted(begin, pace, at, times[0], end, restarts=index == 1) if counts else value
                yield line(name, {**scraped, **about}, shown, at)
        yield from _around(fixture, index, times)


def _counted(begin: float, pace: float, at: float, since: float, end: float, *, restarts: bool) -> float:
    if restarts and at > end - RESTART:
        return pace * (at - (end - RESTART))
    return begin + pace * (at - since)


CPU_CORES, MEMORY_BYTES, WRITTEN_BYTES = 0.75, 1.5e9, 2e8
USED_BYTES, CAPACITY_BYTES = 6e10, 8e10


def _around(fixture: Fixture, index: int, times: list[float]) -> Iterator[str]:
    """What the kubelet and the operator say of a pod, and of a pod of another model whose name begins like it."""
    identity = {"namespace": NAMESPACE, labels.SERIES_MODEL: fixture.name}
    here = {"namespace": NAMESPACE, "pod": pod(fixture, index), "container": "server"}
    stranger = {**here, "pod": f"{fixture.name}-other-{pod(fixture, index)[-16:]}"}
    for at in times:
        for who in (here, stranger, {**here, "container": ""}):
            yield line("container_cpu_usage_seconds_total", who, CPU_CORES * (at - times[0]), at)
            yield line("container_memory_working_set_bytes", who, MEMORY_BYTES, at)
            yield line("container_fs_usage_bytes", who, WRITTEN_BYTES, at)
        yield line("monitored_model_pod_info", {**identity, "pod": pod(fixture, index)}, 1.0, at)
        if index == 0:
            yield line("monitored_model_info", {**identity, "runtime": fixture.runtime}, 1.0, at)
            yield line("monitored_model_replicas_desired", identity, float(PODS), at)
            yield line("monitored_model_claim_info", {**identity, "persistentvolumeclaim": CLAIM}, 1.0, at)
            yield line("monitored_model_version_since_timestamp_seconds", identity, times[0], at)


def claims(end: float) -> Iterator[str]:
    """What the kubelet says of the volume claim that all models share."""
    about = {"namespace": NAMESPACE, "persistentvolumeclaim": CLAIM}
    for seconds in range(MINUTES * 60, -1, -STEP):
        yield line("kubelet_volume_stats_used_bytes", about, USED_BYTES, end - seconds)
        yield line("kubelet_volume_stats_capacity_bytes", about, CAPACITY_BYTES, end - seconds)
