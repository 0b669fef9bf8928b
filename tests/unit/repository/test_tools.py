"""KUBERNETES chooses the version of Kubernetes' components, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import tools


@pytest.mark.parametrize(
    ("chosen", "group"),
    [("", "kubernetes"), ("1.34", "kubernetes-1.34"), ("1.34.4", "kubernetes-1.34"), ("1.36.3", "kubernetes")],
)
def test_group_is_chosen_by_version_or_minor(monkeypatch: pytest.MonkeyPatch, chosen: str, group: str) -> None:
    monkeypatch.setenv("KUBERNETES", chosen)
    assert tools.group_of("kube-apiserver") == group
    assert tools.group_of("etcd") == "etcd"


@pytest.mark.parametrize("unknown", ["1.3", "1.33", "1.34.3", "v1.34.4"])
def test_unknown_version_is_refused_with_those_that_are_known(monkeypatch: pytest.MonkeyPatch, unknown: str) -> None:
    monkeypatch.setenv("KUBERNETES", unknown)
    with pytest.raises(tools.ToolError, match=f"KUBERNETES={unknown}: .* choose one of 1.34.4, 1.36.3"):
        tools.ensure("kube-apiserver")


def test_chosen_version_comes_before_a_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    (tmp_path / "go").write_text("#!/bin/sh\necho not built >&2; exit 1\n")
    for name in ("kube-apiserver", "etcd", "go"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o755)
    assert tools.ensure("kube-apiserver", "etcd") == {name: tmp_path / name for name in ("kube-apiserver", "etcd")}
    monkeypatch.setenv("KUBERNETES", "1.34")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(tools.ToolError, match="not built"):
        tools.ensure("kube-apiserver", "etcd")
