"""The page on supported versions lists what the tests are pinned to, and no page requires anything else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from testbed import tools
from testbed.debian import OLD_PROMETHEUS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/support.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("charts/*/Chart.yaml")]
LISTED = {"prometheus-operator", "prometheus", "alertmanager", "helm", "argocd"} & tools.GROUPS.keys()
"""Groups of tools that users have too; the others serve the tests."""


def rows(section: str) -> list[list[str]]:
    """The cells of the table in a section."""
    lines = PAGE.split(f"## {section}\n")[1].split("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def modules(group: str) -> dict[str, str]:
    """The versions of the modules whose programs a group builds, by module."""
    required = dict(
        re.findall(r"^(?:require )?\s*(\S+) v(\S+)", (tools.SOURCES / group / "go.mod").read_text(), re.MULTILINE)
    )
    family = "kubernetes" if group in tools.KUBERNETES.values() else group
    packages = {binary.package for binary in tools.BINARIES.values() if binary.group == family}
    owners = {
        max((path for path in required if f"{package}/".startswith(f"{path}/")), key=len, default="")
        for package in packages
    }
    return {module: required[module] for module in owners if module}


@pytest.mark.parametrize("group", sorted(group for group in tools.GROUPS if modules(group)))
def test_version_of_a_group_is_that_of_its_module(group: str) -> None:
    """Prometheus publishes 3.10.0 as the module v0.310.0."""
    version = tools.GROUPS[group].version
    major, middle, patch = version.split(".")
    expected = f"0.{major}{int(middle):02}.{patch}" if group == "prometheus" else version
    assert {*modules(group).values()} == {expected}


def test_page_lists_every_version_of_kubernetes_that_is_pinned() -> None:
    assert [row[:2] for row in rows("Kubernetes")] == [[minor(version), version] for version in tools.KUBERNETES]


@pytest.mark.parametrize(
    "version", [version for version in tools.KUBERNETES if tools.KUBERNETES[version] != "kubernetes"]
)
def test_page_has_the_command_for_a_version_of_kubernetes(version: str) -> None:
    (command,) = (row[2] for row in rows("Kubernetes") if row[1] == version)
    assert command == f"`KUBERNETES={version} make test-e2e`"


def test_page_lists_every_version_of_python_that_the_package_names() -> None:
    named = [
        name.rpartition(" ")[2]
        for name in PROJECT["classifiers"]
        if name.startswith("Programming Language :: Python ::")
    ]
    assert [row[0] for row in rows("Python")] == named
    assert [minor(row[1]) for row in rows("Python")] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("group", sorted(LISTED))
def test_page_lists_the_version_of_a_component(group: str) -> None:
    cell = f"[{group}](../tests/testbed/tools/{group}/go.mod)"
    assert [row[1] for row in rows("Other components") if row[2] == cell] == [tools.GROUPS[group].version]


def test_every_component_of_the_page_is_pinned() -> None:
    for name, version, pin in rows("Other components"):
        if pin == "Debian's package":
            assert version == OLD_PROMETHEUS
        else:
            group = pin[1:].partition("]")[0]
            assert group in LISTED, name


@pytest.mark.parametrize(
    ("pattern", "oldest"),
    [
        (r'(?:Kubernetes (1\.\d+) or|kubeVersion: [">=]+(1\.\d+)\.0)', minor(next(iter(tools.KUBERNETES)))),
        (r"prometheus-operator (\d+\.\d+) or", minor(tools.GROUPS["prometheus-operator"].version)),
        (r"Python (3\.\d+) or", PROJECT["requires-python"].removeprefix(">=")),
    ],
)
def test_pages_require_the_oldest_version_that_is_tested(pattern: str, oldest: str) -> None:
    required = {
        (document.name, "".join(match.groups("")))
        for document in DOCUMENTS
        for match in re.finditer(pattern, document.read_text())
    }
    assert ("support.md", oldest) in required
    assert {version for _, version in required} == {oldest}, required
