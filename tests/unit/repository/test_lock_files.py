"""The image has the packages that the tests run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from releasing.sbom import pins

REQUIREMENTS = Path(__file__).parents[3] / "requirements"


@pytest.mark.parametrize("name", ["operator", "build"])
def test_the_image_has_packages_that_are_tested(name: str) -> None:
    tested = set(pins((REQUIREMENTS / "dev.txt").read_text()))
    found = set(pins((REQUIREMENTS / f"{name}.txt").read_text()))
    assert found
    assert found <= tested
