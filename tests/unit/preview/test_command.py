"""`mmctl dashboard preview` before it serves: what it finds in files, what it refuses, and that the operator needs none of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from monitored_models.cli.main import main
from monitored_models.preview.server import CannotServe, Preview, serving
from monitored_models.preview.sources import NoDashboards, found_in
from monitored_models.render.operator.manifests import manifests
from monitored_models.settings import Settings

MODEL = """\
apiVersion: monitoredmodels.dev/v1alpha1
kind: MonitoredModel
metadata: {name: churn, namespace: risk}
spec: {image: "example.com/churn:1"}
"""
BOARD = {"title": "One", "panels": []}


def titles(*files: Path) -> list[str]:
    return [one["title"] for one in found_in(files, None, Settings())]


def test_dashboards_of_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(BOARD))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump_all([manifests()[1], {"kind": "List", "items": [BOARD]}]))
    (tmp_path / "c.yaml").write_text(MODEL)
    (tmp_path / "d.txt").write_text("no YAML: [")
    assert titles(tmp_path) == ["One", "MonitoredModel operator", "One", "churn (risk/churn)"]
    assert titles(tmp_path / "c.yaml") == ["churn (risk/churn)"]


def test_own_monitoring_is_there() -> None:
    assert "MonitoredModel operator" in titles(Path(__file__).parents[3] / "config/monitoring.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod\n", "no dashboard"),
        ("{", "while parsing"),
        (MODEL.replace("image", "imagine"), "spec"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(NoDashboards, match=said):
        titles(tmp_path / "x.yaml")


def command(*words: str) -> Result:
    return CliRunner().invoke(main, ["dashboard", "preview", "-f", "-", "--prometheus", "http://127.0.0.1:1", *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--prometheus", "file:///etc/passwd"), "is no address"),
        (("--listen", "8090"), "is no host and port"),
        (("--range", "soon"), "is no duration"),
        (("--end", "tomorrow"), "is no time"),
    ],
)
def test_wrong_options_are_refused(words: tuple[str, ...], said: str) -> None:
    result = command(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_address_that_is_taken_is_said() -> None:
    async def twice() -> None:
        async with serving(Preview((), "http://127.0.0.1:1", "127.0.0.1:0")) as address:
            taken = address.removeprefix("http://")
            with pytest.raises(CannotServe, match=f"cannot listen on {taken}"):
                async with serving(Preview((), "http://127.0.0.1:1", taken)):
                    pass

    asyncio.run(twice())


# What is None in sys.modules cannot be imported: as where it is not installed.
WITHOUT = "import sys; sys.modules['plotly'] = None; from monitored_models.cli.main import main; "


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_plotly_the_command_says_how_to_get_it() -> None:
    done = python(WITHOUT + "main(['dashboard', 'preview', '-f', '-', '--prometheus', 'http://127.0.0.1:1'])")
    assert done.returncode == 1
    assert done.stderr == "Error: plotly is not installed: pip install 'monitored-models[preview]'\n"


def test_the_operator_runs_without_plotly_and_never_loads_the_preview(tmp_path: Path) -> None:
    """It gets as far as looking for a cluster."""
    (tmp_path / "none").write_text("{}")
    code = WITHOUT + (
        "import os\n"
        f"os.environ['KUBECONFIG'] = {str(tmp_path / 'none')!r}\n"
        "try:\n    main(['run'])\n"
        "finally:\n    print(sorted(name for name in sys.modules if 'preview' in name or name.startswith('plotly.')))"
    )
    done = python(code)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.returncode == 1
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
