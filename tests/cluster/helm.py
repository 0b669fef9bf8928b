"""Helm against one cluster."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import tools

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/monitored-models"


@dataclass(frozen=True)
class Helm:
    """The command, with a kubeconfig, and a namespace that every release goes to."""

    kubeconfig: Path
    namespace: str
    folder: Path

    def install(self, release: str, values: dict[str, Any], chart: Path = CHART, *options: str) -> None:
        """Install or upgrade a release and wait until it is ready."""
        file = self.folder / f"{release}.values.yaml"
        file.write_text(yaml.safe_dump(values))
        self.run("upgrade", "--install", release, str(chart), "--values", str(file), "--create-namespace",
                 "--wait", "--timeout=180s", *options)  # fmt: skip

    def uninstall(self, release: str) -> None:
        """Remove a release and wait until its objects are gone."""
        self.run("uninstall", release, "--wait", "--timeout=120s")

    def values(self, release: str) -> dict[str, Any]:
        """The values that a release was installed with."""
        found: dict[str, Any] = json.loads(self.run("get", "values", release, "--output=json"))
        return found

    def run(self, *words: str) -> str:
        """Run the command. Raises AssertionError with its output."""
        command: list[str | Path] = [tools.ensure("helm")["helm"], *words, f"--namespace={self.namespace}"]
        own = {name: str(self.folder / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        environment = os.environ | own | {"KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"helm {' '.join(words)} failed:\n{done.stdout}{done.stderr}"
        return done.stdout
