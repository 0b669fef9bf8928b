"""All places agree on the version, and the check names one that does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from releasing import version

ROOT = Path(__file__).parents[3]
PLACES = (version.OPERATOR, version.LIBRARY, version.CHART)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_all_places_agree() -> None:
    assert list(version.disagreements(ROOT)) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [(version.LIBRARY, 'version = "{}"'), (version.CHART, "\nversion: {}"), (version.CHART, "appVersion: {}")],
)
def test_a_place_that_differs_is_named(tree: Path, place: Path, key: str) -> None:
    replace(tree / place, key.format(version.version(ROOT)), key.format("99.1.2"))
    (problem,) = version.disagreements(tree)
    assert str(place) in problem
    assert "99.1.2" in problem
    assert version.version(ROOT) in problem


def test_the_operator_must_accept_the_library_of_the_release(tree: Path) -> None:
    replace(tree / version.OPERATOR, '"modelsignals>=0.1,<0.2"', '"modelsignals>=98"')
    (problem,) = version.disagreements(tree)
    assert "modelsignals" in problem


def test_a_version_that_helm_cannot_read_is_rejected(tree: Path) -> None:
    current = version.version(ROOT)
    for place in PLACES:
        text = (tree / place).read_text()
        (tree / place).write_text(text.replace(current, f"{current}rc1"))
    problems = list(version.disagreements(tree))
    assert any("X.Y.Z" in problem for problem in problems)
