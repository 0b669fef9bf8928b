"""A release is built, signed, pushed to a registry on loopback and verified with the commands of docs/releasing.md.

Needs root, for buildah; `make test-release` runs it, and `.ci/run` where it is root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import workshop
from releasing import checksums, version
from testbed import debian, operator_image, tools

VERSION = version.version(workshop.ROOT)
ARCHIVES = {
    f"modelsignals-{VERSION}-py3-none-any.whl",
    f"modelsignals-{VERSION}.tar.gz",
    f"monitored_models-{VERSION}-py3-none-any.whl",
    f"monitored_models-{VERSION}.tar.gz",
    f"monitored-models-{VERSION}.tgz",
    f"monitored-models-{VERSION}.yaml",
    f"monitored-models-{VERSION}-linux-amd64.oci.tar",
    f"monitored-models-{VERSION}.cdx.json",
    "RELEASE_NOTES.md",
}
BUNDLES = {"SHA256SUMS.sigstore.json", "provenance.intoto.json.sigstore.json"}
FILES, PUSHED = workshop.documented_commands()


@dataclass(frozen=True)
class Release:
    """Two builds of one commit, the first one signed, and where it was pushed to."""

    commit: str
    clone: Path
    second: Path
    registry: str
    keys: Path

    @property
    def dist(self) -> Path:
        return self.clone / "dist"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the docs' commands."""
        key = f"--key {self.keys / 'cosign.pub'} --insecure-ignore-tlog"
        return {"KEY": key, "VERSION": VERSION, "REGISTRY": self.registry}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    repository, first, second, keys, wheels = (folder / name for name in ("repository", "a", "b", "keys", "wheels"))
    for each in (repository, keys, wheels):
        each.mkdir()
    commit = workshop.commit_working_tree(repository)
    debian.ensure("buildah")
    operator_image.wheels(wheels)
    options = workshop.key_pair(keys)
    signer = {"COSIGN_KEY": str(keys / "cosign.key"), "COSIGN_OPTIONS": options}
    with workshop.registry(folder) as address:
        arguments = {
            "BASE_IMAGE": f"oci-archive:{operator_image.base().archive}",
            "BUILD_IMAGE": f"oci-archive:{operator_image.build_base().archive}",
            "WHEELS": str(wheels),
            "REGISTRY": f"{address}/team",
        }
        for clone in (first, second):
            workshop.clone(repository, clone)
        workshop.make("release", first, {**arguments, **signer})
        workshop.make("release", second, arguments, umask=0o077, zone="Asia/Kathmandu")
        workshop.make("publish", first, {"REGISTRY": f"{address}/team", "PLAIN_HTTP": "1", **signer})
        yield Release(commit, first, second / "dist", f"{address}/team", keys)


@pytest.fixture
def download(release: Release, tmp_path: Path) -> Path:
    """A copy of the signed files."""
    return shutil.copytree(release.dist, tmp_path / "download")


def statement(release: Release) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((release.dist / "provenance.intoto.json").read_text())
    return parsed


def image_json(release: Release, *path: str) -> Any:
    """A JSON document in the image's archive."""
    with tarfile.open(release.dist / f"monitored-models-{VERSION}-linux-amd64.oci.tar") as tar:
        content = tar.extractfile("/".join(path))
        assert content
        return json.load(content)


def blob(release: Release, descriptor: dict[str, Any]) -> Any:
    return image_json(release, "blobs", *descriptor["digest"].split(":"))


def test_a_release_has_all_files(release: Release) -> None:
    names = {path.name for path in release.dist.iterdir()}
    assert names == ARCHIVES | {"SHA256SUMS", "provenance.intoto.json"} | BUNDLES


def test_two_builds_of_one_commit_are_identical(release: Release) -> None:
    names = {path.name for path in release.second.iterdir()}
    assert names == ARCHIVES | {"SHA256SUMS", "provenance.intoto.json"}
    different = [
        name
        for name in sorted(names)
        if checksums.sha256(release.dist / name) != checksums.sha256(release.second / name)
    ]
    assert different == []


def test_the_wheels_have_a_command_of_this_version(release: Release, tmp_path: Path) -> None:
    wheels = [str(path) for path in release.dist.glob("*.whl")]
    install = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--target",
        str(tmp_path),
    ]
    subprocess.run([*install, *wheels], check=True)
    mmctl = [sys.executable, "-m", "monitored_models.cli", "--version"]
    done = subprocess.run(
        mmctl, env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True, capture_output=True, check=True
    )
    assert VERSION in done.stdout


def test_the_image_names_version_and_commit_and_has_the_time_of_the_commit(release: Release) -> None:
    (entry,) = image_json(release, "index.json")["manifests"]
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == f"{release.registry}/monitored-models:{VERSION}"
    config = blob(release, blob(release, entry)["config"])
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.revision"] == release.commit
    assert config["created"].startswith("2026-02-02T02:40:00")


def test_the_chart_deploys_the_image_of_its_release(release: Release) -> None:
    helm = tools.ensure("helm")["helm"]
    chart = release.dist / f"monitored-models-{VERSION}.tgz"

    def run(*words: str) -> str:
        return subprocess.run([helm, *words, chart], text=True, capture_output=True, check=True).stdout

    described = yaml.safe_load(run("show", "chart"))
    assert (described["version"], described["appVersion"]) == (VERSION, VERSION)
    rendered = (release.dist / f"monitored-models-{VERSION}.yaml").read_text()
    images = {
        container["image"]
        for each in [*yaml.safe_load_all(run("template", "operator")), *yaml.safe_load_all(rendered)]
        if each and each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"{release.registry}/monitored-models:{VERSION}"}


def test_the_provenance_names_each_file_the_image_and_the_commit(release: Release) -> None:
    (entry,) = image_json(release, "index.json")["manifests"]
    subjects = {each["name"]: each["digest"]["sha256"] for each in statement(release)["subject"]}
    assert subjects == {
        **{name: checksums.sha256(release.dist / name) for name in ARCHIVES},
        f"{release.registry}/monitored-models:{VERSION}": entry["digest"].removeprefix("sha256:"),
    }
    definition = statement(release)["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["commit"] == release.commit
    assert {"BASE_IMAGE", "BUILD_IMAGE"} < {each["name"] for each in definition["resolvedDependencies"]}


def test_downloaded_files_verify(release: Release, download: Path) -> None:
    done = workshop.verify(FILES, download, release.variables)
    assert done.returncode == 0, done.stderr


def tamper_with_chart(folder: Path) -> None:
    path = folder / f"monitored-models-{VERSION}.tgz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def tamper_with_chart_and_checksums(folder: Path) -> None:
    tamper_with_chart(folder)
    path = folder / f"monitored-models-{VERSION}.tgz"
    sums = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    changed = [f"{checksums.sha256(path)}  {path.name}\n" if path.name in line else line for line in sums]
    (folder / "SHA256SUMS").write_text("".join(changed))


def sign_with_another_key(folder: Path) -> None:
    (folder / "keys").mkdir()
    options = workshop.key_pair(folder / "keys")
    command = [
        "cosign",
        "sign-blob",
        "--yes",
        "--key=keys/cosign.key",
        *options.split(),
        "--bundle=SHA256SUMS.sigstore.json",
    ]
    environment = {**os.environ, **workshop.program_path("cosign"), "COSIGN_PASSWORD": ""}
    subprocess.run([*command, "SHA256SUMS"], cwd=folder, env=environment, capture_output=True, check=True)


@pytest.mark.parametrize(
    ("tamper", "failing"),
    [
        (tamper_with_chart, "sha256sum"),
        (tamper_with_chart_and_checksums, "cosign verify-blob "),
        (sign_with_another_key, "cosign verify-blob "),
    ],
)
def test_changed_files_fail_verification(
    release: Release, download: Path, tamper: Callable[[Path], None], failing: str
) -> None:
    tamper(download)
    done = workshop.verify(FILES, download, release.variables)
    assert done.returncode != 0
    commands = [line.removeprefix("+ ") for line in done.stderr.splitlines() if line.startswith("+ ")]
    assert commands[-1].startswith(failing), done.stderr


def test_a_changed_chart_has_no_provenance(release: Release, download: Path) -> None:
    tamper_with_chart(download)
    done = workshop.verify(FILES.splitlines()[-1], download, release.variables)
    assert done.returncode != 0
    assert "do not match" in done.stderr


def test_pushed_image_and_chart_verify(release: Release, tmp_path: Path) -> None:
    done = workshop.verify(PUSHED, tmp_path, release.variables)
    assert done.returncode == 0, done.stderr
    for name in ("bill-of-materials", "provenance", "chart-provenance"):
        assert (tmp_path / f"{name}.jsonl").stat().st_size > 0


def test_the_registry_has_the_image_of_the_archive(release: Release, tmp_path: Path) -> None:
    (entry,) = image_json(release, "index.json")["manifests"]
    done = workshop.verify("crane digest $REGISTRY/monitored-models:$VERSION", tmp_path, release.variables)
    assert done.stdout.strip() == entry["digest"]


def test_another_image_under_the_tag_fails_verification(release: Release, tmp_path: Path) -> None:
    fake = f"{release.registry}/fake"
    replace = (
        f"crane copy $REGISTRY/monitored-models:$VERSION {fake}/monitored-models:$VERSION\n"
        f"crane mutate --label=changed=yes {fake}/monitored-models:$VERSION --tag {fake}/monitored-models:$VERSION"
    )
    done = workshop.verify(replace, tmp_path, release.variables)
    assert done.returncode == 0, done.stderr
    done = workshop.verify(PUSHED, tmp_path, {**release.variables, "REGISTRY": fake})
    assert done.returncode != 0
    assert "no signatures found" in done.stderr


def test_changed_files_are_not_published(release: Release, download: Path) -> None:
    tamper_with_chart(download)
    arguments = {"DIST": str(download), "REGISTRY": release.registry, "COSIGN_KEY": "unused", "PLAIN_HTTP": "1"}
    assert f"disagrees with monitored-models-{VERSION}.tgz" in workshop.make_fails("publish", release.clone, arguments)


def test_a_tree_that_differs_from_its_commit_is_refused(release: Release, tmp_path: Path) -> None:
    workshop.clone(release.clone, tmp_path / "clone")
    (tmp_path / "clone/operator/monitored_models/new.py").write_text("")
    message = workshop.make_fails("release", tmp_path / "clone", {})
    assert "a release is built from a commit" in message
    assert "operator/monitored_models/new.py" in message
    assert not (tmp_path / "clone/dist").exists()
