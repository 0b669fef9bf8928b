"""`make demo`: watch MonitoredModels become running, monitored Deployments.

Without KUBECONFIG, the demo creates a real one-node cluster and deletes it at the end (needs root). With KUBECONFIG, it
uses that cluster. `--once` waits until every model is Ready and Prometheus has its metrics, then exits with 0. On
failure it prints the reason and exits with 1.
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
import pages
import prometheus
import report
from kube import ApiError, Cluster
from rich.console import Console
from rich.live import Live

from monitored_models.integrations.prometheus.client import PrometheusError
from testbed import tools
from testbed.node import NeedsRootError, OneNodeCluster
from testbed.processes import NotReadyError, Process, free_port, start, wait_until

ROOT = Path(__file__).parents[2]
CRDS = tuple(sorted((ROOT / "crds").glob("*.yaml")))
"""CRD manifests. Each file is named after the plural of its kind."""
TIMEOUT = 420.0
"""Seconds until the demo must be ready. It usually takes less than two minutes."""

# A log file has no width, so use one that fits the table.
console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


@dataclass(frozen=True)
class Stage:
    """The cluster that the demo uses, and the images that it can run."""

    kubeconfig: Path
    model: str | None
    prometheus: prometheus.Images | None
    given: bool
    operator: str = "127.0.0.1:0"
    """Listen address of the operator's own metrics. Pods must reach it, where they can reach this machine."""


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
    except (NeedsRootError, NotReadyError, tools.ToolError, ApiError, PrometheusError, OSError) as error:
        console.print(f"[red]the demo failed:[/] {error}", markup=True)
        return 1


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    if given := os.environ.get("KUBECONFIG"):
        yield Stage(Path(given.split(os.pathsep)[0]), os.environ.get("DEMO_IMAGE"), _given_images(), given=True)
        return
    if os.geteuid() != 0:
        raise NeedsRootError(
            "the demo's own cluster runs containers, which needs root: run `sudo make demo`, or give a cluster that "
            "you have with KUBECONFIG=… make demo. `make test` needs no root"
        )
    _say("building what is missing; the first time takes about a quarter of an hour")
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    tools.ensure(*names, "prometheus-operator", "prometheus-config-reloader", "prometheus")
    server, pictures = images.model(), (images.prometheus(), images.reloader())
    _say("starting a cluster of one node")
    with OneNodeCluster("demo", crds=CRDS) as cluster:
        name = cluster.import_image(server)
        for picture in pictures:
            cluster.import_image(picture)
        local = prometheus.Images(images.PROMETHEUS, images.RELOADER, "v3.10.0")
        listen = f"{cluster.sandbox.network.machine}:{free_port()}"
        yield Stage(cluster.kubeconfig, name, local, given=False, operator=listen)


def _given_images() -> prometheus.Images | None:
    """Return the Prometheus images for a cluster that cannot pull the default ones, or None."""
    names = [os.environ.get(f"DEMO_{name}_IMAGE") for name in ("PROMETHEUS", "RELOADER")]
    return prometheus.Images(str(names[0]), str(names[1]), "v3.10.0") if all(names) else None


def _show(stage: Stage, folder: Path, *, once: bool, began: float) -> int:
    cluster = Cluster(stage.kubeconfig)
    for crd in CRDS:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd.stem}.monitoredmodels.dev"
        cluster.apply_text(path, crd.read_bytes())
    _say("starting the operator, and Prometheus by prometheus-operator")
    scraped = None if stage.given else stage.operator
    prometheus.install(cluster, stage.prometheus, scraped)
    for manifest in models.manifests(stage.model):
        cluster.apply(manifest)
    try:
        with _operator(stage, folder) as operator:
            # Objects that exist before Prometheus starts are part of its first configuration. Its reloader may pick up
            # a second configuration only at its next poll, up to three minutes later.
            monitors = "/apis/monitoring.coreos.com/v1/namespaces/{}/servicemonitors/{}"
            for name in models.FEATURES:
                path = monitors.format(models.NAMESPACE, name)
                wait_until(functools.partial(cluster.exists, path), f"ServiceMonitor {name}", processes=[operator])
            with (
                prometheus.running(cluster, folder, stage.prometheus, scraped) as metrics,
                load.running(cluster),
                pages.running(metrics, stage.model, folder, given=stage.given) as address,
            ):
                gaps = functools.partial(pages.gaps, address, folder)
                _watch(cluster, metrics, operator, gaps, _footer(metrics, address, stage), once=once, began=began)
                if address:
                    _say(f"the dashboards were at {address}; without ONCE=1 the page stays until Ctrl-C")
                return 0
    finally:
        if stage.given:
            _clean(cluster, stage)


def _watch(
    cluster: Cluster,
    metrics: prometheus.Prometheus,
    operator: Process,
    gaps: Callable[[], list[str]],
    footer: list[str],
    *,
    once: bool,
    began: float,
) -> None:
    """Display the models. With `once`, return as soon as nothing is missing."""
    deadline, told = time.monotonic() + TIMEOUT, [""]
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            rows = report.look(cluster, metrics)
            live.update(report.screen(rows, footer))
            if not operator.alive():
                raise NotReadyError(f"the operator has ended:\n{operator.tail(20)}")
            missing = [row.missing for row in rows if row.missing] or ([] if rows else ["no models yet"])
            if once and not missing:
                missing = report.gaps(cluster, metrics) or gaps()
            if once and missing != told:
                told = missing
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
    lines = [f"objects:     {where} kubectl get mm,deploy,servicemonitor,prometheusrule -n {models.NAMESPACE}"]
    if stage.given:
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


@contextlib.contextmanager
def _operator(stage: Stage, folder: Path) -> Iterator[Process]:
    """Run the operator as a user would: `mmctl run` with a KUBECONFIG."""
    environment = {**os.environ, "KUBECONFIG": str(stage.kubeconfig)}
    settings = folder / "settings.yaml"
    settings.write_text(f'listen: "{stage.operator}"\n')
    command: list[str | Path] = [sys.executable, "-m", "monitored_models.cli", "run", "--settings", settings]
    process = start("operator", command, log=folder / "operator.log", env=environment)
    try:
        yield process
    finally:
        process.kill()


def _clean(cluster: Cluster, stage: Stage) -> None:
    """Delete everything that the demo applied to the user's cluster, except the CRDs."""
    _say("cleaning up; CRDs stay")
    for manifest in [*reversed(models.manifests(stage.model)), *reversed(prometheus.manifests(stage.prometheus))]:
        cluster.delete(manifest)


def _say(text: str) -> None:
    console.print(f"[bold]demo:[/] {text}")


if __name__ == "__main__":
    sys.exit(main())
