"""The operator's image, built from its Dockerfile by buildah on Debian's Python, without a registry.

The packages come from a folder of wheels, as in an installation without a network. An unchanged tree finds the archive
that it built before.
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
from pathlib import Path

from releasing import image
from releasing.image import Bases
from testbed import debian, images, oci
from testbed.oci import Image, Runs

ROOT = Path(__file__).parents[2]
REPOSITORY = "docker.io/local/monitored-models"
LOCKS = (ROOT / "requirements/build.txt", ROOT / "requirements/operator.txt")
SOURCES = ("operator", "modelsignals", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
SOURCE_ONLY = "urllib3-future"
"""Its wheel replaces urllib3; decision 0023."""


def build(version: str) -> Image:
    """The archive of the image with this tag; built first if the tree has changed."""
    tagged = f"{REPOSITORY}:{version}"
    name = oci.key(version, {str(path.relative_to(ROOT)): oci.digest_of(path) for path in _sources()})

    def bud(target: Path) -> None:
        debian.ensure("buildah")
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            wheels(Path(folder))
            bases = Bases(f"oci-archive:{base().archive}", f"oci-archive:{build_base().archive}", Path(folder))
            image.build(ROOT, target, name=tagged, version=version, commit="", time=0, bases=bases)

    archive = oci.cached("archives/operator", f"{name}.tar", bud, "the operator's image, usually about 2 min")
    oci.forget_older(archive)
    return Image(tagged, archive)


def base() -> Image:
    """Debian's Python alone: what the operator runs on."""
    return oci.archive("docker.io/local/python-base:bookworm", [images.python_base()], Runs(["python3"], "0:0"))


def build_base() -> Image:
    """The same with pip."""
    return oci.archive("docker.io/local/python-pip:bookworm", [images.python_base(), _pip()], Runs(["python3"], "0:0"))


def wheels(folder: Path) -> None:
    """Fill a folder with all packages that the image's build installs, for the base's Python."""
    key = oci.key("wheels", [oci.digest_of(path) for path in LOCKS], oci.ARCHITECTURE)
    with tarfile.open(oci.cached("wheels", f"{key}.tar", _download, "the operator's packages, about 30 s")) as tar:
        tar.extractall(folder, filter="data")


def _sources() -> list[Path]:
    """The files that the build reads."""
    found = [
        path for name in SOURCES for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    return sorted({*(path for path in found if path.is_file() and "__pycache__" not in path.parts), *LOCKS})


def _pip() -> oci.Layer:
    """pip as this Python has it, where Debian's Python looks for packages."""
    import pip  # noqa: PLC0415 (an environment without pip can run everything else)

    package = Path(pip.__file__).parent

    def write(tar: Path) -> None:
        with tarfile.open(tar, "w") as out:
            oci.add_tree(out, "usr/lib/python3/dist-packages/pip", package)

    return oci.layer(oci.key("pip", pip.__version__), write)


def _download(tar: Path) -> None:
    with tempfile.TemporaryDirectory(dir=tar.parent) as folder:
        requirements = Path(folder) / "requirements.txt"
        blocks = "".join(path.read_text() for path in LOCKS).replace("\\\n", " ").splitlines()
        source = [line for line in blocks if line.startswith(f"{SOURCE_ONLY}==")]
        packages = Path(folder) / "wheels"
        for chosen, options in (
            (sorted(set(blocks) - set(source)), images.wheel_options()),
            (source, ["--no-binary=:all:", "--no-build-isolation"]),
        ):
            requirements.write_text("\n".join(chosen))
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *options]
            command = [*pip, "--dest", str(packages), "--requirement", str(requirements)]
            images.run(command, os.environ | {"URLLIB3_NO_OVERRIDE": "1"})
        with tarfile.open(tar, "w") as out:
            for path in sorted(packages.iterdir()):
                oci.add_file(out, path.name, path)
