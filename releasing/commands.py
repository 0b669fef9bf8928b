"""Runs the programs that do the work: git, uv, helm, buildah, crane, cosign."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click


class ReleaseError(click.ClickException):
    """The release cannot be built or published; the message names the way out."""


def run(program: str, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed; `env` adds to the environment.

    Raises ReleaseError if the program is missing or fails.
    """
    found = shutil.which(program)
    if found is None:
        raise ReleaseError(f"{program} is not on the PATH: docs/releasing.md lists what a release needs")
    command = [found, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{program} {' '.join(command[1:])} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()
