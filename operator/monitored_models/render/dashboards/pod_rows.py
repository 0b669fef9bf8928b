"""Rows on the pods of one model: versions, restarts and resource usage."""

from __future__ import annotations

from ...naming import labels, object_names
from ...naming.series import POD_CREATED, POD_OUT_OF_MEMORY, POD_READY, POD_RESTARTS, REPLICAS_DESIRED, REPLICAS_READY
from ..rules import signals
from ..rules.catalogue import DISK_RATIO, PREFIX
from ..rules.promql import Matcher, selector
from . import common, panels
from .panel_source import PanelSource
from .panels import GREEN, ORANGE, RED, Column, Panel, Row, State

CHOSEN: tuple[Matcher, ...] = (("pod", "=~", "$pod"),)
_CONTAINER: tuple[Matcher, ...] = (("container", "!=", ""), ("container", "!=", "POD"))
_YES, _NO = State(1, "yes", GREEN), State(0, "no", RED)


def versions(s: PanelSource) -> Row:
    """Row with versions, replicas, conditions and restarts."""
    scope = s.context.scope
    replicas = {
        word: f"max({scope.series(name)})" for word, name in (("desired", REPLICAS_DESIRED), ("ready", REPLICAS_READY))
    }
    restarts = f"sum by (pod) (increase({scope.series(POD_RESTARTS, CHOSEN)}[$__rate_interval]))"
    return Row(
        "Versions and rollouts",
        (
            panels.lines(
                "Versions",
                "Pods that answer Prometheus, by the version that they are labelled with.",
                {f"{{{{{labels.SERIES_VERSION}}}}}": signals.targets_up_by_version(scope)},
                unit="short",
            ),
            panels.lines("Replicas", "Replicas that should run, and those that are ready.", replicas, unit="short"),
            common.conditions(scope),
            panels.lines("Restarts", "Restarts of the chosen pods' containers.", {"{{pod}}": restarts}, unit="short"),
        ),
        collapsed=True,
    )


def pods(s: PanelSource) -> Row:
    """Row with the resource usage of all pods and of each pod."""
    usage = {title: s.series(used=f"{PREFIX}{title.lower()}_usage") for title in ("CPU", "Memory", "Disk")}
    found = [
        panels.lines("CPU", "CPU of all pods, in cores.", usage["CPU"], unit="short"),
        panels.lines("Memory", "Memory of all pods that cannot be reclaimed at once.", usage["Memory"], unit="bytes"),
        panels.lines("CPU by pod", "Cores in use.", {"{{pod}}": _cpu(s)}, unit="short"),
        panels.lines("Memory by pod", "What the out-of-memory killer looks at.", {"{{pod}}": _memory(s)}, unit="bytes"),
        panels.lines("Disk", "What containers write, and the volume claims.", usage["Disk"], unit="bytes"),
    ]
    if full := s.series(fullest=DISK_RATIO):
        about, limit = (
            "Use of the fullest volume claim." + s.threshold_note("ModelVolumeFillingUp"),
            s.limit("ModelVolumeFillingUp"),
        )
        found.append(panels.lines("Volume", about, full, unit="percentunit", red_from=limit))
    return Row("Pods and resources", (*found, _table(s)), collapsed=True)


def _kubelet(s: PanelSource, metric: str) -> str:
    own = (("namespace", "=", s.model.namespace), ("pod", "=~", object_names.pod_pattern(s.model)))
    return selector(metric, (*own, *CHOSEN, *_CONTAINER))


def _cpu(s: PanelSource) -> str:
    return f"sum by (pod) (rate({_kubelet(s, 'container_cpu_usage_seconds_total')}[$__rate_interval]))"


def _memory(s: PanelSource) -> str:
    return f"sum by (pod) ({_kubelet(s, 'container_memory_working_set_bytes')})"


def _table(s: PanelSource) -> Panel:
    scope, link = s.context.scope, f"/d/${{__dashboard.uid}}?var-pod=${{__value.raw}}&{common.SAME_CHOICE}"

    def by_pod(metric: str) -> str:
        return f"max by (pod) ({scope.series(metric, CHOSEN)})"

    return panels.table(
        "Pods",
        "The chosen pods: whether they answer Prometheus, are ready, were restarted, and what they use. A click on one "
        "chooses it.",
        (
            f"max by (pod, {labels.SERIES_VERSION}) ({scope.series('up', CHOSEN)})",
            by_pod(POD_READY),
            by_pod(POD_RESTARTS),
            by_pod(POD_OUT_OF_MEMORY),
            f"time() - {by_pod(POD_CREATED)}",
            _cpu(s),
            _memory(s),
        ),
        (
            Column("pod", "Pod", link=link, link_title="Only this pod"),
            Column(labels.SERIES_VERSION, "Version"),
            Column("Value #A", "Answers", states=(_YES, _NO)),
            Column("Value #B", "Ready", states=(_YES, _NO)),
            Column("Value #C", "Restarts"),
            Column("Value #D", "Out of memory", states=(State(1, "yes", ORANGE), State(0, "no", GREEN))),
            Column("Value #E", "Age", unit="s"),
            Column("Value #F", "CPU", unit="short"),
            Column("Value #G", "Memory", unit="bytes"),
        ),
    )
