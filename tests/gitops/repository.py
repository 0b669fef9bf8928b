"""A git repository from which Argo CD syncs, as users would push to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_ENVIRONMENT = {
    **os.environ,
    **{f"GIT_{role}_{part}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


class Repository:
    """A repository of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"file://{folder}"
        folder.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")

    def commit(self, files: Mapping[str, list[Any] | None]) -> str:
        """Write files with objects as YAML, remove those with None, and commit. Returns the commit's id."""
        for name, objects in files.items():
            path = self.folder / name
            if objects is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump_all(objects, sort_keys=False))
        return self._commit()

    def copy(self, source: Path, name: str) -> str:
        """Commit a copy of a folder."""
        shutil.copytree(source, self.folder / name, dirs_exist_ok=True)
        return self._commit()

    def _commit(self) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=test")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=True).stdout
