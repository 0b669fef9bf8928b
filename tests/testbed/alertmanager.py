"""A real Alertmanager on this machine, with the configuration that a real prometheus-operator makes of AlertmanagerConfigs.

The pods of an `Alertmanager` object never run on a control plane without nodes. What would mount the Secret that
prometheus-operator generates, and reload when it changes, is done here instead: read, check with amtool, load.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import tools
from testbed.controlplane import ControlPlane
from testbed.processes import Process, free_port, start, wait_for_url

VERSION = "v0.28.1"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Configuration = dict[str, Any]
_KINDS = (("monitoring.coreos.com/v1", "Alertmanager"), ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"))


@dataclass(frozen=True)
class Alertmanager:
    """A running server."""

    url: str
    process: Process
    file: Path

    @property
    def address(self) -> str:
        """Host and port, as Prometheus wants it."""
        return self.url.removeprefix("http://")

    def get(self, path: str, **parameters: str) -> Any:
        """An answer of the API, version 2."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with _direct.open(f"{self.url}/api/v2/{path}{query}", timeout=30) as answer:
            return json.load(answer)

    def alerts(self, **parameters: str) -> list[dict[str, Any]]:
        """Alerts that have not ended, each with `labels` and `status`."""
        found: list[dict[str, Any]] = self.get("alerts", **parameters)
        return found

    def metrics(self) -> str:
        """Its own metrics."""
        with _direct.open(f"{self.url}/metrics", timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def load(self, text: str) -> None:
        """Take another configuration, which amtool must find good."""
        check(text, self.file)
        try:
            _direct.open(f"{self.url}/-/reload", data=b"", timeout=30).close()
        except urllib.error.HTTPError as error:
            raise AssertionError(
                f"not loaded: {error.read().decode(errors='replace')}\n{self.process.tail()}"
            ) from error

    def follow(
        self, generated: Callable[[], str], until: Callable[[Configuration], bool], timeout: float = 30
    ) -> Configuration:
        """Load what is generated whenever it has changed, until the loaded one is as wanted; and give that."""
        deadline, loaded = time.monotonic() + timeout, self.file.read_text()
        while True:
            if (text := generated()) and text != loaded:
                self.load(text)
                loaded = text
            configuration: Configuration = yaml.safe_load(loaded)
            if until(configuration):
                return configuration
            assert time.monotonic() < deadline, f"the configuration is not as wanted after {timeout:.0f} s:\n{loaded}"
            time.sleep(0.1)


def check(text: str, file: Path) -> str:
    """Write a configuration and return what amtool says of it. Raises AssertionError when it refuses it."""
    file.write_text(text)
    amtool = tools.ensure("amtool")["amtool"]
    done = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{text}"
    return done.stdout


def receivers(file: Path, **labels: str) -> list[str]:
    """Whom a configuration sends an alert with these labels to, as amtool says."""
    amtool = tools.ensure("amtool")["amtool"]
    command: list[str | Path] = [
        amtool,
        "config",
        "routes",
        "test",
        f"--config.file={file}",
        *(f"{k}={v}" for k, v in labels.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().split(",")


@contextmanager
def running(folder: Path, text: str, *, trust: Path | None = None) -> Iterator[Alertmanager]:
    """An Alertmanager with a configuration. `trust` are the certificates that it trusts, in place of the machine's."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alertmanager.yaml"
    check(text, file)
    port = free_port()
    process = start(
        "alertmanager",
        [
            tools.ensure("alertmanager")["alertmanager"],
            f"--config.file={file}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",  # alone, or it asks for an address of the machine
        ],
        log=folder / "alertmanager.log",
        env={**os.environ, **({"SSL_CERT_FILE": str(trust)} if trust else {})},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_url(f"{url}/-/ready", timeout=30, processes=[process])
        yield Alertmanager(url, process, file)
    finally:
        process.kill()


# --- prometheus-operator ---


def declare(plane: ControlPlane, namespace: str, name: str, base: Configuration, **spec: Any) -> None:
    """An `Alertmanager` that takes every AlertmanagerConfig of every namespace, over a platform's own configuration."""
    plane.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"alertmanager-{name}", "namespace": namespace},
            "stringData": {"alertmanager.yaml": yaml.safe_dump(base)},
        }
    )
    plane.apply(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "Alertmanager",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "version": VERSION,
                "image": f"alertmanager:{VERSION}",
                "replicas": 1,
                "alertmanagerConfigSelector": {},
                "alertmanagerConfigNamespaceSelector": {},
                **spec,
            },
        }
    )


def generated(plane: ControlPlane, namespace: str, name: str) -> str:
    """The configuration that prometheus-operator has made for an `Alertmanager`; empty while it has made none."""
    status, answer = plane.request("GET", f"/api/v1/namespaces/{namespace}/secrets/alertmanager-{name}-generated")
    if status != 200:
        return ""
    return gzip.decompress(base64.b64decode(answer["data"]["alertmanager.yaml.gz"])).decode()


@contextmanager
def prometheus_operator(plane: ControlPlane, folder: Path) -> Iterator[Process]:
    """A prometheus-operator that sees to all namespaces."""
    folder.mkdir(parents=True, exist_ok=True)
    for api_version, kind in _KINDS:  # it looks once, when it starts, and never again for a kind that is not served yet
        plane.path({"apiVersion": api_version, "kind": kind, "metadata": {"name": "any"}})
    process = start(
        "prometheus-operator",
        [
            tools.ensure("prometheus-operator")["prometheus-operator"],
            f"--web.listen-address=127.0.0.1:{free_port()}",
            "--prometheus-config-reloader=reloader:1",
        ],
        log=folder / "prometheus-operator.log",
        env={**os.environ, "KUBECONFIG": str(plane.kubeconfig)},
    )
    try:
        yield process
    finally:
        process.kill()
