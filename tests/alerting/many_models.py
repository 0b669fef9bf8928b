"""Models that exist on one page of metrics only, and fail when a test says so; with the operator's real rules about them.

Prometheus scrapes the page with honor_labels, so that each series is of the model that it names. Counters go on with the
time between two scrapes. Rates of the rules look back five minutes: so that a change shows at once, each change multiplies
the model's traffic, and what was before it hardly counts any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from alerting.routing import CONFIG, told_by_default
from alerting.sinks import served
from monitored_models.api import API_VERSION, KIND, Model, parse
from monitored_models.naming import labels
from monitored_models.render.children import render
from monitored_models.render.rules import fleet
from monitored_models.render.rules.writers import prometheus_operator
from monitored_models.runtimes import CUSTOM, builtin_runtimes
from monitored_models.settings import Settings

SPEC: dict[str, Any] = {
    "image": "registry.example.com/model:1",
    "model": {"version": "1"},
    "monitoring": {
        "quality": {"accuracy": {"min": 0.9}, "precision": {"min": 0.8}},
        "drift": {"warning": 0.1, "critical": 0.25},
    },
}
_FASTER = 1000.0


@dataclass
class Simulated:
    """What one model shows of itself."""

    namespace: str
    name: str
    up: bool = True
    """False: it does not answer scrapes, while its last metrics are still in the windows of the rules."""
    gone: bool = False
    """It does not answer, and nothing else is known of it."""
    slow: bool = False
    failing: bool = False
    accuracy: float = 0.95
    precision: float = 0.95
    drift: float = 0.02
    pace: float = 10.0
    requests: float = 0.0
    errors: float = 0.0
    fast: float = 0.0
    since: float = field(default_factory=time.monotonic)

    def advance(self) -> None:
        """Count what has been asked of it since it was last looked at."""
        now = time.monotonic()
        asked, self.since = self.pace * (now - self.since), now
        self.requests += asked
        self.errors += asked / 2 if self.failing else 0
        self.fast += 0 if self.slow else asked

    def change(self, **state: Any) -> None:
        """Do something else from now on."""
        self.advance()
        self.pace *= _FASTER
        for attribute, value in state.items():
            assert hasattr(self, attribute), attribute
            setattr(self, attribute, value)

    def lines(self) -> Iterator[str]:
        """Its part of the page."""
        pod = f"{self.name}-7d4f9c8b6d-abcde"
        of = f'namespace="{self.namespace}",monitored_model="{self.name}",pod="{pod}",instance="{pod}:8080",job="{self.name}"'
        yield f"up{{{of}}} {int(self.up and not self.gone)}"
        if self.gone:
            return
        yield f"inference_requests_total{{{of}}} {self.requests}"
        yield f"inference_errors_total{{{of}}} {self.errors}"
        for bound, count in (("0.5", self.fast), ("5", self.requests), ("+Inf", self.requests)):
            yield f'inference_latency_seconds_bucket{{{of},le="{bound}"}} {count}'
        yield f"inference_latency_seconds_count{{{of}}} {self.requests}"
        yield f"inference_latency_seconds_sum{{{of}}} {0.2 * self.fast + 3 * (self.requests - self.fast)}"
        yield f"model_accuracy{{{of}}} {self.accuracy}"
        yield f"model_precision{{{of}}} {self.precision}"
        yield f"model_drift_score{{{of}}} {self.drift}"


class Fleet:
    """All simulated models, and the page that shows them."""

    def __init__(self, models: Iterable[tuple[str, str]]) -> None:
        self._models = {each: Simulated(*each) for each in models}
        self._lock = threading.Lock()
        self.extra: list[str] = []
        """Lines of the page that are no model's."""
        self.url = ""

    def __len__(self) -> int:
        return len(self._models)

    def set(self, namespace: str, name: str, **state: Any) -> None:
        """Change what a model does from now on."""
        with self._lock:
            self._models[namespace, name].change(**state)

    def set_all(self, **state: Any) -> None:
        """Change what every model does, at once."""
        with self._lock:
            for each in self._models.values():
                each.change(**state)

    async def _page(self, _request: web.Request) -> web.Response:
        with self._lock:
            for each in self._models.values():
                each.advance()
            lines = [line for each in self._models.values() for line in each.lines()]
            return web.Response(text="\n".join([*lines, *self.extra, ""]), content_type="text/plain")

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/metrics", self._page)
        return application

    @contextmanager
    def served(self) -> Iterator[Fleet]:
        """Show the page for as long as this lasts."""
        with served(self._application) as url:
            self.url = url
            yield self

    def scrape(self, interval: str = "1s") -> list[dict[str, Any]]:
        """How Prometheus reads the page."""
        targets = [{"targets": [self.url.removeprefix("http://")]}]
        return [
            {
                "job_name": "fleet",
                "honor_labels": True,
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "static_configs": targets,
                "fallback_scrape_protocol": "PrometheusText0.0.4",
            }
        ]

    def rules_of_all(self, shorten: Callable[[str], str]) -> list[dict[str, Any]]:
        """The same rules once for all models, for many of them: what each model wants is on the page, too."""
        for namespace, name in self._models:
            identity = f'namespace="{namespace}",monitored_model="{name}"'
            self.extra += [
                f'monitored_model_info{{{identity},runtime="{CUSTOM}"}} 1',
                f"monitored_model_replicas_desired{{{identity}}} 1",
            ]
            for series, about, value in fleet.series(_model(namespace, name)):
                inside = ",".join([identity, *(f'{label}="{text}"' for label, text in about.items())])
                self.extra.append(f"{series}{{{inside}}} {value}")
        groups = prometheus_operator.write_groups(fleet.groups({CUSTOM: builtin_runtimes()[CUSTOM]}, Settings()))
        for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
            rule["labels"].setdefault(labels.NOTIFIED_BY, CONFIG)  # a fleet's rules do not say it yet
        return _shortened(groups, shorten)

    def rules(self, shorten: Callable[[str], str]) -> list[dict[str, Any]]:
        """The rule groups that the operator renders for each model, with alerts that hold for a shorter time."""
        groups = []
        for namespace, name in self._models:
            for child in render(_model(namespace, name), Settings(), 1):
                if child["kind"] == "PrometheusRule":
                    groups += child["spec"]["groups"]
        for number, group in enumerate(groups):
            group["name"] = f"{group['name']}-{number}"  # prometheus-operator writes a file for each object instead
        return _shortened(groups, shorten)


def _shortened(groups: list[dict[str, Any]], shorten: Callable[[str], str]) -> list[dict[str, Any]]:
    for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        rule["for"] = shorten(rule["for"])
    return groups


def _model(namespace: str, name: str) -> Model:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "generation": 1}
    parsed = parse(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": SPEC},
        monitoring_profile=told_by_default(),
    )
    assert isinstance(parsed, Model), str(parsed)
    return parsed
