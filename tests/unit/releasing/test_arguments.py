from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from releasing.__main__ import main


def test_an_image_needs_both_bases() -> None:
    result = CliRunner().invoke(main, ["build", "--base-image=python:3.13-slim"])
    assert result.exit_code == 1
    assert "BASE_IMAGE and BUILD_IMAGE" in result.output


def test_nothing_is_published_without_a_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_KEY", raising=False)
    result = CliRunner().invoke(main, ["publish", f"--dist={tmp_path}", "--registry=registry.example.com"])
    assert result.exit_code == 1
    assert "COSIGN_KEY" in result.output


def test_what_was_not_built_cannot_be_published(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["publish", f"--dist={tmp_path}", "--registry=registry.example.com", "--key=a"])
    assert result.exit_code == 1
    assert "make release" in result.output
