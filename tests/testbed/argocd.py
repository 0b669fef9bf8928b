"""A real Argo CD beside a control plane: its API server, repo server, application and ApplicationSet controllers, and Redis.

All parts are one program, which takes the name of its part from the environment. They reach the control plane as if
they ran in it, so that Applications name the cluster as usual: https://kubernetes.default.svc.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import debian, processes, tools
from testbed.controlplane import ControlPlane
from testbed.processes import Process

NAMESPACE = "argocd"
MODULE = "github.com/argoproj/argo-cd/v3"
_PART_OF = {"app.kubernetes.io/part-of": "argocd"}
_CONFIG_MAPS = ("argocd-cm", "argocd-rbac-cm", "argocd-tls-certs-cm", "argocd-ssh-known-hosts-cm", "argocd-gpg-keys-cm")


def crds() -> list[Path]:
    """The CRDs of Argo CD, to be created before the controllers of the control plane start."""
    folder = tools.module_dir("argocd", MODULE) / "manifests/crds"
    return [folder / f"{kind}-crd.yaml" for kind in ("application", "applicationset", "appproject")]


class ArgoCD:
    """Argo CD in namespace `argocd`: started on entering, killed on leaving. Users need no login."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self.processes: dict[str, Process] = {}
        self._plane = plane
        self._directory = directory
        self._binary = tools.ensure("argocd")["argocd"]
        self._ports = {name: processes.free_port() for name in ("redis", "repo-server", "server")}
        folders = {name: directory / name for name in ("home", "tls", "ssh", "gpg", "tmp")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        self._environment = {
            **os.environ,
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_GNUPGHOME": str(folders["gpg"]),
            "ARGOCD_SSH_DATA_PATH": str(folders["ssh"]),
            "ARGOCD_TLS_DATA_PATH": str(folders["tls"]),
            "HOME": str(folders["home"]),
            "KUBECONFIG": str(plane.kubeconfig),
            "TMPDIR": str(folders["tmp"]),
        }

    def __enter__(self) -> Self:
        try:
            self._create_settings()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill all parts."""
        processes.kill_all(self.processes.values())

    def cli(self, *arguments: str) -> str:
        """The output of an `argocd` command; an error if it fails."""
        server = ["--server", f"127.0.0.1:{self._ports['server']}", "--plaintext"]
        return run_cli(self._binary, *arguments, *server, environment=self._environment)

    def get(self, path: str) -> Any:
        """An answer of the API of Argo CD."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self._ports['server']}{path}", timeout=60) as answer:
            return json.load(answer)

    def _create_settings(self) -> None:
        self._apply("v1", "Namespace", NAMESPACE)
        for name in _CONFIG_MAPS:
            self._apply("v1", "ConfigMap", name)
        self._apply("v1", "Secret", "argocd-secret", stringData={"server.secretkey": "of-tests-only"})
        everything = {"group": "*", "kind": "*"}
        project = {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [everything],
        }
        self._apply("argoproj.io/v1alpha1", "AppProject", "default", spec=project)

    def _apply(self, api_version: str, kind: str, name: str, **content: Any) -> None:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": _PART_OF}
        if kind == "Namespace":
            del metadata["namespace"]
        self._plane.apply({"apiVersion": api_version, "kind": kind, "metadata": metadata, **content})

    def _start(self) -> None:
        address = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        redis = ["--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._run("redis", [debian.command("redis-server"), *redis])
        kubernetes = ["--namespace", NAMESPACE]
        cache = ["--redis", address["redis"]]
        repo_server = ["--repo-server", address["repo-server"], "--repo-server-plaintext"]
        self._run_part(
            "repo-server",
            [*cache, *_listen(self._ports["repo-server"]), "--disable-tls", "--revision-cache-expiration=5s"],
        )
        # Nothing tells it of a commit, so it often looks by itself: each look is also a comparison with the cluster.
        self._run_part(
            "application-controller",
            [*kubernetes, *cache, *repo_server, *_metrics(), "--app-resync=10", "--app-resync-jitter=0"],
        )
        assets = ["--staticassets", str(self._directory / "home")]
        self._run_part(
            "server",
            [
                *kubernetes,
                *cache,
                *repo_server,
                *_listen(self._ports["server"]),
                *assets,
                "--insecure",
                "--disable-auth",
            ],
        )
        self._run_part(
            "applicationset-controller",
            [*kubernetes, "--argocd-repo-server", address["repo-server"], "--repo-server-plaintext", *_addresses()],
        )
        ready = f"http://{address['server']}/healthz?full=true"
        processes.wait_for_url(ready, timeout=120, processes=list(self.processes.values()))

    def _run_part(self, part: str, flags: list[str]) -> None:
        self._run(part, [self._binary, *flags], {"ARGOCD_BINARY_NAME": f"argocd-{part}"})

    def _run(self, name: str, command: list[str | Path], environment: Mapping[str, str] | None = None) -> None:
        log = self._directory / f"{name}.log"
        environment = {**self._environment, **(environment or {})}
        self.processes[name] = processes.start(name, command, log=log, env=environment, cwd=self._directory)


def run_cli(binary: Path, *arguments: str, environment: Mapping[str, str]) -> str:
    """The output of an `argocd` command; an error with both outputs if it fails."""
    command = [str(binary), *arguments]
    environment = {**environment, "ARGOCD_BINARY_NAME": "argocd"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{json.dumps(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _metrics() -> list[str]:
    return ["--metrics-port", str(processes.free_port())]


def _listen(port: int) -> list[str]:
    return ["--address", "127.0.0.1", "--port", str(port), *_metrics()]


def _addresses() -> list[str]:
    """Flags of the ApplicationSet controller: it listens at three addresses, none of which tests use."""
    return [f"--{name}=127.0.0.1:{processes.free_port()}" for name in ("metrics-addr", "probe-addr", "webhook-addr")]
