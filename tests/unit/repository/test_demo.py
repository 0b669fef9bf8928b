"""The demo's own decisions; that it works, `make demo ONCE=1` tests on a real node."""

from __future__ import annotations

import operator_chart
import pytest


@pytest.mark.parametrize(
    ("image", "values"),
    [
        ("registry.example.com:5000/mm:0.1.0", {"repository": "registry.example.com:5000/mm", "tag": "0.1.0"}),
        ("example.com/mm@sha256:12ab", {"repository": "example.com/mm", "digest": "sha256:12ab"}),
    ],
)
def test_image_becomes_the_charts_values(image: str, values: dict[str, str]) -> None:
    assert operator_chart.image_values(image) == values


@pytest.mark.parametrize("image", ["mm", "registry.example.com:5000/mm"])
def test_image_without_tag_or_digest_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match=r"has no tag or digest: name it repository:tag"):
        operator_chart.image_values(image)
