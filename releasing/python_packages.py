"""Wheel and sdist of the operator and of the library."""

from __future__ import annotations

import sys
from pathlib import Path

from .commands import run


def build(tree: Path, out: Path, time: int) -> None:
    """Build both distributions into `out`. The wheels come from the sdists: these are complete.

    The build backend is the one that the lock file pins, in the environment that runs this.
    """
    for project in (tree, tree / "modelsignals"):
        run(
            sys.executable, "-m", "uv", "build", "--quiet", "--offline", "--no-build-isolation", "--no-create-gitignore",
            "--python", sys.executable, "--out-dir", out, project,
            env={"SOURCE_DATE_EPOCH": str(time)},
        )  # fmt: skip
