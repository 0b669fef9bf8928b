"""What is in the container images of the test bed: a pause program, static binaries, Python applications.

What takes long (Debian's Python, the packages from PyPI) is a cached layer of its own, so that an edit of an
application costs no more than writing its archive again.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed import debian, oci
from testbed.oci import Image, Layer, Runs
from testbed.tools import ToolError

PAUSE = "docker.io/local/pause:1"

# Debian's Python: the packages from PyPI are chosen for this version and this C library, whatever runs this code.
SUITE, PYTHON, GLIBC_MINOR = "bookworm", "3.11", 36
BASE_RECIPE = [
    "--variant=essential",
    # Without `usr-is-merged`, and the hook that makes it true, Perl comes along to merge /usr: a third of the size.
    "--include=python3,libstdc++6,usr-is-merged",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale", "info")),
    "--skip=output/dev",
    SUITE,
]
# The first container of every pod: it only has to stay, and to leave at once when it is told to.
PAUSE_SOURCE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM)
	<-told
}
"""


def pause() -> Image:
    """The image that holds a pod's namespaces open."""
    name = oci.key(PAUSE_SOURCE, oci.ARCHITECTURE)
    return static(PAUSE, {"pause": oci.cached("pause", name, _build_pause)}, Runs(["/bin/pause"], "65535:65535"))


def static(name: str, binaries: Mapping[str, Path], runs: Runs) -> Image:
    """An image of statically linked programs in /bin and the folders that they expect, without a distribution."""

    def build(tar: Path) -> None:
        with tarfile.open(tar, "w") as out:
            for folder in ("bin", "dev", "etc", "proc", "sys"):
                oci.add_folder(out, folder)
            oci.add_folder(out, "tmp", mode=0o1777)
            oci.add_folder(out, "prometheus", owner=65534)
            for target, source in sorted(binaries.items()):
                oci.add_file(out, f"bin/{target}", source, mode=0o755)

    return oci.archive(name, [oci.layer(oci.key("static", _digests(binaries)), build)], runs)


def python_base() -> Layer:
    """Debian's Python, and nothing else that a server would not need."""

    def build(tar: Path) -> None:
        debian.ensure("mmdebstrap")
        run([debian.command("mmdebstrap"), "--format=tar", *BASE_RECIPE, str(tar)])

    what = "the Python base image, usually about 1 min"
    return oci.layer(oci.key("base", BASE_RECIPE, oci.ARCHITECTURE), build, what)


def python_app(name: str, files: Mapping[str, Path], requirements: Path, runs: Runs) -> Image:
    """Files and hash-pinned packages in /app, on the Python base; a name without a tag gets the digest as its tag."""

    def build(tar: Path) -> None:
        with tarfile.open(tar, "w") as out:
            oci.add_folder(out, "app")
            for target, source in sorted(files.items()):
                oci.add_file(out, f"app/{target}", source)

    layers = [python_base(), _packages(requirements), oci.layer(oci.key("app", _digests(files)), build)]
    env = {"PYTHONPATH": "/app/packages", "PYTHONUNBUFFERED": "1", **runs.env}
    return oci.archive(name, layers, Runs(runs.entrypoint, runs.user, env, "/app"))


def _packages(requirements: Path) -> Layer:
    """The wheels that the base's Python would choose, in /app/packages."""
    # Compiled beforehand, or every start on a read-only root file system compiles anew; only the same Python can do
    # it. The result must not depend on the sources' times, which are not kept.
    compiles = f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON

    def build(tar: Path) -> None:
        with tempfile.TemporaryDirectory(dir=tar.parent) as folder:
            target = Path(folder) / "packages"
            run([sys.executable, *_pip_install(), "--target", str(target), "--requirement", str(requirements)])
            for tests in sorted(target.rglob("tests")):  # a fifth of the numeric packages
                shutil.rmtree(tests, ignore_errors=True)
            if compiles:
                options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", folder, "-p", "/app"]
                run([sys.executable, "-m", "compileall", *options, str(target)])
            with tarfile.open(tar, "w") as out:
                oci.add_folder(out, "app")
                oci.add_tree(out, "app/packages", target)

    layer_key = oci.key("packages", requirements.read_text(), PYTHON, GLIBC_MINOR, oci.ARCHITECTURE, compiles)
    return oci.layer(layer_key, build, "the layer of Python packages, usually about 30 s")


def _pip_install() -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise ToolError(f"{sys.executable} has no pip: make its environment with `python -m venv`")
    return [
        *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"),
        *("--no-compile", "--require-hashes", *wheel_options()),
    ]


def wheel_options() -> list[str]:
    """Options of pip that choose wheels for the base's Python, whatever Python runs pip."""
    # Every tag by name: not every pip knows that a newer C library takes the wheels of the older ones, too.
    tags = [f"manylinux_2_{minor}" for minor in range(GLIBC_MINOR, 16, -1)] + ["manylinux2014", "linux"]
    return [
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON),
        *(word for tag in tags for word in ("--platform", f"{tag}_{platform.machine()}")),
    ]


def _build_pause(binary: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ToolError("go is not installed: the test bed builds its tools with it")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pause.go"
        source.write_text(PAUSE_SOURCE)
        # Outside of any module, whatever the settings of whoever runs this are.
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GO111MODULE": "off", "GOWORK": "off"}
        run([go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(binary), str(source)], environment)


def _digests(files: Mapping[str, Path]) -> dict[str, str]:
    return {target: oci.digest_of(source) for target, source in files.items()}


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command to its end. Raises ToolError with its output."""
    done = subprocess.run(arguments, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        raise ToolError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
