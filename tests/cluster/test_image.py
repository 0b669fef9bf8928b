"""What is in the operator's image, and what is not."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import VERSION
from testbed import operator_image

LIMIT_COMPRESSED, LIMIT_UNPACKED = 80e6, 320e6
"""Bytes; docs/promises.md states the sizes."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def layer() -> Iterator[tarfile.TarFile]:
    """The only layer of the image."""
    with tarfile.open(operator_image.build(VERSION).archive) as archive:
        (digest,) = [each["digest"] for each in _manifest(archive)["layers"]]
        with tarfile.open(fileobj=archive.extractfile(_blob(digest))) as inner:
            yield inner


def test_configuration_is_that_of_a_non_root_program() -> None:
    with tarfile.open(operator_image.build(VERSION).archive) as archive:
        config = _read(archive, _manifest(archive)["config"]["digest"])["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["python3", "-m", "monitored_models.cli"]
    assert config["Labels"]["org.opencontainers.image.version"] == VERSION


def test_it_is_small_and_holds_no_compiler_installer_or_tests(layer: tarfile.TarFile) -> None:
    members = layer.getmembers()
    assert operator_image.build(VERSION).archive.stat().st_size < LIMIT_COMPRESSED
    assert sum(member.size for member in members) < LIMIT_UNPACKED
    names = [f"/{member.name.removeprefix('./')}" for member in members]
    forbidden = (
        r"/(gcc|cc|g\+\+|pip3?|make|curl|wget|git)$|/site-packages/pip/|/dist-packages/pip/|/ensurepip/|/(test|tests)/"
    )
    found = [name for name in names if re.search(forbidden, name) and "/usr/share/" not in name]
    assert found == []


def test_packages_are_those_of_the_lock_and_urllib3_is_not_overlaid(layer: tarfile.TarFile) -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+) ", (ROOT / "requirements/operator.txt").read_text(), re.MULTILINE))
    names = [member.name.removeprefix("./") for member in layer.getmembers()]
    found = [re.fullmatch(r"app/([\w.]+)-([^-/]+)\.dist-info", name) for name in names]
    installed = {match[1]: match[2] for match in found if match}
    normalized = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in installed.items()}
    ours = {"monitored-models", "modelsignals"}
    assert {name: version for name, version in normalized.items() if name not in ours} == {
        name: version for name, version in locked.items() if name in normalized
    }
    assert ours | {"urllib3", "kopf", "aiohttp"} <= normalized.keys()
    version = layer.extractfile(
        next(each for each in layer.getmembers() if each.name.endswith("app/urllib3/_version.py"))
    )
    assert version is not None
    assert locked["urllib3"] in version.read().decode()
    assert [name for name in names if name.endswith(".pth") and name.startswith("app/")] == []


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    return _read(archive, index["manifests"][0]["digest"])


def _read(archive: tarfile.TarFile, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = json.load(archive.extractfile(_blob(digest)))  # type: ignore[arg-type]
    return found


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
