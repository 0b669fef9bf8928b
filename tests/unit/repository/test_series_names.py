"""A series name that is written a second time is found, wherever a string can hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import series_names


def test_each_name_is_written_once() -> None:
    assert series_names.main() == 0


def test_file_with_a_second_definition_is_named(tmp_path: Path) -> None:
    definition = 'INFO = "monitored_model_info"\n'
    for file in ("naming/series.py", "render/rules/extra.py"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(definition)
    assert series_names.places(tmp_path) == [f"{tmp_path / 'render/rules/extra.py'}:1"]


@pytest.mark.parametrize(
    "source",
    [
        'INFO = "monitored_model_info"',
        "x = f\"max(monitored_model_info{{a='b'}})\"",
        'x = f"count(monitored_models_queue_depth) > {limit}"',
        'def f():\n    """A docstring."""\n    return g("sum(monitored_model_pod_ready)")',
    ],
)
def test_second_definition_is_found(source: str) -> None:
    assert list(series_names.repeated(source))


@pytest.mark.parametrize(
    "source", ['"""About monitored_model_info."""', 'x = "monitored_model:inference_errors"', "# monitored_model_info"]
)
def test_text_and_recorded_series_are_no_definition(source: str) -> None:
    assert not list(series_names.repeated(source))
