"""The import contracts hold the house together only if they fail when a line is in the wrong room. Here they must."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MISPLACED = {
    "the tool of a release in the operator": (
        "cli/extra.py",
        "import releasing.version",
        "monitored_models.cli.extra -> releasing.version",
    ),
    "a module in no room": ("extra.py", "", "monitored_models.extra"),
    "kopf in a rendering": ("render/scrape/extra.py", "import kopf", "monitored_models.render.scrape.extra -> kopf"),
    "a connection in a pure room": ("status/extra.py", "import aiohttp", "monitored_models.status.extra -> aiohttp"),
    "the API client's library elsewhere": (
        "plan/extra.py",
        "import kubernetes",
        "monitored_models.plan.extra -> kubernetes",
    ),
    "observed state in a rendering": (
        "render/scrape/extra.py",
        "from ...cache import cluster_cache",
        "monitored_models.render.scrape.extra -> monitored_models.cache.cluster_cache",
    ),
}


def linted(folder: Path) -> tuple[int, str]:
    """Exit status and output of the import linter over a copy of the package, without what terminals add."""
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder / "operator"), str(ROOT / "modelsignals/src"), str(ROOT)]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return run.returncode, re.sub(r"\s+", " ", run.stdout + run.stderr)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package."""
    shutil.copytree(
        ROOT / "operator/monitored_models",
        tmp_path / "operator/monitored_models",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("file", "line", "named"), MISPLACED.values(), ids=MISPLACED)
def test_line_in_the_wrong_room_fails_the_check(house: Path, file: str, line: str, named: str) -> None:
    (house / "operator/monitored_models" / file).write_text(f"{line}\n")
    status, output = linted(house)
    assert status == 1, output
    assert named in output


def test_package_as_it_is_passes(house: Path) -> None:
    status, output = linted(house)
    assert status == 0, output
