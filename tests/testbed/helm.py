"""Helm: the chart's objects as a release would create them, and releases in a cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from monitored_models.files.yaml_loader import accept_exponents
from testbed import tools

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/monitored-models"
Object = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """Fast, for the CRDs."""


accept_exponents(_Loader)


class HelmError(RuntimeError):
    """Helm has refused; the message is its own."""


def render(values: Mapping[str, Any], *options: str, release: str = "mm", namespace: str = "monitored-models") -> str:
    """Render the chart with these values. Raises HelmError."""
    words = ["template", release, str(CHART), f"--namespace={namespace}", "--values=-", *options]
    return _run(words, yaml.safe_dump(dict(values)))


def objects(values: Mapping[str, Any], *options: str, **where: str) -> list[Object]:
    """Render the chart with these values, parsed. Raises HelmError."""
    return [each for each in yaml.load_all(render(values, *options, **where), _Loader) if each]


def lint() -> str:
    """Lint the chart; warnings are errors. Raises HelmError."""
    return _run(["lint", "--strict", str(CHART)])


@dataclass(frozen=True)
class Helm:
    """The command with a kubeconfig, and a namespace that every release goes to."""

    kubeconfig: Path
    namespace: str
    folder: Path

    def install(self, release: str, values: Mapping[str, Any], chart: Path = CHART) -> None:
        """Install or upgrade a release and wait until it is ready."""
        words = ["upgrade", "--install", release, str(chart), "--values=-", "--create-namespace", "--wait"]
        self.run(*words, "--timeout=300s", given=yaml.safe_dump(dict(values)))

    def uninstall(self, release: str) -> None:
        """Remove a release and wait until its objects are gone."""
        self.run("uninstall", release, "--wait", "--timeout=120s")

    def run(self, *words: str, given: str = "") -> str:
        """Run the command in the project's folder. Raises HelmError."""
        own = {name: str(self.folder / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        return _run([*words, f"--namespace={self.namespace}"], given, own | {"KUBECONFIG": str(self.kubeconfig)})


def _run(words: list[str], given: str = "", environment: Mapping[str, str] | None = None) -> str:
    command: list[str | Path] = [tools.ensure("helm")["helm"], *words]
    own = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=ROOT, env=own, input=given, text=True, capture_output=True, check=False)
    if done.returncode:
        raise HelmError(f"helm {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
