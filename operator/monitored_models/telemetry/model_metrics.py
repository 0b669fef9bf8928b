"""The series of each model in /metrics: status that Prometheus cannot get elsewhere without kube-state-metrics.

Each model's lines are rendered when it is reconciled, kept as text, and removed with it; a scrape only joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..api import Model
from ..cache.workload_status import PodStatus
from ..naming import object_names, series
from ..naming.keys import Key
from ..render.rules import slos

CHUNK = 200
"""Models in one chunk of a response: about ten kilobytes."""


@dataclass(frozen=True)
class Family:
    """A metric of models or of their pods; a gauge unless it only grows."""

    name: str
    help: str
    type: str = "gauge"


INFO = Family(series.INFO, "A model, with its runtime and its desired version.")
CONDITION_FAMILY = Family(series.CONDITION, "The current status (True, False, Unknown) and reason of a condition.")
VERSION_SINCE = Family(series.VERSION_SINCE, "When the spec first named its current version.")
SLO_BUDGET = Family(series.SLO_BUDGET, "Share of the events of an objective that may be bad.")
CLAIM_INFO = Family(series.CLAIM_INFO, "A PersistentVolumeClaim that the model mounts.")
GENERATION = Family(series.GENERATION, "Generation of the spec that the conditions describe.")
DESIRED = Family(series.REPLICAS_DESIRED, "Desired replicas.")
READY = Family(series.REPLICAS_READY, "Replicas that are ready.")
POD_INFO = Family(series.POD_INFO, "A pod and the model that it belongs to.")
POD_CREATED = Family(series.POD_CREATED, "When a pod was created.")
POD_READY = Family(series.POD_READY, "Whether a pod is ready.")
RESTARTS = Family(series.POD_RESTARTS, "Restarts of a pod's containers.", type="counter")
OUT_OF_MEMORY = Family(
    series.POD_OUT_OF_MEMORY, "Whether a container of the pod was last terminated for exceeding its memory limit."
)
WAITING = Family(series.POD_WAITING, "Why a container of the pod waits: the reason in its status.")
FAMILIES = (
    INFO,
    VERSION_SINCE,
    SLO_BUDGET,
    CLAIM_INFO,
    CONDITION_FAMILY,
    GENERATION,
    DESIRED,
    READY,
    POD_INFO,
    POD_CREATED,
    POD_READY,
    RESTARTS,
    OUT_OF_MEMORY,
    WAITING,
)


class ModelMetrics:
    """The lines of every model, by family."""

    def __init__(self) -> None:
        self._lines: dict[Key, tuple[str, ...]] = {}

    def put(self, key: Key, lines: tuple[str, ...]) -> None:
        """Set the lines of a model, as returned by `render_model_metrics`."""
        self._lines[key] = lines

    def drop(self, key: Key) -> None:
        """Forget a deleted model."""
        self._lines.pop(key, None)

    def clear(self) -> None:
        """Forget all models."""
        self._lines.clear()

    def chunks(self) -> Iterator[bytes]:
        """The text in chunks, one family after the other, as the format requires."""
        for index, family in enumerate(FAMILIES):
            yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n".encode()
            every = list(self._lines.values())
            for start in range(0, len(every), CHUNK):
                yield "".join(lines[index] for lines in every[start : start + CHUNK]).encode()


def render_model_metrics(
    key: Key, model: Model | None, status: Mapping[str, Any], pods: Sequence[PodStatus]
) -> tuple[str, ...]:
    """A model's lines, one text per family; `model` is None if its spec is invalid."""
    own = {"namespace": key.namespace, "monitored_model": key.name}
    rows: dict[Family, list[str]] = {family: [] for family in FAMILIES}

    def add(family: Family, value: float, **labels: str) -> None:
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in {**own, **labels}.items())
        rows[family].append(f"{family.name}{{{inside}}} {value:.15g}\n")

    if model:
        _add_spec(add, model)
    if since := _seconds(status.get("versionSince", "")):
        add(VERSION_SINCE, since)
    for condition in status.get("conditions", ()):
        add(CONDITION_FAMILY, 1, condition=condition["type"], status=condition["status"], reason=condition["reason"])
    add(GENERATION, status.get("observedGeneration", 0))
    if "replicas" in status:
        add(DESIRED, status["replicas"])
        add(READY, status["readyReplicas"])
    for pod in pods:
        add(POD_INFO, 1, pod=pod.name)
        if created := _seconds(pod.created):
            add(POD_CREATED, created, pod=pod.name)
        add(POD_READY, int(pod.ready), pod=pod.name)
        add(RESTARTS, pod.restarts, pod=pod.name)
        add(OUT_OF_MEMORY, int(pod.out_of_memory), pod=pod.name)
        if pod.reason:
            add(WAITING, 1, pod=pod.name, reason=pod.reason)
    return tuple("".join(rows[family]) for family in FAMILIES)


def _add_spec(add: Callable[..., None], model: Model) -> None:
    """Add the series that come from the spec alone."""
    about, watched = model.spec.model, model.monitoring
    has_dashboard = watched.dashboard.enabled and watched.scrape.enabled
    add(
        INFO,
        1,
        name=model.display_name,
        version=about.version or "",
        framework=about.framework or "",
        runtime=model.spec.runtime,
        dashboard=object_names.dashboard_uid(model) if has_dashboard else "",
    )
    for slo in watched.slos:
        add(SLO_BUDGET, slos.budget(slo), slo=slo.name, window=slo.window)
    for claim in _claims(model):
        add(CLAIM_INFO, 1, persistentvolumeclaim=claim)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _claims(model: Model) -> list[str]:
    """Names of the claims that a model mounts, each once: two volumes may use the same claim."""
    claims = (volume.persistent_volume_claim for volume in model.spec.storage.volumes)
    return list(dict.fromkeys(claim.claim_name for claim in claims if claim))


def _seconds(time: str) -> float | None:
    """A time of the API server as a Unix timestamp; None for an invalid time that someone put into a status."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return None
