"""The operator's image as an OCI archive, built by buildah in a storage of its own.

Times of files and of the configuration are the commit's. The archive is packed here, since buildah's has the time of the build.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .commands import run

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Bases:
    """The images that the Dockerfile starts from, as buildah names them, and a folder with the packages that it installs."""

    runtime: str
    build: str
    wheels: Path | None = None


@dataclass(frozen=True)
class Built:
    """An image: its name, the digest of its manifest, and those of its bases by the argument that names them."""

    name: str
    digest: str
    bases: dict[str, str]


def build(tree: Path, archive: Path, *, name: str, version: str, commit: str, time: int, bases: Bases) -> Built:
    """Build the image with this full name into an archive."""
    with tempfile.TemporaryDirectory(prefix="monitored-models-image-") as temporary:
        folder = Path(temporary)
        storage = [f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}", "--storage-driver=vfs"]

        def buildah(*words: str | Path) -> str:
            return run(
                "buildah", *storage, *words, env={"BUILDAH_ISOLATION": os.environ.get("BUILDAH_ISOLATION", "chroot")}
            )

        images = {"BASE_IMAGE": bases.runtime, "BUILD_IMAGE": bases.build}
        pulled = {argument: buildah("pull", "--quiet", image) for argument, image in images.items()}
        arguments = {**pulled, "VERSION": version, "REVISION": commit}
        volumes = []
        if bases.wheels:
            arguments["PIP_OPTIONS"] = "--no-index --find-links /wheels"
            volumes = [f"--volume={bases.wheels.resolve()}:/wheels:ro"]
        buildah(
            "bud", "--quiet", "--pull=never", f"--timestamp={time}", *volumes,
            *(f"--build-arg={argument}={value}" for argument, value in arguments.items()),
            "--file", tree / "operator/Dockerfile", "--tag", name, tree,
        )  # fmt: skip
        buildah("push", "--quiet", name, f"oci:{folder / 'layout'}:{name}")
        _pack(folder / "layout", archive, time)
        digest = json.loads((folder / "layout/index.json").read_text())["manifests"][0]["digest"]
        digests = {
            argument: buildah("inspect", "--type=image", "--format={{.FromImageDigest}}", image)
            for argument, image in pulled.items()
        }
        return Built(name, digest, digests)


def _pack(layout: Path, archive: Path, time: int) -> None:
    run(
        "tar", "--create", f"--file={archive}", f"--directory={layout}", "--format=gnu", "--sort=name",
        f"--mtime=@{time}", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX",
        "blobs", "index.json", "oci-layout",
    )  # fmt: skip
