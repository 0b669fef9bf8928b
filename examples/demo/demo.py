"""`make demo`: watch MonitoredModels become running, monitored Deployments.

The operator comes from its image by its Helm chart. Without KUBECONFIG, the demo creates a real one-node cluster, builds
the image, and deletes both the cluster and all in it at the end (needs root). With KUBECONFIG, it uses that cluster and
the image DEMO_OPERATOR_IMAGE, and uninstalls what it installed. `--once` waits until every model is Ready and Prometheus
has its metrics, then exits with 0. On failure it prints the reason and exits with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import images
import load
import models
import operator_chart
import pages
import prometheus
import report
from kubernetes_client import ERRORS, Cluster, reason
from rich.console import Console
from rich.live import Live

from testbed import prometheus_pods, tools
from testbed.helm import HelmError
from testbed.node import NeedsRootError, OneNodeCluster
from testbed.processes import NotReadyError, wait_until

TIMEOUT = 420.0
"""Seconds until the demo must be ready. It usually takes less than two minutes."""

# A log file has no width, so use one that fits the table.
console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


@dataclass(frozen=True)
class Stage:
    """The cluster that the demo uses, and the images that it can run."""

    kubeconfig: Path
    operator: str
    model: str | None
    prometheus: prometheus.Images | None
    own: bool
    """Whether the demo created the cluster."""


def main() -> int:
    """Run the demo. Returns the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--once", action="store_true", help="end when everything is there")
    once = arguments.parse_args().once
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="demo-") as folder, _stage() as stage:
            return _show(stage, Path(folder), once=once, began=began)
    except KeyboardInterrupt:
        console.print("stopped")
        return 0
    except (NeedsRootError, NotReadyError, HelmError, tools.ToolError, ValueError, OSError, *ERRORS) as error:
        console.print("[red]the demo failed:[/]", end=" ")
        console.print(reason(error), markup=False)
        return 1


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    if kubeconfig := os.environ.get("KUBECONFIG"):
        yield _stage_of_user(Path(kubeconfig.split(os.pathsep)[0]).absolute())
        return
    if os.geteuid() != 0:
        raise NeedsRootError(
            "the demo's own cluster runs containers, which needs root: run `sudo make demo`, or give a cluster that "
            "you have with KUBECONFIG=… make demo. `make test` needs no root"
        )
    _say("building what is missing; the first time takes about a quarter of an hour")
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    tools.ensure(*names, "helm", "prometheus-operator", "prometheus-config-reloader", "prometheus")
    built = (
        images.operator(),
        images.model(),
        prometheus_pods.image("prometheus"),
        prometheus_pods.image("prometheus-config-reloader"),
    )
    _say("starting a cluster of one node")
    with OneNodeCluster("demo", crds=tools.prometheus_operator_crds()) as cluster:
        # From here on, all requests stay on this machine.
        os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}
        operator, model, server, reloader = (cluster.import_image(image) for image in built)
        yield Stage(cluster.kubeconfig, operator, model, prometheus.Images(server, reloader), own=True)


def _stage_of_user(kubeconfig: Path) -> Stage:
    """Return the user's cluster with the images that the environment names."""
    operator, model = os.environ.get("DEMO_OPERATOR_IMAGE"), os.environ.get("DEMO_IMAGE")
    server, reloader = os.environ.get("DEMO_PROMETHEUS_IMAGE"), os.environ.get("DEMO_RELOADER_IMAGE")
    if not operator:
        raise ValueError(
            "set DEMO_OPERATOR_IMAGE to the operator's image, repository:tag or repository@sha256:…, in a registry from "
            "which the cluster can pull. To build and push one:\n"
            "docker build -f operator/Dockerfile -t REPOSITORY:TAG . && docker push REPOSITORY:TAG"
        )
    operator_chart.image_values(operator)  # report a mistake before anything is installed
    mirrored = prometheus.Images(server, reloader) if server and reloader else None
    return Stage(kubeconfig, operator, model, mirrored, own=False)


def _show(stage: Stage, folder: Path, *, once: bool, began: float) -> int:
    cluster = Cluster(stage.kubeconfig, folder)
    namespace, *others = models.manifests(stage.model)
    try:
        prometheus.install(cluster, stage.prometheus)
        cluster.apply(namespace)
        _say("installing the operator by its chart")
        with operator_chart.running(cluster, stage.operator, folder, own=stage.own):
            _say(f"the operator is ready after {time.monotonic() - began:.0f} s; applying two models")
            for manifest in others:
                cluster.apply(manifest)
            # Objects that exist before Prometheus starts are part of its first configuration. Its reloader may pick up
            # a second configuration only at its next poll.
            for name in models.FEATURES:
                path = f"/apis/monitoring.coreos.com/v1/namespaces/{models.NAMESPACE}/servicemonitors/{name}"
                wait_until(functools.partial(cluster.exists, path), f"ServiceMonitor {name}", timeout=60)
            with (
                prometheus.running(cluster, folder, stage.prometheus) as metrics,
                load.running(cluster),
                pages.running(metrics, stage.model, folder, own=stage.own) as address,
            ):
                gaps = functools.partial(pages.gaps, address, folder)
                _watch(cluster, metrics, gaps, _footer(metrics, address, stage), once=once, began=began)
                if address:
                    _say(f"the dashboards were at {address}; without ONCE=1 the page stays until Ctrl-C")
                return 0
    finally:
        if not stage.own:
            _clean(cluster, stage, folder)


def _watch(
    cluster: Cluster,
    metrics: prometheus.Prometheus,
    gaps: Callable[[], list[str]],
    footer: list[str],
    *,
    once: bool,
    began: float,
) -> None:
    """Display the models. With `once`, return as soon as nothing is missing."""
    deadline, printed = time.monotonic() + TIMEOUT, [""]
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            rows = report.look(cluster, metrics)
            live.update(report.screen(rows, footer))
            missing = [row.missing for row in rows if row.missing] or ([] if rows else ["no models yet"])
            if once and not missing:
                missing = report.gaps(cluster, metrics) or gaps()
            if once and missing != printed:
                printed = missing
                live.console.print(
                    f"demo: {time.monotonic() - began:4.0f} s: waiting: {'; '.join(missing) or 'no more'}"
                )
            if once and not missing:
                break
            if once and time.monotonic() > deadline:
                live.stop()
                raise NotReadyError(f"not within {TIMEOUT:.0f} s: " + "; ".join(missing))
            time.sleep(2)
    _say(f"every model is Ready, and Prometheus has its figures; {time.monotonic() - began:.0f} s in all")


def _footer(metrics: prometheus.Prometheus, address: str | None, stage: Stage) -> list[str]:
    where = f"KUBECONFIG={stage.kubeconfig}"
    lines = [
        f"objects:     {where} kubectl get mm,deploy,servicemonitor,prometheusrule -n {models.NAMESPACE}",
        f"operator:    {where} helm get all {operator_chart.RELEASE} -n {operator_chart.NAMESPACE}",
    ]
    if not stage.own:
        forward = f"kubectl port-forward -n {prometheus.NAMESPACE} service/{prometheus.NAME} 9090"
        show = "mmctl dashboard preview -f config/monitoring.yaml --prometheus http://localhost:9090"
        return [
            *lines,
            f"Prometheus:  {forward}, then http://localhost:9090/alerts",
            f"dashboards:  the same, then {show}",
            "Ctrl-C ends it and cleans up.",
        ]
    return [
        *lines,
        f"Prometheus:  {metrics.url}/query?g0.expr=monitored_model%3Ainference_throughput",
        f"alerts:      {metrics.url}/alerts",
        f"dashboards:  {address}",
        "Ctrl-C ends it; the cluster goes with it.",
    ]


def _clean(cluster: Cluster, stage: Stage, folder: Path) -> None:
    """Delete everything that the demo installed in the user's cluster, except the CRDs, whose models may be others'."""
    _say("cleaning up; CRDs stay: your own `helm install` of the chart takes them over with --take-ownership")
    for manifest in [*reversed(models.manifests(stage.model)), *reversed(prometheus.manifests(stage.prometheus))]:
        cluster.delete(manifest)
    operator_chart.uninstall(cluster, folder)


def _say(text: str) -> None:
    console.print(f"[bold]demo:[/] {text}")


if __name__ == "__main__":
    sys.exit(main())
