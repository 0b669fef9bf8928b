from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from releasing import chart
from releasing.commands import ReleaseError

CHART = {"name": "monitored-models", "version": "1.2.3", "annotations": {"artifacthub.io/license": "Apache-2.0"}}
CHANGES = [{"kind": "added", "description": "A field: `a`"}]


def test_without_addresses_the_chart_has_no_keys_for_them() -> None:
    described = chart.metadata(CHART, changes=CHANGES, image=None, home=None, sources=None)
    assert described.keys() == CHART.keys()
    assert described["annotations"].keys() == {"artifacthub.io/license", "artifacthub.io/changes"}
    assert yaml.safe_load(described["annotations"]["artifacthub.io/changes"]) == CHANGES


def test_addresses_and_the_image_are_those_of_the_builder() -> None:
    image = "registry.example.com/team/monitored-models:1.2.3"
    described = chart.metadata(
        CHART, changes=CHANGES, image=image, home="https://example.com", sources="https://git.example.com/a"
    )
    assert described["home"] == "https://example.com"
    assert described["sources"] == ["https://git.example.com/a"]
    assert yaml.safe_load(described["annotations"]["artifacthub.io/images"])[0]["image"] == image


def test_the_registry_becomes_the_default_of_the_chart() -> None:
    values = (Path(__file__).parents[3] / "charts/monitored-models/values.yaml").read_text()
    changed = yaml.safe_load(chart.with_registry(values, "registry.example.com/team"))
    assert changed == {**yaml.safe_load(values), "imageRegistry": "registry.example.com/team"}


def test_values_without_the_place_of_the_registry_are_refused() -> None:
    with pytest.raises(ReleaseError, match="imageRegistry"):
        chart.with_registry("image: {}\n", "registry.example.com")
