"""The version: the operator's pyproject.toml has it, every other place must agree."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

OPERATOR, LIBRARY = Path("pyproject.toml"), Path("modelsignals/pyproject.toml")
CHART = Path("charts/monitored-models/Chart.yaml")
# The same text is a version for Python, for Helm and as an image's tag.
_RELEASE = re.compile(r"\d+\.\d+\.\d+")


def version(tree: Path) -> str:
    """The version of this tree."""
    return str(_project(tree / OPERATOR)["version"])


def disagreements(tree: Path) -> Iterator[str]:
    """What contradicts the version, one sentence for each place."""
    project = _project(tree / OPERATOR)
    expected = str(project["version"])
    if not _RELEASE.fullmatch(expected):
        yield f"{OPERATOR}: version {expected} is not of the form X.Y.Z, which Python, Helm and image tags share"
    chart = yaml.safe_load((tree / CHART).read_text())
    places = {
        f"{LIBRARY}: version": _project(tree / LIBRARY)["version"],
        f"{CHART}: version": chart["version"],
        f"{CHART}: appVersion": chart["appVersion"],
    }
    for place, found in places.items():
        if found != expected:
            yield f"{place} is {found}, but {OPERATOR} has {expected}"
    required = next(each for each in map(Requirement, project["dependencies"]) if each.name == "modelsignals")
    if expected not in required.specifier:
        yield f"{OPERATOR}: the dependency {required} excludes version {expected}, which is released with it"


def _project(path: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads(path.read_text())["project"]
    return project
